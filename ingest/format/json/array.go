package json

import (
	"fmt"

	"dsql/ingest/batch"
	"dsql/ingest/jsontext"
)

// array cuts a file that is one array into its elements. A text that goes wrong between elements, or inside of one so that its
// end can't be told, makes what is left of the file one bad record.
type array struct {
	f     *batch.File
	d     *Decoder
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

func (j *array) Run(b *batch.Buffer, region []byte, eof bool) (n int, full bool) {
	f, d := j.f, j.d
	if f.Skipping {
		n = j.skip.feed(region)
		f.At.Line += jsontext.Newlines(region[:n])
		if n == len(region) && !eof {
			return n, false
		}
		f.Skipping = false
	}
	for {
		m := n + jsontext.Spaces(region[n:])
		switch {
		case j.phase == after:
			return len(region), false
		case j.phase == broken && !eof:
			return n, false
		case j.phase == broken:
			if b.Full() || !b.Reject(f, batch.Coords{Line: f.At.Line, Offset: f.At.Byte + int64(n), Payload: region[n:]}, j.why, nil) {
				return n, true
			}
			j.phase = after
			f.At.Line += jsontext.Newlines(region[n:])
			return len(region), false
		case m == len(region) && !eof:
			return n, false
		case m == len(region):
			j.breakAt(region, &n, m, "not JSON: the array does not end")
			continue
		case region[m] == ']':
			end := m + 1 + jsontext.Spaces(region[m+1:])
			switch {
			case end < len(region) && b.Full(): // the bracket stays with what is left, so that reading can begin anew there
				return n, true
			case end < len(region):
				j.breakAt(region, &n, end, "not JSON: text behind the end of the array")
				continue
			case !eof:
				return n, false
			}
			f.At.Line += jsontext.Newlines(region[n:])
			j.phase = after
			return end, false
		case j.phase == between && region[m] != ',':
			j.breakAt(region, &n, m, fmt.Sprintf("not JSON: unexpected %s between the elements of the array", jsontext.Excerpt(region[m:m+1], true)))
			continue
		case j.phase == between:
			m++
			m += jsontext.Spaces(region[m:])
		}
		if b.Full() {
			return n, true
		}
		line := f.At.Line + jsontext.Newlines(region[n:m])
		p := batch.Coords{Line: line, Offset: f.At.Byte + int64(m)}
		d.Scanner = jsontext.Scanner{Text: region, At: m}
		if d.accept(b, f, p, inArray) {
			f.At.Line = line + jsontext.Newlines(region[m:d.At])
			n = d.At
			j.phase = between
			continue
		}
		s := jsontext.Scanner{Text: region, At: m}
		if whole := s.Skip(0); s.At >= len(region) && !eof {
			return n, false // it may go on
		} else if !whole {
			j.breakAt(region, &n, m, s.Problem(int(f.At.Byte)))
			continue
		}
		p.Payload = region[m:s.At]
		d.Text = region[:s.At]
		if !d.refuse(b, f, p, m) {
			return n, true
		}
		f.At.Line = line + jsontext.Newlines(p.Payload)
		n = s.At
		j.phase = between
	}
}

// breakAt makes the rest of the file from m on one bad record.
func (j *array) breakAt(region []byte, n *int, m int, why string) {
	j.f.At.Line += jsontext.Newlines(region[*n:m])
	*n = m
	j.phase, j.why = broken, why+"; the rest of the file is this record"
}

func (j *array) Giant(b *batch.Buffer, region []byte) (n, keep int) {
	f := j.f
	m := 0
	why := f.Landing.TooLarge()
	if j.phase != broken {
		if m = jsontext.Spaces(region); j.phase == between && m < len(region) && region[m] == ',' {
			m++
			m += jsontext.Spaces(region[m:])
		}
		j.skip = valueSkipper{}
		j.skip.feed(region[m:])
		j.phase = between
	} else {
		why = j.why + "; its first bytes are kept"
		j.skip = valueSkipper{all: true}
		j.phase = after
	}
	keep = min(len(region), m+batch.GiantBytes)
	b.Reject(f, batch.Coords{Line: f.At.Line + jsontext.Newlines(region[:m]), Offset: f.At.Byte + int64(m), Payload: region[m:keep]}, why, nil)
	f.At.Line += jsontext.Newlines(region)
	return len(region), keep
}

func (j *array) More(rest []byte, eof bool) bool {
	m := jsontext.Spaces(rest)
	if j.phase != after && m < len(rest) && rest[m] == ']' {
		return !jsontext.Blank(rest[m+1:])
	}
	return m < len(rest) || eof && j.phase != after
}

func (j *array) Unfinished(rest []byte) bool {
	m := jsontext.Spaces(rest)
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
