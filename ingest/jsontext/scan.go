// Package jsontext steps through JSON text (RFC 8259) without making anything of it, and shows parts of texts in messages. What the
// values become is the business of ingest/format/json.
package jsontext

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// Scanner steps through JSON text (RFC 8259), strictly: no text is taken that json.Valid refuses, and strings must be UTF-8
// and their escapes Unicode, without half surrogate pairs.
type Scanner struct {
	Text []byte
	At   int
	Why  string // what is wrong where the scan stopped, when it is not the byte at i
}

func Valid(b []byte) bool {
	s := Scanner{Text: b}
	s.Space()
	if !s.Skip(0) {
		return false
	}
	s.Space()
	return s.At == len(b)
}

// Problem describes where a scan stopped. base is added to byte positions.
func (s *Scanner) Problem(base int) string {
	switch {
	case s.Why != "":
		return fmt.Sprintf("not JSON: %s at byte %d", s.Why, base+s.At)
	case s.At >= len(s.Text):
		return "not JSON: it ends too early"
	}
	return fmt.Sprintf("not JSON: unexpected %s at byte %d", Excerpt(s.Text[s.At:s.At+1], true), base+s.At)
}

func (s *Scanner) Space() {
	for s.At < len(s.Text) {
		if c := s.Text[s.At]; c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return
		}
		s.At++
	}
}

func (s *Scanner) Is(c byte) bool {
	if s.At < len(s.Text) && s.Text[s.At] == c {
		s.At++
		return true
	}
	return false
}

const (
	Ones  = 0x0101010101010101
	Highs = 0x8080808080808080
)

// Str steps over a string after its opening quote, and over its closing one.
func (s *Scanner) Str() (escaped, ok bool) {
	b, i, start, high := s.Text, s.At, s.At, false
	for {
		for i+8 <= len(b) { // the first byte of eight that is a quote, a backslash, a control or not ASCII
			w := binary.LittleEndian.Uint64(b[i:])
			q, e := w^(Ones*'"'), w^(Ones*'\\')
			if m := ((q-Ones)&^q | (e-Ones)&^e | (w-Ones*0x20)&^w | w) & Highs; m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			s.At = len(b)
			return false, false
		}
		switch c := b[i]; {
		case c == '"':
			s.At = i + 1
			if high && !utf8.Valid(b[start:i]) {
				s.At, s.Why = start, "a string that is not UTF-8"
				return false, false
			}
			return escaped, true
		case c == '\\':
			escaped = true
			n := escapeLen(b[i:])
			if n <= 0 {
				s.At = i
				if n == 0 {
					s.At = len(b)
				} else {
					s.Why = "a wrong escape"
				}
				return false, false
			}
			i += n
		case c < 0x20:
			s.At, s.Why = i, "a control character inside a string"
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
		d, ok := HexDigit(b[k])
		if !ok {
			return 0, -1
		}
		r = r<<4 | rune(d)
	}
	return r, 4
}

// Unescape appends the value of a string that str has stepped over.
func Unescape(to, s []byte) []byte {
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

func (s *Scanner) Lit(t string) bool {
	if e := s.At + len(t); e <= len(s.Text) && string(s.Text[s.At:e]) == t {
		s.At = e
		return true
	}
	for k := 0; k < len(t) && s.At < len(s.Text) && s.Text[s.At] == t[k]; k++ { // to where it goes wrong
		s.At++
	}
	return false
}

// Number steps over a number.
func (s *Scanner) Number() bool {
	b, i := s.Text, s.At
	if i < len(b) && b[i] == '-' {
		i++
	}
	zero := i < len(b) && b[i] == '0'
	from := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	if zero && i > from+1 { // nothing may follow a zero
		s.At = from + 1
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
	s.At = i
	return ok
}

// MaxDepth is how deep values may be nested that nobody declared.
const MaxDepth = 1000

// Skip steps over any value.
func (s *Scanner) Skip(depth int) bool {
	if s.At >= len(s.Text) {
		return false
	}
	c := s.Text[s.At]
	switch c {
	case '"':
		s.At++
		_, ok := s.Str()
		return ok
	case 't':
		return s.Lit("true")
	case 'f':
		return s.Lit("false")
	case 'n':
		return s.Lit("null")
	case '{', '[':
	default:
		return s.Number()
	}
	if depth == MaxDepth {
		s.Why = "more than 1000 levels"
		return false
	}
	s.At++
	s.Space()
	if s.Is(c + 2) { // ']' and '}' stand two behind
		return true
	}
	for {
		if c == '{' {
			if !s.Is('"') {
				return false
			}
			if _, ok := s.Str(); !ok || !s.Colon() {
				return false
			}
		}
		if !s.Skip(depth + 1) {
			return false
		}
		s.Space()
		if s.Is(c + 2) {
			return true
		}
		if !s.Is(',') {
			return false
		}
		s.Space()
	}
}

func (s *Scanner) Colon() bool {
	s.Space()
	if !s.Is(':') {
		return false
	}
	s.Space()
	return true
}

// Members calls f for the fields of the object at i, with where their values begin and end; false where it is none. Keys are as they stand
// there.
func (s *Scanner) Members(f func(key []byte, from, to int)) bool {
	s.Space()
	if !s.Is('{') {
		return false
	}
	s.Space()
	if s.Is('}') {
		return true
	}
	for {
		if !s.Is('"') {
			return false
		}
		from := s.At
		if _, ok := s.Str(); !ok {
			return false
		}
		key := s.Text[from : s.At-1]
		if !s.Colon() {
			return false
		}
		from = s.At
		if !s.Skip(0) {
			return false
		}
		f(key, from, s.At)
		s.Space()
		if s.Is('}') {
			return true
		}
		if !s.Is(',') {
			return false
		}
		s.Space()
	}
}
