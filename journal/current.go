package journal

import (
	"context"
	"fmt"

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
	w.n.Written = w.rows - w.n.Rejected
	w.n.Unchanged = w.n.Written - w.n.Added - w.n.Changed - w.n.Removed
	if err := engine.Fault(ctx, "journal-inserted"); err != nil {
		return err
	}
	return w.advance(ctx)
}

// latest reads what is known of the batch's keys: the open row, the latest delete, and rejected events.
func (w *writer) latest(ctx context.Context) error {
	w.tables["oldmem"], w.tables["known"], w.tables["new"] = w.fresh("oldmem"), w.fresh("known"), w.fresh("new")
	a := engine.Args{"event": list("h", w.keys, w.seq, []string{"_kind"}, w.cols), "on": w.on("h", "k"), "row": list("", w.keys, w.from), "place": list("", w.keys, w.seq), "image": prefixed(list("", w.cols)),
		"names": list("", w.event())}
	for _, text := range []string{
		"CREATE OR REPLACE TEMP TABLE {oldmem} AS SELECT h.rowid AS _rid, {event} FROM {mem} h JOIN {groups} k ON {on} WHERE h._v_to = 0",
		"CREATE OR REPLACE TEMP TABLE {known} AS SELECT * FROM (SELECT {row}, false {image} FROM {open} UNION ALL SELECT {place}, true {image} FROM {oldmem} WHERE _kind = 'D') x({names})",
		"CREATE OR REPLACE TEMP TABLE {new} AS SELECT *, rowid AS _b FROM {batch}",
	} {
		if _, err := w.run(ctx, text, a); err != nil {
			return err
		}
	}
	return nil
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

// later is the later of two points, of which each may be NULL.
func later(a, b *engine.Query) *engine.Query {
	return engine.SQL("CASE WHEN {a} IS NULL OR {b} > {a} THEN {b} ELSE {a} END", engine.Args{"a": a, "b": b})
}

// merged computes the new state of the batch's keys: _up is the latest event that doesn't delete, _down the latest that does.
func (w *writer) merged(ctx context.Context) error {
	w.tables["merged"] = w.fresh("merged")
	// A struct of NULLs is not NULL.
	openAt := engine.SQL("CASE WHEN o._rid IS NOT NULL THEN {p} END", engine.Args{"p": point("o", w.from)})
	var agg, values, sinces, moved, shifted []*engine.Query
	for i, c := range w.Sparse {
		a := engine.Args{"c": engine.Ident(c), "f": engine.Ident(numbered("_f", i+1)[i]), "l": engine.Ident(numbered("_l", i+1)[i]), "s": point("n", w.seq)}
		if !w.ignored[c] || w.absent[c] {
			continue
		}
		agg = append(agg, engine.SQL(", arg_max({c}, {s}) FILTER (WHERE NOT _del AND {c} IS NOT NULL) AS {f}, max({s}) FILTER (WHERE NOT _del AND {c} IS NOT NULL) AS {l}", a))
	}
	var sparse []string // those of cols, as sinces has them
	place := map[string]int{}
	for i, c := range w.Sparse {
		place[c] = i
	}
	for _, c := range w.cols {
		a := engine.Args{"c": engine.Ident(c)}
		value := engine.SQL("CASE WHEN x._newer THEN e.{c} ELSE o.{c} END", a)
		i, isSparse := place[c]
		if isSparse {
			sparse = append(sparse, c)
			a["w"], a["f"], a["l"], a["from"] = engine.Ident(since(i)), engine.Ident(numbered("_f", i+1)[i]), engine.Ident(numbered("_l", i+1)[i]), openAt
			a["old"] = engine.SQL("CASE WHEN o._rid IS NOT NULL AND o.{c} IS NOT NULL THEN coalesce(o.{w}, {from}) END", a)
		}
		switch {
		case w.absent[c] && !isSparse:
			value = engine.SQL("CASE WHEN x._down IS NULL OR {from} > x._down THEN o.{c} END", a, engine.Args{"from": openAt})
		case w.absent[c]:
			value = engine.SQL("CASE WHEN x._down IS NULL OR {old} > x._down THEN o.{c} END", a)
			sinces = append(sinces, engine.SQL("CASE WHEN x._down IS NULL OR {old} > x._down THEN {old} END", a))
		case w.ignored[c]:
			a["last"] = later(a["old"].(*engine.Query), engine.SQL("x.{l}", a))
			value = engine.SQL("CASE WHEN x._down IS NULL OR {last} > x._down THEN CASE WHEN {old} IS NULL OR x.{l} > {old} THEN x.{f} ELSE o.{c} END END", a)
			sinces = append(sinces, engine.SQL("CASE WHEN x._down IS NULL OR {last} > x._down THEN {last} END", a))
		case isSparse: // no longer ignored
			sinces = append(sinces, engine.SQL("NULL"))
		}
		values = append(values, engine.SQL("{value} AS {c}", a, engine.Args{"value": value}))
		moved = append(moved, engine.SQL("{value} IS DISTINCT FROM o.{c}", a, engine.Args{"value": value}))
	}
	for i, c := range sparse {
		a := engine.Args{"v": sinces[i], "w": engine.Ident(since(place[c]))}
		shifted = append(shifted, engine.SQL("OR {v} IS DISTINCT FROM o.{w}", a))
		sinces[i] = engine.SQL("{v} AS {w}", a)
	}
	if len(moved) == 0 {
		moved = append(moved, engine.SQL("false"))
	}
	ups := w.parts(engine.SQL("x._up"))
	for i := range ups {
		ups[i] = engine.SQL("{p} AS {t}", engine.Args{"p": ups[i], "t": engine.Ident(fmt.Sprintf("_t%d", i))})
	}
	a := engine.Args{"keys": list("", w.keys), "s": point("n", w.seq), "agg": engine.Cat(agg...), "values": prefixed(engine.Join(", ", values...)), "sinces": prefixed(engine.Join(", ", sinces...)), "key": list("x", w.keys),
		"moved": engine.Join(" OR ", moved...), "shifted": engine.Join(" ", shifted...), "ofk": w.on("o", "g"), "dfk": w.on("d", "g"), "ofx": w.on("o", "x"), "efx": w.on("e", "x"), "es": point("e", w.seq), "from": openAt, "ds": point("d", w.seq),
		"up": later(openAt, engine.SQL("g._top")), "down": later(engine.SQL("d._last"), engine.SQL("g._bottom")), "parts": engine.Join(", ", ups...)}
	_, err := w.run(ctx, `CREATE OR REPLACE TEMP TABLE {merged} AS
		WITH g AS (SELECT {keys}, max({s}) FILTER (WHERE NOT _del) AS _top, max({s}) FILTER (WHERE _del) AS _bottom {agg} FROM {new} n GROUP BY {keys}),
		d AS (SELECT {keys}, max({ds}) AS _last FROM {oldmem} d WHERE _kind = 'D' GROUP BY {keys}),
		x AS (SELECT g.*, {up} AS _up, {down} AS _down, g._top IS NOT NULL AND (o._rid IS NULL OR g._top > {from}) AS _newer, g._bottom IS NOT NULL AND (d._last IS NULL OR g._bottom > d._last) AS _buried
			FROM g LEFT JOIN {open} o ON {ofk} LEFT JOIN d ON {dfk})
		SELECT {key} {values} {sinces}, {parts}, x._bottom, x._buried, o._rid, x._up IS NOT NULL AND (x._down IS NULL OR x._up > x._down) AS _live, {moved} AS _moved, {from} IS DISTINCT FROM x._up {shifted} AS _advanced
		FROM x LEFT JOIN {open} o ON {ofx} LEFT JOIN {new} e ON NOT e._del AND {efx} AND {es} = x._top`, a)
	return err
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
		if err := w.end(ctx, ends, w.tables["open"].(*engine.Query), vectors, true); err != nil {
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
