package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
)

// A bucket of a journal is a file as any other: the journal, declared over a source that gives its events. A task makes the next one out of it
// and what came of other tasks for the bucket; a file that stands is never written to, so that whoever does a task again does it the same.

// readBucket is the task of a bucket as its header says it.
func (w *Worker) readBucket(t *header) error {
	fail := func(format string, args ...any) error {
		return sql.Errorf(code.BadTask, format, args...).WithHint("docs/worker.md has the fields of a task")
	}
	var names []string
	for _, n := range w.trial.Program.Nodes {
		if e, ok := n.Obj.(*events); ok {
			if names = append(names, n.Name); sql.Same(n.Name, t.Journal) {
				t.journal, t.events = n, e
			}
		}
	}
	switch {
	case t.journal == nil:
		return sql.Errorf(code.BadTask, "the plan has no journal %s", sql.ShownName(t.Journal)).
			WithHint(sql.DidYouMean(t.Journal, names, sql.Listed("it has: ", names, "")))
	case t.Source != "" || t.File != "" || t.Path != "" || t.Buckets != 0:
		return fail("a task is of a source or of a journal's bucket, and this is of both")
	case t.To == "":
		return fail("a task of a bucket doesn't say which file it makes: to")
	case t.From != "" && filepath.Clean(w.path(t.From)) == filepath.Clean(w.path(t.To)):
		return fail("a task of a bucket makes another file of %s, and not the same", t.From)
	case t.Version < 0:
		return fail("there is no version %d", t.Version)
	}
	_, err := timeOf("now", t.Now)
	return err
}

// bucketScript declares a journal over its events: the query and RULES have been done, and what is judged of a batch is judged elsewhere.
func bucketScript(e *events) *sql.Source {
	d := e.said
	text, at := "", d.Span.Start
	var cut []sql.Span
	for _, clause := range append([]string{"RULES", "EXPECT COLUMNS", "AS", "FROM"}, judged...) {
		if v := d.Arg(clause); v != nil {
			cut = append(cut, sql.Span{Start: v.Keyword.Start, End: v.Span.End})
		}
	}
	slices.SortFunc(cut, func(a, b sql.Span) int { return a.Start - b.Start })
	for _, sp := range cut {
		text, at = text+d.Src.Text[at:sp.Start], sp.End
	}
	text += d.Src.Text[at:d.Span.End]
	of := d.Name + "_events"
	return sql.NewSource(d.Src.Name, duck.SQL("CREATE SOURCE {of} FROM FILES ({pattern}, format parquet);\n{journal} FROM {of};\n",
		duck.Args{"of": duck.Ident(of), "pattern": of + "/*.parquet", "journal": duck.Text(strings.TrimRight(text, " \t\n"))}).String())
}

// bucketOptions are those of a journal's bucket by itself.
func bucketOptions(n *program.Node, e *events, next func(context.Context, *duck.Conn) (*kind.Input, error)) program.Options {
	return program.Options{Language: run.Handing(run.Language, &run.Handed{Columns: n.Cols, Next: next}),
		Scripts: []*sql.Source{bucketScript(e)}}
}

// byItself refuses a journal that a file of its own can't have: its expressions need what the script makes beside it.
func (e *events) byItself(ctx context.Context, n *program.Node) error {
	o := bucketOptions(n, e, nil)
	stmts, err := o.Statements(ctx)
	if err == nil {
		_, err = program.Rehearsed(ctx, o, stmts)
	}
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	why := program.Collect(nil, err)[0]
	return e.said.Errorf(code.NotSpread, "%s can't be kept in a file of its own: %s", n.Name, why.Msg).
		WithHint("compute in its query what its other clauses need of macros, types and functions")
}

