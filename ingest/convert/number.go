package convert

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"strconv"
	"unsafe"

	"dsql/engine/duck"
)

// putNumber converts the text of a number: an optional sign, digits, a point, an exponent; for FLOAT and DOUBLE also inf,
// infinity and nan. White space around it is skipped.
func (c *Column) putNumber(v *duck.Vector, row int, s []byte) Fault {
	if c.Thousands != 0 {
		var ok bool
		if s, ok = joinThousands(s, c.Thousands, cmp.Or(c.Point, '.')); !ok {
			return Wrong
		}
	}
	if c.Point != 0 {
		var ok bool
		if s, ok = swapPoint(s, c.Point); !ok {
			return Wrong
		}
	}
	scale := 0
	switch c.ID {
	case duck.TypeDouble:
		if x, ok := fastDouble(s); ok {
			duck.Put(v, row, x)
			return Fine
		}
		return c.putFloat(v, row, trim(s))
	case duck.TypeFloat:
		return c.putFloat(v, row, trim(s))
	case duck.TypeDecimal:
		scale = c.Scale
		if n, ok := fastDecimal(s, scale); ok && c.width <= 18 {
			return c.putUnscaled(v, row, n)
		}
	default:
		if n, ok := fastInt(s); ok {
			return c.PutInt(v, row, n)
		}
	}
	neg, x, f := parseDecimal(trim(s), scale)
	if f != Fine {
		return f
	}
	return c.PutBig(v, row, neg, x)
}

// joinThousands takes the separators out of a number. They may only stand where thousands end: 1,234,567 and 12,34,567, not 1,5.
func joinThousands(s []byte, sep, point byte) ([]byte, bool) {
	if bytes.IndexByte(s, sep) < 0 {
		return s, true
	}
	whole := trim(s)
	var rest []byte
	if k := bytes.IndexAny(whole, string([]byte{point})+"eE"); k >= 0 {
		whole, rest = whole[:k], whole[k:]
	}
	if bytes.IndexByte(rest, sep) >= 0 {
		return s, false
	}
	groups := bytes.Split(whole, []byte{sep})
	out := make([]byte, 0, len(s))
	for i, g := range groups {
		digits := g
		if i == 0 {
			digits = bytes.TrimLeft(g, "+-")
		}
		switch n := len(digits); {
		case i == len(groups)-1 && n != 3, i == 0 && (n == 0 || n > 3), i > 0 && n != 2 && n != 3:
			return s, false
		}
		out = append(out, g...)
	}
	return append(out, rest...), true
}

// fastInt reads up to 18 digits with an optional minus.
func fastInt(s []byte) (n int64, ok bool) {
	t := s
	if len(t) > 0 && t[0] == '-' {
		t = t[1:]
	}
	if len(t) > 18 {
		return 0, false
	}
	for _, c := range t {
		if c -= '0'; c > 9 {
			return 0, false
		} else {
			n = n*10 + int64(c)
		}
	}
	if len(t) != len(s) {
		n = -n
	}
	return n, len(t) > 0
}

// PutInt stores a whole number in a column of an integer type.
func (c *Column) PutInt(v *duck.Vector, row int, n int64) Fault {
	switch c.ID {
	case duck.TypeBigInt:
		duck.Put(v, row, n)
	case duck.TypeInteger:
		if n != int64(int32(n)) {
			return OutOfRange
		}
		duck.Put(v, row, int32(n))
	case duck.TypeSmallInt:
		if n != int64(int16(n)) {
			return OutOfRange
		}
		duck.Put(v, row, int16(n))
	case duck.TypeTinyInt:
		if n != int64(int8(n)) {
			return OutOfRange
		}
		duck.Put(v, row, int8(n))
	case duck.TypeHugeInt:
		duck.Put(v, row, duck.Int128{Lo: uint64(n), Hi: n >> 63})
	case duck.TypeUBigInt:
		if n < 0 {
			return OutOfRange
		}
		duck.Put(v, row, uint64(n))
	case duck.TypeUInteger:
		if n != int64(uint32(n)) {
			return OutOfRange
		}
		duck.Put(v, row, uint32(n))
	case duck.TypeUSmallInt:
		if n != int64(uint16(n)) {
			return OutOfRange
		}
		duck.Put(v, row, uint16(n))
	case duck.TypeUTinyInt:
		if n != int64(uint8(n)) {
			return OutOfRange
		}
		duck.Put(v, row, uint8(n))
	case duck.TypeUHugeInt:
		if n < 0 {
			return OutOfRange
		}
		duck.Put(v, row, duck.Int128{Lo: uint64(n)})
	}
	return Fine
}

