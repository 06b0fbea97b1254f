package journal

import (
	"context"
	"fmt"
	"slices"

	"dsql/engine"
)

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
	if err := engine.Fault(ctx, "journal-staged"); err != nil {
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
	return effective, engine.Fault(ctx, "journal-inserted")
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
	src := w.j.decl.Src
	a := engine.Args{"rows": w.b.Rows, "columns": w.columns(), "deleted": engine.SQL("false"), "marks": w.saying()}
	parts := make([]*engine.Query, len(w.seq))
	for i, sp := range w.j.sequence {
		parts[i] = engine.SQL("({e})::{t} AS {s}", engine.Args{"e": engine.User(src, sp), "t": engine.Type(w.Sequence[i].Type), "s": engine.Ident(w.seq[i])})
	}
	a["sequence"] = engine.Join(", ", parts...)
	if w.j.deleted != nil {
		a["deleted"] = engine.SQL("coalesce(({e}), false)", engine.Args{"e": engine.User(src, *w.j.deleted)})
	}
	if err := w.make(ctx, "batch", stageEvents, a); err != nil {
		return false, err
	}
	newer := engine.SQL("false")
	if w.known {
		newer = engine.SQL("coalesce(bool_or({b} <= {h}), false)", engine.Args{"b": point("b", w.seq), "h": point("h", w.seq)})
	}
	err = w.scan(ctx, w.sql("SELECT count(*), count(*) FILTER (WHERE {null}), {late} FROM {batch} b, {state} h", engine.Args{"null": w.incomplete(), "late": newer}), &w.rows, &w.bare, &late)
	return late, err
}

// incomplete says that an event b has no key or no sequence.
func (w *writer) incomplete() *engine.Query {
	return engine.SQL("{k} OR {s}", engine.Args{"k": isNull("b", w.keys), "s": isNull("b", w.seq)})
}

