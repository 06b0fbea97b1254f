package schema

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"time"

	"dsql/ingest/convert"
)

// Text makes w.buf the value's text: what a VARCHAR gets.
func (t *Type) Text(w *convert.Writer, s Scalar) convert.Fault {
	var f convert.Fault
	w.Buf, f = t.appendText(w.Buf[:0], s)
	return f
}

func (t *Type) appendText(to []byte, s Scalar) ([]byte, convert.Fault) {
	switch {
	case t.Kind == KindBoolean:
		return strconv.AppendBool(to, s.Int == 1), convert.Fine
	case t.Kind == KindFloat:
		return appendFloat(to, s.Float, 32), convert.Fine
	case t.Kind == KindDouble:
		return appendFloat(to, s.Float, 64), convert.Fine
	case t.Kind == KindString || t.Kind == KindEnum:
		return append(to, s.Bytes...), convert.Fine
	case t.Kind == KindMoment && t.Logical == LogicalDuration:
		return append(appendSeconds(to, s), " seconds"...), convert.Fine
	case t.Kind == KindMoment:
		return appendInstant(to, convert.Instant{Seconds: s.Int, Nanos: s.Nanos}, false)
	case t.Kind == KindUlong:
		return strconv.AppendUint(to, uint64(s.Int), 10), convert.Fine
	case t.Logical == LogicalDate || t.Logical == LogicalTimestamp:
		return appendInstant(to, t.instant(s.Int), t.Logical == LogicalDate)
	case t.Logical == LogicalTime:
		us := s.Int
		if t.Scale == 3 {
			us *= 1000
		}
		if us < 0 || us > 86400e6 {
			return to, convert.OutOfRange
		}
		return appendClock(to, int(us/1e6), int(us%1e6)*1000), convert.Fine
	case t.Kind == KindInt || t.Kind == KindLong || t.Kind == KindUint:
		return strconv.AppendInt(to, s.Int, 10), convert.Fine
	case t.Logical == LogicalUUID:
		for i, n := range []int{0, 4, 6, 8, 10} {
			if i > 0 {
				to = append(to, '-')
			}
			to = hex.AppendEncode(to, s.Bytes[n:[]int{4, 6, 8, 10, 16}[i]])
		}
		return to, convert.Fine
	case t.Logical == LogicalDuration:
		return appendDuration(to, s.Bytes), convert.Fine
	case t.Logical == LogicalDecimal:
		return appendDecimal(to, s.Bytes, t.Scale)
	}
	return append(strconv.AppendInt(to, int64(len(s.Bytes)), 10), " bytes"...), convert.Fine
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
func appendInstant(to []byte, t convert.Instant, date bool) ([]byte, convert.Fault) {
	if t.Seconds < convert.MinSeconds || t.Seconds > convert.MaxSeconds {
		return to, convert.OutOfRange
	}
	at := time.Unix(t.Seconds, 0).UTC()
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
		return to, convert.Fine
	}
	h, mi, s := at.Clock()
	return appendClock(append(to, ' '), h*3600+mi*60+s, int(t.Nanos)), convert.Fine
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

// appendSeconds writes a duration of seconds and nanoseconds, which have one sign, as a number of seconds.
func appendSeconds(to []byte, s Scalar) []byte {
	sec, ns := s.Int, int64(s.Nanos)
	if sec < 0 || ns < 0 {
		to = append(to, '-')
		sec, ns = -sec, -ns
	}
	if to = strconv.AppendInt(to, sec, 10); ns == 0 {
		return to
	}
	to = pad(append(to, '.'), int(ns), 9)
	return bytes.TrimRight(to, "0")
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
func magnitude(b []byte) (neg bool, x convert.U128, ok bool) {
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
		x = convert.U128{Hi: ^uint64(0), Lo: ^uint64(0)}
	}
	for _, c := range b {
		x = convert.U128{Hi: x.Hi<<8 | x.Lo>>56, Lo: x.Lo<<8 | uint64(c)}
	}
	if neg {
		var borrow uint64
		x.Lo, borrow = bits.Sub64(0, x.Lo, 0)
		x.Hi, _ = bits.Sub64(0, x.Hi, borrow)
	}
	return neg, x, true
}

// maxDecimalBytes is how long a decimal's number may be.
const maxDecimalBytes = 512

// appendDecimal writes a big-endian number in two's complement, times 10^-scale.
func appendDecimal(to, b []byte, scale int) ([]byte, convert.Fault) {
	if len(b) > maxDecimalBytes {
		return append(strconv.AppendInt(to, int64(len(b)), 10), " bytes"...), convert.OutOfRange
	}
	neg, x, ok := magnitude(b)
	from := len(to)
	if neg {
		to = append(to, '-')
		from++
	}
	if ok {
		const e19 = 10_000_000_000_000_000_000
		hi, rest := x.Hi/e19, x.Hi%e19
		mid, low := bits.Div64(rest, x.Lo, e19)
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
		return to, convert.Fine
	}
	for n := len(to) - from; n <= scale; n++ { // zeros before it, so that one stands before the point
		to = append(to, 0)
		copy(to[from+1:], to[from:])
		to[from] = '0'
	}
	to = append(to, 0)
	copy(to[len(to)-scale:], to[len(to)-scale-1:])
	to[len(to)-scale-1] = '.'
	return to, convert.Fine
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

// MaxDigits is the precision up to which bytes are a decimal.
const MaxDigits = 1000
