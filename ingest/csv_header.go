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

// maxHeader is how many fields a header may have.
const maxHeader = 1 << 16

var delimiters = []byte{',', ';', '|', '\t'}

// firstRecord reads the first record, past blank lines and comments, without taking it. Where the dialect does not say, the
// delimiter is the one that finds most of the declared names, else as many fields as are declared.
func (f *File) firstRecord(c *csvDecoder) (names []string, delim byte, size int, err error) {
	c.width = maxHeader
	candidates := []byte{f.l.dialect.Delim}
	if candidates[0] == 0 {
		candidates = delimiters
	}
	for {
		for len(f.carry) > 0 {
			n := c.blankLine(f.carry, f.eof)
			if n <= 0 {
				break
			}
			f.take(n, 1)
		}
		best, lines := -1, 0
		delim, names = candidates[0], nil
		for _, d := range candidates {
			if len(f.carry) == 0 {
				break
			}
			c.delim = d
			n := c.split(f.carry, f.eof)
			if n < 0 {
				best = -1
				break
			}
			if c.broken != "" {
				continue
			}
			got := c.texts(f.carry)
			score := 2 * f.l.named(got)
			if len(got) == len(f.l.values) {
				score++
			}
			if score > best {
				best, delim, names, size, lines = score, d, got, n, c.lines
			}
		}
		if best >= 0 || f.eof {
			c.lines = lines
			if names != nil && len(names) > maxHeader {
				return nil, 0, 0, f.headerError(fmt.Sprintf("the first record has more than %d fields", maxHeader), "")
			}
			return names, delim, size, nil
		}
		if int64(len(f.carry)) > f.l.limits.Bytes {
			return nil, 0, 0, f.headerError("the first record does not end", "is the file CSV? set delim and quote if it is")
		}
		if err := f.readMore(); err != nil {
			return nil, 0, 0, err
		}
	}
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
