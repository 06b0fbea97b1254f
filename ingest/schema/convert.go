package schema

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"dsql/engine/duck"
	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
)

// Put writes a value into a row of a column. After a fault w.buf has the value's text.
func (t *Type) Put(w *convert.Writer, c *convert.Column, row int, s Scalar) convert.Fault {
	v := &w.Vecs[c.Vec]
	if c.ID >= duck.TypeStruct {
		return t.orText(w, convert.Wrong, s)
	}
	switch t.Kind {
	case KindBoolean:
		if c.ID == duck.TypeBoolean {
			duck.Put(v, row, s.Int == 1)
			return convert.Fine
		}
	case KindMoment:
		switch {
		case t.Logical == LogicalDuration && c.ID != duck.TypeVarchar:
			w.Buf = appendSeconds(w.Buf[:0], s)
			return w.Scalar(c, row, w.Buf, convert.FromNumber, false)
		case t.Logical == LogicalTimestamp && c.ID >= duck.TypeDate && c.ID <= duck.TypeTimestampTZ:
			return t.orText(w, c.PutInstant(v, row, convert.Instant{Seconds: s.Int, Nanos: s.Nanos}), s)
		case c.ID != duck.TypeVarchar:
			return t.orText(w, convert.Wrong, s)
		}
	case KindEnum:
		if t.Proto.Names != nil && c.ID >= duck.TypeTinyInt && c.ID <= duck.TypeUHugeInt {
			return plainLong.orText(w, c.PutInt(v, row, s.Int), s)
		}
	case KindInt, KindLong, KindUint, KindUlong:
		if f, done := t.putWhole(w, c, row, s); done {
			return f
		}
	case KindDouble, KindFloat:
		switch c.ID {
		case duck.TypeDouble:
			duck.Put(v, row, s.Float)
			return convert.Fine
		case duck.TypeFloat:
			x := float32(s.Float)
			if math.IsInf(float64(x), 0) && !math.IsInf(s.Float, 0) {
				return t.orText(w, convert.OutOfRange, s)
			}
			duck.Put(v, row, x)
			return convert.Fine
		}
	case KindString, KindBytes, KindFixed:
		if f, done := t.putBytes(w, c, row, s); done {
			return f
		}
	}
	if f := t.Text(w, s); f != convert.Fine {
		return t.orText(w, f, s)
	}
	from := convert.FromText
	switch {
	case t.Kind == KindBoolean:
		from = convert.FromLiteral
	case t.Kind == KindFloat || t.Kind == KindDouble || t.Logical == LogicalDecimal:
		from = convert.FromNumber
	}
	return w.Scalar(c, row, w.Buf, from, false)
}

// putWhole writes a whole number, or what one stands for; done: false where it goes as its text.
func (t *Type) putWhole(w *convert.Writer, c *convert.Column, row int, s Scalar) (f convert.Fault, done bool) {
	v := &w.Vecs[c.Vec]
	switch {
	case t.Kind == KindUlong && s.Int < 0: // 2^63 and more
		w.Buf = strconv.AppendUint(w.Buf[:0], uint64(s.Int), 10)
		return w.Scalar(c, row, w.Buf, convert.FromNumber, false), true
	case t.Logical != LogicalNone && (c.ID >= duck.TypeDate && c.ID <= duck.TypeTimestampTZ):
		return t.orText(w, t.temporal(c, v, row, s.Int), s), true
	case t.Logical != LogicalNone && c.ID == duck.TypeVarchar:
	case c.ID == duck.TypeBigInt:
		duck.Put(v, row, s.Int)
		return convert.Fine, true
	case c.ID == duck.TypeDouble:
		duck.Put(v, row, float64(s.Int))
		return convert.Fine, true
	case c.ID >= duck.TypeTinyInt && c.ID <= duck.TypeUHugeInt:
		return plainLong.orText(w, c.PutInt(v, row, s.Int), s), true
	default: // as a number, whatever it means
		w.Buf = strconv.AppendInt(w.Buf[:0], s.Int, 10)
		return w.Scalar(c, row, w.Buf, convert.FromNumber, false), true
	}
	return convert.Fine, false
}

// putBytes writes a text or bytes, or what they stand for; done: false where it goes as its text.
func (t *Type) putBytes(w *convert.Writer, c *convert.Column, row int, s Scalar) (f convert.Fault, done bool) {
	v := &w.Vecs[c.Vec]
	switch {
	case c.ID == duck.TypeBlob, c.ID == duck.TypeVarchar && t.Kind == KindString:
		v.PutBytes(row, s.Bytes)
		return convert.Fine, true
	case t.Kind == KindString:
		f := w.Scalar(c, row, s.Bytes, convert.FromText, true)
		if f != convert.Fine {
			w.Buf = append(w.Buf[:0], s.Bytes[:min(len(s.Bytes), 2*jsontext.ExcerptBytes)]...)
		}
		return f, true
	case t.Logical == LogicalNone && c.ID == duck.TypeVarchar && utf8.Valid(s.Bytes):
		v.PutBytes(row, s.Bytes)
		return convert.Fine, true
	case t.Logical == LogicalNone:
		return t.orText(w, convert.Wrong, s), true
	case t.Logical == LogicalUUID && c.ID == duck.TypeUUID:
		duck.Put(v, row, duck.Int128{Lo: binary.BigEndian.Uint64(s.Bytes[8:]), Hi: int64(binary.BigEndian.Uint64(s.Bytes) ^ 1<<63)}) // turned: see parseUUID
		return convert.Fine, true
	case t.Logical == LogicalDecimal && c.ID == duck.TypeDecimal && c.Scale >= t.Scale:
		if neg, x, ok := magnitude(s.Bytes); ok {
			if x, ok = x.Times10(c.Scale - t.Scale); ok {
				return t.orText(w, c.PutBig(v, row, neg, x), s), true
			}
		}
		return t.orText(w, convert.OutOfRange, s), true
	case t.Logical != LogicalDecimal && c.ID != duck.TypeVarchar:
		return t.orText(w, convert.Wrong, s), true
	}
	return convert.Fine, false
}

// orText writes the value's text for the reason, after a fault.
func (t *Type) orText(w *convert.Writer, f convert.Fault, s Scalar) convert.Fault {
	if f != convert.Fine {
		if t.Text(w, s) != convert.Fine && (t.Kind == KindInt || t.Kind == KindLong) {
			w.Buf = strconv.AppendInt(w.Buf[:0], s.Int, 10)
		}
	}
	return f
}

// temporal writes a date or time.
func (t *Type) temporal(c *convert.Column, v *duck.Vector, row int, n int64) convert.Fault {
	if (t.Logical == LogicalTime) != (c.ID == duck.TypeTime) {
		return convert.Wrong
	}
	if t.Logical == LogicalTime {
		us := n
		if t.Scale == 3 {
			us *= 1000 // an int
		}
		if us < 0 || us > 86400e6 {
			return convert.OutOfRange
		}
		duck.Put(v, row, us)
		return convert.Fine
	}
	if t.Scale == 6 && (c.ID == duck.TypeTimestamp || c.ID == duck.TypeTimestampTZ) && n >= convert.MinSeconds*1e6 && n < math.MaxInt64 {
		duck.Put(v, row, n)
		return convert.Fine
	}
	return c.PutInstant(v, row, t.instant(n))
}
