package ingest

import (
	"bytes"
	"fmt"
	"strings"
)

// What stands above the records: which bytes end a line, lines that are skipped, Excel's sep=. All of it looks for quotes, as a line end
// inside them is none.

// newCSVDecoder makes a decoder of what the dialect says.
func newCSVDecoder(l *Landing, nested *jsonDecoder) *csvDecoder {
	d := &l.dialect
	c := &csvDecoder{l: l, json: nested, newline: '\n', quote: d.Quote, escape: d.Escape, comment: d.Comment, quotedNull: !d.NoQuotedNull}
	if d.NullSet {
		c.nullStr = [][]byte{}
		for _, s := range d.NullStr {
			c.nullStr = append(c.nullStr, []byte(s))
		}
	}
	return c
}

func (c *csvDecoder) setDelim(s string) { c.delim, c.rest = s[0], []byte(s[1:]) }

// lineEnds finds what ends the lines: \n where one stands outside of quotes, else \r where one does. It looks at the first MiB at most.
func (c *csvDecoder) lineEnds() (byte, error) {
	f := c.f
	if bytes.IndexByte(f.carry, '\r') < 0 && bytes.IndexByte(f.carry, '\n') >= 0 {
		return '\n', nil
	}
	delims := candidates(&c.l.dialect)
	for {
		newline := byte('\n')
		for rest := f.carry; ; {
			k := c.lineOf(rest, "\r\n", delims)
			if k == len(rest) {
				break
			}
			if rest[k] == '\n' {
				return '\n', nil
			}
			newline, rest = '\r', rest[k+1:]
		}
		if f.eof || len(f.carry) > maxFirst {
			return newline, nil
		}
		if err := f.readMore(); err != nil {
			return 0, err
		}
	}
}

// lineOf is where the line at b's start ends: at the first of ends outside of quotes, else len(b). A quote that isn't closed, or that
// something else than a delimiter follows, is no quote.
func (c *csvDecoder) lineOf(b []byte, ends string, delims []string) int {
	first := true // at the start of a field
	for i := 0; i < len(b); {
		if c.comment != 0 && b[i] == c.comment {
			if k := bytes.IndexAny(b[i:], ends); k >= 0 {
				return i + k
			}
			return len(b)
		}
		switch {
		case bytes.IndexByte([]byte(ends), b[i]) >= 0:
			return i
		case first && c.quote != 0 && b[i] == c.quote:
			if k := c.closing(b, i, delims); k > 0 {
				i, first = k, false
				continue
			}
		}
		if d := delimOf(b[i:], delims); d > 0 {
			i, first = i+d, true
			continue
		}
		first = first && b[i] == ' '
		i++
	}
	return len(b)
}

// closing is where the quoted field ends whose quote stands at i, 0 when it is none.
func (c *csvDecoder) closing(b []byte, i int, delims []string) int {
	for p := i + 1; p < len(b); p++ {
		if b[p] == c.escape && (c.escape != c.quote || p+1 < len(b) && b[p+1] == c.quote) {
			p++
			continue
		}
		if b[p] != c.quote {
			continue
		}
		for p++; p < len(b) && b[p] == ' ' && delimOf(b[p:], delims) == 0; {
			p++
		}
		if p == len(b) || b[p] == '\r' || b[p] == '\n' || delimOf(b[p:], delims) > 0 || c.comment != 0 && b[p] == c.comment {
			return p
		}
		return 0
	}
	return 0
}

// delimOf is the length of the delimiter that b begins with, 0 for none.
func delimOf(b []byte, delims []string) int {
	for _, d := range delims {
		if len(b) >= len(d) && string(b[:len(d)]) == d {
			return len(d)
		}
	}
	return 0
}

// skipLines takes n lines, and the rest of a quoted field that the last of them begins.
func (c *csvDecoder) skipLines(n int) error {
	f := c.f
	for n > 0 {
		size, lines, err := c.line()
		if err != nil || size == 0 {
			return err
		}
		f.take(size, lines)
		f.passed += int64(size)
		n -= max(lines, 1)
	}
	return nil
}

