package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"dsql/sql"

	"dsql/ingest/batch"
)

// A goroutine reads ahead: it decodes the files of the reader's work into buffers, while the batch before is written. Small files share a
// batch, a large one is cut into several.

// ahead fills buffers with the files of its work.
type ahead struct {
	s       *session
	landing *batch.Landing
	work    []item
	filled  chan filled
	end     error // why filled is closed: io.EOF when all was read
}

// read fills buffers until the work or ctx ends.
func (r *ahead) read(ctx context.Context) {
	r.end = io.EOF
	defer close(r.filled)
	var done int64
	for _, rest := range r.work {
		for len(rest.files) > 0 {
			it := rest // which batches keep
			n, err := r.item(ctx, &it, &done)
			if errors.Is(err, errWaits) {
				return
			}
			if err != nil {
				r.end = err
				return
			}
			rest = it.with(it.files[n:])
		}
	}
}

// errWaits ends reading before a load that may still be being written.
var errWaits = errors.New("a load waits")

// item reads an item's files into one batch, or a single large file or a load into several, and says how many files it took: the
// rest goes into a batch of its own where it doesn't fit, or has other columns.
func (r *ahead) item(ctx context.Context, it *item, done *int64) (n int, err error) {
	w := &filling{ahead: r, item: it, batch: filled{item: it}, done: *done}
	defer w.release()
	for i := range it.files {
		fits, err := w.file(ctx, i)
		if bad := r.s.unreadableFile(err); bad != nil {
			return w.leave(ctx, i, bad, done)
		}
		if err != nil {
			return 0, err
		}
		switch fits {
		case otherColumns:
			w.batch.last, *done = true, w.done
			return i, w.send(ctx)
		case alone:
			*done = w.done
			return i + 1, nil
		case tooMuch: // what is before it is read again, so that no file is cut that fits a batch
			w.release()
			before := it.with(it.files[:i])
			return r.item(ctx, &before, done)
		}
	}
	*done = w.done
	if len(w.batch.files) > 0 { // nothing of the last one has an end
		w.batch.last = true
		return len(it.files), w.send(ctx)
	}
	if told := w.batch.warnings; len(told) > 0 {
		w.release()
		return len(it.files), w.put(ctx, filled{item: it, warnings: told})
	}
	return len(it.files), nil
}

// put hands a batch over.
func (r *ahead) put(ctx context.Context, b filled) error {
	select {
	case r.filled <- b:
		return nil
	case <-ctx.Done():
		b.release()
		return ctx.Err()
	}
}

// filling is a batch that is being filled from an item.
type filling struct {
	*ahead
	item  *item
	batch filled
	done  int64 // progress behind the files that were read
	part  taken // the last part of a file that was handed over, while there is more of it
}

// fits says whether a file went into the batch.
type fits uint8

const (
	taking       fits = iota
	otherColumns      // its header lacks other columns than those of the files before it
	tooMuch           // the files before it leave too little room
	alone             // it was cut, and its end is a batch of its own
)

func (w *filling) release() {
	if w.batch.buf != nil {
		w.batch.buf.Release()
		w.batch.buf = nil
	}
}

// send hands the batch over and begins the next one of the item.
func (w *filling) send(ctx context.Context) error {
	b := w.batch
	w.batch = filled{item: w.item, absent: b.absent, header: b.header}
	return w.put(ctx, b)
}

// file reads the item's file i.
func (w *filling) file(ctx context.Context, i int) (fits, error) {
	s, f, b := w.s, w.item.files[i], &w.batch
	in, err := s.open(w.landing, w.item, i)
	if err != nil {
		return taking, err
	}
	defer in.Close()
	absent := in.file.Absent()
	if !w.joins(i, absent) {
		return otherColumns, nil
	}
	first := in.file.Pos().Line <= 1 || i > 0 || w.item.from.Byte == 0
	if first {
		warnings, fail := in.oddities(absent)
		if fail != nil {
			return taking, fail
		}
		b.warnings = append(b.warnings, warnings...)
	}
	if in.file.Header != batch.HeaderAuto {
		b.header = in.file.Header
	}
	records := 0
	cut, weight := !w.item.whole(), s.weight(w.item, i)
	for more := true; more; {
		if b.buf == nil {
			if b.buf, err = w.landing.Take(ctx); err != nil {
				return taking, err
			}
		}
		start, had, bad := in.file.Pos(), b.buf.Records(), b.buf.Bad()
		line := max(start.Line, 1)
		records -= had
		if more, err = w.fill(ctx, in); err != nil {
			return taking, err
		}
		if records += b.buf.Records(); !more && first && records == 0 && in.file.Passed > 0 && !in.file.Unfinished {
			b.warnings = append(b.warnings, warning{s.noRecord(f.path), f.path})
		}
		if more && i > 0 && !s.snapshot {
			return tooMuch, nil
		}
		t, err := in.taken(more)
		if err != nil {
			return taking, err
		}
		if t.open {
			if b.warnings = append(b.warnings, warning{s.unfinished(f), f.path}); s.snapshot {
				w.release()
				return taking, errors.Join(w.put(ctx, filled{item: w.item, warnings: b.warnings}), errWaits)
			}
			if t.pos.Byte == start.Byte || b.buf.Records() == had {
				return taking, nil
			}
		}
		t.records, t.bad = b.buf.Records()-had, b.buf.Bad()-bad
		w.part = t
		b.files = append(b.files, t)
		if cut = cut || more && !s.snapshot; cut {
			b.lines = fmt.Sprintf(" lines %d–%d", line, t.pos.Line-1)
		}
		if b.done = w.done + min(in.consumed(), weight); !more {
			w.done += weight
			b.done = w.done
		}
		if b.last = !more && (cut || i == len(w.item.files)-1); more || b.last {
			if err := w.send(ctx); err != nil {
				return taking, err
			}
		}
	}
	if cut {
		return alone, nil
	}
	return taking, nil
}

// joins says whether the item's file i may stand in the batch, by the columns that it lacks, and notes what all files lack.
func (w *filling) joins(i int, absent []string) bool {
	b := &w.batch
	switch {
	case i == 0:
		b.absent = absent
	case !w.s.snapshot && !slices.Equal(absent, b.absent):
		return false
	default: // a column that some file of a load has is not absent
		b.absent = slices.DeleteFunc(slices.Clone(b.absent), func(c string) bool { return !slices.Contains(absent, c) })
	}
	return true
}

// fill decodes into the batch's buffer what it has room for.
func (w *filling) fill(ctx context.Context, in *opened) (more bool, err error) {
	if more, err = w.batch.buf.Fill(ctx, in.file); err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		return false, w.s.readError(err, in.at.path)
	}
	if w.s.OnNew == "FAIL" {
		if names := w.batch.buf.UnknownNames(); len(names) > 0 {
			return false, w.s.NewFields(in.at.path, names)
		}
	}
	return more, nil
}

// leave hands over what was read before the item's file i, which can't be read, and that it can't. Of a snapshot nothing of the load is
// taken.
func (w *filling) leave(ctx context.Context, i int, why *sql.Error, done *int64) (n int, err error) {
	w.release()
	if n = len(w.item.files); !w.s.snapshot {
		if i > 0 {
			before := w.item.with(w.item.files[:i])
			if n, err = w.ahead.item(ctx, &before, done); err != nil || n < i {
				return n, err
			}
		}
		n = i + 1
	}
	a := w.item.aside(i, why)
	if w.part.path == a.path {
		a.hash, a.pos = w.part.hash, w.part.pos
	}
	return n, w.put(ctx, filled{item: w.item, aside: a})
}
