package ingest

import (
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
)

// open begins a file: it finds out what the dialect leaves open, reads the header and joins the file's fields to the columns.
func (c *csvDecoder) open(f *File) (Cutter, error) {
	c.f = f
	head, at := f.carry, f.pos
	if err := c.begin(); err != nil {
		return nil, err
	}
	if f.info.Refused != "" {
		c.refused = f.info.Refused
	}
	// what was taken for a header may be the beginning of one: it has no line end
	n := f.pos.Byte - at.Byte
	if f.info.Growing && n > 0 && n <= int64(len(head)) && len(f.carry) == 0 && head[n-1] != '\n' && head[n-1] != '\r' {
		f.wait(at)
	}
	return c, nil
}

func (c *csvDecoder) begin() (err error) {
	f, d := c.f, &c.l.dialect
	if c.newline, err = c.lineEnds(); err != nil {
		return err
	}
	delims, err := c.aboveRecords()
	if err != nil {
		return err
	}
	h, size, err := c.firstRecord(delims)
	if err != nil {
		return err
	}
	if h != nil && d.Found != nil && d.Header != HeaderNo {
		if h, size, err = c.passTitles(h, delims); err != nil {
			return err
		}
	}
	header := c.hasHeader(h)
	f.opening = &opening{Delim: string(c.delim) + string(c.rest), Refused: c.refused != ""}
	if header || c.refused != "" {
		text := strings.TrimRight(string(f.carry[:size]), "\r\n")
		f.opening.Header = &text
	}
	if header {
		if c.lines > 1 {
			f.passed += int64(size)
		}
		f.header = HeaderYes
		f.take(size, c.lines)
		if err := c.join(h); err != nil {
			return err
		}
	} else {
		c.byPosition()
	}
	// a header that lacks a column may lack a delimiter
	if c.surplus = f.absent == nil && c.endsInDelimiter(); d.began != nil {
		c.surplus = d.began.Surplus
	}
	f.opening.Surplus = c.surplus
	return nil
}

// aboveRecords takes the lines that are skipped, and gives the delimiters that the records may have.
func (c *csvDecoder) aboveRecords() (delims []string, err error) {
	d := &c.l.dialect
	delims = candidates(d)
	sep, err := c.separator()
	if err != nil {
		return nil, err
	}
	if sep != "" && (d.Delim == "" || d.Delim == sep) {
		delims = []string{sep}
		if d.Skip == 0 {
			size, lines, err := c.line()
			if err != nil {
				return nil, err
			}
			c.f.take(size, lines)
		}
	}
	return delims, c.skipLines(d.Skip)
}

const (
	maxHeader = 1 << 16 // fields of a header
	maxFirst  = 1 << 20 // bytes of it
)

// firstRecord reads the first record, past blank lines and comments, without taking it; nil when there is none, or its quotes are
// wrong. Where the dialect does not say, the delimiter is the one that finds most of the declared names, else as many fields as are
// declared, in most of the first records.
func (c *csvDecoder) firstRecord(delims []string) (h *csvHeader, size int, err error) {
	f := c.f
	c.width = maxHeader
	for {
		for len(f.carry) > 0 && !(c.l.dialect.Header == HeaderNo && len(c.l.values) == 1) {
			n := c.blankLine(f.carry, f.eof)
			if n <= 0 {
				break
			}
			f.take(n, 1)
		}
		best, short := c.bestDelimiter(delims)
		switch {
		case best != "":
			c.setDelim(best)
			size = c.split(f.carry, f.eof)
			names := c.texts(f.carry)
			if len(names) > maxHeader {
				return nil, 0, c.headerError(fmt.Sprintf("the first record has more than %d fields", maxHeader), "")
			}
			return c.newHeader(names), size, nil
		case len(f.carry) > 0 && c.l.dialect.Header == HeaderYes && (!short || f.eof || len(f.carry) > maxFirst):
			return nil, 0, c.headerError("the header can't be read: a quote is not closed, or text stands behind a closing quote",
				"is the file CSV? set delim and quote as they are in it")
		case !short || f.eof || len(f.carry) > maxFirst:
			c.setDelim(delims[0])
			return nil, 0, nil
		}
		if err := f.readMore(); err != nil {
			return nil, 0, err
		}
	}
}

