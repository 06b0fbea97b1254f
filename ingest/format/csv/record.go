package csv

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
)

func (c *decoder) Run(b *batch.Buffer, region []byte, eof bool) (n int, full bool) {
	f := c.f
	if f.Skipping {
		if n = c.lineEnd(region, 0, 0, eof); n < 0 {
			return len(region), false
		}
		f.Skipping = false
		f.At.Line++
	}
	for n < len(region) {
		rest := region[n:]
		if blank := c.blankLine(rest, eof); blank < 0 {
			return n, false
		} else if blank > 0 {
			n += blank
			f.At.Line++
			continue
		}
		if b.Full() {
			return n, true
		}
		size := c.split(rest, eof)
		if size < 0 {
			return n, false
		}
		if !c.record(b, rest[:c.end:cap(rest)]) {
			return n, true
		}
		n += size
		f.At.Line += int64(c.lines)
	}
	return n, false
}

// record decodes the record that was split. It is false when there is no room for it.
func (c *decoder) record(b *batch.Buffer, rec []byte) bool {
	p := batch.Coords{Line: c.f.At.Line, Payload: rec}
	full := false
	why := c.broken
	if why == "" {
		why = c.check(rec)
	}
	if why == "" {
		row := b.Begin(c.f)
		at, f := c.convert(rec, row)
		if f == convert.Fine {
			b.Keep(p)
			b.Unknown += c.unknown
			return true
		}
		b.Undo()
		if full = f == convert.NoRoom; !full {
			why = c.reason(at, f, rec)
		}
	}
	if c.broken != "" || c.refused != "" || full || !utf8.Valid(rec) {
		return b.Refuse(c.f, p, why, full, nil)
	}
	return b.Refuse(c.f, p, why, false, func(row int) int { return c.salvage(rec, row) })
}

// reason says why the field of a target is none of its column.
func (c *decoder) reason(at int, f convert.Fault, rec []byte) string {
	t := c.targets[at]
	return f.Reason(t.col, rec[c.spans[t.at].from:c.spans[t.at].to], true)
}

// check says what is wrong with a record as a whole.
func (c *decoder) check(rec []byte) string {
	switch n := c.fields; {
	case c.refused != "":
		return c.refused
	case n == c.width && !c.surplus:
	case n == c.width+1 && c.surplus && c.emptyEnd():
	case n < c.width && c.l.Dialect.NullPadding:
	case n == c.width:
		return "the delimiter at the end is missing, which the records before it have"
	default:
		return fmt.Sprintf("%d fields where there should be %d", n, c.width)
	}
	if c.quote != 0 && bytes.IndexByte(rec, c.quote) >= 0 {
		if i := c.severed(rec); i >= 0 {
			return fmt.Sprintf("a quote opens within field %d and closes within a later one", i+1)
		}
	}
	if c.newline == '\r' && c.lineFeed(rec) {
		return "a line feed stands outside of quotes, and the lines of the file end in carriage returns"
	}
	if c.high && !utf8.Valid(rec) {
		for i := range c.spans {
			if s := c.spans[i]; !utf8.Valid(rec[s.from:s.to]) {
				return fmt.Sprintf("field %d is not UTF-8", i+1)
			}
		}
		return "not UTF-8"
	}
	return ""
}

// emptyEnd says whether the record ends in a delimiter.
func (c *decoder) emptyEnd() bool {
	last := c.spans[c.fields-1]
	return last.from == last.to && !last.quoted
}

// severed finds a field that isn't quoted and has a quote with text behind it, where a later field ends in the quote that belongs to
// it: a quoted text that was cut at a delimiter, because a delimiter before it is missing. -1: none. (5" pipe is a text like others.)
func (c *decoder) severed(rec []byte) int {
	open := -1
	for i := range c.spans {
		s := &c.spans[i]
		if s.quoted || s.from == s.to {
			continue
		}
		tok := rec[s.from:s.to]
		n := bytes.Count(tok, []byte{c.quote})
		if n%2 == 0 {
			continue
		}
		ends := tok[len(tok)-1] == c.quote
		switch {
		case open >= 0 && ends:
			return open
		case open < 0 && !ends:
			open = i
		}
	}
	return -1
}

