package journal

import (
	"context"
	"fmt"
	"slices"

	"dsql/engine"
)

// A feed in SCD type 1 keeps a row for each key that is there: the image of its latest event, whose sequence stands in
// valid_from. What else is remembered is the latest delete of each key, so that older events don't bring it back, and for the
// columns of IGNORE NULL UPDATES the sequence of the event that each value is from (_w0, _w1 …). All of these are maxima, so the
// state is a function of the set of events here too. Of two events at one sequence the second is found to be in conflict as long
// as the first is the latest of its key.

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
	if err := engine.Fault(ctx, "journal-staged"); err != nil {
		return err
	}
	if err := w.merged(ctx); err != nil {
		return err
	}
	if err := w.exchange(ctx); err != nil {
		return err
	}
	return engine.Fault(ctx, "journal-inserted")
}

// latest reads what is known of the batch's keys: the open row, the latest delete, and rejected events.
func (w *writer) latest(ctx context.Context) error {
	a := engine.Args{"event": list("h", w.keys, w.seq, []string{"_kind"}, w.cols), "found": w.lookup("mem", w.tables["groups"], "h._v_to = 0"), "row": list("", w.keys, w.from), "place": list("", w.keys, w.seq), "image": prefixed(list("", w.cols)),
		"names": list("", w.event())}
	if err := w.make(ctx, "oldmem", "SELECT h.rowid AS _rid, {event} FROM {found}", a); err != nil {
		return err
	}
	if err := w.make(ctx, "known", "SELECT * FROM (SELECT {row}, false {image} FROM {open} UNION ALL SELECT {place}, true {image} FROM {oldmem} WHERE _kind = 'D') x({names})", a); err != nil {
		return err
	}
	return w.make(ctx, "new", "SELECT *, rowid AS _b FROM {batch}")
}

// repeats says that a new event has nothing else to say than a known one: of the open row it is known what it shows, not what
// its event left out.
func (w *writer) repeats(n, k string) *engine.Query {
	all := []*engine.Query{engine.SQL(n + "._del = " + k + "._del")}
	for _, c := range w.cols {
		a := engine.Args{"n": engine.Ident(n, c), "k": engine.Ident(k, c)}
		text := "{n} IS NOT DISTINCT FROM {k}"
		if w.ignored[c] || w.absent[c] {
			text = "({n} IS NULL OR {n} IS NOT DISTINCT FROM {k})"
		}
		all = append(all, engine.SQL(text, a))
	}
	return engine.Join(" AND ", all...)
}

// merged computes the new state of the batch's keys, in steps that each name what the next one uses:
//
//	g  of the batch: _top, _bottom (the latest event that doesn't delete, that does), _f0, _l0 … (the last value of a sparse column, and from when)
//	x  with the open row: _at, its columns _j0 …, from when its sparse ones are _o0 …; _last, the latest delete known
//	y  with _up and _down, the latest of both; _newer: the batch has the row's latest event
//	z  the columns, and from when the sparse ones are
func (w *writer) merged(ctx context.Context) error {
	m := merging{writer: w}
	for i, c := range w.cols {
		m.column(i, c)
	}
	if len(m.moved) == 0 {
		m.moved = append(m.moved, engine.SQL("false"))
	}
	parts := w.parts(engine.SQL("_up"))
	for i := range parts {
		parts[i] = engine.SQL("{p} AS {t}", engine.Args{"p": parts[i], "t": engine.Ident(fmt.Sprintf("_t%d", i))})
	}
	return w.make(ctx, "merged", mergeEvents, engine.Args{
		"keys": list("", w.keys), "gkeys": list("g", w.keys), "s": point("n", w.seq), "ds": point("d", w.seq), "es": point("e", w.seq), "open": w.tables["open"], "at": point("o", w.from),
		"agg": engine.Cat(m.agg...), "old": engine.Cat(m.old...), "values": engine.Cat(m.values...), "columns": prefixed(list("", w.cols, w.marks())), "moved": engine.Join(" OR ", m.moved...), "shifted": engine.Cat(m.shifted...),
		"parts": engine.Join(", ", parts...), "og": w.on("o", "g"), "dg": w.on("d", "g"), "ey": w.on("e", "y"), "ykeys": list("y", w.keys), "rest": engine.SQL("y._rid, y._at, y._up, y._down, y._bottom, y._buried"),
		"oldnames": prefixed(list("y", m.oldnames)),
	})
}

// A struct of NULLs is not NULL, so the point of a row that isn't there is guarded.
const mergeEvents = `WITH g AS (SELECT {keys}, max({s}) FILTER (WHERE NOT _del) AS _top, max({s}) FILTER (WHERE _del) AS _bottom {agg} FROM {new} n GROUP BY {keys}),
	d AS (SELECT {keys}, max({ds}) AS _last FROM {oldmem} d WHERE _kind = 'D' GROUP BY {keys}),
	x AS (SELECT g.*, o._rid, CASE WHEN o._rid IS NOT NULL THEN {at} END AS _at {old}, d._last FROM g LEFT JOIN {open} o ON {og} LEFT JOIN d ON {dg}),
	y AS (SELECT *, CASE WHEN _at IS NULL OR _top > _at THEN _top ELSE _at END AS _up, CASE WHEN _last IS NULL OR _bottom > _last THEN _bottom ELSE _last END AS _down,
		_top IS NOT NULL AND (_at IS NULL OR _top > _at) AS _newer, _bottom IS NOT NULL AND (_last IS NULL OR _bottom > _last) AS _buried FROM x),
	z AS (SELECT {ykeys}, {rest} {oldnames} {values} FROM y LEFT JOIN {new} e ON NOT e._del AND {ey} AND {es} = y._top)
	SELECT {keys} {columns}, {parts}, _bottom, _buried, _rid, _up IS NOT NULL AND (_down IS NULL OR _up > _down) AS _live, {moved} AS _moved, _at IS DISTINCT FROM _up {shifted} AS _advanced FROM z`