// bestDelimiter is "" when there is no first record, or its quotes are wrong; short says that reading on may help.
func (c *csvDecoder) bestDelimiter(delims []string) (best string, short bool) {
	f := c.f
	score := -1
	short = len(f.carry) == 0
	for _, d := range delims {
		c.setDelim(d)
		n := c.split(f.carry, f.eof)
		if short = short || n < 0; len(f.carry) == 0 || n < 0 || c.broken != "" {
			continue
		}
		width := c.fields
		s := 100 * c.named(c.newHeader(c.texts(f.carry)))
		if width == len(c.l.values) {
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
		if s > score && (s > 0 || d == delims[0]) {
			best, score = d, s
		}
	}
	return best, short
}

func (c *csvDecoder) headerError(msg, hint string) error {
	return &sql.Error{Code: "source-header", Exit: sql.ExitFailed, Msg: c.f.info.Path + ": " + msg, Hint: hint}
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

// named counts the declared columns that a header names.
func (c *csvDecoder) named(h *csvHeader) (n int) {
	l := c.l
	for _, i := range l.values {
		if h.find(l.fields[i].sourceName()) >= 0 {
			n++
		}
	}
	return n
}

// hasHeader says whether the first record is a header. The first file that was found to have one, or none, speaks for those behind it.
func (c *csvDecoder) hasHeader(h *csvHeader) bool {
	f, l, d := c.f, c.l, &c.l.dialect
	switch {
	case d.Header == HeaderYes:
		return h != nil
	case d.Header == HeaderNo || len(l.values) == 0:
		return false
	case h == nil:
		return false
	}
	switch n := c.named(h); {
	case n == len(l.values), n > 0 && d.Seen == HeaderYes, n > 0 && d.Seen == HeaderAuto && !c.convertible(h):
		d.Seen = HeaderYes
		return true
	case d.Seen == HeaderYes:
		c.refused = notNamed
		f.warn("source-header",
			fmt.Sprintf("%s: the first record names none of the declared columns, and the files before it had headers: all its records are bad; "+
				"it has %s", f.info.Path, shownNames(h.names)),
			"give it the header of the others, or say with FROM '$.name' what a column is called in the file; files without header are read by a "+
				"source with header false")
		return false
	case d.Seen == HeaderAuto:
		f.warn("no-header",
			fmt.Sprintf("%s: the first record names none of the declared columns, so it is taken for data, and the columns go by position",
				f.info.Path),
			"write header false if that is right, or header true if the first record is a header")
	}
	d.Seen, f.header = HeaderNo, HeaderNo
	return false
}

const notNamed = "the file has no header that names a declared column, as the files before it have"

// convertible says whether a first record is a record: it has a field for each column, and one of them isn't text and takes its field.
func (c *csvDecoder) convertible(h *csvHeader) bool {
	l := c.l
	if len(h.names) != len(l.values) {
		return false
	}
	return slices.ContainsFunc(l.values, func(i int) bool {
		at := slices.Index(l.values, i)
		return l.columns[i].id != duck.TypeVarchar && l.takes(i, h.names[at])
	})
}

// byPosition gives the fields to the columns in order. A source whose names were given finds its columns by these.
func (c *csvDecoder) byPosition() {
	l := c.l
	c.targets, c.width = nil, len(l.values)
	if names := l.dialect.Names; len(names) > 0 && l.dialect.Found == nil {
		c.width = len(names)
		c.joinNames(c.newHeader(names))
		return
	}
	for at, i := range l.values {
		c.targets = append(c.targets, c.target(at, i))
	}
}

// join finds the header's field of each column.
func (c *csvDecoder) join(h *csvHeader) error {
	l := c.l
	c.width = len(h.names)
	c.joinNames(h)
	if len(c.targets) == 0 && len(l.values) > 0 {
		if b := l.dialect.began; b != nil && b.Refused {
			c.refused = notNamed
			return nil
		}
		return c.headerError("its header names none of the declared columns; it has "+shownNames(h.names),
			"declare these names, say with FROM '$.name' what a column is called in the file, or set header false")
	}
	return nil
}

func (c *csvDecoder) joinNames(h *csvHeader) {
	f, l := c.f, c.l
	f.names = h.names
	used := map[int]bool{}
	for _, i := range l.values {
		at := h.find(l.fields[i].sourceName())
		if at < 0 {
			if f.absent == nil {
				f.absent = make([]bool, len(l.fields))
			}
			f.absent[i] = true
			continue
		}
		used[at] = true
		c.targets = append(c.targets, c.target(at, i))
	}
	for i, n := range h.names {
		if !used[i] {
			c.unknown++
			l.names.add([]byte(n))
			f.fresh = append(f.fresh, n)
		}
	}
}

// target gives a column the file's field.
func (c *csvDecoder) target(at, i int) target {
	l := c.l
	return target{at: at, col: l.columns[i], notNull: containsFold(l.dialect.NotNull, l.fields[i].sourceName()) ||
		containsFold(l.dialect.NotNull, l.fields[i].Name)}
}

// endsInDelimiter says whether the records end in a delimiter that the header doesn't have: those that were read first all do.
func (c *csvDecoder) endsInDelimiter() bool {
	f := c.f
	yes := false
	for rest := f.carry; len(rest) > 0; {
		n := c.nextRecord(rest, f.eof)
		if n <= 0 {
			break
		}
		switch {
		case c.broken != "":
		case c.fields == c.width:
			return false
		case c.fields == c.width+1 && c.emptyEnd():
			yes = true
		}
		rest = rest[n:]
	}
	return yes
}
