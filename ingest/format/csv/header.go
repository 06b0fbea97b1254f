package csv

import (
	"fmt"
	"slices"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/names"
	"dsql/sql"
	"dsql/sql/code"
)

// aboveRecords takes the lines that are skipped, and gives the delimiters that the records may have.
func (c *decoder) aboveRecords() (delims []string, err error) {
	d := &c.l.Dialect
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
			c.f.Take(size, lines)
		}
	}
	return delims, c.skipLines(d.Skip)
}

// firstRecord reads the first record, past blank lines and comments, without taking it; nil when there is none, or its quotes are
// wrong. Where the dialect does not say, the delimiter is the one that finds most of the declared names, else as many fields as are
// declared, in most of the first records.
func (c *decoder) firstRecord(delims []string) (h *header, size int, err error) {
	f := c.f
	c.width = maxHeader
	for {
		for len(f.Ahead) > 0 && !(c.l.Dialect.Header == batch.HeaderNo && len(c.l.Values) == 1) {
			n := c.blankLine(f.Ahead, f.EOF)
			if n <= 0 {
				break
			}
			f.Take(n, 1)
		}
		best, short := c.bestDelimiter(delims)
		switch {
		case best != "":
			c.setDelim(best)
			size = c.split(f.Ahead, f.EOF)
			names := c.texts(f.Ahead)
			if len(names) > maxHeader {
				return nil, 0, c.headerError(fmt.Sprintf("the first record has more than %d fields", maxHeader), "")
			}
			return c.newHeader(names), size, nil
		case len(f.Ahead) > 0 && c.l.Dialect.Header == batch.HeaderYes && (!short || f.EOF || len(f.Ahead) > maxFirst):
			return nil, 0, c.headerError("the header can't be read: a quote is not closed, or text stands behind a closing quote",
				"is the file CSV? set delim and quote as they are in it")
		case !short || f.EOF || len(f.Ahead) > maxFirst:
			c.setDelim(delims[0])
			return nil, 0, nil
		}
		if err := f.ReadMore(); err != nil {
			return nil, 0, err
		}
	}
}

