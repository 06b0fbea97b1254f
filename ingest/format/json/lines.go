package json

import (
	"bytes"

	"dsql/ingest/batch"
	"dsql/ingest/jsontext"
)

// lines reads records one behind the other. Usually each is a line, and one that goes wrong leaves the others alone; blank lines
// are none. A record may also go over several lines, or share one with others. A line that opens more brackets than it closes is never
// taken for itself where they close later: all up to there is one record, a bad one when it is no JSON, so that a document doesn't
// become fragments of it. Where they don't close (a line that was cut off) the line alone is bad.
type lines struct {
	f      *batch.File
	d      *Decoder
	looked int       // how far was looked for brackets that close, in vain
	over   *brackets // of a record over several lines that is larger than a batch; nil: of one line
}

// How far is looked for the end of a record that is no JSON, for one and for all of a file.
const (
	lookBytes    = 1 << 20
	lookAllBytes = 64 << 20
)

// lineEnd is where the line that b begins with ends, and how long it is with its end; -1 when it doesn't end in b. A CR alone ends a
// line where no LF follows.
func lineEnd(b []byte, eof bool) (end, size int) {
	if k := bytes.IndexByte(b, '\n'); k >= 0 {
		return k, k + 1
	}
	if k := bytes.IndexByte(b, '\r'); k >= 0 && (k+1 < len(b) || eof) {
		return k, k + 1
	}
	if eof {
		return len(b), len(b)
	}
	return -1, 0
}

// lineEnds counts the lines that end in b, which doesn't end between a CR and its LF.
func lineEnds(b []byte) int64 {
	return int64(bytes.Count(b, []byte{'\n'}) + bytes.Count(b, []byte{'\r'}) - bytes.Count(b, []byte("\r\n")))
}

func (j *lines) Run(b *batch.Buffer, region []byte, eof bool) (n int, full bool) {
	f := j.f
	for n < len(region) {
		if f.Skipping {
			n += j.pass(region[n:], eof)
			continue
		}
		end, size := lineEnd(region[n:], eof)
		if end < 0 {
			return n, false
		}
		line := bytes.TrimSuffix(region[n:n+end], []byte{'\r'})
		if jsontext.Blank(line) {
			n += size
			if end < size {
				f.At.Line++
			}
			continue
		}
		if b.Full() {
			return n, true
		}
		took, more, room := j.record(b, region, n, line, eof)
		switch {
		case !room:
			return n, true
		case more:
			return n, false
		case took == len(line):
			n += size
			if end < size {
				f.At.Line++
			}
		default:
			n += took
		}
	}
	return n, false
}

// record takes what a line begins with, a good record or a bad one, and says how many bytes that is. more says that more of the file
// is needed to tell where it ends; room is false when the batch has none.
func (j *lines) record(b *batch.Buffer, region []byte, n int, line []byte, eof bool) (took int, more, room bool) {
	f, d := j.f, j.d
	d.Scanner = jsontext.Scanner{Text: line}
	d.Space()
	start := d.At
	p := batch.Coords{Line: f.At.Line, Offset: f.At.Byte + int64(n+start), Payload: line}
	if d.accept(b, f, p, inLine) {
		if d.At < len(line) {
			f.At.Line += int64(bytes.Count(line[start:d.At], []byte{'\r'}))
		}
		return d.At, false, true
	}
	s := jsontext.Scanner{Text: line, At: start}
	if s.Skip(0) {
		end := s.At
		if s.Space(); s.At == len(line) || line[s.At] != '{' {
			return len(line), false, d.refuse(b, f, p, start)
		}
		p.Payload, d.Text = line[start:end], line[:end] // one of several in the line
		if room = d.refuse(b, f, p, start); room {
			f.At.Line += int64(bytes.Count(line[start:s.At], []byte{'\r'}))
		}
		return s.At, false, room
	}
	if x := (brackets{}); x.feed(line, false) >= 0 && x.depth > 0 {
		if end, more := j.reach(region[n:], line, x, eof); more {
			return 0, true, true
		} else if end > 0 {
			return j.document(b, p, region[n:n+end], start)
		}
	}
	return len(line), false, d.refuse(b, f, p, start)
}

