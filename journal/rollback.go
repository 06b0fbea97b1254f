package journal

import (
	"context"
	"fmt"

	"dsql/engine"
	"dsql/sql"
)

// Rollback makes version equal to the older version to: the rows of the journal, and the events it remembers. What came after to
// is forgotten, so a replay brings it back.
func (j *Journal) Rollback(ctx context.Context, tx *engine.Tx, to, version int64) (engine.Counts, error) {
	w, err := j.writer(ctx, tx, version)
	if err != nil {
		return engine.Counts{}, err
	}
	oldest, err := tx.Int(ctx, w.sql("SELECT oldest FROM {state}"))
	if err != nil {
		return engine.Counts{}, err
	}
	if to < oldest || to >= version {
		return engine.Counts{}, &sql.Error{Code: "no-version", Exit: sql.ExitFailed, Msg: fmt.Sprintf("journal %s can't go back to version %d: it can be read at versions %d to %d", w.name, to, oldest, version-1),
			Hint: "choose one of those; dsql.versions lists them with their times"}
	}
	a := engine.Args{"row": list("", w.keys, w.cols, w.from, w.marks()), "to": list("", w.to), "n": to, "event": list("", w.keys, w.seq, []string{"_kind"}, w.cols, w.bits()),
		"was": each(", ", "CASE WHEN _v_close <> 0 AND _v_close <= {n} THEN {c} END AS {c}", w.to, engine.Args{"n": to})}
	// What was believed then and has ended since, or was open then and has been closed since.
	if err := w.make(ctx, "back", `SELECT {row}, {was}, _v_close <> 0 AND _v_close <= {n} AS _closed FROM {now} WHERE _v_from <= {n} AND (_v_to = 0 OR _v_to > {n}) AND (_v_to <> 0 OR _v_close > {n})
		UNION ALL SELECT {row}, {was}, _v_close <> 0 AND _v_close <= {n} FROM {past} WHERE _v_from <= {n} AND (_v_to = 0 OR _v_to > {n}) AND (_v_to <> 0 OR _v_close > {n})`, a); err != nil {
		return engine.Counts{}, err
	}
	if err := w.make(ctx, "backmem", "SELECT {event} FROM {mem} WHERE _v_from <= {n} AND _v_to > {n}", a); err != nil {
		return engine.Counts{}, err
	}
	for _, text := range []string{
		"UPDATE {now} SET _v_to = {v} WHERE _v_to = 0 AND (_v_from > {n} OR _v_close > {n})",
		"UPDATE {past} SET _v_to = {v} WHERE _v_to = 0 AND (_v_from > {n} OR _v_close > {n})",
		"UPDATE {mem} SET _v_to = {v} WHERE _v_to = 0 AND _v_from > {n}",
		"INSERT INTO {now} ({row}, _v_from, _v_close, _v_to) SELECT {row}, {v}, 0, 0 FROM {back} WHERE NOT _closed",
		"INSERT INTO {past} ({row}, {to}, _v_from, _v_close, _v_to) SELECT {row}, {to}, {v}, {v}, 0 FROM {back} WHERE _closed",
		"INSERT INTO {mem} ({event}, _v_from, _v_to) SELECT {event}, {v}, 0 FROM {backmem}",
	} {
		if _, err := w.run(ctx, text, a); err != nil {
			return engine.Counts{}, err
		}
		if err := engine.Fault(ctx, "journal-rollback"); err != nil {
			return engine.Counts{}, err
		}
	}
	return w.settle(ctx)
}

// settle finds the highest sequence believed and counts what the version changed in the state.
func (w *writer) settle(ctx context.Context) (engine.Counts, error) {
	a := engine.Args{"seq": list("", w.seq), "from": list("", w.from), "to": list("", w.to), "ends": engine.Ident(w.to[0]), "down": each(", ", "{c} DESC NULLS LAST", w.seq), "none": each(", ", "{c} = NULL", w.seq), "set": each(", ", "{c} = m.{c}", w.seq),
		"changes": w.j.table("__changes"), "before": w.v - 1}
	// Loads stand in name__mem all; of a feed, each event is the opening of a row, its end, or remembered.
	points := "SELECT {seq} FROM {mem} WHERE _v_to = 0"
	if w.Feed {
		points += ` UNION ALL SELECT {from} FROM {now} WHERE _v_to = 0 UNION ALL SELECT {to} FROM {now} WHERE _v_to = 0 AND {ends} IS NOT NULL
			UNION ALL SELECT {from} FROM {past} WHERE _v_to = 0 UNION ALL SELECT {to} FROM {past} WHERE _v_to = 0`
	}
	for _, text := range []string{
		"UPDATE {state} SET {none}",
		"UPDATE {state} SET {set} FROM (SELECT * FROM (" + points + ") x({seq}) ORDER BY {down} LIMIT 1) m",
	} {
		if _, err := w.run(ctx, text, a); err != nil {
			return engine.Counts{}, err
		}
	}
	err := w.scan(ctx, w.sql("SELECT count(*) FILTER (WHERE change_type = 'insert'), count(*) FILTER (WHERE change_type = 'update_after'), count(*) FILTER (WHERE change_type = 'delete') FROM {changes}({before}, {v})", a),
		&w.n.Added, &w.n.Changed, &w.n.Removed)
	return w.n, err
}