// bestDelimiter is "" when there is no first record, or its quotes are wrong; short says that reading on may help.
func (c *decoder) bestDelimiter(delims []string) (best string, short bool) {
	f := c.f
	score := -1
	short = len(f.Ahead) == 0
	for _, d := range delims {
		c.setDelim(d)
		n := c.split(f.Ahead, f.EOF)
		if short = short || n < 0; len(f.Ahead) == 0 || n < 0 || c.broken != "" {
			continue
		}
		width := c.fields
		s := 100 * c.named(c.newHeader(c.texts(f.Ahead)))
		if width == len(c.l.Values) {
			s += 50
		}
		for rest := f.Ahead[n:]; width > 1 && len(rest) > 0 && s%50 < 20; rest = rest[n:] {
			if n = c.blankLine(rest, f.EOF); n == 0 {
				if n = c.split(rest, f.EOF); n > 0 && c.fields != width {
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

func (c *decoder) headerError(msg, hint string) error {
	return sql.Errorf(code.SourceHeader, "%s: %s", c.f.Info.Path, msg).WithHint(hint)
}

// texts are the values of the fields that were split.
func (c *decoder) texts(b []byte) []string {
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
func (c *decoder) named(h *header) (n int) {
	l := c.l
	for _, i := range l.Values {
		if h.find(l.Fields[i].SourceName()) >= 0 {
			n++
		}
	}
	return n
}

// hasHeader says whether the first record is a header. The first file that was found to have one, or none, speaks for those behind it.
func (c *decoder) hasHeader(h *header) bool {
	f, l, d := c.f, c.l, &c.l.Dialect
	switch {
	case d.Header == batch.HeaderYes:
		return h != nil
	case d.Header == batch.HeaderNo || len(l.Values) == 0:
		return false
	case h == nil:
		return false
	}
	switch n := c.named(h); {
	case n == len(l.Values), n > 0 && d.Seen == batch.HeaderYes, n > 0 && d.Seen == batch.HeaderAuto && !c.convertible(h):
		d.Seen = batch.HeaderYes
		return true
	case d.Seen == batch.HeaderYes:
		c.refused = notNamed
		f.Warn(code.SourceHeader,
			fmt.Sprintf("%s: the first record names none of the declared columns, and the files before it had headers: all its records are bad; "+
				"it has %s", f.Info.Path, names.Shown(h.names)),
			"give it the header of the others, or say with FROM '$.name' what a column is called in the file; files without header are read by a "+
				"source with header false")
		return false
	case d.Seen == batch.HeaderAuto:
		f.Warn(code.NoHeader,
			fmt.Sprintf("%s: the first record names none of the declared columns, so it is taken for data, and the columns go by position",
				f.Info.Path),
			"write header false if that is right, or header true if the first record is a header")
	}
	d.Seen, f.Header = batch.HeaderNo, batch.HeaderNo
	return false
}

const notNamed = "the file has no header that names a declared column, as the files before it have"

// convertible says whether a first record is a record: it has a field for each column, and one of them isn't text and takes its field.
func (c *decoder) convertible(h *header) bool {
	l := c.l
	if len(h.names) != len(l.Values) {
		return false
	}
	return slices.ContainsFunc(l.Values, func(i int) bool {
		at := slices.Index(l.Values, i)
		return l.Compiled[i].ID != duck.TypeVarchar && l.Takes(i, h.names[at])
	})
}

// byPosition gives the fields to the columns in order. A source whose names were given finds its columns by these.
func (c *decoder) byPosition() {
	l := c.l
	c.targets, c.width = nil, len(l.Values)
	if names := l.Dialect.Names; len(names) > 0 && l.Dialect.Found == nil {
		c.width = len(names)
		c.joinNames(c.newHeader(names))
		return
	}
	for at, i := range l.Values {
		c.targets = append(c.targets, c.target(at, i))
	}
}

// join finds the header's field of each column.
func (c *decoder) join(h *header) error {
	l := c.l
	c.width = len(h.names)
	c.joinNames(h)
	if len(c.targets) == 0 && len(l.Values) > 0 {
		if b := l.Dialect.Began; b != nil && b.Refused {
			c.refused = notNamed
			return nil
		}
		return c.headerError("its header names none of the declared columns; it has "+names.Shown(h.names),
			"declare these names, say with FROM '$.name' what a column is called in the file, or set header false")
	}
	return nil
}

func (c *decoder) joinNames(h *header) {
	f, l := c.f, c.l
	f.Names = h.names
	used := map[int]bool{}
	for _, i := range l.Values {
		at := h.find(l.Fields[i].SourceName())
		if at < 0 {
			if f.Lacking == nil {
				f.Lacking = make([]bool, len(l.Fields))
			}
			f.Lacking[i] = true
			continue
		}
		used[at] = true
		c.targets = append(c.targets, c.target(at, i))
	}
	for i, n := range h.names {
		if !used[i] {
			c.unknown++
			l.Names.Add([]byte(n))
			f.Fresh = append(f.Fresh, n)
		}
	}
}

// target gives a column the file's field.
func (c *decoder) target(at, i int) target {
	l := c.l
	return target{at: at, col: l.Compiled[i], notNull: names.Has(l.Dialect.NotNull, l.Fields[i].SourceName()) ||
		names.Has(l.Dialect.NotNull, l.Fields[i].Name)}
}

// endsInDelimiter says whether the records end in a delimiter that the header doesn't have: those that were read first all do.
func (c *decoder) endsInDelimiter() bool {
	f := c.f
	yes := false
	for rest := f.Ahead; len(rest) > 0; {
		n := c.nextRecord(rest, f.EOF)
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
