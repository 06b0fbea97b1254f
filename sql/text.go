package sql

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Unquote is the value of a String or Quoted token: 'x', E'x', $$x$$, $tag$x$tag$ or "x".
func Unquote(token string) (string, error) {
	n := len(token)
	switch {
	case n >= 2 && token[0] == '\'' && token[n-1] == '\'':
		return strings.ReplaceAll(token[1:n-1], "''", "'"), nil
	case n >= 2 && token[0] == '"' && token[n-1] == '"':
		return strings.ReplaceAll(token[1:n-1], `""`, `"`), nil
	case n >= 3 && token[0]|0x20 == 'e' && token[1] == '\'' && token[n-1] == '\'':
		return unescape(token[2 : n-1])
	case n >= 4 && token[0] == '$':
		if tag := strings.IndexByte(token[1:], '$') + 2; n >= 2*tag && strings.HasSuffix(token, token[:tag]) {
			return token[tag : n-tag], nil
		}
	}
	return "", errors.New("not a string or quoted identifier: " + tidy(keepStart(token)))
}

// NameOf is what a word or a quoted name calls.
func NameOf(word string) string {
	if len(word) > 1 && word[0] == '"' {
		return strings.ReplaceAll(word[1:len(word)-1], `""`, `"`)
	}
	return word
}

// unescape reads the inside of an E'…' string: \b \f \n \r \t, \ooo (octal), \xhh; any other character after a backslash stands
// for itself. As DuckDB does, it refuses \u and bytes that aren't ASCII.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return strings.ReplaceAll(s, "''", "'"), nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		c := s[i]
		if c != '\\' || i+1 == len(s) {
			b.WriteByte(c)
			i++
			if c == '\'' && i < len(s) && s[i] == '\'' {
				i++
			}
			continue
		}
		c = s[i+1]
		i += 2
		switch c {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case '0', '1', '2', '3', '4', '5', '6', '7':
			n := digitsOf(s[i-1:], 3, 8)
			if err := writeByte(&b, s[i-1:i-1+n], 8); err != nil {
				return "", err
			}
			i += n - 1
		case 'x':
			n := digitsOf(s[i:], 2, 16)
			if n == 0 {
				b.WriteByte('x')
				break
			}
			if err := writeByte(&b, s[i:i+n], 16); err != nil {
				return "", err
			}
			i += n
		case 'u', 'U':
			return "", fmt.Errorf(`DuckDB doesn't read the escape \%c`, c)
		default:
			if c >= utf8.RuneSelf {
				return "", errors.New("DuckDB doesn't read a backslash before a character that isn't ASCII")
			}
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// writeByte writes the byte that digits give.
func writeByte(b *strings.Builder, digits string, base int) error {
	v, err := strconv.ParseUint(digits, base, 8)
	if err != nil || v == 0 || v >= utf8.RuneSelf {
		return fmt.Errorf(`the escape of the byte %s (base %d) gives no ASCII character`, digits, base)
	}
	return b.WriteByte(byte(v))
}

// digitsOf counts the leading digits of s in a base, limit at most.
func digitsOf(s string, limit, base int) int {
	n := 0
	for n < limit && n < len(s) && (s[n] >= '0' && s[n] <= '7' || base == 16 && isHex(s[n])) {
		n++
	}
	return n
}

// Fingerprint is a statement's text without what doesn't count: its tokens with one blank between, words and quoted names in lower
// case, no comments, no final semicolon. Two statements with one fingerprint mean the same. The fingerprint of one is itself.
func Fingerprint(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	l := lexer{text: text}
	pending := 0 // semicolons that count only when something follows
	for t := l.next(); t.Kind != EOF; t = l.next() {
		if t.Kind == Semi {
			pending++
			continue
		}
		for ; pending > 0; pending-- {
			b.WriteString(" ;")
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		s := text[t.Span.Start:t.Span.End]
		if t.Kind == Word || t.Kind == Quoted {
			s = lower(s)
		}
		b.WriteString(s)
	}
	return b.String()
}

// lower folds as DuckDB compares names: ASCII letters only.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] |= 0x20
				}
			}
			return string(b)
		}
	}
	return s
}

// same compares as DuckDB compares keywords and names: ASCII letters in any case.
func same(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		x, y := a[i], b[i]
		if x >= 'A' && x <= 'Z' {
			x |= 0x20
		}
		if y >= 'A' && y <= 'Z' {
			y |= 0x20
		}
		if x != y {
			return false
		}
	}
	return true
}
