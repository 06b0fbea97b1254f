package journal

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/kind"
	"dsql/sql/code"
)

//go:embed snapshot.sql
var snapshotSQL string

var whole = statements[struct {
	Dated, Timed, Newer, NotNewer, Bare, CountOpen, Remember, Advance, Load, CountTwice, First, Diff, Count, CountNewTwice,
	Distinct, Doubled, DoubledRows, WithoutDoubled, KeepDoubled, KeepMissing, Ends, Old, Insert statement
}](snapshotSQL)

// load takes a whole table as it was at one time. The load is compared with the open rows in one join, and only what differs is
// kept and written. Each key has a role:
//
//	I  is new     V  has other tracked columns     W  has other untracked columns only     G  is missing in the load
func (w *writer) load(ctx context.Context) error {
	if in := w.b.Input; in != nil && !in.Snapshot {
		return w.j.decl.Errorf(code.JournalMode, "journal %s takes whole tables, and %s hands out its rows in batches", w.name, in.Source).
			WithHint(fmt.Sprintf("declare %s with FROM FILES (…, mode snapshot), or use SEQUENCE BY for a feed of changes", in.Source)).
			WithExit(code.ExitFailed)
	}
	nulls, ok, err := w.dated(ctx)
	if err != nil || !ok {
		return err
	}
	newer := true
	if w.known {
		if err := w.scan(ctx, whole.Newer, nil, &newer); err != nil {
			return err
		}
	}
	if !newer {
		why := w.sql(whole.NotNewer, duck.Args{"why": "too_late: this load, of " + w.time + ", is not newer than the last one, of "})
		return w.reject(ctx, w.b.Rows, why)
	}
	if err := w.rejectNullKeys(ctx, nulls); err != nil {
		return err
	}
	open, err := w.number(ctx, whole.CountOpen)
	if err != nil {
		return err
	}
	var effective int64
	if open == 0 {
		effective, err = w.first(ctx)
	} else {
		effective, err = w.compare(ctx, open)
	}
	if err != nil {
		return err
	}
	w.n.Written = w.rows - w.n.Rejected
	w.n.Unchanged = w.n.Written - effective
	if err := fault.Fault(ctx, "journal-inserted"); err != nil {
		return err
	}
	if err := w.all(ctx, nil, whole.Remember, whole.Advance); err != nil {
		return err
	}
	return fault.Fault(ctx, "journal-state")
}

// dated finds the load's time and counts its rows and those with a NULL in a key. ok is false where there is nothing to take in:
// no file and no row.
func (w *writer) dated(ctx context.Context) (nulls int64, ok bool, err error) {
	in := w.b.Input
	at := duck.SQL("NULL")
	if w.j.at != nil {
		at = duck.User(w.j.decl.Src, *w.j.at)
	} else if in != nil {
		at = duck.Lit(in.FileTime.UTC().Format("2006-01-02 15:04:05.999999"))
	}
	typ := w.Sequence[0].Type
	var first, last *string
	var several bool
	ask := func(rows *duck.Query) error {
		a := duck.Args{"at": at, "type": typ, "of": w.timed(rows)}
		return w.scan(ctx, whole.Dated, a, &w.rows, &nulls, &first, &last, &several)
	}
	if err := ask(w.b.Rows); err != nil {
		return 0, false, err
	}
	if w.rows == 0 {
		if in == nil {
			return 0, false, nil
		}
		if w.b.Empty != nil {
			if err := ask(w.b.Empty); err != nil {
				return 0, false, err
			}
		}
		if w.rows == 0 { // the query takes none, or isn't known
			if err := ask(w.captured()); err != nil {
				return 0, false, err
			}
		}
		w.rows, nulls = 0, 0
	}
	place := w.j.decl.Place()
	if w.j.at != nil {
		place = w.j.decl.At(*w.j.at)
	}
	switch {
	case first == nil:
		return 0, false, place.Errorf(code.LoadTime, "the load has no time: SNAPSHOT AT gives NULL").
			WithHint("let SNAPSHOT AT use a {part} of the file's path or _meta, which an empty load has too")
	case several && w.listing == nil:
		return 0, false, place.Errorf(code.LoadTime, "the rows of one load have several times: %s, %s", *first, *last).
			WithHint("a load is the whole table at one time: let SNAPSHOT AT use a {part} of the file's path or _meta")
	}
	w.time = *first
	w.words["t"] = duck.SQL("{time}::{type}", duck.Args{"time": w.time, "type": typ})
	return nulls, true, nil
}

