package csv

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// Encoding finds an encoding by DuckDB's, IANA's or Python's name for it, nil for UTF-8.
func Encoding(name string) (encoding.Encoding, error) {
	plain := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
	switch plain {
	case "utf8", "ascii", "usascii":
		return nil, nil
	case "utf16", "utf16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nil
	case "utf16be":
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM), nil
	case "utf32", "utf32le":
		return utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), nil
	case "utf32be":
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM), nil
	case "latin1", "iso88591":
		return charmap.ISO8859_1, nil
	}
	for _, try := range []string{name, strings.ReplaceAll(name, "_", "-"), strings.ReplaceAll(name, "-", "_"),
		"windows-" + strings.TrimPrefix(plain, "cp"), "IBM" + strings.TrimPrefix(plain, "cp"), "ISO-8859-" + strings.TrimPrefix(plain, "latin")} {
		if e, err := ianaindex.IANA.Encoding(try); err == nil && e != nil {
			return e, nil
		}
	}
	return nil, fmt.Errorf("there is no encoding %s", name)
}

func IsUTF8(name string) bool {
	e, err := Encoding(name)
	return e == nil && err == nil
}

// Decoded gives a text in UTF-8. What is not of its encoding becomes a byte that is not of UTF-8, so that the record is bad.
func Decoded(r io.Reader, name string) (io.Reader, error) {
	e, err := Encoding(name)
	if err != nil || e == nil {
		return r, err
	}
	return bufio.NewReaderSize(&strictReader{r: transform.NewReader(r, e.NewDecoder())}, 64<<10), nil
}

// strictReader, behind a buffer, turns the mark that decoders of x/text put in the place of what they can't read into a byte that no UTF-8
// has.
type strictReader struct {
	r    io.Reader
	held []byte // the end of what was read that may begin a mark
	err  error
}

func (s *strictReader) Read(p []byte) (int, error) {
	mark := []byte(string(utf8.RuneError))
	n := copy(p, s.held)
	s.held = s.held[:0]
	if s.err == nil {
		var m int
		m, s.err = s.r.Read(p[n:])
		n += m
	}
	text := p[:n]
	to := 0
	for {
		k := bytes.Index(text, mark)
		if k < 0 {
			break
		}
		to += copy(p[to:], text[:k])
		p[to] = 0xff
		to++
		text = text[k+len(mark):]
	}
	to += copy(p[to:], text)
	if s.err != nil {
		return to, s.err
	}
	for k := 1; k < len(mark) && k <= to; k++ {
		if bytes.HasPrefix(mark, p[to-k:to]) {
			s.held = append(s.held, p[to-k:to]...)
			return to - k, nil
		}
	}
	return to, nil
}

// EncodingSeen is the encoding that a text begins in, other than UTF-8: by a byte order mark, or a zero in all but one byte of each unit.
func EncodingSeen(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(b, []byte{0, 0, 0xfe, 0xff}):
		return "utf-32"
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}), bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		return "utf-16"
	}
	return unitsOf(b)
}

// unitsOf recognises ASCII letters in units of two or four bytes.
func unitsOf(b []byte) string {
	for _, u := range []struct {
		size, letter int
		name         string
	}{{4, 0, "utf-32"}, {4, 3, "utf-32be"}, {2, 0, "utf-16"}, {2, 1, "utf-16be"}} {
		n, is := len(b)/u.size, 0
		for i := range n {
			unit := b[i*u.size : (i+1)*u.size]
			if unit[u.letter] != 0 && bytes.Count(unit, []byte{0}) == u.size-1 {
				is++
			}
		}
		if n >= 2 && is*10 >= n*8 {
			return u.name
		}
	}
	return ""
}
