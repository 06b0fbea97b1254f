package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"dsql/sql/code"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/glob"
)

// A batch of files: what was read of which, and what only their source knows of it, for the pipeline that takes it. Its places are
// written in the batch's own transaction, unless a file of it is no more what was read.

// filled is a filled buffer and what it holds.
type filled struct {
	item   *item
	buf    *batch.Buffer
	files  []taken
	absent []string
	lines  string       // of a file that was cut: which
	last   bool         // the item's last: a load is complete
	done   int64        // progress behind it
	header batch.Header // what the files were found to have, where that wasn't known

	warnings []warning
	aside    *asideFile
}

func (b *filled) release() {
	if b.buf != nil {
		b.buf.Release()
	}
}

// input completes a batch with what only the source knows. Where that fails the batch is given back.
func (r *reader) input(ctx context.Context, b filled, in *kind.Input) (*kind.Input, error) {
	s := r.s
	in.Source, in.Destinations, in.Snapshot = s.Stmt.Name, b.item.destinations, s.snapshot
	in.Absent, in.Captures = b.absent, shared(b.files)
	for _, f := range b.files {
		if f.modified.After(in.FileTime) {
			in.FileTime = f.modified
		}
	}
	if s.snapshot {
		var err error
		if in.AbsentIn = absentIn(b); in.Good == 0 {
			if in.Captures, err = r.ofEmpty(ctx, b.files[0].file, in.Captures); err != nil {
				in.Release()
				return nil, err
			}
		}
	}
	in.Origin = originOf(b.files) + b.lines
	in.Replayed = r.o.Replay != nil
	in.Again = in.Replayed || slices.ContainsFunc(b.files, func(f taken) bool { return f.again })
	r.tell(b.warnings)
	in.Commit = func(ctx context.Context, tx *duck.Tx, v int64) error {
		if e := s.moved(b.files); e != nil {
			for _, f := range b.files {
				r.passed[f.path] = true
			}
			if !r.o.Follow && !r.o.Everything && r.o.Warn != nil {
				r.o.Warn(e)
			}
			return e
		}
		if r.o.Replay != nil {
			return nil
		}
		if err := s.keepDialect(ctx, tx, b.header); err != nil {
			return err
		}
		return s.record(ctx, tx, b.files, b.item.destinations, v)
	}
	in.Committed = func(context.Context) { s.dialectKept() }
	r.copies(b.files, in)
	if err := r.allBad(b.files, in); err != nil {
		in.Release()
		return nil, err
	}
	if err := s.BadRecords(ctx, r.conn, in); err != nil {
		in.Release()
		return nil, err
	}
	r.done = max(r.done, min(b.done, r.total))
	if r.o.Progress != nil {
		r.o.Progress(kind.Progress{Source: s.Stmt.Name, Item: b.files[len(b.files)-1].path, Done: r.done, Total: r.total})
	}
	return in, nil
}

// absentIn are the columns that some files of a load don't have, by file, beside those that none has.
func absentIn(b filled) map[string][]string {
	out := map[string][]string{}
	for _, f := range b.files {
		if some := slices.DeleteFunc(slices.Clone(f.absent), func(c string) bool { return slices.Contains(b.absent, c) }); len(some) > 0 {
			out[f.path] = some
		}
	}
	return out
}

func originOf(files []taken) string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.path
	}
	if len(names) > 3 {
		return fmt.Sprintf("%s, %s and %d more", names[0], names[1], len(names)-2)
	}
	return strings.Join(names, ", ")
}

// shared are the captures that all files have alike.
func shared(files []taken) map[string]string {
	out := maps.Clone(files[0].captures)
	maps.DeleteFunc(out, func(k, v string) bool { return v == glob.Null })
	for _, f := range files[1:] {
		maps.DeleteFunc(out, func(k, v string) bool { return f.captures[k] != v })
	}
	return out
}

// reader is what readers of text and of Parquet share: it makes batches of what they have read, and tells what there is to tell.
type reader struct {
	s    *session
	conn *duck.Conn
	cols []duck.Column
	o    kind.ReadOptions
	teller
	captures

	passed      map[string]bool // files that changed while they were read
	total, done int64
}

func newReader(x *session, c *duck.Conn, cols []duck.Column, o kind.ReadOptions) *reader {
	return &reader{s: x, conn: c, cols: cols, o: o, passed: map[string]bool{}, captures: captures{source: x.Source, db: c, columns: cols},
		teller: teller{source: x.Source, opts: &o, warned: map[string]bool{}, counts: map[string][2]int{}, content: map[string]string{}}}
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
