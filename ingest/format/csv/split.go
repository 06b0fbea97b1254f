package csv

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"

	"dsql/ingest/jsontext"
)

// split finds the fields of the record that b begins with and returns its size with the line end, or -1 when b ends before the
// record does. At eof b's end ends the record.
func (c *decoder) split(b []byte, eof bool) int {
	c.spans, c.fields, c.lines, c.high, c.broken = c.spans[:0], 0, 1, false, ""
	delims, newlines := jsontext.Ones*uint64(c.delim), jsontext.Ones*uint64(c.newline)
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
	scan:
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
			if m := ((d-jsontext.Ones)&^d | (n-jsontext.Ones)&^n) & jsontext.Highs; m != 0 {
				j += bits.TrailingZeros64(m) >> 3
				break
			}
			j += 8
		}
		if j == len(b) && !eof {
			return -1
		}
		if len(c.rest) > 0 && j < len(b) && b[j] == c.delim { // of a delimiter of several bytes the first
			if !c.delimAt(b, j) {
				if len(b)-j <= len(c.rest) && !eof {
					return -1
				}
				j++
				goto scan
			}
		}
		to, last := j, j == len(b) || b[j] == c.newline
		if c.comment != 0 {
			if k := bytes.IndexByte(b[i:j], c.comment); k >= 0 {
				c.add(span{from: i, to: i + k})
				c.high = c.high || high&jsontext.Highs != 0
				return c.lineEnd(b, i+k, i+k, eof)
			}
		}
		for last && to > i && b[to-1] == '\r' && c.newline == '\n' {
			to--
		}
		c.add(span{from: i, to: to})
		if last {
			c.end, c.high = to, c.high || high&jsontext.Highs != 0
			return min(j+1, len(b))
		}
		i = j + len(c.rest)
	}
}

// delimAt says whether the delimiter stands at b[j].
func (c *decoder) delimAt(b []byte, j int) bool {
	return b[j] == c.delim && (len(c.rest) == 0 || bytes.HasPrefix(b[j+1:], c.rest))
}

func (c *decoder) add(s span) {
	if c.fields++; c.fields <= c.width+1 {
		c.spans = append(c.spans, s)
	}
}

// lineEnd finishes a record whose last field ends at end, at the line end that follows from on.
func (c *decoder) lineEnd(b []byte, end, from int, eof bool) int {
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
func (c *decoder) quoted(b []byte, i int, eof bool) (size, next int, done bool) {
	k := i
	for k < len(b) && b[k] == ' ' && !c.delimAt(b, k) {
		k++
	}
	if len(b)-k <= len(c.rest) && !eof {
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
	for p < len(b) && b[p] == ' ' && !c.delimAt(b, p) {
		p++
	}
	if len(b)-p <= len(c.rest) && !eof { // too short to tell a delimiter
		return -1, 0, true
	}
	switch {
	case p == len(b):
		c.end = p
		return p, 0, true
	case c.delimAt(b, p):
		return 0, p + len(c.rest), false
	case b[p] == c.newline:
		c.end = p
		return p + 1, 0, true
	case b[p] == '\r' && c.newline == '\n':
		q := p
		for q < len(b) && b[q] == '\r' {
			q++
		}
		if q == len(b) && !eof {
			return -1, 0, true
		}
		if q == len(b) || b[q] == '\n' {
			c.end = p
			return min(q+1, len(b)), 0, true
		}
	case c.comment != 0 && b[p] == c.comment:
		return c.lineEnd(b, p, p, eof), 0, true
	}
	return c.giveUp(b, fmt.Sprintf("%s stands behind a closing quote", jsontext.Excerpt(b[p:min(p+1, len(b))], true)), eof), 0, true
}

// giveUp makes the record's first line the whole of a bad record.
func (c *decoder) giveUp(b []byte, why string, eof bool) int {
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
func (c *decoder) blankLine(b []byte, eof bool) int {
	if c.width != 1 || c.surplus {
		k := 0
		for c.newline == '\n' && k < len(b) && b[k] == '\r' {
			k++
		}
		switch {
		case k < len(b) && b[k] == c.newline:
			return k + 1
		case k == len(b) && eof:
			return k
		case k == len(b):
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

// nextRecord is the size of the record that comes next, with the blank lines before it; its fields are those of the record.
func (c *decoder) nextRecord(b []byte, eof bool) int {
	at := 0
	for at < len(b) {
		n := c.blankLine(b[at:], eof)
		if n < 0 {
			return -1
		}
		if n == 0 {
			if n = c.split(b[at:], eof); n < 0 {
				return -1
			}
			for i := range c.spans {
				c.spans[i].from += at
				c.spans[i].to += at
			}
			return at + n
		}
		at += n
	}
	return 0
}
