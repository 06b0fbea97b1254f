package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"unicode/utf8"

	"dsql/engine"
)

// csvDecoder reads delimited text as DuckDB's reader does in its strict mode: fields in quotes may hold delimiters and line ends,
// a quote inside such a field is doubled (or escaped), blanks around a quoted field don't belong to it, a quote that doesn't begin
// a field is a character like others. Stricter than DuckDB: see convert.go; looser: lines may end in \n and \r\n by turns.
//
// A record whose quotes are wrong ends with its first line, so that one stray quote doesn't take the rest of the file with it.
type csvDecoder struct {
	f       *File
	delim   byte
	newline byte // \n, or \r where there is no \n in the file
	quote   byte // 0: none
	escape  byte
	comment byte // 0: none

	width      int      // fields of a record
	targets    []target // columns, in order of the file's fields
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
}

type target struct {
	at  int // the file's field
	col *column
}

// span is a field.
type span struct {
	from, to        int
	quoted, escaped bool
}

// split finds the fields of the record that b begins with and returns its size with the line end, or -1 when b ends before the
// record does. At eof b's end ends the record.
func (c *csvDecoder) split(b []byte, eof bool) int {
	c.spans, c.fields, c.lines, c.high, c.broken = c.spans[:0], 0, 1, false, ""
	delims, newlines := ones*uint64(c.delim), ones*uint64(c.newline)
	var high uint64
	for i := 0; ; i++ { // i: the start of a field
		if c.quote != 0 && i < len(b) && (b[i] == c.quote || b[i] == ' ') {
			if size, next, done := c.quoted(b, i, eof); done {
				return size
			} else if next >= 0 {
				i = next
				continue
			}
		}
		j := i
		for {
			if j+8 > len(b) {
				for j < len(b) && b[j] != c.delim && b[j] != c.newline {
					high |= uint64(b[j])
					j++
				}
				break
			}
			w := binary.LittleEndian.Uint64(b[j:])
			high |= w
			d, n := w^delims, w^newlines
			if m := ((d-ones)&^d | (n-ones)&^n) & highs; m != 0 {
				j += bits.TrailingZeros64(m) >> 3
				break
			}
			j += 8
		}
		if j == len(b) && !eof {
			return -1
		}
		to, last := j, j == len(b) || b[j] == c.newline
		if c.comment != 0 {
			if k := bytes.IndexByte(b[i:j], c.comment); k >= 0 {
				c.add(span{from: i, to: i + k})
				c.high = high&highs != 0
				return c.lineEnd(b, i+k, i+k, eof)
			}
		}
		if last && to > i && b[to-1] == '\r' && c.newline == '\n' {
			to--
		}
		c.add(span{from: i, to: to})
		if last {
			c.end, c.high = to, high&highs != 0
			return min(j+1, len(b))
		}
		i = j
	}
}

func (c *csvDecoder) add(s span) {
	if c.fields++; c.fields <= c.width+1 {
		c.spans = append(c.spans, s)
	}
}

// lineEnd finishes a record whose last field ends at end, at the line end that follows from on.
func (c *csvDecoder) lineEnd(b []byte, end, from int, eof bool) int {
	k := bytes.IndexByte(b[from:], c.newline)
	if k < 0 {
		if !eof {
			return -1
		}
		k = len(b) - from
	}
	c.end = end
	return min(from+k+1, len(b))
}

// quoted reads the field at i when it is a quoted one, with blanks before it. next is the delimiter behind it, -1 when the field
// isn't quoted; done says that the record ends, or that b ends before it does.
func (c *csvDecoder) quoted(b []byte, i int, eof bool) (size, next int, done bool) {
	k := i
	for k < len(b) && b[k] == ' ' && c.delim != ' ' {
		k++
	}
	if k == len(b) && !eof {
		return -1, 0, true
	}
	if k == len(b) || b[k] != c.quote {
		return 0, -1, false
	}
	c.high = true
	p, escaped := k+1, false
	for {
		var n int
		if c.escape == c.quote {
			n = bytes.IndexByte(b[p:], c.quote)
		} else {
			n = bytes.IndexAny(b[p:], string([]byte{c.quote, c.escape}))
		}
		if n < 0 {
			if !eof {
				return -1, 0, true
			}
			return c.giveUp(b, "a quote is not closed", eof), 0, true
		}
		p += n
		if p+1 == len(b) && !eof {
			return -1, 0, true
		}
		if b[p] == c.escape && (c.escape != c.quote || p+1 < len(b) && b[p+1] == c.quote) {
			if p+1 == len(b) {
				return c.giveUp(b, "a quote is not closed", eof), 0, true
			}
			escaped = true
			p += 2
			continue
		}
		break
	}
	c.add(span{k + 1, p, true, escaped})
	c.lines += bytes.Count(b[k+1:p], []byte{c.newline})
	p++
	for p < len(b) && b[p] == ' ' && c.delim != ' ' {
		p++
	}
	switch {
	case p == len(b):
		if c.end = p; !eof {
			return -1, 0, true
		}
		return p, 0, true
	case b[p] == c.delim:
		return 0, p, false
	case b[p] == c.newline:
		c.end = p
		return p + 1, 0, true
	case b[p] == '\r' && c.newline == '\n':
		if p+1 == len(b) && !eof {
			return -1, 0, true
		}
		if p+1 == len(b) || b[p+1] == '\n' {
			c.end = p
			return min(p+2, len(b)), 0, true
		}
	case c.comment != 0 && b[p] == c.comment:
		return c.lineEnd(b, p, p, eof), 0, true
	}
	return c.giveUp(b, fmt.Sprintf("%s stands behind a closing quote", excerpt(b[p:min(p+1, len(b))], true)), eof), 0, true
}