// timed is rows whose _meta has the file's time, where a clause uses _meta: SNAPSHOT AT is about whole.
func (w *writer) timed(rows *duck.Query) *duck.Query {
	if !w.j.Needs(catalog.MetaColumn) || w.b.Input == nil || w.b.Input.FileTime.IsZero() {
		return rows
	}
	return w.sql(whole.Timed, duck.Args{"time": w.b.Input.FileTime.UTC().Format("2006-01-02 15:04:05.999999"), "of": rows})
}

// captured is a row of what an empty load has: the captures of its path, and _meta with the file's time.
func (w *writer) captured() *duck.Query {
	in := w.b.Input
	value := func(c duck.Column) *duck.Query {
		a := duck.Args{"t": c.Type, "n": duck.Ident(c.Name)}
		for name, text := range in.Captures {
			if containsFold([]string{name}, c.Name) {
				return duck.SQL("{v}::{t} AS {n}", a, duck.Args{"v": text})
			}
		}
		return nullColumn(c)
	}
	meta := duck.SQL(`struct_pack(source := {source}, "timestamp" := {time}::TIMESTAMP, file := {file})::`+catalog.MetaType+` AS _meta`,
		duck.Args{"source": in.Source, "time": in.FileTime.UTC().Format(time.DateTime), "file": in.Origin})
	return duck.SQL("(SELECT {values}, {meta})", duck.Args{"values": duck.Each(", ", w.b.Columns, value), "meta": meta})
}

func (w *writer) rejectNullKeys(ctx context.Context, nulls int64) error {
	if nulls == 0 {
		return nil
	}
	return w.reject(ctx, w.sql(whole.Bare), w.whyNull("", "", w.keys))
}

// given are the journal's columns that the load has.
func (w *writer) given(names []string) []string {
	var out []string
	for _, c := range names {
		if !w.absent[c] {
			out = append(out, c)
		}
	}
	return out
}

// givenTypes are their types.
func (w *writer) givenTypes() (out []*duck.Query) {
	for _, c := range w.Columns {
		if !w.absent[c.Name] {
			out = append(out, c.Type.SQL())
		}
	}
	return out
}

// lacks says of each row of the load which columns its file doesn't have.
func (w *writer) lacks() *duck.Query {
	var out []*duck.Query
	for i, c := range w.partly() {
		files := each(w.lacking(c), func(f string) *duck.Query { return duck.Lit(f) })
		out = append(out, duck.SQL(", _meta.file IN ({files}) AS {w}", duck.Args{"files": files, "w": duck.Ident(fmt.Sprintf("_w%d", i))}))
	}
	return duck.Cat(out...)
}

