package ingest

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"dsql/engine/duck"
)

// schemaScalar is a value that is no record, array, map or union.
type schemaScalar struct {
	n  int64   // boolean, int, long, enum: the symbol's number; a moment's seconds
	ns int32   // a moment's nanoseconds
	f  float64 // float, double
	b  []byte  // bytes, string, fixed: where they lie in the record; enum: the symbol
}

var plainLong = schemaType{kind: kindLong}

// put writes a value into a row of a column. After a fault w.buf has the value's text.
func (t *schemaType) put(w *writer, c *column, row int, s schemaScalar) fault {
	v := &w.vecs[c.vec]
	if c.id >= duck.TypeStruct {
		return t.orText(w, wrong, s)
	}
	switch t.kind {
	case kindBoolean:
		if c.id == duck.TypeBoolean {
			duck.Put(v, row, s.n == 1)
			return fine
		}
	case kindMoment:
		switch {
		case t.logical == logicalDuration && c.id != duck.TypeVarchar:
			w.buf = appendSeconds(w.buf[:0], s)
			return w.scalar(c, row, w.buf, fromNumber, false)
		case t.logical == logicalTimestamp && c.id >= duck.TypeDate && c.id <= duck.TypeTimestampTZ:
			return t.orText(w, c.putInstant(v, row, instant{sec: s.n, ns: s.ns}), s)
		case c.id != duck.TypeVarchar:
			return t.orText(w, wrong, s)
		}
	case kindEnum:
		if t.proto.names != nil && c.id >= duck.TypeTinyInt && c.id <= duck.TypeUHugeInt {
			return plainLong.orText(w, c.putInt(v, row, s.n), s)
		}
	case kindInt, kindLong, kindUint, kindUlong:
		switch {
		case t.kind == kindUlong && s.n < 0: // 2^63 and more
			w.buf = strconv.AppendUint(w.buf[:0], uint64(s.n), 10)
			return w.scalar(c, row, w.buf, fromNumber, false)
		case t.logical != logicalNone && (c.id >= duck.TypeDate && c.id <= duck.TypeTimestampTZ):
			return t.orText(w, t.temporal(c, v, row, s.n), s)
		case t.logical != logicalNone && c.id == duck.TypeVarchar:
		case c.id == duck.TypeBigInt:
			duck.Put(v, row, s.n)
			return fine
		case c.id == duck.TypeDouble:
			duck.Put(v, row, float64(s.n))
			return fine
		case c.id >= duck.TypeTinyInt && c.id <= duck.TypeUHugeInt:
			return plainLong.orText(w, c.putInt(v, row, s.n), s)
		default: // as a number, whatever it means
			w.buf = strconv.AppendInt(w.buf[:0], s.n, 10)
			return w.scalar(c, row, w.buf, fromNumber, false)
		}
	case kindDouble, kindFloat:
		switch c.id {
		case duck.TypeDouble:
			duck.Put(v, row, s.f)
			return fine
		case duck.TypeFloat:
			x := float32(s.f)
			if math.IsInf(float64(x), 0) && !math.IsInf(s.f, 0) {
				return t.orText(w, outOfRange, s)
			}
			duck.Put(v, row, x)
			return fine
		}
	case kindString, kindBytes, kindFixed:
		switch {
		case c.id == duck.TypeBlob, c.id == duck.TypeVarchar && t.kind == kindString:
			v.PutBytes(row, s.b)
			return fine
		case t.kind == kindString:
			f := w.scalar(c, row, s.b, fromText, true)
			if f != fine {
				w.buf = append(w.buf[:0], s.b[:min(len(s.b), 2*excerptBytes)]...)
			}
			return f
		case t.logical == logicalNone && c.id == duck.TypeVarchar && utf8.Valid(s.b):
			v.PutBytes(row, s.b)
			return fine
		case t.logical == logicalNone:
			return t.orText(w, wrong, s)
		case t.logical == logicalUUID && c.id == duck.TypeUUID:
			duck.Put(v, row, duck.Int128{Lo: binary.BigEndian.Uint64(s.b[8:]), Hi: int64(binary.BigEndian.Uint64(s.b) ^ 1<<63)}) // turned: see parseUUID
			return fine
		case t.logical == logicalDecimal && c.id == duck.TypeDecimal && c.scale >= t.scale:
			if neg, x, ok := magnitude(s.b); ok {
				if x, ok = x.times10(c.scale - t.scale); ok {
					return t.orText(w, c.putBig(v, row, neg, x), s)
				}
			}
			return t.orText(w, outOfRange, s)
		case t.logical != logicalDecimal && c.id != duck.TypeVarchar:
			return t.orText(w, wrong, s)
		}
	}
	if f := t.text(w, s); f != fine {
		return t.orText(w, f, s)
	}
	from := fromText
	switch {
	case t.kind == kindBoolean:
		from = fromLiteral
	case t.kind == kindFloat || t.kind == kindDouble || t.logical == logicalDecimal:
		from = fromNumber
	}
	return w.scalar(c, row, w.buf, from, false)
}

// orText writes the value's text for the reason, after a fault.
func (t *schemaType) orText(w *writer, f fault, s schemaScalar) fault {
	if f != fine {
		if t.text(w, s) != fine && (t.kind == kindInt || t.kind == kindLong) {
			w.buf = strconv.AppendInt(w.buf[:0], s.n, 10)
		}
	}
	return f
}

// temporal writes a date or time.
func (t *schemaType) temporal(c *column, v *duck.Vector, row int, n int64) fault {
	if (t.logical == logicalTime) != (c.id == duck.TypeTime) {
		return wrong
	}
	if t.logical == logicalTime {
		us := n
		if t.scale == 3 {
			us *= 1000 // an int
		}
		if us < 0 || us > 86400e6 {
			return outOfRange
		}
		duck.Put(v, row, us)
		return fine
	}
	if t.scale == 6 && (c.id == duck.TypeTimestamp || c.id == duck.TypeTimestampTZ) && n >= minSeconds*1e6 && n < math.MaxInt64 {
		duck.Put(v, row, n)
		return fine
	}
	return c.putInstant(v, row, t.instant(n))
}

// instant is a date's or timestamp's time.
func (t *schemaType) instant(n int64) instant {
	if t.logical == logicalDate {
		return instant{sec: n * 86400}
	}
	unit := int64(1)
	for range t.scale {
		unit *= 10
	}
	sec, rest := n/unit, n%unit
	if rest < 0 {
		sec, rest = sec-1, rest+unit
	}
	return instant{sec: sec, ns: int32(rest * (1e9 / unit))}
}
