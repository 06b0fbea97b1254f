package ingest

import (
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
)

// openCSV finds out what the dialect leaves open, reads the header and joins the file's fields to the columns.
func (f *File) openCSV() (err error) {
	d := &f.l.dialect
	c := newCSVDecoder(f)
	f.dec = c
	if c.newline, err = f.lineEnds(c); err != nil {
		return err
	}
	delims := d.candidates()
	if sep, err := f.separator(c); err != nil {
		return err
	} else if sep != "" && (d.Delim == "" || d.Delim == sep) {
		delims = []string{sep}
		if d.Skip == 0 {
			size, lines, err := f.line(c)
			if err != nil {
				return err
			}
			f.take(size, lines)
		}
	}
	if err := f.skipLines(c, d.Skip); err != nil {
		return err
	}
	h, size, err := f.firstRecord(c, delims)
	if err != nil {
		return err
	}
	if h != nil && d.Found != nil && d.Header != HeaderNo {
		if h, size, err = f.passTitles(c, h, delims); err != nil {
			return err
		}
	}
	header, err := f.hasHeader(h)
	if err != nil {
		return err
	}
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
	if c.surplus = f.absent == nil && f.surplus(c); d.began != nil {
		c.surplus = d.began.Surplus
	}
	f.opening.Surplus = c.surplus
	return nil
}

const (
	maxHeader = 1 << 16 // fields of a header
	maxFirst  = 1 << 20 // bytes of it
)

// firstRecord reads the first record, past blank lines and comments, without taking it; nil when there is none, or its quotes are
// wrong. Where the dialect does not say, the delimiter is the one that finds most of the declared names, else as many fields as are
// declared, in most of the first records.
func (f *File) firstRecord(c *csvDecoder, delims []string) (h *csvHeader, size int, err error) {
	c.width = maxHeader
	for {
		for len(f.carry) > 0 && !(f.l.dialect.Header == HeaderNo && len(f.l.values) == 1) {
			n := c.blankLine(f.carry, f.eof)
			if n <= 0 {
				break
			}
			f.take(n, 1)
		}
		best, short := f.bestDelimiter(c, delims)
		switch {
		case best != "":
			c.setDelim(best)
			size = c.split(f.carry, f.eof)
			names := c.texts(f.carry)
			if len(names) > maxHeader {
				return nil, 0, f.headerError(fmt.Sprintf("the first record has more than %d fields", maxHeader), "")
			}
			return f.l.newHeader(names), size, nil
		case len(f.carry) > 0 && f.l.dialect.Header == HeaderYes && (!short || f.eof || len(f.carry) > maxFirst):
			return nil, 0, f.headerError("the header can't be read: a quote is not closed, or text stands behind a closing quote",
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
func (f *File) bestDelimiter(c *csvDecoder, delims []string) (best string, short bool) {
	score := -1
	short = len(f.carry) == 0
	for _, d := range delims {
		c.setDelim(d)
		n := c.split(f.carry, f.eof)
		if short = short || n < 0; len(f.carry) == 0 || n < 0 || c.broken != "" {
			continue
		}
		width := c.fields
		s := 100 * f.l.named(f.l.newHeader(c.texts(f.carry)))
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
		if s > score && (s > 0 || d == delims[0]) {
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

// named counts the declared columns that a header names.
func (l *Landing) named(h *csvHeader) (n int) {
	for _, i := range l.values {
		if h.find(l.fields[i].sourceName()) >= 0 {
			n++
		}
	}
	return n
}

// hasHeader says whether the first record is a header. The first file that was found to have one, or none, speaks for those behind it.
func (f *File) hasHeader(h *csvHeader) (bool, error) {
	l, d := f.l, &f.l.dialect
	switch {
	case d.Header == HeaderYes:
		return h != nil, nil
	case d.Header == HeaderNo || len(l.values) == 0:
		return false, nil
	case h == nil:
		return false, nil
	}
	switch n := l.named(h); {
	case n == len(l.values), n > 0 && d.Seen == HeaderYes, n > 0 && d.Seen == HeaderAuto && !l.convertible(h):
		d.Seen = HeaderYes
		return true, nil
	case d.Seen == HeaderYes:
		c := f.dec.(*csvDecoder)
		c.refused = notNamed
		f.warn("source-header",
			fmt.Sprintf("%s: the first record names none of the declared columns, and the files before it had headers: all its records are bad; "+
				"it has %s", f.info.Path, shownNames(h.names)),
			"give it the header of the others, or say with FROM '$.name' what a column is called in the file; files without header are read by a "+
				"source with header false")
		return false, nil
	case d.Seen == HeaderAuto:
		f.warn("no-header",
			fmt.Sprintf("%s: the first record names none of the declared columns, so it is taken for data, and the columns go by position",
				f.info.Path),
			"write header false if that is right, or header true if the first record is a header")
	}
	d.Seen, f.header = HeaderNo, HeaderNo
	return false, nil
}

const notNamed = "the file has no header that names a declared column, as the files before it have"

// convertible says whether a first record is a record: it has a field for each column, and one of them isn't text and takes its field.
func (l *Landing) convertible(h *csvHeader) bool {
	if len(h.names) != len(l.values) {
		return false
	}
	return slices.ContainsFunc(l.values, func(i int) bool {
		at := slices.Index(l.values, i)
		return l.columns[i].id != duck.TypeVarchar && l.takes(i, h.names[at])
	})
}

func shownNames(names []string) string {
	var out []string
	for _, n := range names[:min(len(names), 20)] {
		out = append(out, sql.ShownName(n))
	}
	return excerptOf(strings.Join(out, ", "))
}

// byPosition gives the fields to the columns in order. A source whose names were given finds its columns by these.
func (c *csvDecoder) byPosition() {
	l := c.f.l
	c.targets, c.width = nil, len(l.values)
	if names := l.dialect.Names; len(names) > 0 && l.dialect.Found == nil {
		c.width = len(names)
		c.joinNames(l.newHeader(names))
		return
	}
	for at, i := range l.values {
		c.targets = append(c.targets, l.target(at, i))
	}
}

// join finds the header's field of each column.
func (c *csvDecoder) join(h *csvHeader) error {
	f, l := c.f, c.f.l
	c.width = len(h.names)
	c.joinNames(h)
	if len(c.targets) == 0 && len(l.values) > 0 {
		if b := l.dialect.began; b != nil && b.Refused {
			c.refused = notNamed
			return nil
		}
		return f.headerError("its header names none of the declared columns; it has "+shownNames(h.names),
			"declare these names, say with FROM '$.name' what a column is called in the file, or set header false")
	}
	return nil
}

func (c *csvDecoder) joinNames(h *csvHeader) {
	f, l := c.f, c.f.l
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
		c.targets = append(c.targets, l.target(at, i))
	}
	for i, n := range h.names {
		if !used[i] {
			c.unknown++
			l.json.names.add([]byte(n))
			f.fresh = append(f.fresh, n)
		}
	}
}

// target gives a column the file's field.
func (l *Landing) target(at, i int) target {
	return target{at: at, col: l.columns[i], notNull: containsFold(l.dialect.NotNull, l.fields[i].sourceName()) ||
		containsFold(l.dialect.NotNull, l.fields[i].Name)}
}

// surplus says whether the records end in a delimiter that the header doesn't have: those that were read first all do.
func (f *File) surplus(c *csvDecoder) bool {
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

func excerptOf(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return strings.ToValidUTF8(s, "")
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