// line is the size of the line that comes next, with its end, and how many line ends there are in it. 0: the file has ended.
func (c *csvDecoder) line() (size, lines int, err error) {
	f := c.f
	delims, ends := candidates(&c.l.dialect), string([]byte{c.newline})
	for {
		k := c.lineOf(f.carry, ends, delims)
		if k < len(f.carry) || f.eof || len(f.carry) > maxFirst {
			size = min(k+1, len(f.carry))
			return size, bytes.Count(f.carry[:size], []byte{c.newline}), nil
		}
		if err := f.readMore(); err != nil {
			return 0, 0, err
		}
	}
}

// separator reads the line that Excel writes above the records, sep=; and says what it names.
func (c *csvDecoder) separator() (string, error) {
	f := c.f
	const sep = "sep="
	if len(f.carry) < len(sep)+1 || !bytes.EqualFold(bytes.TrimPrefix(f.carry[:len(sep)+1], []byte{'"'})[:len(sep)], []byte(sep)) {
		return "", nil
	}
	size, _, err := c.line()
	if err != nil {
		return "", err
	}
	text := bytes.TrimRight(f.carry[:size], "\r\n")
	if c.quote != 0 {
		text = bytes.Trim(text, string([]byte{c.quote}))
	}
	if text = text[len(sep):]; len(text) == 1 && text[0] < 0x80 {
		return string(text), nil
	}
	return "", nil
}

// excelSep is the delimiter that a line sep= above the records of a file names, "" without one, and what stands below it.
func excelSep(d Dialect, head []byte) (sep string, rest []byte, newline byte, err error) {
	if d.Quote == 0 {
		d.Quote = '"'
	}
	c := newCSVDecoder(&Landing{dialect: d}, nil)
	c.f = &File{carry: bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), eof: true}
	if c.newline, err = c.lineEnds(); err != nil {
		return "", nil, 0, err
	}
	if sep, err = c.separator(); err != nil || sep == "" {
		return "", head, c.newline, err
	}
	size, _, err := c.line()
	return sep, c.f.carry[size:], c.newline, err
}

// titleRecords is how far a header is looked for below lines of text, where columns were inferred.
const (
	titleRecords = 1000
	maxTitles    = 16 << 20 // bytes of them
)

// passTitles takes the lines above the header of a file whose columns were inferred: the header is the record that names the most of
// them. Where the first file had no header they are, as there, the first records that have another number of fields.
func (c *csvDecoder) passTitles(h *csvHeader, delims []string) (*csvHeader, int, error) {
	f, l := c.f, c.l
	want, found := len(l.values), l.dialect.Found
	for bytes.Count(f.carry, []byte{c.newline}) < found.Skip+2 && !f.eof && len(f.carry) < maxTitles {
		if err := f.readMore(); err != nil {
			return nil, 0, err
		}
	}
	best := c.named(h)
	at, delim, rest := 0, string(c.delim)+string(c.rest), f.carry
	if found.Header == HeaderNo {
		c.width = want
		for n := 0; n < found.Skip && len(rest) > 0; n++ {
			size := c.nextRecord(rest, f.eof)
			if size <= 0 || c.fields == want || c.fields == want+1 && c.emptyEnd() {
				break
			}
			rest = rest[size:]
		}
		at = len(f.carry) - len(rest)
	} else {
		for _, d := range delims {
			c.setDelim(d)
			for rest, n := f.carry, 0; len(rest) > 0 && n < titleRecords && best < want; n++ {
				size := c.nextRecord(rest, f.eof)
				if size <= 0 {
					break
				}
				if c.broken == "" && c.fields*2 >= want {
					if k := c.named(c.newHeader(c.texts(rest))); k > best && k*2 >= want {
						best, at, delim = k, len(f.carry)-len(rest), d
					}
				}
				rest = rest[size:]
			}
		}
	}
	c.width = maxHeader
	c.setDelim(delim)
	if at == 0 {
		return h, c.split(f.carry, f.eof), nil
	}
	lines := strings.Count(string(f.carry[:at]), string(c.newline))
	said := "1 line above the records of " + f.info.Path + " is passed over"
	if lines != 1 {
		said = fmt.Sprintf("%d lines above the records of %s are passed over", lines, f.info.Path)
	}
	f.warn("title-lines", said,
		"write skip, or name the columns, to say it yourself")
	f.take(at, lines)
	return c.firstRecord([]string{delim})
}
