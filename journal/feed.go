package journal

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/sql"
)

//go:embed feed.sql
var feedSQL string

var feed = statements[struct {
	Batch, Count, SomeNotNewer, Bare, DropBare, Groups, CountGroups, Open, Found, FoundByRowid, Advance statement
}](feedSQL)

// feed takes a batch of events. Keys with one event in order take the fast path, which compares it with the key's open row; the
// others are folded (see fold.go).
func (w *writer) feed(ctx context.Context) error {
	if err := w.forget(ctx); err != nil {
		return err
	}
	late, err := w.stage(ctx)
	if err != nil || w.rows == w.n.Rejected {
		return err
	}
	effective, err := w.feedStaged(ctx, late)
	if err != nil {
		return err
	}
	w.n.Written = w.rows - w.n.Rejected
	w.n.Unchanged = w.n.Written - effective
	return w.advance(ctx)
}

// feedStaged takes the events of the batch, and says how many changed something.
func (w *writer) feedStaged(ctx context.Context, late bool) (effective int64, err error) {
	several, err := w.group(ctx)
	if err != nil {
		return 0, err
	}
	if err := w.open(ctx); err != nil {
		return 0, err
	}
	folded := several > 0 || late
	if folded {
		if folded, err = w.divide(ctx, late); err != nil {
			return 0, err
		}
	}
	if err := fault.Fault(ctx, "journal-staged"); err != nil {
		return 0, err
	}
	if effective, err = w.fast(ctx, folded); err != nil {
		return 0, err
	}
	if folded {
		n, err := w.fold(ctx)
		if err != nil {
			return 0, err
		}
		effective += n
	}
	return effective, fault.Fault(ctx, "journal-inserted")
}

// forget allows for columns that the batch doesn't have: its events say nothing of them.
func (w *writer) forget(ctx context.Context) error {
	var names []string
	for _, c := range w.cols {
		if w.absent[c] && !slices.Contains(w.Sparse, c) {
			names = append(names, c)
		}
	}
	if len(names) == 0 {
		return nil
	}
	w.allow(names)
	return w.save(ctx, w.tx)
}

// staged keeps the batch's rows with what the journal needs to know of each: its sequence, whether it deletes, what it says. late says
// that some event isn't newer than all that was accepted before.
func (w *writer) staged(ctx context.Context) (late bool, err error) {
	if err := w.make(ctx, &w.temp.Batch, feed.Batch); err != nil {
		return false, err
	}
	err = w.scan(ctx, feed.Count, nil, &w.rows, &w.bare, &late)
	return late, err
}

// sequence are the values that order an event, deleted says whether it deletes.
func (w *writer) sequence() []*duck.Query {
	return each(w.j.sequence, func(sp sql.Span) *duck.Query { return duck.User(w.j.decl.Src, sp) })
}

func (w *writer) deleted() *duck.Query {
	if w.j.deleted == nil {
		return duck.SQL("false")
	}
	deleted := duck.User(w.j.decl.Src, *w.j.deleted)
	if w.listing == nil {
		deleted = w.tx.Witnessed(w.j.deletion(), deleted, false)
	}
	return duck.SQL("coalesce(({e}), false)", duck.Args{"e": deleted})
}

// deletion is DELETE WHEN.
func (j *Journal) deletion() duck.Condition {
	return duck.Condition{Of: j.decl.Name, Kind: duck.DeleteWhen, At: j.decl.At(*j.deleted)}
}

// stage prepares the batch's events. Rows without a key or sequence are rejected.
func (w *writer) stage(ctx context.Context) (late bool, err error) {
	if late, err = w.staged(ctx); err != nil {
		return false, err
	}
	if w.bare > 0 {
		if err := w.reject(ctx, w.sql(feed.Bare), w.whyNull("", "", w.keys)); err != nil {
			return false, err
		}
		if _, err := w.run(ctx, feed.DropBare); err != nil {
			return false, err
		}
	}
	behind := late
	if w.j.lateness != nil {
		tooLate, err := w.markLate(ctx)
		if late = late || tooLate; err != nil {
			return false, err
		}
	}
	if behind {
		err = w.overtake(ctx)
	}
	return late, err
}

// columns are all columns of the batch, for rejects, those of the journal in its types. (A type says nothing of a collation; with the
// cast texts are the same only when all of their bytes are.) One that COLUMNS no longer takes is NULL to the journal, and _was0, … to
// rejects.
func (w *writer) columns() *duck.Query {
	stored := append(w.Keys[:len(w.Keys):len(w.Keys)], w.Columns...)
	var was []*duck.Query
	out := duck.Each(", ", stored, func(c duck.Column) *duck.Query {
		a := duck.Args{"c": duck.Ident(c.Name), "t": c.Type, "was": duck.Ident(fmt.Sprintf("_was%d", len(w.was)))}
		if index(w.b.Columns, c.Name) < 0 || w.absent[c.Name] {
			if index(w.b.Columns, c.Name) >= 0 {
				was, w.was = append(was, duck.SQL(", {c} AS {was}", a)), append(w.was, c.Name)
			}
			return duck.SQL("NULL::{t} AS {c}", a)
		}
		return duck.SQL("{c}::{t} AS {c}", a)
	})
	out = duck.Cat(append([]*duck.Query{out}, was...)...)
	for _, c := range w.b.Columns {
		if index(stored, c.Name) < 0 {
			out = duck.SQL("{out}, {c}", duck.Args{"out": out, "c": duck.Ident(c.Name)})
		}
	}
	if w.b.HasRow {
		out = duck.SQL("{out}, _row", duck.Args{"out": out})
	}
	return out
}