// giveUp makes the record's first line the whole of a bad record.
func (c *csvDecoder) giveUp(b []byte, why string, eof bool) int {
	c.broken, c.lines = why, 1
	size := c.lineEnd(b, 0, 0, eof)
	if size > 0 {
		c.end = size
		for c.end > 0 && (b[c.end-1] == c.newline || b[c.end-1] == '\r') {
			c.end--
		}
	}
	return size
}

// blankLine is the size of a line at b's start that is no record: empty, where a record has several fields, or a comment.
// -1: b is too short to say.
func (c *csvDecoder) blankLine(b []byte, eof bool) int {
	if c.width != 1 {
		switch {
		case b[0] == c.newline:
			return 1
		case b[0] == '\r' && c.newline == '\n' && len(b) > 1 && b[1] == '\n':
			return 2
		case b[0] == '\r' && len(b) == 1:
			if eof {
				return 1
			}
			return -1
		}
	}
	if c.comment == 0 {
		return 0
	}
	k := 0
	for k < len(b) && b[k] == ' ' {
		k++
	}
	if k == len(b) && !eof {
		return -1
	}
	if k < len(b) && b[k] == c.comment {
		return c.lineEnd(b, 0, k, eof)
	}
	return 0
}

func (c *csvDecoder) run(b *Buffer, region []byte, eof bool) (n int, full bool) {
	f, l := c.f, c.f.l
	w := &l.w
	w.slab = b.slab
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
	l := c.f.l
	p := coords{line: c.f.pos.Line, offset: c.f.pos.Byte, payload: rec}
	top := b.slab.Top()
	why := c.broken
	var faults fault
	if why == "" {
		why = c.check(rec)
	}
	if why == "" {
		chunk, row := b.next(&b.good, c.f)
		l.w.use(chunk)
		l.sizes = chunk.ListSizes(l.sizes[:0])
		var at int
		if at, faults = c.convert(rec, row); faults == fine {
			b.add(&b.good, p)
			b.unknown += c.unknown
			return true
		}
		chunk.Rewind(row, l.sizes)
		b.slab.Free(top)
		if faults == noRoom {
			if b.Records() > 0 {
				return false
			}
			return b.reject(c.f, p, l.tooLarge(), nil)
		}
		why = c.why(rec, c.targets[at], faults)
	}
	if c.broken != "" || c.fields == 0 || !utf8.Valid(rec) {
		return b.reject(c.f, p, why, nil)
	}
	return b.reject(c.f, p, why, c.salvage(rec))
}

// check says what is wrong with a record as a whole.
func (c *csvDecoder) check(rec []byte) string {
	switch n := c.fields; {
	case n == c.width:
	case n == c.width+1 && c.spans[n-1].from == c.spans[n-1].to && !c.spans[n-1].quoted: // a delimiter at the end of the line
	case n < c.width && c.f.l.dialect.NullPadding:
	default:
		return fmt.Sprintf("%d fields where there should be %d", n, c.width)
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

// convert writes the record's columns into a row. It stops at the first fault and says at which target.
func (c *csvDecoder) convert(rec []byte, row int) (int, fault) {
	w := &c.f.l.w
	for i := range c.targets {
		t := &c.targets[i]
		if t.at >= len(c.spans) {
			w.chunk.SetNull(t.col.node, row)
			continue
		}
		if f := c.field(t.col, rec, &c.spans[t.at], row); f != fine {
			return i, f
		}
	}
	return 0, fine
}

func (c *csvDecoder) field(col *column, rec []byte, s *span, row int) fault {
	w := &c.f.l.w
	tok, stable := rec[s.from:s.to], true
	if s.escaped {
		w.buf = c.unescape(w.buf[:0], tok)
		tok, stable = w.buf, false
	}
	if c.null(tok, s.quoted) {
		w.chunk.SetNull(col.node, row)
		return fine
	}
	if col.id < engine.TypeStruct {
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
	j := &c.f.l.json
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

func (c *csvDecoder) why(rec []byte, t target, f fault) string {
	s := c.spans[t.at]
	return f.reason(t.col, rec[s.from:s.to], true)
}

// salvage writes the columns that convert into a row, NULL for the others.
func (c *csvDecoder) salvage(rec []byte) func(*engine.Chunk, int) bool {
	return func(chunk *engine.Chunk, row int) bool {
		l := c.f.l
		l.w.use(chunk)
		any := false
		for _, t := range c.targets {
			if t.at >= len(c.spans) || c.field(t.col, rec, &c.spans[t.at], row) != fine {
				chunk.SetNull(t.col.node, row)
				continue
			}
			any = true
		}
		return any
	}
}

func (c *csvDecoder) giant(b *Buffer, region []byte) (n, keep int) {
	if size := c.split(region, true); c.broken != "" && size < len(region) { // a quote that isn't closed as far as there is room
		c.record(b, region[:c.end])
		c.f.pos.Line++
		return size, size
	}
	keep = min(len(region), giantBytes)
	b.reject(c.f, coords{line: c.f.pos.Line, offset: c.f.pos.Byte, payload: region[:keep]}, c.f.l.tooLarge(), nil)
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
