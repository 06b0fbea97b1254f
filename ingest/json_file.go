package ingest

import (
	"fmt"
)

// stand is how a record stands in the decoder's text.
type stand uint8

const (
	inText  stand = iota // the text ends with it
	inLine               // another object may follow
	inArray              // the text goes on
)

// accept decodes the record at the decoder's place into the batch. Where the text goes on the payload is what the record takes of it,
// and the decoder's place is where it goes on.
func (d *jsonDecoder) accept(b *Buffer, f *File, p coords, where stand) bool {
	start, row := d.i, b.Begin(f)
	d.lenient, d.unknown = false, 0
	ok := d.record(row)
	end := d.i
	if ok && where != inArray {
		if d.ws(); d.i < len(d.b) {
			if ok = where == inLine && d.b[d.i] == '{'; !ok {
				d.syntax()
			} else {
				p.payload = d.b[start:end]
			}
		}
	}
	if !ok {
		b.Undo()
		return false
	}
	if where == inArray {
		p.payload = d.b[start:end]
	}
	b.Keep(p)
	b.unknown += d.unknown
	return true
}

// refuse rejects the record that accept did not take; it begins at start of the decoder's text. It is false when there is no room.
func (d *jsonDecoder) refuse(b *Buffer, f *File, p coords, start int) bool {
	full := d.fault == noRoom
	why := ""
	if !full {
		why = d.reason(0)
	}
	return b.Refuse(f, p, why, full, func(row int) int {
		d.i, d.lenient = start, true
		d.record(row)
		d.lenient = false
		return d.set
	})
}

// jsonArray cuts a file that is one array into its elements. A text that goes wrong between elements, or inside of one so that its
// end can't be told, makes what is left of the file one bad record.
type jsonArray struct {
	f     *File
	d     *jsonDecoder
	phase phase
	why   string // broken
	skip  valueSkipper
}

type phase uint8

const (
	first   phase = iota // behind [
	between              // behind an element
	broken
	after // at the end of the file
)

func (j *jsonArray) run(b *Buffer, region []byte, eof bool) (n int, full bool) {
	f, d := j.f, j.d
	if f.skipping {
		n = j.skip.feed(region)
		f.pos.Line += newlines(region[:n])
		if n == len(region) && !eof {
			return n, false
		}
		f.skipping = false
	}
	for {
		m := n + spaces(region[n:])
		switch {
		case j.phase == after:
			return len(region), false
		case j.phase == broken && !eof:
			return n, false
		case j.phase == broken:
			if b.full() || !b.Reject(f, coords{line: f.pos.Line, offset: f.pos.Byte + int64(n), payload: region[n:]}, j.why, nil) {
				return n, true
			}
			j.phase = after
			f.pos.Line += newlines(region[n:])
			return len(region), false
		case m == len(region) && !eof:
			return n, false
		case m == len(region):
			j.breakAt(region, &n, m, "not JSON: the array does not end")
			continue
		case region[m] == ']':
			end := m + 1 + spaces(region[m+1:])
			switch {
			case end < len(region) && b.full(): // the bracket stays with what is left, so that reading can begin anew there
				return n, true
			case end < len(region):
				j.breakAt(region, &n, end, "not JSON: text behind the end of the array")
				continue
			case !eof:
				return n, false
			}
			f.pos.Line += newlines(region[n:])
			j.phase = after
			return end, false
		case j.phase == between && region[m] != ',':
			j.breakAt(region, &n, m, fmt.Sprintf("not JSON: unexpected %s between the elements of the array", excerpt(region[m:m+1], true)))
			continue
		case j.phase == between:
			m++
			m += spaces(region[m:])
		}
		if b.full() {
			return n, true
		}
		line := f.pos.Line + newlines(region[n:m])
		p := coords{line: line, offset: f.pos.Byte + int64(m)}
		d.jsonScanner = jsonScanner{b: region, i: m}
		if d.accept(b, f, p, inArray) {
			f.pos.Line = line + newlines(region[m:d.i])
			n = d.i
			j.phase = between
			continue
		}
		s := jsonScanner{b: region, i: m}
		if whole := s.skip(0); s.i >= len(region) && !eof {
			return n, false // it may go on
		} else if !whole {
			j.breakAt(region, &n, m, s.problem(int(f.pos.Byte)))
			continue
		}
		p.payload = region[m:s.i]
		d.b = region[:s.i]
		if !d.refuse(b, f, p, m) {
			return n, true
		}
		f.pos.Line = line + newlines(p.payload)
		n = s.i
		j.phase = between
	}
}

// breakAt makes the rest of the file from m on one bad record.
func (j *jsonArray) breakAt(region []byte, n *int, m int, why string) {
	j.f.pos.Line += newlines(region[*n:m])
	*n = m
	j.phase, j.why = broken, why+"; the rest of the file is this record"
}

func (j *jsonArray) giant(b *Buffer, region []byte) (n, keep int) {
	f := j.f
	m := 0
	why := f.l.tooLarge()
	if j.phase != broken {
		if m = spaces(region); j.phase == between && m < len(region) && region[m] == ',' {
			m++
			m += spaces(region[m:])
		}
		j.skip = valueSkipper{}
		j.skip.feed(region[m:])
		j.phase = between
	} else {
		why = j.why + "; its first bytes are kept"
		j.skip = valueSkipper{all: true}
		j.phase = after
	}
	keep = min(len(region), m+giantBytes)
	b.Reject(f, coords{line: f.pos.Line + newlines(region[:m]), offset: f.pos.Byte + int64(m), payload: region[m:keep]}, why, nil)
	f.pos.Line += newlines(region)
	return len(region), keep
}

func (j *jsonArray) more(rest []byte, eof bool) bool {
	m := spaces(rest)
	if j.phase != after && m < len(rest) && rest[m] == ']' {
		return !blank(rest[m+1:])
	}
	return m < len(rest) || eof && j.phase != after
}

func (j *jsonArray) unfinished(rest []byte) bool {
	m := spaces(rest)
	return j.phase != after && j.phase != broken && (m == len(rest) || rest[m] != ']')
}

// valueSkipper steps over an array's element that is too large to be kept, piece by piece.
type valueSkipper struct {
	depth       int
	str, escape bool
	all         bool // to the end of the file
}

// feed says how many bytes of b belong to the element; all of them when it goes on.
func (s *valueSkipper) feed(b []byte) int {
	if s.all {
		return len(b)
	}
	for i, c := range b {
		switch {
		case s.escape:
			s.escape = false
		case s.str:
			s.escape = c == '\\'
			s.str = c != '"'
		case c == '"':
			s.str = true
		case c == '{' || c == '[':
			s.depth++
		case s.depth == 0 && (c == ',' || c == ']'):
			return i
		case c == '}' || c == ']':
			s.depth--
		}
	}
	return len(b)
}

// openJSON tells an array from lines by the first byte that is not blank.
func openJSON(d *jsonDecoder, f *File, from Pos) (Cutter, error) {
	for blank(f.carry) && !f.eof {
		if err := f.readMore(); err != nil {
			return nil, err
		}
	}
	n := spaces(f.carry)
	if n == len(f.carry) || f.carry[n] != '[' {
		return &jsonLines{f: f, d: d}, nil
	}
	f.tail = "]"
	f.take(n+1, int(newlines(f.carry[:n])))
	a := &jsonArray{f: f, d: d}
	if from.Byte > f.pos.Byte {
		a.phase = between
	}
	return a, nil
}
