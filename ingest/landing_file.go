package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"dsql/engine/duck"
	"dsql/sql"
)

// File is a file in reading.
type File struct {
	l        *Landing
	r        io.Reader
	info     FileInfo
	pos      Pos
	carry    []byte // read, and not yet in a buffer
	eof      bool   // r is at its end, and carry with it but in Open and more
	done     bool
	open     bool // it may still be being written, and ends in a record that has no end
	skipping bool // inside a record that is larger than a batch
	dec      Cutter
	tail     string // what the file needs behind a record to be whole where it is cut
	absent   []bool // by field; nil: none

	// CSV
	opening  *opening
	names    []string // of the header's fields
	fresh    []string // those of them that no column reads
	header   Header   // what the file was found to have, where the dialect leaves it open
	passed   int64    // bytes that were taken for something else than records, blank lines and a header of one line
	warnings []*sql.Error
}

// warn keeps what the user should know of the file.
func (f *File) warn(code, msg, hint string) {
	f.warnings = append(f.warnings, &sql.Error{Code: code, Msg: msg, Hint: hint})
}

// giantBytes is how much of a record that is larger than a batch its reject keeps.
const giantBytes = 64 << 10

func (l *Landing) tooLarge() string {
	return fmt.Sprintf("record_too_large: the record is longer than batch_bytes, %d; its first %d bytes are kept", l.limits.Bytes,
		min(giantBytes, l.limits.Bytes))
}

// Open starts reading a file. r gives the file's bytes from its beginning; pos is where to go on, the zero Pos for the first
// record. Open reads the header; it seeks when r can, and reads up to pos.Byte otherwise. A header that names no declared column
// and a capture that doesn't convert to its column's type are *sql.Errors. r stays the caller's to close.
func (l *Landing) Open(r io.Reader, pos Pos, info FileInfo) (*File, error) {
	f := &File{l: l, r: r, info: info, pos: Pos{Line: 1}}
	if err := l.checkCaptures(info); err != nil {
		return nil, err
	}
	for len(f.carry) < 3 && !f.eof {
		if err := f.readMore(); err != nil {
			return nil, err
		}
	}
	if bytes.HasPrefix(f.carry, []byte("\xEF\xBB\xBF")) {
		f.take(3, 0)
	}
	var err error
	if f.dec, err = l.open(f, pos); err != nil {
		return nil, err
	}
	if pos.Byte > f.pos.Byte {
		err = f.seek(pos)
	}
	f.eof = false // there is carry to be read first
	return f, err
}

func (l *Landing) checkCaptures(info FileInfo) error {
	for i, fd := range l.fields {
		if fd.Capture == "" || info.Captures[fd.Capture] == nullCapture {
			continue
		}
		v := []byte(info.Captures[fd.Capture])
		bad, err := l.try(i, v)
		if err != nil {
			return err
		}
		if bad != fine {
			return &sql.Error{Code: "source-capture", Exit: sql.ExitFailed,
				Msg:  fmt.Sprintf("the path %s: %s", info.Path, bad.reason(l.columns[i], v, true)),
				Hint: "declare the column VARCHAR, or let the pattern match fewer files"}
		}
	}
	return nil
}

// try converts a text into a field, for its fault alone.
func (l *Landing) try(i int, v []byte) (fault, error) {
	chunk := l.layout.NewChunk()
	defer chunk.Close()
	slab, err := duck.NewSlab(len(v))
	if err != nil {
		return fine, err
	}
	defer slab.Close()
	l.w.use(chunk, slab)
	return l.w.scalar(l.columns[i], 0, v, fromText, false), nil
}

// takes says whether a text converts into a field that is not nested.
func (l *Landing) takes(i int, text string) bool {
	if l.columns[i].id >= duck.TypeStruct || text == "" {
		return false
	}
	bad, err := l.try(i, []byte(text))
	return err == nil && bad == fine
}

// readMore appends to carry, as much as it holds and 64 KiB at least.
func (f *File) readMore() error {
	n := len(f.carry)
	f.carry = slices.Grow(f.carry, max(n, 64<<10))
	m, err := io.ReadFull(f.r, f.carry[n:cap(f.carry)])
	f.carry = f.carry[:n+m]
	f.eof = err == io.EOF || err == io.ErrUnexpectedEOF
	if err != nil && !f.eof {
		return fmt.Errorf("reading %s: %w", f.info.Path, err)
	}
	return nil
}

// take moves on in carry.
func (f *File) take(n, lines int) {
	f.carry = f.carry[n:]
	f.pos.Byte += int64(n)
	f.pos.Line += int64(lines)
}

// endAt ends the file at a place, and says how many bytes are still to be read until then.
func (f *File) endAt(at int64) int64 {
	left := max(at-f.pos.Byte, 0)
	if left <= int64(len(f.carry)) {
		f.carry = f.carry[:left]
		return 0
	}
	return left - int64(len(f.carry))
}

// wait has the file wait at a place: what stands there is no record yet.
func (f *File) wait(at Pos) { f.pos, f.done, f.open = at, true, true }

// seek goes on at a later place.
func (f *File) seek(to Pos) error {
	skip := to.Byte - f.pos.Byte
	f.pos = to
	if skip <= int64(len(f.carry)) {
		f.carry = f.carry[skip:]
		return nil
	}
	skip -= int64(len(f.carry))
	f.carry, f.eof = nil, false
	if s, ok := f.r.(io.Seeker); ok {
		_, err := s.Seek(to.Byte, io.SeekStart)
		return err
	}
	if _, err := io.CopyN(io.Discard, f.r, skip); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading %s: %w", f.info.Path, err)
	}
	return nil
}

// read gives the file's next bytes.
func (f *File) read(p []byte) (int, error) {
	if len(f.carry) > 0 {
		n := copy(p, f.carry)
		if f.carry = f.carry[n:]; len(f.carry) == 0 {
			f.carry = nil
		}
		return n, nil
	}
	for range 100 {
		if n, err := f.r.Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// unread takes back what a full buffer has no use for.
func (f *File) unread(b *Buffer) {
	f.carry = append(bytes.Clone(b.slab.Bytes()[b.at:]), f.carry...)
	b.slab.Cut(b.at)
	f.eof = false
}

// more says whether there is a record behind those that a full buffer has, so that the last batch is not an empty one.
func (f *File) more() (bool, error) {
	for !f.dec.more(f.carry, f.eof) {
		if f.eof {
			f.take(len(f.carry), bytes.Count(f.carry, []byte{'\n'}))
			f.done = true
			return false, nil
		}
		if err := f.readMore(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// Pos is the start of the next record to be read: what Fill has put into buffers lies before it. At the end it is the file's size.
func (f *File) Pos() Pos { return f.pos }

// Absent are the declared columns that a CSV file's header doesn't name, nil for JSON.
func (f *File) Absent() []string {
	var out []string
	for i, gone := range f.absent {
		if gone {
			out = append(out, f.l.fields[i].Name)
		}
	}
	return out
}

func (f *File) missing(field int) bool { return f.absent != nil && f.absent[field] }