// stage prepares the batch's events. Rows without a key or sequence are rejected.
func (w *writer) stage(ctx context.Context) (late bool, err error) {
	if late, err = w.staged(ctx); err != nil {
		return false, err
	}
	if w.bare > 0 {
		null := engine.Args{"null": w.incomplete()}
		if err := w.reject(ctx, w.sql("(SELECT * FROM {batch} b WHERE {null})", null), w.whyNull("", "", w.keys)); err != nil {
			return false, err
		}
		if _, err := w.run(ctx, "DELETE FROM {batch} AS b WHERE {null}", null); err != nil {
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

const stageEvents = `SELECT {columns}, {sequence}, {deleted} AS _del, false AS _late, false AS _second, false AS _end{marks} FROM {rows}`

// columns are all columns of the batch, for rejects, those of the journal in its types. (A type says nothing of a collation; with the
// cast texts are the same only when all of their bytes are.) One that COLUMNS no longer takes is NULL to the journal, and _was0, … to
// rejects.
func (w *writer) columns() *engine.Query {
	stored := append(w.Keys[:len(w.Keys):len(w.Keys)], w.Columns...)
	var was []*engine.Query
	out := engine.Each(", ", stored, func(c engine.Column) *engine.Query {
		a := engine.Args{"c": engine.Ident(c.Name), "t": engine.Type(c.Type), "was": engine.Ident(fmt.Sprintf("_was%d", len(w.was)))}
		if index(w.b.Columns, c.Name) < 0 || w.absent[c.Name] {
			if index(w.b.Columns, c.Name) >= 0 {
				was, w.was = append(was, engine.SQL(", {c} AS {was}", a)), append(w.was, c.Name)
			}
			return engine.SQL("NULL::{t} AS {c}", a)
		}
		return engine.SQL("{c}::{t} AS {c}", a)
	})
	out = engine.Cat(append([]*engine.Query{out}, was...)...)
	for _, c := range w.b.Columns {
		if index(stored, c.Name) < 0 {
			out = engine.SQL("{out}, {c}", engine.Args{"out": out, "c": engine.Ident(c.Name)})
		}
	}
	if w.b.HasRow {
		out = engine.SQL("{out}, _row", engine.Args{"out": out})
	}
	return out
}

// saying computes the bits of each row of the batch.
func (w *writer) saying() *engine.Query {
	set := map[string][]*engine.Query{}
	for _, c := range w.cols {
		word, bit := w.bit(c)
		if w.absent[c] {
			set[said(word)] = append(set[said(word)], engine.Lit(-bit))
		}
		if w.ignored[c] {
			set[nulled(word)] = append(set[nulled(word)], engine.SQL("CASE WHEN {c} IS NULL THEN {bit}::BIGINT ELSE 0 END", engine.Args{"c": engine.Ident(c), "bit": bit}))
		}
	}
	column := func(word string, none int64) *engine.Query {
		all := append([]*engine.Query{engine.SQL("{none}::BIGINT", engine.Args{"none": none})}, set[word]...)
		return engine.SQL(", {bits} AS {word}", engine.Args{"bits": engine.Join(" + ", all...), "word": engine.Ident(word)})
	}
	var out []*engine.Query
	for _, word := range w.saids() {
		out = append(out, column(word, -1))
	}
	for _, word := range w.nulls() {
		out = append(out, column(word, 0))
	}
	return engine.Cat(out...)
}

// arrival orders rows of the batch.
func (w *writer) arrival(alias string) *engine.Query {
	if w.b.HasRow {
		return engine.SQL("{a}._row, {a}.rowid", engine.Args{"a": engine.SQL(alias)})
	}
	return engine.SQL("{a}.rowid", engine.Args{"a": engine.SQL(alias)})
}

// group finds the keys of the batch and how many have several events.
func (w *writer) group(ctx context.Context) (several int64, err error) {
	a := engine.Args{"keys": list("", w.keys), "s": point("b", w.seq)}
	count := func() error {
		if err := w.make(ctx, "groups", "SELECT {keys}, count(*) AS _n, min({s}) AS _min FROM {batch} b GROUP BY {keys}", a); err != nil {
			return err
		}
		return w.scan(ctx, w.sql("SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM {groups}"), &several, &w.groups)
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
	w.tuned = w.groups <= few
	if !w.tuned {
		return nil
	}
	return w.tx.Run(ctx, engine.SQL("SET dynamic_or_filter_threshold = {n}", engine.Args{"n": few + few/4}))
}

func (w *writer) untune(ctx context.Context) error {
	if !w.tuned {
		return nil
	}
	return w.tx.Run(context.WithoutCancel(ctx), engine.SQL("RESET dynamic_or_filter_threshold"))
}

// open fetches the open rows of the batch's keys.
func (w *writer) open(ctx context.Context) error {
	if err := w.tune(ctx); err != nil {
		return err
	}
	// Open rows have no end, so that isn't read.
	err := w.make(ctx, "open", "SELECT h.rowid AS _rid, {columns}, {ends}, 0::BIGINT AS _v_close FROM {rows}", engine.Args{
		"columns": list("h", w.keys, w.cols, w.from, w.marks(), []string{"_v_from"}), "ends": engine.Join(", ", w.noEnd()...), "rows": w.lookup("now", w.tables["groups"], "h._v_close = 0 AND h._v_to = 0")})
	return err
}

// lookup is what stands behind FROM to find the rows h of a table that have one of the keys.
func (w *writer) lookup(table string, keys any, where string) *engine.Query {
	a := engine.Args{"t": w.tables[table], "keys": keys, "on": w.on("h", "k"), "where": engine.SQL(where)}
	if w.tuned {
		return engine.SQL("{t} h JOIN (SELECT h.rowid AS _rid FROM {t} h JOIN {keys} k ON {on} WHERE {where}) r ON h.rowid = r._rid", a)
	}
	return engine.SQL("{t} h JOIN {keys} k ON {on} WHERE {where}", a)
}

// noEnd are the columns valid_to… of open rows.
func (l *layout) noEnd() []*engine.Query {
	out := make([]*engine.Query, len(l.to))
	for i, t := range l.to {
		out[i] = nullColumn(engine.Column{Name: t, Type: l.Sequence[i].Type})
	}
	return out
}

// advance notes the highest sequence seen.
func (w *writer) advance(ctx context.Context) error {
	_, err := w.run(ctx, "UPDATE {state} AS h SET {set} FROM (SELECT {seq} FROM {batch} ORDER BY {down} LIMIT 1) m WHERE h._s0 IS NULL OR {m} > {h}",
		engine.Args{"set": each(", ", "{c} = m.{c}", w.seq), "seq": list("", w.seq), "down": each(", ", "{c} DESC", w.seq), "m": point("m", w.seq), "h": point("h", w.seq)})
	if err != nil {
		return err
	}
	return engine.Fault(ctx, "journal-state")
}

// whyNull is the reason of rows without one of the keys or a sequence.
func (w *writer) whyNull(what, hint string, keys []string) *engine.Query {
	var cases []*engine.Query
	for _, k := range keys {
		cases = append(cases, engine.SQL("WHEN _r.{c} IS NULL THEN {why}", engine.Args{"c": engine.Ident(k), "why": "null_key: " + k + " is NULL"}))
	}
	for i, sp := range w.j.sequence {
		cases = append(cases, engine.SQL("WHEN _r.{c} IS NULL THEN {why}", engine.Args{"c": engine.Ident(w.seq[i]), "why": "null_sequence: " + what + sp.Of(w.j.decl.Src) + " is NULL" + hint}))
	}
	return engine.SQL("CASE {cases} END", engine.Args{"cases": engine.Join(" ", cases...)})
}
