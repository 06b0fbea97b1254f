package ingest

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"time"
	"unicode/utf8"

	"dsql/engine"
)

// avroScalar is a value that is no record, array, map or union.
type avroScalar struct {
	n int64   // boolean, int, long, enum: the symbol's number
	f float64 // float, double
	b []byte  // bytes, string, fixed: where they lie in the record; enum: the symbol
}

// scalar reads the value at i.
func (d *avroDecoder) scalar(t *avroType) (s avroScalar, ok bool) {
	switch t.kind {
	case avroBoolean:
		s.b, ok = d.bytes(t, 1)
		if ok {
			if s.n = int64(s.b[0]); s.n > 1 {
				ok = d.bad("a boolean of %d at byte %d", s.n, d.i-1)
			}
		}
	case avroInt, avroLong:
		s.n, ok = d.long(t)
	case avroFloat:
		if s.b, ok = d.bytes(t, 4); ok {
			s.f = float64(math.Float32frombits(binary.LittleEndian.Uint32(s.b)))
		}
	case avroDouble:
		if s.b, ok = d.bytes(t, 8); ok {
			s.f = math.Float64frombits(binary.LittleEndian.Uint64(s.b))
		}
	case avroBytes, avroString:
		s.b, ok = d.prefixed(t)
	case avroFixed:
		s.b, ok = d.bytes(t, int64(t.size))
	case avroEnum:
		if s.n, ok = d.long(t); ok {
			if s.n < 0 || s.n >= int64(len(t.symbols)) {
				return s, d.bad("symbol %d of an enum of %d at byte %d", s.n, len(t.symbols), d.i)
			}
			s.b = t.symbols[s.n]
		}
	}
	return s, ok
}

var plainLong = avroType{kind: avroLong}

// convert writes a value into a row of a column. After a fault w.buf has the value's text.
func (d *avroDecoder) convert(t *avroType, c *column, row int, s avroScalar) fault {
	v := &d.w.vecs[c.vec]
	if c.id >= engine.TypeStruct {
		return d.orText(wrong, t, s)
	}
	switch t.kind {
	case avroBoolean:
		if c.id == engine.TypeBoolean {
			engine.Put(v, row, s.n == 1)
			return fine
		}
	case avroInt, avroLong:
		switch {
		case t.logical != avroPlain && (c.id >= engine.TypeDate && c.id <= engine.TypeTimestampTZ):
			return d.orText(t.temporal(c, v, row, s.n), t, s)
		case t.logical != avroPlain && c.id == engine.TypeVarchar:
		case c.id == engine.TypeBigInt:
			engine.Put(v, row, s.n)
			return fine
		case c.id == engine.TypeDouble:
			engine.Put(v, row, float64(s.n))
			return fine
		case c.id >= engine.TypeTinyInt && c.id <= engine.TypeUHugeInt:
			return d.orText(c.putInt(v, row, s.n), &plainLong, s)
		default: // as a number, whatever it means
			d.w.buf = strconv.AppendInt(d.w.buf[:0], s.n, 10)
			return d.w.scalar(c, row, d.w.buf, fromNumber, false)
		}
	case avroDouble, avroFloat:
		switch c.id {
		case engine.TypeDouble:
			engine.Put(v, row, s.f)
			return fine
		case engine.TypeFloat:
			x := float32(s.f)
			if math.IsInf(float64(x), 0) && !math.IsInf(s.f, 0) {
				return d.orText(outOfRange, t, s)
			}
			engine.Put(v, row, x)
			return fine
		}
	case avroString, avroBytes, avroFixed:
		switch {
		case c.id == engine.TypeBlob, c.id == engine.TypeVarchar && t.kind == avroString:
			v.PutBytes(row, s.b)
			return fine
		case t.kind == avroString:
			f := d.w.scalar(c, row, s.b, fromText, true)
			if f != fine {
				d.w.buf = append(d.w.buf[:0], s.b[:min(len(s.b), 2*excerptBytes)]...)
			}
			return f
		case t.logical == avroPlain && c.id == engine.TypeVarchar && utf8.Valid(s.b):
			v.PutBytes(row, s.b)
			return fine
		case t.logical == avroPlain:
			return d.orText(wrong, t, s)
		case t.logical == avroUUID && c.id == engine.TypeUUID:
			engine.Put(v, row, engine.Int128{Lo: binary.BigEndian.Uint64(s.b[8:]), Hi: int64(binary.BigEndian.Uint64(s.b) ^ 1<<63)}) // turned: see parseUUID
			return fine
		case t.logical == avroDecimal && c.id == engine.TypeDecimal && c.scale >= t.scale:
			if neg, x, ok := magnitude(s.b); ok {
				if x, ok = x.times10(c.scale - t.scale); ok {
					return d.orText(c.putBig(v, row, neg, x), t, s)
				}
			}
			return d.orText(outOfRange, t, s)
		case t.logical != avroDecimal && c.id != engine.TypeVarchar:
			return d.orText(wrong, t, s)
		}
	}
	if f := d.writeText(t, s); f != fine {
		return d.orText(f, t, s)
	}
	from := fromText
	switch {
	case t.kind == avroBoolean:
		from = fromLiteral
	case t.kind == avroFloat || t.kind == avroDouble || t.logical == avroDecimal:
		from = fromNumber
	}
	return d.w.scalar(c, row, d.w.buf, from, false)
}