// partly are the columns that some files of the load don't have. Whether a row's doesn't stands in _w0, _w1 …
func (w *writer) partly() (out []string) {
	for _, c := range w.cols {
		if !w.absent[c] && len(w.lacking(c)) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// lacking are the files of the load that don't have a column.
func (w *writer) lacking(c string) []string {
	for name, files := range w.b.AbsentIn {
		if strings.EqualFold(name, c) {
			return files
		}
	}
	return nil
}

// first takes a load into a journal without open rows.
func (w *writer) first(ctx context.Context) (int64, error) {
	w.words["loaded"] = w.sql(whole.Load)
	twice, err := w.number(ctx, whole.CountTwice)
	if err != nil {
		return 0, err
	}
	if twice > 0 {
		if err = w.distinct(ctx); err != nil {
			return 0, err
		}
	}
	w.n.Added, err = w.run(ctx, whole.First)
	return w.n.Added, err
}

// compare takes a load into a journal that has open rows. It returns how many keys came or changed.
//
// That a key stands twice in the load is found without a pass of its own: then the rows that met an open row are more than the
// open rows that met one, or a new key stands twice among the differences.
func (w *writer) compare(ctx context.Context, open int64) (int64, error) {
	w.words["loaded"] = w.sql(whole.Load)
	if err := w.make(ctx, &w.temp.Diff, whole.Diff); err != nil {
		return 0, err
	}
	var n struct{ added, changed, moved, gone, vectors int64 }
	count := func() error {
		return w.scan(ctx, whole.Count, nil, &n.added, &n.changed, &n.moved, &n.gone, &n.vectors)
	}
	if err := count(); err != nil {
		return 0, err
	}
	twice := w.rows-w.n.Rejected-n.added != open-n.gone
	if !twice {
		again, err := w.number(ctx, whole.CountNewTwice)
		if err != nil {
			return 0, err
		}
		twice = again > 0
	}
	if twice {
		if err := w.distinct(ctx); err != nil {
			return 0, err
		}
		if err := w.make(ctx, &w.temp.Diff, whole.Diff); err != nil {
			return 0, err
		}
		if _, err := w.run(ctx, whole.KeepDoubled); err != nil {
			return 0, err
		}
		if err := count(); err != nil {
			return 0, err
		}
	}
	if w.j.keep {
		if _, err := w.run(ctx, whole.KeepMissing); err != nil {
			return 0, err
		}
		if err := count(); err != nil {
			return 0, err
		}
	}
	if err := w.guarded(n.gone, open); err != nil {
		return 0, err
	}
	if err := fault.Fault(ctx, "journal-staged"); err != nil {
		return 0, err
	}
	w.n.Added, w.n.Changed, w.n.Removed = n.added, n.changed+n.moved, n.gone
	return n.added + n.changed + n.moved, w.apply(ctx, n.vectors)
}

// distinct makes equal rows one and rejects the keys that have several different ones (doubled). The rest is the load from then on.
func (w *writer) distinct(ctx context.Context) error {
	if err := w.make(ctx, &w.temp.Distinct, whole.Distinct); err != nil {
		return err
	}
	if err := w.make(ctx, &w.temp.Doubled, whole.Doubled); err != nil {
		return err
	}
	err := w.reject(ctx, w.sql(whole.DoubledRows), duck.SQL("'duplicate_key: the load has different rows with this key'"))
	w.words["loaded"] = w.sql(whole.WithoutDoubled)
	return err
}

// loadValue is a column after the load's row s came to the open row j.
func (w *writer) loadValue(c string) *duck.Query {
	i := slices.Index(w.partly(), c)
	switch {
	case w.absent[c]:
		return ofColumn("j.{c}", c)
	case i >= 0:
		return duck.SQL("CASE WHEN s.{w} THEN j.{c} ELSE s.{c} END AS {c}",
			duck.Args{"w": duck.Ident(fmt.Sprintf("_w%d", i)), "c": duck.Ident(c)})
	}
	return ofColumn("s.{c}", c)
}

// loadDiffers says that the load's row s gives some of the columns another value than the open row j has.
func (w *writer) loadDiffers(names []string) *duck.Query {
	any, partly := []*duck.Query{duck.SQL("false")}, w.partly()
	for _, c := range names {
		a := duck.Args{"c": duck.Ident(c), "said": duck.SQL("")}
		if i := slices.Index(partly, c); i >= 0 {
			a["said"] = duck.SQL("NOT s.{w} AND ", duck.Args{"w": duck.Ident(fmt.Sprintf("_w%d", i))})
		}
		any = append(any, duck.SQL("{said} j.{c} IS DISTINCT FROM s.{c}", a))
	}
	return duck.SQL("({any})", duck.Args{"any": duck.Join(" OR ", any...)})
}

// guarded holds back a load that would close too many keys.
func (w *writer) guarded(gone, open int64) error {
	share := 100 * float64(gone) / float64(open)
	if gone == 0 || share < w.j.guard || w.b.Force {
		return nil
	}
	return &kind.HeldBack{Rows: w.rows,
		Err: w.j.decl.Errorf(code.LoadHeld, "the load of %s is held back: %d of the %d open keys of journal %s are missing in it "+
			"(%.1f %%, and IF REMOVED allows less than %g); nothing of it was taken in", w.time, gone, open, w.name, share, w.j.guard).
			WithHint(fmt.Sprintf("if the load is right: RELEASE HOLD %s takes it; if it is a part only: DISCARD HOLD %s skips it", w.name, w.name))}
}

// apply writes the difference.
func (w *writer) apply(ctx context.Context, vectors int64) error {
	if vectors > 0 {
		if err := w.end(ctx, w.sql(whole.Ends), w.sql(whole.Old), vectors, w.SCD == 1 || len(w.untracked) > 0); err != nil {
			return err
		}
	}
	_, err := w.run(ctx, whole.Insert)
	return err
}