// merging gathers what each column adds to the steps.
type merging struct {
	*writer
	agg, old, values, moved, shifted []*engine.Query
	oldnames                         []string
}

func (m *merging) column(i int, c string) {
	j := fmt.Sprintf("_j%d", i)
	a := engine.Args{"c": engine.Ident(c), "j": engine.Ident(j)}
	m.old = append(m.old, engine.SQL(", o.{c} AS {j}", a))
	m.oldnames = append(m.oldnames, j)
	m.moved = append(m.moved, engine.SQL("{c} IS DISTINCT FROM {j}", a))
	value := "CASE WHEN y._newer THEN e.{c} ELSE {j} END"
	if m.absent[c] {
		value = "CASE WHEN y._down IS NULL OR y._at > y._down THEN {j} END"
	}
	if k := slices.Index(m.Sparse, c); k >= 0 {
		a["w"], a["f"], a["l"], a["o"] = engine.Ident(since(k)), engine.Ident(fmt.Sprintf("_f%d", k)), engine.Ident(fmt.Sprintf("_l%d", k)), engine.Ident(fmt.Sprintf("_o%d", k))
		a["s"], a["at"] = point("n", m.seq), point("o", m.from)
		m.old = append(m.old, engine.SQL(", CASE WHEN o._rid IS NOT NULL AND o.{c} IS NOT NULL THEN coalesce(o.{w}, {at}) END AS {o}", a))
		from := "NULL" // no longer ignored
		switch {
		case m.absent[c]:
			value, from = "CASE WHEN y._down IS NULL OR {o} > y._down THEN {j} END", "CASE WHEN y._down IS NULL OR {o} > y._down THEN {o} END"
		case m.ignored[c]:
			// Both skip NULL. (Hundreds of aggregates with a FILTER each would take a second.)
			m.agg = append(m.agg, engine.SQL(", arg_max({c}, CASE WHEN NOT _del THEN {s} END) AS {f}, max(CASE WHEN NOT _del AND {c} IS NOT NULL THEN {s} END) AS {l}", a))
			value = "CASE WHEN {o} IS NULL OR {l} > {o} THEN CASE WHEN y._down IS NULL OR {l} > y._down THEN {f} END WHEN y._down IS NULL OR {o} > y._down THEN {j} END"
			from = "CASE WHEN {o} IS NULL OR {l} > {o} THEN CASE WHEN y._down IS NULL OR {l} > y._down THEN {l} END WHEN y._down IS NULL OR {o} > y._down THEN {o} END"
		}
		m.values = append(m.values, engine.SQL(", "+from+" AS {w}", a))
		m.oldnames = append(m.oldnames, fmt.Sprintf("_o%d", k))
		m.shifted = append(m.shifted, engine.SQL(" OR {w} IS DISTINCT FROM {o}", a))
	}
	m.values = append(m.values, engine.SQL(", "+value+" AS {c}", a))
}

// exchange writes the keys whose row differs, and the latest deletes.
func (w *writer) exchange(ctx context.Context) error {
	a := engine.Args{"alters": engine.SQL("(_moved OR _advanced)")}
	var vectors, buried int64
	if err := w.scan(ctx, w.sql(`SELECT count(*) FILTER (WHERE _rid IS NULL AND _live), count(*) FILTER (WHERE _rid IS NOT NULL AND NOT _live), count(*) FILTER (WHERE _rid IS NOT NULL AND _live AND _moved),
		count(DISTINCT _rid // 2048) FILTER (WHERE NOT _live OR {alters}), count(*) FILTER (WHERE _buried) FROM {merged}`, a), &w.n.Added, &w.n.Removed, &w.n.Changed, &vectors, &buried); err != nil {
		return err
	}
	if vectors > 0 {
		ends := w.sql("(SELECT _rid, {ts}, 'kill' AS _act FROM {merged} WHERE _rid IS NOT NULL AND (NOT _live OR {alters}))", a, engine.Args{"ts": list("", numbered("_t", len(w.to)))})
		if err := w.end(ctx, ends, w.sql("{open}"), vectors, true); err != nil {
			return err
		}
	}
	a["into"], a["values"] = list("", w.keys, w.cols, w.marks(), w.from), list("", w.keys, w.cols, w.marks())
	a["from"] = list("", numbered("_t", len(w.from)))
	if _, err := w.run(ctx, "INSERT INTO {now} ({into}, _v_from, _v_close, _v_to) SELECT {values}, {from}, {v}, 0, 0 FROM {merged} WHERE _live AND (_rid IS NULL OR {alters})", a); err != nil || buried == 0 {
		return err
	}
	a = engine.Args{"into": w.memory(), "place": list("n", w.keys, w.seq), "image": prefixed(list("n", w.cols)), "on": w.on("n", "x"), "s": point("n", w.seq), "old": w.on("r", "x")}
	for _, text := range []string{
		"UPDATE {mem} AS h SET _v_to = {v} FROM (SELECT r._rid FROM {oldmem} r JOIN {merged} x ON {old} WHERE x._buried AND r._kind = 'D') y WHERE h.rowid = y._rid",
		"INSERT INTO {mem} ({into}) SELECT {place}, 'D', {v}, 0 {image} FROM {new} n JOIN {merged} x ON {on} AND x._bottom = {s} WHERE x._buried AND n._del",
	} {
		if _, err := w.run(ctx, text, a); err != nil {
			return err
		}
	}
	return nil
}