// orText writes the value's text for the reason, after a fault.
func (d *avroDecoder) orText(f fault, t *avroType, s avroScalar) fault {
	if f != fine {
		if d.writeText(t, s) != fine && (t.kind == avroInt || t.kind == avroLong) {
			d.w.buf = strconv.AppendInt(d.w.buf[:0], s.n, 10)
		}
	}
	return f
}

// temporal writes a date or time.
func (t *avroType) temporal(c *column, v *engine.Vector, row int, n int64) fault {
	if (t.logical == avroTime) != (c.id == engine.TypeTime) {
		return wrong
	}
	if t.logical == avroTime {
		us := n
		if t.scale == 3 {
			us *= 1000 // an int
		}
		if us < 0 || us > 86400e6 {
			return outOfRange
		}
		engine.Put(v, row, us)
		return fine
	}
	if t.scale == 6 && (c.id == engine.TypeTimestamp || c.id == engine.TypeTimestampTZ) && n >= minSeconds*1e6 && n < math.MaxInt64 {
		engine.Put(v, row, n)
		return fine
	}
	return c.putInstant(v, row, t.instant(n))
}

// instant is a date's or timestamp's time.
func (t *avroType) instant(n int64) instant {
	if t.logical == avroDate {
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

// writeText makes w.buf the value's text: what a VARCHAR gets.
func (d *avroDecoder) writeText(t *avroType, s avroScalar) fault {
	var f fault
	d.w.buf, f = t.appendText(d.w.buf[:0], s)
	return f
}

func (t *avroType) appendText(to []byte, s avroScalar) ([]byte, fault) {
	switch {
	case t.kind == avroBoolean:
		return strconv.AppendBool(to, s.n == 1), fine
	case t.kind == avroFloat:
		return appendFloat(to, s.f, 32), fine
	case t.kind == avroDouble:
		return appendFloat(to, s.f, 64), fine
	case t.kind == avroString || t.kind == avroEnum:
		return append(to, s.b...), fine
	case t.logical == avroDate || t.logical == avroTimestamp:
		return appendInstant(to, t.instant(s.n), t.logical == avroDate)
	case t.logical == avroTime:
		us := s.n
		if t.scale == 3 {
			us *= 1000
		}
		if us < 0 || us > 86400e6 {
			return to, outOfRange
		}
		return appendClock(to, int(us/1e6), int(us%1e6)*1000), fine
	case t.kind == avroInt || t.kind == avroLong:
		return strconv.AppendInt(to, s.n, 10), fine
	case t.logical == avroUUID:
		for i, n := range []int{0, 4, 6, 8, 10} {
			if i > 0 {
				to = append(to, '-')
			}
			to = hex.AppendEncode(to, s.b[n:[]int{4, 6, 8, 10, 16}[i]])
		}
		return to, fine
	case t.logical == avroDuration:
		return appendDuration(to, s.b), fine
	case t.logical == avroDecimal:
		return appendDecimal(to, s.b, t.scale)
	}
	return append(strconv.AppendInt(to, int64(len(s.b)), 10), " bytes"...), fine
}

// appendFloat writes the shortest text that is the same number again, as encoding/json does; inf and nan as DuckDB.
func appendFloat(to []byte, x float64, size int) []byte {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return append(to, "nan"...)
	case math.IsInf(x, 1):
		return append(to, "inf"...)
	case math.IsInf(x, -1):
		return append(to, "-inf"...)
	case a != 0 && (a < 1e-6 || a >= 1e21):
		to = strconv.AppendFloat(to, x, 'e', -1, size)
		if n := len(to); to[n-2] == '0' && to[n-3] == '-' { // e-07
			to[n-2] = to[n-1]
			to = to[:n-1]
		}
		return to
	}
	return strconv.AppendFloat(to, x, 'f', -1, size)
}

// appendInstant writes a date or timestamp as DuckDB does.
func appendInstant(to []byte, t instant, date bool) ([]byte, fault) {
	if t.sec < minSeconds || t.sec > maxSeconds {
		return to, outOfRange
	}
	at := time.Unix(t.sec, 0).UTC()
	y, m, day := at.Date()
	bc := y <= 0
	if bc {
		y = 1 - y
	}
	to = pad(to, y, 4)
	to = pad(append(to, '-'), int(m), 2)
	to = pad(append(to, '-'), day, 2)
	if bc {
		to = append(to, " (BC)"...)
	}
	if date {
		return to, fine
	}
	h, mi, s := at.Clock()
	return appendClock(append(to, ' '), h*3600+mi*60+s, int(t.ns)), fine
}

func appendClock(to []byte, sec, ns int) []byte {
	to = pad(to, sec/3600, 2)
	to = pad(append(to, ':'), sec/60%60, 2)
	to = pad(append(to, ':'), sec%60, 2)
	if ns == 0 {
		return to
	}
	to = pad(append(to, '.'), ns, 9)
	for to[len(to)-1] == '0' {
		to = to[:len(to)-1]
	}
	return to
}

// pad writes a number with zeros before it.
func pad(to []byte, n, digits int) []byte {
	for p := 10; digits > 1; digits-- {
		if n < p {
			for ; digits > 1; digits-- {
				to = append(to, '0')
			}
			break
		}
		p *= 10
	}
	return strconv.AppendInt(to, int64(n), 10)
}

// appendDuration writes a duration so that DuckDB can cast it to INTERVAL: 1 months 2 days 3.500 seconds.
func appendDuration(to, b []byte) []byte {
	ms := binary.LittleEndian.Uint32(b[8:])
	to = append(strconv.AppendUint(to, uint64(binary.LittleEndian.Uint32(b)), 10), " months "...)
	to = append(strconv.AppendUint(to, uint64(binary.LittleEndian.Uint32(b[4:])), 10), " days "...)
	to = append(strconv.AppendUint(to, uint64(ms/1000), 10), '.')
	return append(pad(to, int(ms%1000), 3), " seconds"...)
}

// magnitude reads a big-endian number in two's complement of up to 128 bits.
func magnitude(b []byte) (neg bool, x u128, ok bool) {
	neg = len(b) > 0 && b[0] >= 0x80
	sign := byte(0)
	if neg {
		sign = 0xff
	}
	for len(b) > 16 && b[0] == sign {
		b = b[1:]
	}
	if len(b) > 16 || len(b) == 16 && b[0]^sign >= 0x80 {
		return neg, x, false
	}
	if neg {
		x = u128{^uint64(0), ^uint64(0)}
	}
	for _, c := range b {
		x = u128{x.hi<<8 | x.lo>>56, x.lo<<8 | uint64(c)}
	}
	if neg {
		var borrow uint64
		x.lo, borrow = bits.Sub64(0, x.lo, 0)
		x.hi, _ = bits.Sub64(0, x.hi, borrow)
	}
	return neg, x, true
}

// maxDecimalBytes is how long a decimal's number may be.
const maxDecimalBytes = 512

// appendDecimal writes a big-endian number in two's complement, times 10^-scale.
func appendDecimal(to, b []byte, scale int) ([]byte, fault) {
	if len(b) > maxDecimalBytes {
		return append(strconv.AppendInt(to, int64(len(b)), 10), " bytes"...), outOfRange
	}
	neg, x, ok := magnitude(b)
	from := len(to)
	if neg {
		to = append(to, '-')
		from++
	}
	if ok {
		const e19 = 10_000_000_000_000_000_000
		hi, rest := x.hi/e19, x.hi%e19
		mid, low := bits.Div64(rest, x.lo, e19)
		upper, middle := uint64(0), mid
		if hi > 0 { // the quotient by 10^19 has more than 64 bits
			upper, middle = bits.Div64(hi, mid, e19)
		}
		switch {
		case upper > 0:
			to = strconv.AppendUint(to, upper, 10)
			to = padUint(padUint(to, middle), low)
		case middle > 0:
			to = padUint(strconv.AppendUint(to, middle, 10), low)
		default:
			to = strconv.AppendUint(to, low, 10)
		}
	} else {
		n := new(big.Int).SetBytes(b)
		if neg {
			n.Sub(new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))), n)
		}
		to = n.Append(to, 10)
	}
	if scale == 0 {
		return to, fine
	}
	for n := len(to) - from; n <= scale; n++ { // zeros before it, so that one stands before the point
		to = append(to, 0)
		copy(to[from+1:], to[from:])
		to[from] = '0'
	}
	to = append(to, 0)
	copy(to[len(to)-scale:], to[len(to)-scale-1:])
	to[len(to)-scale-1] = '.'
	return to, fine
}

// padUint writes 19 digits.
func padUint(to []byte, n uint64) []byte {
	var d [19]byte
	for i := len(d) - 1; i >= 0; i-- {
		d[i] = '0' + byte(n%10)
		n /= 10
	}
	return append(to, d[:]...)
}
