package ingest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"dsql/engine/duck"
)

// csvDecoder reads delimited text as DuckDB's reader does in its strict mode: fields in quotes may hold delimiters and line ends,
// a quote inside such a field is doubled (or escaped), blanks around a quoted field don't belong to it, a quote that doesn't begin
// a field is a character like others. Stricter than DuckDB: see convert.go; looser: lines may end in \n, \r\n and \r\r\n by turns.
//
// A record whose quotes are wrong ends with its first line, so that one stray quote doesn't take the rest of the file with it.
type csvDecoder struct {
	l       *Landing
	f       *File        // nil: values of topics
	json    *jsonDecoder // of nested columns
	delim   byte
	rest    []byte // what follows it in a delimiter of several bytes
	newline byte   // \n, or \r where no \n stands outside quotes
	quote   byte   // 0: none
	escape  byte
	comment byte // 0: none

	width      int      // fields of a record
	surplus    bool     // behind the last field of each record stands one more delimiter, which the header doesn't have
	targets    []target // the columns that the file has
	unknown    int64    // fields of a record that nobody declared
	nullStr    [][]byte // nil: the empty field
	quotedNull bool

	// the record in hand, from split
	spans  []span
	fields int // all of them, also those that spans has no room for
	end    int // of the record without its line end
	lines  int
	high   bool   // bytes that are not ASCII may be there
	broken string // what is wrong with the quotes

	refused string // why no record of the file is good

	keywords map[string]bool // with Normalize: SQL's
}

// csvFormat is delimited text.
var csvFormat = Format{
	Name: "csv", Endings: []string{".csv", ".tsv"}, Inferred: true, Flat: true,
	Files: func(conn *duck.Conn, l *Landing) (o Opener, err error) {
		settle(&l.dialect)
		words := map[string]bool{}
		if l.dialect.Normalize {
			words, err = duck.Keywords(context.Background(), conn, duck.SQL(""))
		}
		nested := nestedJSON(l)
		return func(f *File, _ Pos) (Cutter, error) {
			c := newCSVDecoder(l, nested)
			c.keywords = words
			return c.open(f)
		}, err
	},
	Values: func(l *Landing) (valueDecoder, error) {
		settle(&l.dialect)
		return newCSVValue(l), nil
	},
}

// nestedJSON makes the decoder of the nested columns of a landing's records.
func nestedJSON(l *Landing) *jsonDecoder {
	return newJSON(Columns{W: &l.w, Root: &slot{obj: newObject()}, Names: &l.names})
}

type target struct {
	at      int // the file's field
	col     *column
	notNull bool // the texts that are NULL are values of it: force_not_null
}

