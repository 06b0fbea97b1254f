package journal

import (
	"context"

	"dsql/engine"
)

// defaultMaxVectors is how many vectors of name__now an update may touch. An update costs about 0.1 MB of memory a vector that can't be
// spilled, until the next checkpoint; up to here it is by far the cheapest way, and its checkpoint too. Above, rows move.
const defaultMaxVectors = 1000

// end ends rows of name__now. ends is a relation of _rid, _t0…, and _act: 'close' closes the row at _t, 'kill' ends the belief
// in it. rows is a relation of these rows with their _rid, for when they move.
func (w *writer) end(ctx context.Context, ends, rows *engine.Query, vectors int64, kills bool) error {
	ts := numbered("_t", len(w.to))
	a := engine.Args{"ends": ends, "rows": rows, "set": pairs(", ", "{x} = e.{y}", w.to, ts)}
	if vectors <= w.j.maxVectors {
		if _, err := w.run(ctx, "UPDATE {now} AS h SET {set}, _v_close = {v} FROM (SELECT * FROM {ends} WHERE _act = 'close') e WHERE h.rowid = e._rid", a); err != nil {
			return err
		}
		if kills {
			if _, err := w.run(ctx, "UPDATE {now} AS h SET _v_to = {v} FROM (SELECT * FROM {ends} WHERE _act = 'kill') e WHERE h.rowid = e._rid", a); err != nil {
				return err
			}
		}
		return engine.Fault(ctx, "journal-ended")
	}
	a["into"] = list("", w.keys, w.cols, w.from, w.marks(), w.to, []string{"_v_from", "_v_close", "_v_to"})
	a["same"] = list("r", w.keys, w.cols, w.from, w.marks())
	a["to"] = pairs(", ", "CASE WHEN e._act = 'close' THEN e.{y} ELSE r.{x} END", w.to, ts)
	for _, text := range []string{
		`INSERT INTO {past} ({into}) SELECT {same}, {to}, r._v_from, CASE WHEN e._act = 'close' THEN {v} ELSE r._v_close END, CASE WHEN e._act = 'kill' THEN {v} ELSE 0 END
			FROM {rows} r JOIN {ends} e ON r._rid = e._rid`,
		"DELETE FROM {now} WHERE rowid IN (SELECT _rid FROM {ends})",
	} {
		if _, err := w.run(ctx, text, a); err != nil {
			return err
		}
	}
	return engine.Fault(ctx, "journal-ended")
}
