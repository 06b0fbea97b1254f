package journal

import (
	"context"

	"dsql/engine"
)

// What the order of events needs: repeats inside a batch, events that are late for their key, and those that are too late.

// markLate marks the events that are older by more than LATENESS than the newest accepted before them, in order of arrival.
// Whether one of these is an exact repeat, and so no news, is found when its key is folded.
func (w *writer) markLate(ctx context.Context) (bool, error) {
	// What lies that far before the lowest value that the type has is nothing: nothing is older.
	a := engine.Args{"lateness": engine.User(w.j.decl.Src, *w.j.lateness), "arrival": w.arrival("b")}
	var any bool
	q := w.sql("SELECT coalesce(_min < TRY(_max - ({lateness})), false) FROM (SELECT min(b._s0) AS _min, greatest(max(b._s0), max(h._s0)) AS _max FROM {batch} b, {state} h)", a)
	if err := w.scan(ctx, q, &any); err != nil || !any {
		return false, err
	}
	n, err := w.run(ctx, `UPDATE {batch} AS b SET _late = true FROM (
		SELECT _b, _s0 < TRY(_max - ({lateness})) AS _old FROM (
			SELECT b.rowid AS _b, b._s0, greatest(max(b._s0) OVER (ORDER BY {arrival} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), h._s0) AS _max FROM {batch} b, {state} h)) x
		WHERE b.rowid = x._b AND x._old`, a)
	return n > 0, err
}

// dropRepeats removes events that an equal one came before in this batch, and marks those that another image of the same key and
// sequence came before. (An event that is too late isn't known, so its repeats aren't any.)
func (w *writer) dropRepeats(ctx context.Context) (int64, error) {
	a := engine.Args{"keys": list("", w.keys), "place": list("", w.keys, w.seq), "image": list("", w.keys, w.seq, []string{"_del"}, w.cols), "arrival": w.arrival("b")}
	if err := w.make(ctx, "twins", `SELECT {place}
		FROM {batch} SEMI JOIN (FROM {groups} WHERE _n > 1) k USING ({keys}) GROUP BY {place} HAVING count(*) > 1`, a); err != nil {
		return 0, err
	}
	n, err := w.tx.Int(ctx, w.sql("SELECT count(*) FROM {twins}"))
	if err != nil || n == 0 {
		return 0, err
	}
	if err := w.make(ctx, "again", `SELECT _b, _n > 1 AND NOT _old AS _repeat FROM (
			SELECT _b, row_number() OVER w AS _n, first_value(_late) OVER w AS _old, min(_at) OVER (PARTITION BY {image}) AS _min
			FROM (SELECT *, b.rowid AS _b, row_number() OVER (PARTITION BY {place} ORDER BY {arrival}) AS _at FROM {batch} b SEMI JOIN {twins} USING ({place}))
			WINDOW w AS (PARTITION BY {image} ORDER BY _at))
		WHERE _n > 1 AND NOT _old OR _min > 1`, a); err != nil {
		return 0, err
	}
	if w.seconds, err = w.run(ctx, "UPDATE {batch} AS b SET _second = true FROM {again} x WHERE b.rowid = x._b AND NOT x._repeat"); err != nil {
		return 0, err
	}
	return w.run(ctx, "DELETE FROM {batch} WHERE rowid IN (SELECT _b FROM {again} WHERE _repeat)")
}

// divide finds the keys that must be folded: those with several events, and those of which something is known at or after their
// first event here. It reports whether there are any.
func (w *writer) divide(ctx context.Context, late bool) (bool, error) {
	a := engine.Args{"keys": list("", w.keys), "key": engine.Ident("l", w.keys[0])}
	text := "SELECT {keys}, false AS _is_late FROM {groups} WHERE _n > 1"
	if late {
		if err := w.findLate(ctx); err != nil {
			return false, err
		}
		text = "SELECT {keys}, {key} IS NOT NULL AS _is_late FROM {groups} k LEFT JOIN {late} l USING ({keys}) WHERE _n > 1 OR {key} IS NOT NULL"
	}
	if err := w.make(ctx, "folded", text, a); err != nil {
		return false, err
	}
	var n int64
	err := w.scan(ctx, w.sql("SELECT count(*), count(*) FILTER (WHERE _is_late) FROM {folded}"), &n, &w.late)
	return n > 0, err
}

// findLate compares what is known of the batch's keys with their first event here. The batch's lowest sequence stands in each
// branch as a literal too, so that zone maps skip what ended long ago.
func (w *writer) findLate(ctx context.Context) error {
	a := engine.Args{"floor_to": engine.SQL(""), "floor_s": engine.SQL(""), "keys": list("", w.keys), "known": list("h", w.keys), "on": w.on("h", "k"), "same": w.on("k", "x"),
		"from": point("h", w.from), "to": point("h", w.to), "s": point("h", w.seq)}
	if prunes(w.Sequence[0].Type) {
		var floor string
		if err := w.scan(ctx, w.sql("SELECT min(_s0)::VARCHAR FROM {batch}"), &floor); err != nil {
			return err
		}
		f := engine.Args{"floor": floor, "type": engine.Type(w.Sequence[0].Type), "to": engine.Ident("h", w.to[0])}
		a["floor_to"], a["floor_s"] = engine.SQL("AND {to} >= {floor}::{type}", f), engine.SQL("AND h._s0 >= {floor}::{type}", f)
	}
	err := w.make(ctx, "late", `SELECT {keys} FROM {groups} k SEMI JOIN (
			SELECT {known} FROM {open} h JOIN {groups} k ON {on} WHERE {from} >= k._min
			UNION ALL SELECT {known} FROM {now} h JOIN {groups} k ON {on} WHERE h._v_to = 0 AND h._v_close <> 0 {floor_to} AND {to} >= k._min
			UNION ALL SELECT {known} FROM {past} h JOIN {groups} k ON {on} WHERE h._v_to = 0 {floor_to} AND {to} >= k._min
			UNION ALL SELECT {known} FROM {mem} h JOIN {groups} k ON {on} WHERE h._v_to = 0 {floor_s} AND {s} >= k._min
			UNION ALL SELECT {keys} FROM {batch} WHERE _late) x ON {same}`, a)
	return err
}