// lineFeed says whether one stands outside of quotes.
func (c *decoder) lineFeed(rec []byte) bool {
	for i := range c.spans {
		if s := &c.spans[i]; !s.quoted && bytes.IndexByte(rec[s.from:s.to], '\n') >= 0 {
			return true
		}
	}
	return false
}

// convert writes the record's columns into a row. It stops at the first fault and says at which target.
func (c *decoder) convert(rec []byte, row int) (int, convert.Fault) {
	w := &c.l.Writer
	for i := range c.targets {
		t := &c.targets[i]
		if t.at >= len(c.spans) {
			w.Chunk.SetNull(t.col.Node, row)
			continue
		}
		if f := c.field(t, rec, &c.spans[t.at], row); f != convert.Fine {
			return i, f
		}
	}
	return 0, convert.Fine
}

func (c *decoder) field(t *target, rec []byte, s *span, row int) convert.Fault {
	w, col := &c.l.Writer, t.col
	tok, stable := rec[s.from:s.to], true
	if s.escaped {
		w.Buf = c.unescape(w.Buf[:0], tok)
		tok, stable = w.Buf, false
	}
	if !t.notNull && c.null(tok, s.quoted) {
		w.Chunk.SetNull(col.Node, row)
		return convert.Fine
	}
	if col.ID < duck.TypeStruct {
		return w.Scalar(col, row, tok, convert.FromText, stable)
	}
	if !stable {
		var ok bool
		if tok, ok = w.Keep(tok); !ok {
			return convert.NoRoom
		}
		if len(tok) <= 12 { // keep left it where it was
			tok = bytes.Clone(tok)
		}
	}
	j := c.json
	j.Scanner = jsontext.Scanner{Text: tok}
	j.Fault, j.Lenient = convert.Fine, false
	j.Space()
	out := j.Value(col, row)
	if j.Space(); j.At < len(tok) && out != convert.Failed {
		return convert.Wrong
	}
	switch {
	case out == convert.IsNull:
		w.Chunk.SetNull(col.Node, row)
	case out == convert.Failed && j.Fault == convert.NoRoom:
		return convert.NoRoom
	case out == convert.Failed:
		return convert.Wrong
	}
	return convert.Fine
}

func (c *decoder) null(tok []byte, quoted bool) bool {
	if quoted && !c.quotedNull {
		return false
	}
	if c.nullStr == nil {
		return len(tok) == 0
	}
	return slices.ContainsFunc(c.nullStr, func(n []byte) bool { return bytes.Equal(n, tok) })
}

// unescape appends the value of a quoted field that has escapes: what stands behind one is taken as it is.
func (c *decoder) unescape(to, tok []byte) []byte {
	for i := 0; i < len(tok); i++ {
		if tok[i] == c.escape {
			if i++; i == len(tok) {
				break
			}
		}
		to = append(to, tok[i])
	}
	return to
}

// salvage writes the columns that convert into a row, NULL for the others.
func (c *decoder) salvage(rec []byte, row int) (set int) {
	for i := range c.targets {
		t := &c.targets[i]
		if t.at >= len(c.spans) || c.field(t, rec, &c.spans[t.at], row) != convert.Fine {
			c.l.Writer.Chunk.SetNull(t.col.Node, row)
			continue
		}
		set++
	}
	return set
}

func (c *decoder) Giant(b *batch.Buffer, region []byte) (n, keep int) {
	if size := c.split(region, true); c.broken != "" && size < len(region) { // a quote that isn't closed as far as there is room
		c.record(b, region[:c.end])
		c.f.At.Line++
		return size, size
	}
	keep = min(len(region), batch.GiantBytes)
	b.Reject(c.f, batch.Coords{Line: c.f.At.Line, Payload: region[:keep]}, c.l.TooLarge(), nil)
	return len(region), keep
}

func (c *decoder) More(rest []byte, eof bool) bool {
	for len(rest) > 0 {
		n := c.blankLine(rest, eof)
		if n <= 0 {
			return n == 0
		}
		rest = rest[n:]
	}
	return false
}

// Unfinished: a record without its line end. A CR may be one.
func (c *decoder) Unfinished(rest []byte) bool {
	return !jsontext.Blank(rest) && rest[len(rest)-1] != '\r'
}
