package convert

import (
	"bytes"
)

// timeScanner steps through the text of a time.
type timeScanner struct {
	s []byte
	i int
}

func (p *timeScanner) end() bool { return p.i == len(p.s) }

func (p *timeScanner) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *timeScanner) is(c byte) bool {
	if p.peek() == c && !p.end() {
		p.i++
		return true
	}
	return false
}

// digits reads a number of min to max digits.
func (p *timeScanner) digits(min, max int) (n int, ok bool) {
	from := p.i
	for p.i < len(p.s) && p.i-from < max && p.s[p.i]-'0' <= 9 {
		n = n*10 + int(p.s[p.i]-'0')
		p.i++
	}
	return n, p.i-from >= min
}

// fraction reads the digits below a second, at least one; from the tenth on they must be zeros.
func (p *timeScanner) fraction() (ns int, f Fault) {
	from, unit := p.i, 100000000
	for p.i < len(p.s) && p.s[p.i]-'0' <= 9 {
		d := int(p.s[p.i] - '0')
		if unit == 0 && d != 0 {
			f = Losing
		}
		ns += d * unit
		unit /= 10
		p.i++
	}
	if p.i == from {
		return 0, Wrong
	}
	return ns, f
}

// clock reads 12:34, 12:34:56 or 12:34:56.789; 24:00:00 is the end of the day.
func (p *timeScanner) clock() (sec, ns int, f Fault) {
	h, ok1 := p.digits(1, 2)
	ok2 := p.is(':')
	m, ok3 := p.digits(1, 2)
	if !ok1 || !ok2 || !ok3 || m > 59 {
		return 0, 0, Wrong
	}
	s := 0
	if p.is(':') {
		var ok bool
		if s, ok = p.digits(1, 2); !ok || s > 59 {
			return 0, 0, Wrong
		}
		if p.is('.') {
			if ns, f = p.fraction(); f == Wrong {
				return 0, 0, Wrong
			}
		}
	}
	sec = h*3600 + m*60 + s
	if h > 24 || h == 24 && (sec != 86400 || ns != 0) {
		return 0, 0, Wrong
	}
	return sec, ns, f
}

// offset reads Z, UTC or ±02, ±0200, ±02:00, ±02:00:30, in seconds east of Greenwich.
func (p *timeScanner) offset() (int, bool) {
	if p.is('Z') {
		return 0, true
	}
	if bytes.HasPrefix(p.s[p.i:], []byte("UTC")) {
		p.i += 3
		return 0, true
	}
	sign := 1
	if p.peek() == '-' {
		sign = -1
	} else if p.peek() != '+' {
		return 0, false
	}
	p.i++
	h, ok := p.digits(2, 2)
	if !ok || h > 15 {
		return 0, false
	}
	off := h * 3600
	if colon := p.is(':'); colon || !p.end() {
		m, ok := p.digits(2, 2)
		if !ok || m > 59 {
			return 0, false
		}
		off += m * 60
		if colon && p.is(':') {
			s, ok := p.digits(2, 2)
			if !ok || s > 59 {
				return 0, false
			}
			off += s
		}
	}
	return sign * off, true
}

// date reads a year of four digits or more, a month and a day of one or two, all behind the same separator of - / \ and blank,
// and (BC) behind.
func (p *timeScanner) date() (int64, Fault) {
	y, ok := p.digits(4, 7)
	sep := p.peek()
	if !ok || sep != '-' && sep != '/' && sep != '\\' && sep != ' ' {
		return 0, Wrong
	}
	p.i++
	m, ok1 := p.digits(1, 2)
	ok2 := p.is(sep)
	d, ok3 := p.digits(1, 2)
	if !ok1 || !ok2 || !ok3 {
		return 0, Wrong
	}
	if bytes.HasPrefix(p.s[p.i:], []byte(" (BC)")) {
		p.i += 5
		if y = 1 - y; y > 0 {
			return 0, Wrong
		}
	}
	if !validDate(y, m, d) {
		return 0, Wrong
	}
	return days(y, m, d), Fine
}

// parseInstant reads all that putTime takes without FORMAT.
func parseInstant(s []byte) (Instant, Fault) {
	if len(s) > 0 && s[0]-'0' > 9 {
		switch {
		case bytes.EqualFold(s, []byte("infinity")):
			return Instant{infinity: 1}, Fine
		case bytes.EqualFold(s, []byte("-infinity")):
			return Instant{infinity: -1}, Fine
		case bytes.EqualFold(s, []byte("epoch")):
			return Instant{}, Fine
		}
		return Instant{}, Wrong
	}
	p := timeScanner{s: s}
	day, f := p.date()
	if f != Fine || p.end() {
		return Instant{Seconds: day * 86400}, f
	}
	if !p.is('T') {
		if p.peek() != ' ' {
			return Instant{}, Wrong
		}
		for p.is(' ') {
		}
	}
	sec, ns, f := p.clock()
	if f == Wrong {
		return Instant{}, f
	}
	late := sec == 86400
	if !p.end() {
		p.is(' ')
		off, ok := p.offset()
		if !ok || !p.end() {
			return Instant{}, Wrong
		}
		sec -= off
	}
	return Instant{Seconds: day*86400 + int64(sec), Nanos: int32(ns), late: late}, f
}
