package files

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/sql"
	"dsql/sql/code"
)

// A file that can't be read is set aside (ON BAD FILE SKIP): dsql.files has it with its error, those behind it are taken, and it is
// tried again when it has changed. What was taken of it before stays taken.

// asideFile is a file that was found unreadable, and what had been taken of it.
type asideFile struct {
	file
	hash         string
	pos          batch.Pos
	destinations []string
	why          *sql.Error
}

// unreadableFile is the error when it says that a file can't be read, nil where it says something else. The folder or pattern itself is
// no such file, nor is a script that asks for what no file has.
func (s *Source) unreadableFile(err error) *sql.Error {
	if s.onBadFile == "FAIL" {
		return nil
	}
	return fileFault(err)
}

// fileFault is the error when it is one of a single file.
func fileFault(err error) *sql.Error {
	var e *sql.Error
	if !errors.As(err, &e) || errors.Is(err, context.Canceled) {
		return nil
	}
	switch e.Code {
	case code.Unreadable, code.NoRights, code.NoFile, code.SourceCapture, code.SourceHeader:
		return e
	}
	return nil
}

// setAside records a file and tells of it.
func (r *reader) setAside(ctx context.Context, a *asideFile) error {
	if r.o.Aside == nil {
		return a.why
	}
	if errors.Is(a.why, fs.ErrNotExist) { // it will be listed again when it is back
		return nil
	}
	if r.o.Replay == nil {
		places := []filePlace{{path: a.path, size: a.size, modified: a.modified, hash: a.hash, pos: a.pos, why: a.why.Msg}}
		write := func(c *duck.Conn) error {
			return r.s.write(ctx, c, places, a.destinations, duck.SQL("(SELECT coalesce(max(version), 0) FROM dsql.versions)"))
		}
		var err error
		if r.o.Everything { // in the transaction of a rebuild
			err = write(r.conn)
		} else {
			err = r.conn.Update(ctx, func(tx *duck.Tx) error { return write(tx.Conn) })
		}
		if err != nil {
			return err
		}
	}
	e := *a.why
	e.Exit, e.Hint = code.ExitUnreachable, "it is set aside; mend it or take it away: it is tried again when it has changed"
	r.o.Aside(&e)
	return nil
}

// stillAside takes away the files that were set aside and are as they were then, and says so. Of a snapshot the whole load goes with
// one: a part of it is no load.
func (s *Source) stillAside(files []file, places []filePlace, o kind.ReadOptions) []file {
	byPath := map[string]*file{}
	for i := range files {
		byPath[files[i].path] = &files[i]
	}
	out := map[string]bool{}
	for _, p := range places {
		f := byPath[p.path]
		if p.why == "" || f == nil || !p.same(f) || out[p.path] || !slices.Contains(o.Destinations, p.destination) {
			continue
		}
		out[p.path] = true
		if s.snapshot && len(s.pattern.Captures) > 0 {
			for _, g := range files {
				if s.loadOf(g) == s.loadOf(*f) {
					out[g.path] = true
				}
			}
		}
		if o.Aside != nil {
			o.Aside(s.Stmt.At(s.patternAt).Errorf(code.FileAside, "%s (set aside in an earlier run)", p.why).
				WithHint("mend the file or take it away: it is tried again when it has changed"))
		}
	}
	return slices.DeleteFunc(slices.Clone(files), func(f file) bool { return out[f.path] })
}

// leave hands over what was read before the item's file i, which can't be read, and that it can't. Of a snapshot nothing of the load is
// taken.
func (w *filling) leave(ctx context.Context, i int, why *sql.Error, done *int64) (n int, err error) {
	w.release()
	if n = len(w.item.files); !w.s.snapshot {
		if i > 0 {
			before := w.item.with(w.item.files[:i])
			if n, err = w.read(ctx, &before, done); err != nil || n < i {
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