// putUnscaled stores a DECIMAL of up to 18 digits, given without its point.
func (c *Column) putUnscaled(v *duck.Vector, row int, n int64) Fault {
	if limit := int64(pow10u[c.width]); n >= limit || n <= -limit {
		return OutOfRange
	}
	switch c.Node.Size {
	case 2:
		duck.Put(v, row, int16(n))
	case 4:
		duck.Put(v, row, int32(n))
	case 8:
		duck.Put(v, row, n)
	}
	return Fine
}

// PutBig stores a whole number of any size, and a DECIMAL given without its point.
func (c *Column) PutBig(v *duck.Vector, row int, neg bool, x U128) Fault {
	small := x.Hi == 0 && x.Lo <= math.MaxInt64
	n := int64(x.Lo)
	if neg {
		n = -n
	}
	switch c.ID {
	case duck.TypeDecimal:
		if c.width <= 18 {
			if !small {
				return OutOfRange
			}
			return c.putUnscaled(v, row, n)
		}
		if !x.less(pow10x[c.width]) {
			return OutOfRange
		}
		duck.Put(v, row, x.signed(neg))
		return Fine
	case duck.TypeHugeInt:
		if x.Hi>>63 != 0 && !(neg && x.Hi == 1<<63 && x.Lo == 0) {
			return OutOfRange
		}
		duck.Put(v, row, x.signed(neg))
		return Fine
	case duck.TypeUHugeInt:
		if neg && x != (U128{}) {
			return OutOfRange
		}
		duck.Put(v, row, duck.Int128{Lo: x.Lo, Hi: int64(x.Hi)})
		return Fine
	case duck.TypeUBigInt:
		if x.Hi != 0 || neg && x.Lo != 0 {
			return OutOfRange
		}
		duck.Put(v, row, x.Lo)
		return Fine
	case duck.TypeBigInt:
		if neg && x.Hi == 0 && x.Lo == 1<<63 {
			duck.Put(v, row, int64(math.MinInt64))
			return Fine
		}
	}
	if !small {
		return OutOfRange
	}
	return c.PutInt(v, row, n)
}

func (c *Column) putFloat(v *duck.Vector, row int, s []byte) Fault {
	size := 64
	if c.ID == duck.TypeFloat {
		size = 32
	}
	x, f := parseFloat(s, size)
	if f != Fine {
		return f
	}
	if size == 32 {
		duck.Put(v, row, float32(x))
	} else {
		duck.Put(v, row, x)
	}
	return Fine
}

var pow10f = [23]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
	1e21, 1e22}

// fastDouble reads up to 15 digits with a point among them: mantissa and power of ten are exact doubles, so one division rounds
// to the nearest double. (W. Clinger, How to read floating point numbers accurately, PLDI 1990.)
func fastDouble(s []byte) (float64, bool) {
	t := s
	if len(t) > 0 && t[0] == '-' {
		t = t[1:]
	}
	if len(t) > 16 {
		return 0, false
	}
	var m uint64
	point := -1
	for i, c := range t {
		if d := c - '0'; d <= 9 {
			m = m*10 + uint64(d)
		} else if c == '.' && point < 0 {
			point = i
		} else {
			return 0, false
		}
	}
	digits, frac := len(t), 0
	if point >= 0 {
		digits--
		frac = digits - point
	}
	if digits == 0 || digits > 15 {
		return 0, false
	}
	x := float64(m) / pow10f[frac]
	if len(t) != len(s) {
		x = -x
	}
	return x, true
}

// parseFloat is the double (or float) nearest to the text. One that is too large for the type is out of range.
func parseFloat(s []byte, size int) (float64, Fault) {
	t := s
	if len(t) > 0 && (t[0] == '-' || t[0] == '+') {
		t = t[1:]
	}
	if len(t) == 0 {
		return 0, Wrong
	}
	if c := t[0] | 0x20; c == 'i' || c == 'n' {
		x := math.Inf(1)
		switch {
		case bytes.EqualFold(t, []byte("inf")), bytes.EqualFold(t, []byte("infinity")):
		case bytes.EqualFold(t, []byte("nan")):
			x = math.NaN()
		default:
			return 0, Wrong
		}
		if s[0] == '-' {
			x = -x
		}
		return x, Fine
	}
	for _, c := range t { // strconv takes hexadecimal, and inf and nan
		if c-'0' > 9 && c != '.' && c|0x20 != 'e' && c != '+' && c != '-' {
			return 0, Wrong
		}
	}
	x, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(s), len(s)), size)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, OutOfRange
	case err != nil:
		return 0, Wrong
	}
	return x, Fine
}
