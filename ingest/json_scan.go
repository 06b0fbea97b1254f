package ingest

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// jsonScanner steps through JSON text (RFC 8259), strictly: no text is taken that json.Valid refuses, and strings must be UTF-8
// and their escapes Unicode, without half surrogate pairs.
type jsonScanner struct {
	b   []byte
	i   int
	why string // what is wrong where the scan stopped, when it is not the byte at i
}

func validJSON(b []byte) bool {
	s := jsonScanner{b: b}
	s.ws()
	if !s.skip(0) {
		return false
	}
	s.ws()
	return s.i == len(b)
}

// problem describes where a scan stopped. base is added to byte positions.
func (s *jsonScanner) problem(base int) string {
	switch {
	case s.why != "":
		return fmt.Sprintf("not JSON: %s at byte %d", s.why, base+s.i)
	case s.i >= len(s.b):
		return "not JSON: it ends too early"
	}
	return fmt.Sprintf("not JSON: unexpected %s at byte %d", excerpt(s.b[s.i:s.i+1], true), base+s.i)
}

func (s *jsonScanner) ws() {
	for s.i < len(s.b) {
		if c := s.b[s.i]; c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return
		}
		s.i++
	}
}

func (s *jsonScanner) is(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// str steps over a string after its opening quote, and over its closing one.
func (s *jsonScanner) str() (escaped, ok bool) {
	b, i, start, high := s.b, s.i, s.i, false
	for {
		for i+8 <= len(b) { // the first byte of eight that is a quote, a backslash, a control or not ASCII
			w := binary.LittleEndian.Uint64(b[i:])
			q, e := w^(ones*'"'), w^(ones*'\\')
			if m := ((q-ones)&^q | (e-ones)&^e | (w-ones*0x20)&^w | w) & highs; m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			s.i = len(b)
			return false, false
		}
		switch c := b[i]; {
		case c == '"':
			s.i = i + 1
			if high && !utf8.Valid(b[start:i]) {
				s.i, s.why = start, "a string that is not UTF-8"
				return false, false
			}
			return escaped, true
		case c == '\\':
			escaped = true
			n := escapeLen(b[i:])
			if n <= 0 {
				s.i = i
				if n == 0 {
					s.i = len(b)
				} else {
					s.why = "a wrong escape"
				}
				return false, false
			}
			i += n
		case c < 0x20:
			s.i, s.why = i, "a control character inside a string"
			return false, false
		case c >= 0x80:
			for high = true; i < len(b) && b[i] >= 0x80; {
				i++
			}
		default: // a plain byte of the last seven
			i++
		}
	}
}

// escapeLen is the length of the escape that b begins with: 0 when b ends in it, -1 when it is none. A surrogate is taken with its
// other half only.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		r, n := hex4(b[2:])
		switch {
		case n <= 0:
			return n
		case r < 0xD800 || r > 0xDFFF:
			return 6
		case r > 0xDBFF:
			return -1
		case len(b) < 8:
			return 0
		case b[6] != '\\' || b[7] != 'u':
			return -1
		}
		r, n = hex4(b[8:])
		if n > 0 && (r < 0xDC00 || r > 0xDFFF) {
			return -1
		}
		if n > 0 {
			return 12
		}
		return n
	}
	return -1
}

// hex4 reads four hexadecimal digits: n is 4, 0 when b ends before, -1 when it isn't that.
func hex4(b []byte) (r rune, n int) {
	for k := range 4 {
		if k == len(b) {
			return 0, 0
		}
		d, ok := hexDigit(b[k])
		if !ok {
			return 0, -1
		}
		r = r<<4 | rune(d)
	}
	return r, 4
}

// unescape appends the value of a string that str has stepped over.
func unescape(to, s []byte) []byte {
	for len(s) > 0 {
		if s[0] != '\\' {
			n := 1
			for n < len(s) && s[n] != '\\' {
				n++
			}
			to = append(to, s[:n]...)
			s = s[n:]
			continue
		}
		n := 2
		switch s[1] {
		case 'b':
			to = append(to, '\b')
		case 'f':
			to = append(to, '\f')
		case 'n':
			to = append(to, '\n')
		case 'r':
			to = append(to, '\r')
		case 't':
			to = append(to, '\t')
		case 'u':
			r, _ := hex4(s[2:])
			n = 6
			if r >= 0xD800 && r <= 0xDBFF {
				low, _ := hex4(s[8:])
				r, n = (r-0xD800)<<10+low-0xDC00+0x10000, 12
			}
			to = utf8.AppendRune(to, r)
		default:
			to = append(to, s[1])
		}
		s = s[n:]
	}
	return to
}

func (s *jsonScanner) lit(t string) bool {
	if e := s.i + len(t); e <= len(s.b) && string(s.b[s.i:e]) == t {
		s.i = e
		return true
	}
	for k := 0; k < len(t) && s.i < len(s.b) && s.b[s.i] == t[k]; k++ { // to where it goes wrong
		s.i++
	}
	return false
}

// number steps over a number.
func (s *jsonScanner) number() bool {
	b, i := s.b, s.i
	if i < len(b) && b[i] == '-' {
		i++
	}
	zero := i < len(b) && b[i] == '0'
	from := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	if zero && i > from+1 { // nothing may follow a zero
		s.i = from + 1
		return false
	}
	ok := i > from
	if ok && i < len(b) && b[i] == '.' {
		i++
		from = i
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		ok = i > from
	}
	if ok && i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		from = i
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		ok = i > from
	}
	s.i = i
	return ok
}

// maxDepth is how deep values may be nested that nobody declared.
const maxDepth = 1000

// skip steps over any value.
func (s *jsonScanner) skip(depth int) bool {
	if s.i >= len(s.b) {
		return false
	}
	c := s.b[s.i]
	switch c {
	case '"':
		s.i++
		_, ok := s.str()
		return ok
	case 't':
		return s.lit("true")
	case 'f':
		return s.lit("false")
	case 'n':
		return s.lit("null")
	case '{', '[':
	default:
		return s.number()
	}
	if depth == maxDepth {
		s.why = "more than 1000 levels"
		return false
	}
	s.i++
	s.ws()
	if s.is(c + 2) { // ']' and '}' stand two behind
		return true
	}
	for {
		if c == '{' {
			if !s.is('"') {
				return false
			}
			if _, ok := s.str(); !ok || !s.colon() {
				return false
			}
		}
		if !s.skip(depth + 1) {
			return false
		}
		s.ws()
		if s.is(c + 2) {
			return true
		}
		if !s.is(',') {
			return false
		}
		s.ws()
	}
}

func (s *jsonScanner) colon() bool {
	s.ws()
	if !s.is(':') {
		return false
	}
	s.ws()
	return true
}

// members calls f for the fields of the object at i, with where their values begin and end; false where it is none. Keys are as they stand
// there.
func (s *jsonScanner) members(f func(key []byte, from, to int)) bool {
	s.ws()
	if !s.is('{') {
		return false
	}
	s.ws()
	if s.is('}') {
		return true
	}
	for {
		if !s.is('"') {
			return false
		}
		from := s.i
		if _, ok := s.str(); !ok {
			return false
		}
		key := s.b[from : s.i-1]
		if !s.colon() {
			return false
		}
		from = s.i
		if !s.skip(0) {
			return false
		}
		f(key, from, s.i)
		s.ws()
		if s.is('}') {
			return true
		}
		if !s.is(',') {
			return false
		}
		s.ws()
	}
}