// Empty forgets all rows and events from version on; older versions stay readable. A rebuild from the source fills the journal
// again in the same version.
func (j *Journal) Empty(ctx context.Context, tx *engine.Tx, version int64) error {
	w, err := j.writer(ctx, tx, version)
	if err != nil {
		return err
	}
	for _, text := range []string{
		"UPDATE {now} SET _v_to = {v} WHERE _v_to = 0", "UPDATE {past} SET _v_to = {v} WHERE _v_to = 0", "UPDATE {mem} SET _v_to = {v} WHERE _v_to = 0",
		"UPDATE {state} SET {none}",
	} {
		if _, err := w.run(ctx, text, engine.Args{"none": each(", ", "{c} = NULL", w.seq)}); err != nil {
			return err
		}
	}
	return nil
}

// Rebuild recomputes the journal in version from all the events it remembers, by the declaration as it stands now: another TRACK
// or IGNORE NULL UPDATES then holds for the past too. A journal of the state now has nothing to recompute.
func (j *Journal) Rebuild(ctx context.Context, tx *engine.Tx, version int64) (engine.Counts, error) {
	w, err := j.writer(ctx, tx, version)
	if err != nil || w.SCD == 1 {
		return engine.Counts{}, err
	}
	a := engine.Args{"keys": list("", w.keys), "key": engine.Ident(w.keys[0])}
	if err := w.make(ctx, "folded", `SELECT DISTINCT {keys}, true AS _is_late FROM (
		SELECT {keys} FROM {now} WHERE _v_to = 0 UNION ALL SELECT {keys} FROM {past} WHERE _v_to = 0 UNION ALL SELECT {keys} FROM {mem} WHERE _v_to = 0 AND {key} IS NOT NULL)`, a); err != nil {
		return engine.Counts{}, err
	}
	w.tables["touched"] = w.tables["folded"]
	if w.late, err = tx.Int(ctx, w.sql("SELECT count(*) FROM {folded}")); err != nil || w.late == 0 {
		return engine.Counts{}, err
	}
	w.rows = w.late
	if err := w.gather(ctx); err != nil {
		return engine.Counts{}, err
	}
	if _, err := w.refold(ctx, engine.SQL("")); err != nil {
		return engine.Counts{}, err
	}
	w.n = engine.Counts{}
	n, err := w.settle(ctx)
	if err != nil {
		return engine.Counts{}, err
	}
	return n, w.drop(ctx)
}

// Vacuum drops the rows and events that no version from oldest on believes in, and moves ended rows out of name__now. What a
// late event needs is believed, so nothing of the history is lost; versions before oldest can't be read any more. It returns
// how many rows were dropped.
func (j *Journal) Vacuum(ctx context.Context, tx *engine.Tx, oldest int64) (int64, error) {
	w, err := j.writer(ctx, tx, 0)
	if err != nil {
		return 0, err
	}
	a := engine.Args{"oldest": oldest, "row": list("", w.row(), []string{"_v_from", "_v_close", "_v_to"})}
	var dropped int64
	for _, t := range []string{"{now}", "{past}", "{mem}"} {
		n, err := w.run(ctx, "DELETE FROM "+t+" WHERE _v_to <> 0 AND _v_to <= {oldest}", a)
		if err != nil {
			return 0, err
		}
		dropped += n
	}
	for _, text := range []string{
		"INSERT INTO {past} ({row}) SELECT {row} FROM {now} WHERE _v_close <> 0 OR _v_to <> 0",
		"DELETE FROM {now} WHERE _v_close <> 0 OR _v_to <> 0",
		"UPDATE {state} SET oldest = greatest(oldest, {oldest})",
	} {
		if _, err := w.run(ctx, text, a); err != nil {
			return 0, err
		}
	}
	return dropped, nil
}
