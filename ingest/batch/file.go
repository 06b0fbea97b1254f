package batch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"dsql/engine/duck"
	"dsql/ingest/convert"
	"dsql/ingest/glob"
	"dsql/sql"
	"dsql/sql/code"
)

// Warn keeps what the user should know of the file.
func (f *File) Warn(c code.Code, msg, hint string) {
	f.Warnings = append(f.Warnings, sql.Errorf(c, "%s", msg).WithHint(hint))
}

// GiantBytes is how much of a record that is larger than a batch its reject keeps.
const GiantBytes = 64 << 10

func (l *Landing) TooLarge() string {
	return fmt.Sprintf("record_too_large: the record is longer than batch_bytes, %d; its first %d bytes are kept", l.Limits.Bytes,
		min(GiantBytes, l.Limits.Bytes))
}

// Open starts reading a file. r gives the file's bytes from its beginning; pos is where to go on, the zero Pos for the first
// record. Open reads the header; it seeks when r can, and reads up to pos.Byte otherwise. A header that names no declared column
// and a capture that doesn't convert to its column's type are *sql.Errors. r stays the caller's to close.
func (l *Landing) Open(r io.Reader, pos Pos, info FileInfo) (*File, error) {
	f := &File{Landing: l, r: r, Info: info, At: Pos{Line: 1}}
	if err := l.checkCaptures(info); err != nil {
		return nil, err
	}
	for len(f.Ahead) < 3 && !f.EOF {
		if err := f.ReadMore(); err != nil {
			return nil, err
		}
	}
	if bytes.HasPrefix(f.Ahead, []byte("\xEF\xBB\xBF")) {
		f.Take(3, 0)
	}
	var err error
	if f.dec, err = l.open(f, pos); err != nil {
		return nil, err
	}
	if pos.Byte > f.At.Byte {
		err = f.seek(pos)
	}
	f.EOF = false // there is carry to be read first
	return f, err
}

func (l *Landing) checkCaptures(info FileInfo) error {
	for i, fd := range l.Fields {
		if fd.Capture == "" || info.Captures[fd.Capture] == glob.Null {
			continue
		}
		v := []byte(info.Captures[fd.Capture])
		bad, err := l.try(i, v)
		if err != nil {
			return err
		}
		if bad != convert.Fine {
			return sql.Errorf(code.SourceCapture, "the path %s: %s", info.Path, bad.Reason(l.Compiled[i], v, true)).
				WithHint("declare the column VARCHAR, or let the pattern match fewer files")
		}
	}
	return nil
}

// try converts a text into a field, for its fault alone.
func (l *Landing) try(i int, v []byte) (convert.Fault, error) {
	chunk := l.layout.NewChunk()
	defer chunk.Close()
	slab, err := duck.NewSlab(len(v))
	if err != nil {
		return convert.Fine, err
	}
	defer slab.Close()
	l.Writer.Use(chunk, slab)
	return l.Writer.Scalar(l.Compiled[i], 0, v, convert.FromText, false), nil
}

// Takes says whether a text converts into a field that is not nested.
func (l *Landing) Takes(i int, text string) bool {
	if l.Compiled[i].ID >= duck.TypeStruct || text == "" {
		return false
	}
	bad, err := l.try(i, []byte(text))
	return err == nil && bad == convert.Fine
}

// ReadMore appends to carry, as much as it holds and 64 KiB at least.
func (f *File) ReadMore() error {
	n := len(f.Ahead)
	f.Ahead = slices.Grow(f.Ahead, max(n, 64<<10))
	m, err := io.ReadFull(f.r, f.Ahead[n:cap(f.Ahead)])
	f.Ahead = f.Ahead[:n+m]
	f.EOF = err == io.EOF || err == io.ErrUnexpectedEOF
	if err != nil && !f.EOF {
		return fmt.Errorf("reading %s: %w", f.Info.Path, err)
	}
	return nil
}

// Take moves on in carry.
func (f *File) Take(n, lines int) {
	f.Ahead = f.Ahead[n:]
	f.At.Byte += int64(n)
	f.At.Line += int64(lines)
}

// EndAt ends the file at a place, and says how many bytes are still to be read until then.
func (f *File) EndAt(at int64) int64 {
	left := max(at-f.At.Byte, 0)
	if left <= int64(len(f.Ahead)) {
		f.Ahead = f.Ahead[:left]
		return 0
	}
	return left - int64(len(f.Ahead))
}

// Wait has the file wait at a place: what stands there is no record yet.
func (f *File) Wait(at Pos) { f.At, f.done, f.Unfinished = at, true, true }

// seek goes on at a later place.
func (f *File) seek(to Pos) error {
	skip := to.Byte - f.At.Byte
	f.At = to
	if skip <= int64(len(f.Ahead)) {
		f.Ahead = f.Ahead[skip:]
		return nil
	}
	skip -= int64(len(f.Ahead))
	f.Ahead, f.EOF = nil, false
	if s, ok := f.r.(io.Seeker); ok {
		_, err := s.Seek(to.Byte, io.SeekStart)
		return err
	}
	if _, err := io.CopyN(io.Discard, f.r, skip); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading %s: %w", f.Info.Path, err)
	}
	return nil
}

// read gives the file's next bytes.
func (f *File) read(p []byte) (int, error) {
	if len(f.Ahead) > 0 {
		n := copy(p, f.Ahead)
		if f.Ahead = f.Ahead[n:]; len(f.Ahead) == 0 {
			f.Ahead = nil
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
	f.Ahead = append(bytes.Clone(b.slab.Bytes()[b.at:]), f.Ahead...)
	b.slab.Cut(b.at)
	f.EOF = false
}

// more says whether there is a record behind those that a full buffer has, so that the last batch is not an empty one.
func (f *File) more() (bool, error) {
	for !f.dec.More(f.Ahead, f.EOF) {
		if f.EOF {
			f.Take(len(f.Ahead), bytes.Count(f.Ahead, []byte{'\n'}))
			f.done = true
			return false, nil
		}
		if err := f.ReadMore(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// Pos is the start of the next record to be read: what Fill has put into buffers lies before it. At the end it is the file's size.
func (f *File) Pos() Pos { return f.At }

// Absent are the declared columns that a CSV file's header doesn't name, nil for JSON.
func (f *File) Absent() []string {
	var out []string
	for i, gone := range f.Lacking {
		if gone {
			out = append(out, f.Landing.Fields[i].Name)
		}
	}
	return out
}

func (f *File) missing(field int) bool { return f.Lacking != nil && f.Lacking[field] }
