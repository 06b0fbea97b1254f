package jsontext

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// HexDigit is the value of one.
func HexDigit(c byte) (byte, bool) {
	switch {
	case c-'0' <= 9:
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// ExcerptBytes is how much of a value a reason shows.
const ExcerptBytes = 40

// Excerpt quotes the beginning of a value for a reason. A JSON string or number is shown as it stands there.
func Excerpt(tok []byte, quote bool) string {
	more := ""
	if len(tok) > ExcerptBytes {
		tok, more = tok[:ExcerptBytes], "…"
	}
	for len(tok) > 0 && more != "" && !utf8.Valid(tok[max(0, len(tok)-utf8.UTFMax):]) && !utf8.RuneStart(tok[len(tok)-1]) {
		tok = tok[:len(tok)-1]
	}
	s := strings.ToValidUTF8(string(tok), "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if quote {
		return `"` + s + more + `"`
	}
	return s + more
}

func Spaces(b []byte) (n int) {
	for n < len(b) && (b[n] == ' ' || b[n] == '\n' || b[n] == '\t' || b[n] == '\r') {
		n++
	}
	return n
}

func Newlines(b []byte) int64 { return int64(bytes.Count(b, []byte{'\n'})) }

func Blank(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

// AppendString writes text as a JSON string.
func AppendString[T string | []byte](to []byte, s T) []byte {
	to = append(to, '"')
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			to = AppendRune(to, rune(c))
		} else {
			to = append(to, c)
		}
	}
	return append(to, '"')
}

func AppendRune(to []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	switch {
	case r == '"' || r == '\\':
		return append(to, '\\', byte(r))
	case r == '\n':
		return append(to, '\\', 'n')
	case r < ' ':
		return append(to, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
	}
	return utf8.AppendRune(to, r)
}
