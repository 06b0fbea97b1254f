package worker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"

	"dsql/sql"
	"dsql/sql/code"
)

// What goes over a pipe, both ways, is messages: a frame with a header in JSON, frames with bytes, and an empty frame. A frame is its length
// (4 bytes, little endian) and so many bytes. Whoever reads holds one frame at most, and of bytes only what is asked for.

const (
	mostHeader = 1 << 20  // bytes of a header
	mostFrame  = 16 << 20 // of another frame
	usualFrame = 1 << 20  // of those that are written
)

// wrong is an error of the protocol: what follows on the pipe can't be understood any more.
type wrong struct{ err *sql.Error }

func (w wrong) Error() string { return w.err.Error() }
func (w wrong) Unwrap() error { return w.err }

func wrongf(format string, args ...any) error {
	return wrong{sql.Errorf(code.BadTask, format, args...).
		WithHint("a message is frames of a length (4 bytes, little endian) and so many bytes: a header, data, and one of length 0")}
}

// messages are read from a pipe.
type messages struct {
	r    *bufio.Reader
	left int  // bytes of the frame in hand
	open bool // of the message in hand there may be frames
}

func newMessages(r io.Reader) *messages { return &messages{r: bufio.NewReaderSize(r, 256<<10)} }

// frame begins the next frame.
func (m *messages) frame(most int, first bool) error {
	var size [4]byte
	switch n, err := io.ReadFull(m.r, size[:]); {
	case first && n == 0 && err == io.EOF:
		return io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return wrongf("the input ends inside of a message")
	case err != nil:
		return err
	}
	n := binary.LittleEndian.Uint32(size[:])
	if uint64(n) > uint64(most) {
		return wrongf("a frame says that it has %d bytes, and %d is the most", n, most)
	}
	m.left = int(n)
	return nil
}

// next is the header of the next message; io.EOF behind the last one.
func (m *messages) next() ([]byte, error) {
	if err := m.skip(); err != nil {
		return nil, err
	}
	if err := m.frame(mostHeader, true); err != nil {
		return nil, err
	}
	if m.left == 0 {
		return nil, wrongf("a message begins with an empty frame")
	}
	head := make([]byte, m.left)
	if _, err := io.ReadFull(m.r, head); err != nil {
		return nil, cut(err)
	}
	m.left, m.open = 0, true
	return head, nil
}

// Read gives the message's bytes, to its end.
func (m *messages) Read(to []byte) (int, error) {
	for m.left == 0 {
		if !m.open {
			return 0, io.EOF
		}
		if err := m.frame(mostFrame, false); err != nil {
			return 0, err
		}
		m.open = m.left > 0
	}
	n, err := m.r.Read(to[:min(len(to), m.left)])
	m.left -= n
	if err != nil {
		return n, cut(err)
	}
	return n, nil
}

// skip passes over what nobody has read of the message in hand.
func (m *messages) skip() error {
	_, err := io.Copy(io.Discard, m)
	return err
}

func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return wrongf("the input ends inside of a frame")
	}
	return err
}

// answers are written to a pipe.
type answers struct{ w *bufio.Writer }

// put writes a message whose bytes body writes; nil: it has none.
func (a *answers) put(header any, body func(io.Writer) error) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(header); err != nil {
		return err
	}
	if err := a.frame(bytes.TrimSpace(b.Bytes())); err != nil {
		return err
	}
	if body != nil {
		out := &framed{a: a}
		if err := body(out); err != nil {
			return err
		}
		if err := out.flush(); err != nil {
			return err
		}
	}
	return a.frame(nil)
}

func (a *answers) frame(b []byte) error {
	var size [4]byte
	binary.LittleEndian.PutUint32(size[:], uint32(len(b)))
	if _, err := a.w.Write(size[:]); err != nil {
		return err
	}
	_, err := a.w.Write(b)
	return err
}

// framed cuts bytes into frames.
type framed struct {
	a   *answers
	buf []byte
}

func (f *framed) Write(b []byte) (int, error) {
	f.buf = append(f.buf, b...)
	for len(f.buf) >= usualFrame {
		if err := f.a.frame(f.buf[:usualFrame]); err != nil {
			return 0, err
		}
		f.buf = append(f.buf[:0], f.buf[usualFrame:]...)
	}
	return len(b), nil
}

func (f *framed) flush() error {
	if len(f.buf) == 0 {
		return nil
	}
	return f.a.frame(f.buf)
}