// bucket does a task of a bucket.
func (w *Worker) bucket(ctx context.Context, t *header, data io.Reader, out *answers) (err error) {
	w.told = nil
	to := w.path(t.To)
	dir, err := os.MkdirTemp(filepath.Dir(to), ".dsql-bucket-")
	if err != nil {
		return unwritable(to, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, filepath.Base(to))
	if t.From != "" {
		if err := copyFile(w.path(t.From), path); err != nil {
			return err
		}
	}
	given := &handedOver{w: w, of: t.journal, data: data}
	o := bucketOptions(t.journal, t.events, given.next)
	o.Dir, o.DB = dir, path
	o.Events = func(e event.Event) {
		if warned, ok := e.(event.Warned); ok {
			w.told = append(w.told, warned.Err)
		}
	}
	version, err := w.inBucket(ctx, t, o, given, out)
	if err != nil {
		return err
	}
	if err := os.Rename(path, to); err != nil {
		return unwritable(to, err)
	}
	end := answer{Task: t.Task, Kind: "end", Batches: given.batches, Version: version}
	for _, e := range w.told {
		end.Warnings = append(end.Warnings, messageOf(e))
	}
	return put(out, end, nil)
}

// inBucket takes the events into the file, and hands on what came of it.
func (w *Worker) inBucket(ctx context.Context, t *header, o program.Options, given *handedOver, out *answers) (version int64, err error) {
	db, err := program.OpenWriter(ctx, o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	c := db.Writer()
	if err := w.settle(ctx, c); err != nil {
		return 0, err
	}
	if t.Now != "" {
		if err := c.FixClock(ctx, duck.Lit(t.Now)); err != nil {
			return 0, err
		}
	}
	if err := c.Run(ctx, duck.SQL("SET TimeZone = {z}", duck.Args{"z": w.zone})); err != nil {
		return 0, err
	}
	const newest = "SELECT coalesce(max(version), 0) FROM dsql.versions"
	was, err := c.Int(ctx, duck.SQL(newest))
	if err != nil {
		return 0, err
	}
	if t.Version > 0 {
		if t.Version <= was {
			return 0, sql.Errorf(code.BadTask, "the bucket has version %d already, and the task is to make version %d", was, t.Version).
				WithHint("hand over the file that the version before left")
		}
		if was = t.Version - 1; was > 0 { // what the versions between brought had none of these keys
			if err := c.Run(ctx, duck.SQL("INSERT INTO dsql.versions SELECT {v}, {now} WHERE {v} NOT IN (SELECT version FROM dsql.versions)",
				duck.Args{"v": was, "now": duck.Now})); err != nil {
				return 0, err
			}
		}
	}
	if err := run.On(ctx, db, o); err != nil {
		return 0, err
	}
	if t.Version > 0 && given.batches > 1 {
		return 0, sql.Errorf(code.BadTask, "some of the events have other columns than others, which makes %d versions, and the task is to make version %d",
			given.batches, t.Version).WithHint("hand events of files with other columns over in a task of their own")
	}
	if version, err = c.Int(ctx, duck.SQL(newest)); err != nil {
		return 0, err
	}
	return version, w.tell(ctx, c, t.Task, out, was)
}

// handedOver are the events of a task: streams of Arrow's, one behind the other.
type handedOver struct {
	w       *Worker
	of      *program.Node
	data    io.Reader
	ahead   *duck.ArrowReader // the first of the next batch
	batches int
}

const handedTable = "_dsql_events"

// next are the streams up to one that says something of other columns.
func (h *handedOver) next(ctx context.Context, c *duck.Conn) (*kind.Input, error) {
	if err := h.more(); err != nil {
		return nil, err
	}
	cols := duck.Each(", ", h.of.Cols, func(c duck.Column) *duck.Query {
		return duck.SQL("{n} {t}", duck.Args{"n": duck.Ident(c.Name), "t": c.Type})
	})
	a := duck.Args{"t": duck.Ident(handedTable), "cols": cols, "meta": duck.Text(catalog.MetaType)}
	if err := c.Run(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {t} ({cols}, _meta {meta})", a)); err != nil {
		return nil, err
	}
	said := h.ahead.Columns()
	in := &kind.Input{Rows: duck.Ident(handedTable), Origin: "handed over", Release: func() {},
		Commit: func(context.Context, *duck.Tx, int64) error { return nil }}
	for _, col := range h.of.Cols {
		if !slices.Contains(said, col.Name) {
			in.Absent = append(in.Absent, col.Name)
		}
	}
	for slices.Equal(h.ahead.Columns(), said) {
		n, err := h.ahead.Append(ctx, c, handedTable)
		if err != nil {
			return nil, h.unreadable(err)
		}
		in.Records, in.Good = in.Records+n, in.Good+n
		h.ahead.Close()
		h.ahead = nil
		if err := h.more(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	h.batches++
	return in, nil
}

// more has the next stream at hand.
func (h *handedOver) more() (err error) {
	if h.ahead != nil {
		return nil
	}
	if h.ahead, err = duck.NewArrowReader(h.data); errors.Is(err, io.EOF) {
		return io.EOF
	} else if err != nil {
		return h.unreadable(err)
	}
	for _, name := range h.ahead.Columns() {
		if !slices.ContainsFunc(h.of.Cols, func(c duck.Column) bool { return c.Name == name }) {
			return h.unreadable(fmt.Errorf("it has no column %s", sql.ShownName(name)))
		}
	}
	return nil
}

func (h *handedOver) unreadable(err error) error {
	return sql.Errorf(code.BadTask, "what was handed over are no events of %s: %s", h.of.Name, err).
		WithHint("hand over what answers of the kind rows have for the bucket, one behind the other, unchanged").WithCause(err)
}

// copyFile makes a file that can be written to out of one that stays.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return unreadable(from, err)
	}
	defer in.Close()
	if _, err := os.Stat(from + ".wal"); !errors.Is(err, fs.ErrNotExist) {
		return unreadable(from, errors.New("it is still being written, or its writer was killed"))
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return unwritable(to, err)
	}
	if _, err = io.Copy(out, in); err != nil {
		err = unwritable(to, err)
	}
	return errors.Join(err, out.Close())
}

func unwritable(path string, err error) error {
	return sql.Errorf(code.Unreadable, "%s can't be written: %s", path, err).WithHint("a task's files are in folders that are there").WithCause(err)
}
