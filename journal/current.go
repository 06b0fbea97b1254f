package journal

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/fault"
)

// A feed in SCD type 1 keeps a row for each key that is there: the image of its latest event, whose sequence stands in
// valid_from. What else is remembered is the latest delete of each key, so that older events don't bring it back, and for the
// columns of IGNORE NULL UPDATES the sequence of the event that each value is from (_w0, _w1 …). All of these are maxima, so the
// state is a function of the set of events here too. Of two events at one sequence the second is found to be in conflict as long
// as the first is the latest of its key.

//go:embed current.sql
var currentSQL string

var current = statements[struct {
	Oldmem, Known, New, Merged, Count, Ends, Insert, ForgetDeletes, RememberDeletes statement
}](currentSQL)

// merge takes a batch of events into a journal of the state now.
func (w *writer) merge(ctx context.Context) error {
	late, err := w.stage(ctx)
	if err != nil || w.rows == w.n.Rejected {
		return err
	}
	if err := w.mergeStaged(ctx, late); err != nil {
		return err
	}
	w.n.Written = w.rows - w.n.Rejected
	w.n.Unchanged = w.n.Written - w.n.Added - w.n.Changed - w.n.Removed
	return w.advance(ctx)
}

// mergeStaged takes the events of the batch.
func (w *writer) mergeStaged(ctx context.Context, late bool) error {
	if _, err := w.group(ctx); err != nil {
		return err
	}
	if err := w.open(ctx); err != nil {
		return err
	}
	if late {
		w.late = w.groups
	}
	if err := w.latest(ctx); err != nil {
		return err
	}
	if err := w.judge(ctx, w.repeats("n", "k")); err != nil {
		return err
	}
	if err := fault.Fault(ctx, "journal-staged"); err != nil {
		return err
	}
	if err := w.merged(ctx); err != nil {
		return err
	}
	if err := w.exchange(ctx); err != nil {
		return err
	}
	return fault.Fault(ctx, "journal-inserted")
}

// latest reads what is known of the batch's keys: the open row, the latest delete, and rejected events.
func (w *writer) latest(ctx context.Context) error {
	if err := w.make(ctx, &w.temp.Oldmem, current.Oldmem); err != nil {
		return err
	}
	if err := w.make(ctx, &w.temp.Known, current.Known); err != nil {
		return err
	}
	return w.make(ctx, &w.temp.New, current.New)
}

// repeats says that a new event has nothing else to say than a known one: of the open row it is known what it shows, not what
// its event left out.
func (w *writer) repeats(n, k string) *duck.Query {
	all := []*duck.Query{duck.SQL(n + "._del = " + k + "._del")}
	for _, c := range w.cols {
		a := duck.Args{"n": duck.Ident(n, c), "k": duck.Ident(k, c)}
		text := "{n} IS NOT DISTINCT FROM {k}"
		if w.ignored[c] || w.absent[c] {
			text = "({n} IS NULL OR {n} IS NOT DISTINCT FROM {k})"
		}
		all = append(all, duck.SQL(text, a))
	}
	return duck.Join(" AND ", all...)
}

// merged computes the new state of the batch's keys.
func (w *writer) merged(ctx context.Context) error {
	m := merging{writer: w}
	for i, c := range w.cols {
		m.column(i, c)
	}
	if len(m.moved) == 0 {
		m.moved = append(m.moved, duck.SQL("false"))
	}
	return w.make(ctx, &w.temp.Merged, current.Merged, duck.Args{
		"latest": duck.Cat(m.agg...), "old_values": duck.Cat(m.old...),
		"old_names": duck.Names(m.oldnames), "new_values": duck.Cat(m.values...),
		"moved_now": duck.Join(" OR ", m.moved...), "shifted": duck.Cat(m.shifted...), "up": w.parts(duck.SQL("_up")),
	})
}

// merging gathers what each column adds to the steps.
type merging struct {
	*writer
	agg, old, values, moved, shifted []*duck.Query
	oldnames                         []string
}

func (m *merging) column(i int, c string) {
	j := fmt.Sprintf("_j%d", i)
	a := duck.Args{"c": duck.Ident(c), "j": duck.Ident(j)}
	m.old = append(m.old, duck.SQL(", o.{c} AS {j}", a))
	m.oldnames = append(m.oldnames, j)
	m.moved = append(m.moved, duck.SQL("{c} IS DISTINCT FROM {j}", a))
	value := "CASE WHEN y._newer THEN e.{c} ELSE {j} END"
	if m.absent[c] {
		value = "CASE WHEN y._down IS NULL OR y._at > y._down THEN {j} END"
	}
	if k := slices.Index(m.Sparse, c); k >= 0 {
		a["w"] = duck.Ident(since(k))
		for _, x := range []string{"f", "l", "o"} {
			a[x] = duck.Ident(fmt.Sprintf("_%s%d", x, k))
		}
		a["s"], a["at"] = m.sql("{row n.seq}"), m.sql("{row o.from}")
		m.old = append(m.old, duck.SQL(", CASE WHEN o._rid IS NOT NULL AND o.{c} IS NOT NULL THEN coalesce(o.{w}, {at}) END AS {o}", a))
		from := "NULL" // no longer ignored
		switch {
		case m.absent[c]:
			value, from = "CASE WHEN y._down IS NULL OR {o} > y._down THEN {j} END", "CASE WHEN y._down IS NULL OR {o} > y._down THEN {o} END"
		case m.ignored[c]:
			// Both skip NULL. (Hundreds of aggregates with a FILTER each would take a second.)
			m.agg = append(m.agg, duck.SQL(", arg_max({c}, CASE WHEN NOT _del THEN {s} END) AS {f}, "+
				"max(CASE WHEN NOT _del AND {c} IS NOT NULL THEN {s} END) AS {l}", a))
			value = "CASE WHEN {o} IS NULL OR {l} > {o} THEN CASE WHEN y._down IS NULL OR {l} > y._down THEN {f} END " +
				"WHEN y._down IS NULL OR {o} > y._down THEN {j} END"
			from = "CASE WHEN {o} IS NULL OR {l} > {o} THEN CASE WHEN y._down IS NULL OR {l} > y._down THEN {l} END " +
				"WHEN y._down IS NULL OR {o} > y._down THEN {o} END"
		}
		m.values = append(m.values, duck.SQL(", "+from+" AS {w}", a))
		m.oldnames = append(m.oldnames, fmt.Sprintf("_o%d", k))
		m.shifted = append(m.shifted, duck.SQL(" OR {w} IS DISTINCT FROM {o}", a))
	}
	m.values = append(m.values, duck.SQL(", "+value+" AS {c}", a))
}

// exchange writes the keys whose row differs, and the latest deletes.
func (w *writer) exchange(ctx context.Context) error {
	var vectors, buried int64
	if err := w.scan(ctx, current.Count, nil, &w.n.Added, &w.n.Removed, &w.n.Changed, &vectors, &buried); err != nil {
		return err
	}
	if vectors > 0 {
		if err := w.end(ctx, w.sql(current.Ends), w.sql("{open}"), vectors, true); err != nil {
			return err
		}
	}
	if _, err := w.run(ctx, current.Insert); err != nil || buried == 0 {
		return err
	}
	return w.all(ctx, nil, current.ForgetDeletes, current.RememberDeletes)
}
