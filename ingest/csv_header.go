package ingest

import (
	"bytes"
	"fmt"
	"strings"

	"dsql/sql"
)

// openCSV finds out what the dialect leaves open, reads the header and joins the file's fields to the columns.
func (f *File) openCSV() error {
	l, d := f.l, f.l.dialect
	c := &csvDecoder{f: f, newline: '\n', quote: d.Quote, escape: d.Escape, comment: d.Comment, quotedNull: !d.NoQuotedNull}
	f.dec = c
	for range d.Skip {
		if ok, err := f.skipLine(); err != nil || !ok {
			return err
		}
	}
	if k := bytes.IndexAny(f.carry, "\r\n"); k >= 0 && k+1 < len(f.carry) && f.carry[k] == '\r' && f.carry[k+1] != '\n' {
		c.newline = '\r'
	}
	if d.NullSet {
		c.nullStr = [][]byte{}
		for _, s := range d.NullStr {
			c.nullStr = append(c.nullStr, []byte(s))
		}
	}
	names, delim, size, err := f.firstRecord(c)
	if err != nil {
		return err
	}
	c.delim = delim
	header := d.Header == HeaderYes || d.Header == HeaderAuto && l.named(names) > 0
	if !header || names == nil {
		c.width = len(l.values)
		for at, i := range l.values {
			c.targets = append(c.targets, target{at, l.columns[i]})
		}
		return nil
	}
	f.take(size, c.lines)
	return c.join(names)
}

// skipLine takes one line of what was read; ok is false at the end of the file.
func (f *File) skipLine() (ok bool, err error) {
	for {
		if k := bytes.IndexByte(f.carry, '\n'); k >= 0 {
			f.take(k+1, 1)
			return true, nil
		}
		if f.eof {
			f.take(len(f.carry), 0)
			return false, nil
		}
		if err := f.readMore(); err != nil {
			return false, err
		}
	}
}

const (
	maxHeader = 1 << 16 // fields of a header
	maxFirst  = 1 << 20 // bytes of it
)

var delimiters = []byte{',', ';', '|', '\t'}

// firstRecord reads the first record, past blank lines and comments, without taking it. Where the dialect does not say, the
// delimiter is the one that finds most of the declared names, else as many fields as are declared, in most of the first records.
func (f *File) firstRecord(c *csvDecoder) (names []string, delim byte, size int, err error) {
	c.width = maxHeader
	candidates := []byte{f.l.dialect.Delim}
	if candidates[0] == 0 {
		candidates = delimiters
	}
	for {
		for len(f.carry) > 0 && !(f.l.dialect.Header == HeaderNo && len(f.l.values) == 1) {
			n := c.blankLine(f.carry, f.eof)
			if n <= 0 {
				break
			}
			f.take(n, 1)
		}
		best, short := f.bestDelimiter(c, candidates)
		switch {
		case best != 0:
			c.delim = best
			size = c.split(f.carry, f.eof)
			if names = c.texts(f.carry); len(names) > maxHeader {
				return nil, 0, 0, f.headerError(fmt.Sprintf("the first record has more than %d fields", maxHeader), "")
			}
			return names, best, size, nil
		case len(f.carry) > 0 && f.l.dialect.Header == HeaderYes && (!short || f.eof || len(f.carry) > maxFirst):
			return nil, 0, 0, f.headerError("the header can't be read: a quote is not closed, or text stands behind a closing quote", "is the file CSV? set delim and quote as they are in it")
		case !short || f.eof || len(f.carry) > maxFirst:
			return nil, candidates[0], 0, nil
		}
		if err := f.readMore(); err != nil {
			return nil, 0, 0, err
		}
	}
}

// bestDelimiter is 0 when there is no first record, or its quotes are wrong; short says that reading on may help.
func (f *File) bestDelimiter(c *csvDecoder, candidates []byte) (best byte, short bool) {
	score := -1
	short = len(f.carry) == 0
	for _, d := range candidates {
		c.delim = d
		n := c.split(f.carry, f.eof)
		if short = short || n < 0; len(f.carry) == 0 || n < 0 || c.broken != "" {
			continue
		}
		width := c.fields
		s := 100 * f.l.named(c.texts(f.carry))
		if width == len(f.l.values) {
			s += 50
		}
		for rest := f.carry[n:]; width > 1 && len(rest) > 0 && s%50 < 20; rest = rest[n:] {
			if n = c.blankLine(rest, f.eof); n == 0 {
				if n = c.split(rest, f.eof); n > 0 && c.fields != width {
					break
				}
				s++
			}
			if n <= 0 {
				break
			}
		}
		if s > score && (s > 0 || d == candidates[0]) {
			best, score = d, s
		}
	}
	return best, short
}

func (f *File) headerError(msg, hint string) error {
	return &sql.Error{Code: "source-header", Exit: sql.ExitFailed, Msg: f.info.Path + ": " + msg, Hint: hint}
}

// texts are the values of the fields that were split.
func (c *csvDecoder) texts(b []byte) []string {
	out := make([]string, len(c.spans))
	for i, s := range c.spans {
		t := b[s.from:s.to]
		if s.escaped {
			t = c.unescape(nil, t)
		}
		out[i] = string(t)
	}
	return out
}

// named counts the declared columns among names.
func (l *Landing) named(names []string) (n int) {
	for _, i := range l.values {
		if index(names, l.fields[i].sourceName()) >= 0 {
			n++
		}
	}
	return n
}

// index finds a name as SQL compares names: in any case; the first of several.
func index(names []string, name string) int {
	for i, n := range names {
		if strings.EqualFold(n, name) {
			return i
		}
	}
	return -1
}

// join finds the header's field of each column.
func (c *csvDecoder) join(names []string) error {
	f, l := c.f, c.f.l
	c.width = len(names)
	used := map[int]bool{}
	for _, i := range l.values {
		at := index(names, l.fields[i].sourceName())
		if at < 0 {
			if f.absent == nil {
				f.absent = make([]bool, len(l.fields))
			}
			f.absent[i] = true
			continue
		}
		used[at] = true
		c.targets = append(c.targets, target{at, l.columns[i]})
	}
	if len(c.targets) == 0 && len(l.values) > 0 {
		shown := strings.Join(names[:min(len(names), 20)], ", ")
		return f.headerError("its header names none of the declared columns; it has "+excerptOf(shown), "declare these names, say with FROM '$.name' what a column is called in the file, or set header false")
	}
	for i, n := range names {
		if !used[i] {
			c.unknown++
			l.json.names.add([]byte(n))
		}
	}
	return nil
}

func excerptOf(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return strings.ToValidUTF8(s, "")
}
