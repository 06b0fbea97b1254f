package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// trace writes statements into a file, each under a comment with the time that it took. Each is written at once, so that the last one
// shows what a run was doing. A nil trace writes nothing.
type trace struct {
	mu  sync.Mutex
	f   *os.File
	err error
}

const traceTitle = "-- dsql trace: when each statement of a run began, and how long it took\n"

func newTrace(path string) (*trace, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, traceError(err)
	}
	t := &trace{f: f}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		head := make([]byte, len(traceTitle))
		if _, err := io.ReadFull(f, head); err != nil || !bytes.Equal(head, []byte(traceTitle)) {
			return nil, errors.Join(sql.Errorf(code.TraceUnwritable, "%s is there and no trace: it stays as it is", path).
				WithHint("give --trace a name of its own"), f.Close())
		}
		if err := errors.Join(f.Truncate(0), seekStart(f)); err != nil {
			return nil, traceError(err)
		}
	}
	_, t.err = f.WriteString(traceTitle)
	return t, nil
}

func seekStart(f *os.File) error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// statements is what takes them, nil where none is asked for.
func (t *trace) statements() func(duck.Traced) {
	if t == nil {
		return nil
	}
	return func(s duck.Traced) {
		t.mu.Lock()
		defer t.mu.Unlock()
		failed := ""
		if s.Failed {
			failed = ", failed"
		}
		_, err := fmt.Fprintf(t.f, "\n-- %s, %.3f ms%s\n%s;\n", s.At.UTC().Format("2006-01-02 15:04:05.000000"),
			float64(s.Took)/float64(time.Millisecond), failed, s.Text)
		if t.err == nil {
			t.err = err
		}
	}
}

// close says whether all was written.
func (t *trace) close() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.f.Close()
	if t.err != nil {
		err = t.err
	}
	if err != nil {
		return traceError(err)
	}
	return nil
}

func traceError(err error) error {
	return sql.Errorf(code.TraceUnwritable, "the trace can't be written: %s", err).
		WithHint("name a file in a folder that is there, on a disk with room: --trace FILE").WithCause(err)
}
