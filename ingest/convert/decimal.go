package convert

import (
	"bytes"
	"math/bits"

	"dsql/engine/duck"
)

// fastDecimal reads up to 18 digits with a point among them, no more than scale of them behind it.
func fastDecimal(s []byte, scale int) (int64, bool) {
	t := s
	if len(t) > 0 && t[0] == '-' {
		t = t[1:]
	}
	var m int64
	point := -1
	for i, c := range t {
		if d := c - '0'; d <= 9 {
			m = m*10 + int64(d)
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
	if digits == 0 || frac > scale || digits+scale-frac > 18 {
		return 0, false
	}
	m *= int64(pow10u[scale-frac])
	if len(t) != len(s) {
		m = -m
	}
	return m, true
}

// parseDecimal gives the text's value times 10^scale, as sign and magnitude; digits other than zero that this cuts off are a loss.
// scale may be negative.
func parseDecimal(s []byte, scale int) (neg bool, x U128, f Fault) {
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	digits, frac, exp := 0, 0, 0
	point := false
	end := len(s)
	for i, c := range s {
		if c-'0' <= 9 {
			digits++
			if point {
				frac++
			}
		} else if c == '.' && !point {
			point = true
		} else if c|0x20 == 'e' && digits > 0 {
			var ok bool
			if exp, ok = exponent(s[i+1:]); !ok {
				return false, U128{}, Wrong
			}
			end = i
			break
		} else {
			return false, U128{}, Wrong
		}
	}
	if digits == 0 {
		return false, U128{}, Wrong
	}
	keep := digits - frac + exp + scale // that many digits count, with zeros behind them if there are fewer
	ok := true
	n := 0
	for _, c := range s[:end] {
		if c == '.' {
			continue
		}
		if n >= keep && c != '0' {
			return false, U128{}, Losing
		}
		if n++; n <= keep && ok {
			x, ok = x.mulAdd(10, uint64(c-'0'))
		}
	}
	if zeros := keep - digits; zeros > 0 && x != (U128{}) && ok {
		x, ok = x.Times10(zeros)
	}
	if !ok {
		return false, U128{}, OutOfRange
	}
	return neg, x, Fine
}

// exponent reads what follows an e; far beyond what any type holds it stays at ±10⁹.
func exponent(s []byte) (int, bool) {
	neg := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	e := 0
	for _, c := range s {
		if c-'0' > 9 {
			return 0, false
		}
		e = min(e*10+int(c-'0'), 1e9)
	}
	if neg {
		e = -e
	}
	return e, len(s) > 0
}

// swapPoint puts a dot where the dialect's decimal separator stands; a dot is then no part of a number.
func swapPoint(s []byte, point byte) ([]byte, bool) {
	if bytes.IndexByte(s, '.') >= 0 {
		return nil, false
	}
	i := bytes.IndexByte(s, point)
	if i < 0 {
		return s, true
	}
	t := bytes.Clone(s)
	t[i] = '.'
	return t, true
}

// U128 is a magnitude.
type U128 struct{ Hi, Lo uint64 }

func (x U128) mulAdd(by, plus uint64) (U128, bool) {
	h, lo := bits.Mul64(x.Lo, by)
	over, hi := bits.Mul64(x.Hi, by)
	lo, c := bits.Add64(lo, plus, 0)
	hi, c = bits.Add64(hi, h, c)
	return U128{hi, lo}, over == 0 && c == 0
}

func (x U128) Times10(n int) (U128, bool) {
	ok := true
	for ; n > 0 && ok; n-- {
		x, ok = x.mulAdd(10, 0)
	}
	return x, ok
}

func (x U128) less(y U128) bool { return x.Hi < y.Hi || x.Hi == y.Hi && x.Lo < y.Lo }

func (x U128) signed(neg bool) duck.Int128 {
	if !neg {
		return duck.Int128{Lo: x.Lo, Hi: int64(x.Hi)}
	}
	lo, borrow := bits.Sub64(0, x.Lo, 0)
	hi, _ := bits.Sub64(0, x.Hi, borrow)
	return duck.Int128{Lo: lo, Hi: int64(hi)}
}

var pow10u = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return
}()

var pow10x = func() (p [39]U128) {
	for i := range p {
		p[i], _ = U128{Lo: 1}.Times10(i)
	}
	return
}()