// saying computes the bits of each row of the batch.
func (w *writer) saying() *duck.Query {
	set := map[string][]*duck.Query{}
	for _, c := range w.cols {
		word, bit := w.bit(c)
		if w.absent[c] {
			set[said(word)] = append(set[said(word)], duck.Lit(-bit))
		}
		if w.ignored[c] {
			set[nulled(word)] = append(set[nulled(word)], duck.SQL("CASE WHEN {c} IS NULL THEN {bit}::BIGINT ELSE 0 END",
				duck.Args{"c": duck.Ident(c), "bit": bit}))
		}
	}
	column := func(word string, none int64) *duck.Query {
		all := append([]*duck.Query{duck.SQL("{none}::BIGINT", duck.Args{"none": none})}, set[word]...)
		return duck.SQL(", {bits} AS {word}", duck.Args{"bits": duck.Join(" + ", all...), "word": duck.Ident(word)})
	}
	var out []*duck.Query
	for _, word := range w.saids() {
		out = append(out, column(word, -1))
	}
	for _, word := range w.nulls() {
		out = append(out, column(word, 0))
	}
	return duck.Cat(out...)
}

// arrival orders rows b of the batch.
func (w *writer) arrival() *duck.Query {
	if w.b.HasRow {
		return duck.SQL("b._row, b.rowid")
	}
	return duck.SQL("b.rowid")
}

// group finds the keys of the batch and how many have several events.
func (w *writer) group(ctx context.Context) (several int64, err error) {
	count := func() error {
		if err := w.make(ctx, &w.temp.Groups, feed.Groups); err != nil {
			return err
		}
		return w.scan(ctx, feed.CountGroups, nil, &several, &w.groups)
	}
	if err := count(); err != nil || several == 0 {
		return several, err
	}
	repeats, err := w.dropRepeats(ctx)
	if err == nil && repeats > 0 {
		err = count()
	}
	return several, err
}

// few keys are looked up in two steps: rowids by the keys alone, then the rows by rowid. A join would read all columns of all
// row groups. A join on rowids reads no more than their vectors when the filter that it pushes down is a list of them, which
// DuckDB makes of up to 50 values unless it is told otherwise. (With many it is slower.)
const few = 2000

// tune prepares the connection for a batch of few keys; Write takes it back.
func (w *writer) tune(ctx context.Context) error {
	w.tuned = w.groups <= few && w.listing == nil
	if !w.tuned {
		return nil
	}
	return w.tx.Run(ctx, duck.SQL("SET dynamic_or_filter_threshold = {n}", duck.Args{"n": few + few/4}))
}

func (w *writer) untune(ctx context.Context) error {
	if !w.tuned {
		return nil
	}
	return w.tx.Run(context.WithoutCancel(ctx), duck.SQL("RESET dynamic_or_filter_threshold"))
}

// open fetches the open rows of the batch's keys.
func (w *writer) open(ctx context.Context) error {
	if err := w.tune(ctx); err != nil {
		return err
	}
	return w.make(ctx, &w.temp.Open, feed.Open)
}

// lookup is what stands behind FROM to find the rows h of a table that have one of the keys.
func (w *writer) lookup(table statement, keys *duck.Query, where statement) *duck.Query {
	found := feed.Found
	if w.tuned {
		found = feed.FoundByRowid
	}
	return w.sql(found, duck.Args{"table": w.sql(table), "of": keys, "where": w.sql(where)})
}

// advance notes the highest sequence seen.
func (w *writer) advance(ctx context.Context) error {
	if _, err := w.run(ctx, feed.Advance); err != nil {
		return err
	}
	return fault.Fault(ctx, "journal-state")
}

// whyNull is the reason of rows without one of the keys or a sequence.
func (w *writer) whyNull(what, hint string, keys []string) *duck.Query {
	var cases []*duck.Query
	for _, k := range keys {
		cases = append(cases, duck.SQL("WHEN _r.{c} IS NULL THEN {why}",
			duck.Args{"c": duck.Ident(k), "why": "null_key: " + k + " is NULL"}))
	}
	for i, sp := range w.j.sequence {
		cases = append(cases, duck.SQL("WHEN _r.{c} IS NULL THEN {why}",
			duck.Args{"c": duck.Ident(w.seq[i]), "why": "null_sequence: " + what + sp.Of(w.j.decl.Src) + " is NULL" + hint}))
	}
	return duck.SQL("CASE {cases} END", duck.Args{"cases": duck.Join(" ", cases...)})
}