func (c *csvDecoder) run(b *Buffer, region []byte, eof bool) (n int, full bool) {
	f := c.f
	if f.skipping {
		if n = c.lineEnd(region, 0, 0, eof); n < 0 {
			return len(region), false
		}
		f.skipping = false
		f.pos.Line++
	}
	for n < len(region) {
		rest := region[n:]
		if blank := c.blankLine(rest, eof); blank < 0 {
			return n, false
		} else if blank > 0 {
			n += blank
			f.pos.Line++
			continue
		}
		if b.full() {
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
		f.pos.Line += int64(c.lines)
	}
	return n, false
}

// record decodes the record that was split. It is false when there is no room for it.
func (c *csvDecoder) record(b *Buffer, rec []byte) bool {
	p := coords{line: c.f.pos.Line, payload: rec}
	full := false
	why := c.broken
	if why == "" {
		why = c.check(rec)
	}
	if why == "" {
		row := b.Begin(c.f)
		at, f := c.convert(rec, row)
		if f == fine {
			b.Keep(p)
			b.unknown += c.unknown
			return true
		}
		b.Undo()
		if full = f == noRoom; !full {
			why = c.reason(at, f, rec)
		}
	}
	if c.broken != "" || c.refused != "" || full || !utf8.Valid(rec) {
		return b.Refuse(c.f, p, why, full, nil)
	}
	return b.Refuse(c.f, p, why, false, func(row int) int { return c.salvage(rec, row) })
}

// reason says why the field of a target is none of its column.
func (c *csvDecoder) reason(at int, f fault, rec []byte) string {
	t := c.targets[at]
	return f.reason(t.col, rec[c.spans[t.at].from:c.spans[t.at].to], true)
}

// check says what is wrong with a record as a whole.
func (c *csvDecoder) check(rec []byte) string {
	switch n := c.fields; {
	case c.refused != "":
		return c.refused
	case n == c.width && !c.surplus:
	case n == c.width+1 && c.surplus && c.emptyEnd():
	case n < c.width && c.l.dialect.NullPadding:
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
func (c *csvDecoder) emptyEnd() bool {
	last := c.spans[c.fields-1]
	return last.from == last.to && !last.quoted
}

// severed finds a field that isn't quoted and has a quote with text behind it, where a later field ends in the quote that belongs to
// it: a quoted text that was cut at a delimiter, because a delimiter before it is missing. -1: none. (5" pipe is a text like others.)
func (c *csvDecoder) severed(rec []byte) int {
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
func (c *csvDecoder) lineFeed(rec []byte) bool {
	for i := range c.spans {
		if s := &c.spans[i]; !s.quoted && bytes.IndexByte(rec[s.from:s.to], '\n') >= 0 {
			return true
		}
	}
	return false
}

// convert writes the record's columns into a row. It stops at the first fault and says at which target.
func (c *csvDecoder) convert(rec []byte, row int) (int, fault) {
	w := &c.l.w
	for i := range c.targets {
		t := &c.targets[i]
		if t.at >= len(c.spans) {
			w.chunk.SetNull(t.col.node, row)
			continue
		}
		if f := c.field(t, rec, &c.spans[t.at], row); f != fine {
			return i, f
		}
	}
	return 0, fine
}

func (c *csvDecoder) field(t *target, rec []byte, s *span, row int) fault {
	w, col := &c.l.w, t.col
	tok, stable := rec[s.from:s.to], true
	if s.escaped {
		w.buf = c.unescape(w.buf[:0], tok)
		tok, stable = w.buf, false
	}
	if !t.notNull && c.null(tok, s.quoted) {
		w.chunk.SetNull(col.node, row)
		return fine
	}
	if col.id < duck.TypeStruct {
		return w.scalar(col, row, tok, fromText, stable)
	}
	if !stable {
		var ok bool
		if tok, ok = w.keep(tok); !ok {
			return noRoom
		}
		if len(tok) <= 12 { // keep left it where it was
			tok = bytes.Clone(tok)
		}
	}
	j := c.json
	j.jsonScanner = jsonScanner{b: tok}
	j.fault, j.lenient = fine, false
	j.ws()
	out := j.value(col, row)
	if j.ws(); j.i < len(tok) && out != failed {
		return wrong
	}
	switch {
	case out == isNull:
		w.chunk.SetNull(col.node, row)
	case out == failed && j.fault == noRoom:
		return noRoom
	case out == failed:
		return wrong
	}
	return fine
}

func (c *csvDecoder) null(tok []byte, quoted bool) bool {
	if quoted && !c.quotedNull {
		return false
	}
	if c.nullStr == nil {
		return len(tok) == 0
	}
	return slices.ContainsFunc(c.nullStr, func(n []byte) bool { return bytes.Equal(n, tok) })
}

// unescape appends the value of a quoted field that has escapes: what stands behind one is taken as it is.
func (c *csvDecoder) unescape(to, tok []byte) []byte {
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
func (c *csvDecoder) salvage(rec []byte, row int) (set int) {
	for i := range c.targets {
		t := &c.targets[i]
		if t.at >= len(c.spans) || c.field(t, rec, &c.spans[t.at], row) != fine {
			c.l.w.chunk.SetNull(t.col.node, row)
			continue
		}
		set++
	}
	return set
}

func (c *csvDecoder) giant(b *Buffer, region []byte) (n, keep int) {
	if size := c.split(region, true); c.broken != "" && size < len(region) { // a quote that isn't closed as far as there is room
		c.record(b, region[:c.end])
		c.f.pos.Line++
		return size, size
	}
	keep = min(len(region), giantBytes)
	b.Reject(c.f, coords{line: c.f.pos.Line, payload: region[:keep]}, c.l.tooLarge(), nil)
	return len(region), keep
}

func (c *csvDecoder) more(rest []byte, eof bool) bool {
	for len(rest) > 0 {
		n := c.blankLine(rest, eof)
		if n <= 0 {
			return n == 0
		}
		rest = rest[n:]
	}
	return false
}

// unfinished: a record without its line end. A CR may be one.
func (c *csvDecoder) unfinished(rest []byte) bool { return !blank(rest) && rest[len(rest)-1] != '\r' }
