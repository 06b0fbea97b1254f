package csv

import (
	"bytes"

	"dsql/ingest/batch"
)

// What stands above the records: which bytes end a line, lines that are skipped, Excel's sep=. All of it looks for quotes, as a line end
// inside them is none.

// lineEnds finds what ends the lines: \n where one stands outside of quotes, else \r where one does. It looks at the first MiB at most.
func (c *decoder) lineEnds() (byte, error) {
	f := c.f
	if bytes.IndexByte(f.Ahead, '\r') < 0 && bytes.IndexByte(f.Ahead, '\n') >= 0 {
		return '\n', nil
	}
	delims := candidates(&c.l.Dialect)
	for {
		newline := byte('\n')
		for rest := f.Ahead; ; {
			k := c.lineOf(rest, "\r\n", delims)
			if k == len(rest) {
				break
			}
			if rest[k] == '\n' {
				return '\n', nil
			}
			newline, rest = '\r', rest[k+1:]
		}
		if f.EOF || len(f.Ahead) > maxFirst {
			return newline, nil
		}
		if err := f.ReadMore(); err != nil {
			return 0, err
		}
	}
}

// lineOf is where the line at b's start ends: at the first of ends outside of quotes, else len(b). A quote that isn't closed, or that
// something else than a delimiter follows, is no quote.
func (c *decoder) lineOf(b []byte, ends string, delims []string) int {
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
func (c *decoder) closing(b []byte, i int, delims []string) int {
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
func (c *decoder) skipLines(n int) error {
	f := c.f
	for n > 0 {
		size, lines, err := c.line()
		if err != nil || size == 0 {
			return err
		}
		f.Take(size, lines)
		f.Passed += int64(size)
		n -= max(lines, 1)
	}
	return nil
}

// line is the size of the line that comes next, with its end, and how many line ends there are in it. 0: the file has ended.
func (c *decoder) line() (size, lines int, err error) {
	f := c.f
	delims, ends := candidates(&c.l.Dialect), string([]byte{c.newline})
	for {
		k := c.lineOf(f.Ahead, ends, delims)
		if k < len(f.Ahead) || f.EOF || len(f.Ahead) > maxFirst {
			size = min(k+1, len(f.Ahead))
			return size, bytes.Count(f.Ahead[:size], []byte{c.newline}), nil
		}
		if err := f.ReadMore(); err != nil {
			return 0, 0, err
		}
	}
}

// separator reads the line that Excel writes above the records, sep=; and says what it names.
func (c *decoder) separator() (string, error) {
	f := c.f
	const sep = "sep="
	if len(f.Ahead) < len(sep)+1 || !bytes.EqualFold(bytes.TrimPrefix(f.Ahead[:len(sep)+1], []byte{'"'})[:len(sep)], []byte(sep)) {
		return "", nil
	}
	size, _, err := c.line()
	if err != nil {
		return "", err
	}
	text := bytes.TrimRight(f.Ahead[:size], "\r\n")
	if c.quote != 0 {
		text = bytes.Trim(text, string([]byte{c.quote}))
	}
	if text = text[len(sep):]; len(text) == 1 && text[0] < 0x80 {
		return string(text), nil
	}
	return "", nil
}

// Sep is the delimiter that a line sep= above the records of a file names, "" without one, and what stands below it.
func Sep(d batch.Dialect, head []byte) (sep string, rest []byte, newline byte, err error) {
	if d.Quote == 0 {
		d.Quote = '"'
	}
	c := newDecoder(&batch.Landing{Dialect: d}, nil)
	c.f = &batch.File{Ahead: bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), EOF: true}
	if c.newline, err = c.lineEnds(); err != nil {
		return "", nil, 0, err
	}
	if sep, err = c.separator(); err != nil || sep == "" {
		return "", head, c.newline, err
	}
	size, _, err := c.line()
	return sep, c.f.Ahead[size:], c.newline, err
}

// titleRecords is how far a header is looked for below lines of text, where columns were inferred.
const (
	titleRecords = 1000
	maxTitles    = 16 << 20 // bytes of them
)