// document takes a record that goes over several lines.
func (j *lines) document(b *batch.Buffer, p batch.Coords, text []byte, start int) (took int, more, room bool) {
	f, d := j.f, j.d
	p.Payload = text[start:]
	d.Scanner = jsontext.Scanner{Text: p.Payload}
	if room = d.accept(b, f, p, inText) || d.refuse(b, f, p, 0); room {
		f.At.Line += lineEnds(text)
	}
	return len(text), false, room
}

// reach says how much of rest the record that a line begins takes, 0 when it is the line alone. x has seen the line.
func (j *lines) reach(rest, line []byte, x brackets, eof bool) (end int, more bool) {
	s := jsontext.Scanner{Text: rest, At: jsontext.Spaces(line)}
	switch ok := s.Skip(0); {
	case ok && s.At > len(line):
		return s.At, false
	case !ok && s.At >= len(rest) && !eof:
		return 0, true // it may go on
	case j.looked >= lookAllBytes:
		return 0, false
	}
	look := min(lookBytes, int(j.f.Landing.Limits.Bytes)/2)
	ahead := rest[len(line):min(len(rest), len(line)+look)]
	if k := x.feed(ahead, true); k >= 0 {
		return len(line) + k, false
	}
	if len(ahead) < look && !eof {
		return 0, true
	}
	j.looked += len(ahead)
	return 0, false
}

// pass steps over a record that is larger than a batch.
func (j *lines) pass(rest []byte, eof bool) int {
	f := j.f
	if j.over != nil {
		k := j.over.feed(rest, true)
		if f.Skipping = k < 0; f.Skipping {
			k = len(rest)
		}
		f.At.Line += jsontext.Newlines(rest[:k])
		return k
	}
	end, size := lineEnd(rest, eof)
	if end < 0 {
		return len(rest)
	}
	f.Skipping = false
	if end < size {
		f.At.Line++
	}
	return size
}

func (j *lines) Giant(b *batch.Buffer, region []byte) (n, keep int) {
	f := j.f
	keep = min(len(region), batch.GiantBytes)
	b.Reject(f, batch.Coords{Line: f.At.Line, Offset: f.At.Byte, Payload: region[:keep]}, f.Landing.TooLarge(), nil)
	j.over = nil
	if end, _ := lineEnd(region, false); end >= 0 {
		j.over = &brackets{}
		j.over.feed(region, false)
		f.At.Line += jsontext.Newlines(region)
	}
	return len(region), keep
}

func (j *lines) More(rest []byte, _ bool) bool { return !jsontext.Blank(rest) }

// Unfinished: a value that goes on behind the end. What is no JSON before that is bad however it goes on.
func (j *lines) Unfinished(rest []byte) bool {
	s := jsontext.Scanner{Text: rest}
	for s.Space(); s.At < len(rest); s.Space() {
		if !s.Skip(0) {
			return s.At >= len(rest)
		}
	}
	return false
}

// brackets counts those that are open in a text that may be no JSON: a string that doesn't end in its line ends with it.
type brackets struct {
	depth       int
	str, escape bool
}

// feed goes through b. With toEnd it says how many bytes there are up to where all brackets are closed, -1 when they aren't.
func (x *brackets) feed(b []byte, toEnd bool) int {
	for i, c := range b {
		switch {
		case x.escape:
			x.escape = false
		case x.str:
			x.escape = c == '\\'
			x.str = c != '"' && c != '\n'
		case c == '"':
			x.str = true
		case c == '{' || c == '[':
			x.depth++
		case c == '}' || c == ']':
			if x.depth--; x.depth <= 0 && toEnd {
				return i + 1
			}
		}
	}
	if toEnd {
		return -1
	}
	return len(b)
}
