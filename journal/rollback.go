package journal

import (
	"context"
	_ "embed"

	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

//go:embed rollback.sql
var rollbackSQL string

var back = statements[struct {
	Oldest, Back, Backmem, KillNow, KillPast, Forget, AddOpen, AddEnded, Remember, Unknown, Highest, Loads, Events, Count,
	CountOpen, RetractNow, RetractPast, RetractMem, EraseNow, ErasePast, EraseMem,
	EmptyNow, EmptyPast, EmptyMem, AllKeys, CountFolded, VacuumNow, VacuumPast, VacuumMem, MoveEnded, DropEnded, SetOldest statement
}](rollbackSQL)

// Rollback makes version equal to the older version to: the rows of the journal, and the events it remembers. What came after to
// is forgotten, so a replay brings it back.
func (j *Journal) Rollback(ctx context.Context, tx *duck.Tx, to, version int64) (kind.Counts, error) {
	w, err := j.writer(ctx, tx, version)
	if err != nil {
		return kind.Counts{}, err
	}
	oldest, err := w.number(ctx, back.Oldest)
	if err != nil {
		return kind.Counts{}, err
	}
	if to < oldest || to >= version {
		return kind.Counts{}, sql.Errorf(code.NoVersion, "journal %s can't go back to version %d: it can be read at versions %d to %d", w.name,
			to, oldest, version-1).
			WithHint("choose one of those; dsql.versions lists them with their times")
	}
	a := duck.Args{"n": to}
	if err := w.make(ctx, &w.temp.Back, back.Back, a); err != nil {
		return kind.Counts{}, err
	}
	if err := w.make(ctx, &w.temp.Backmem, back.Backmem, a); err != nil {
		return kind.Counts{}, err
	}
	for _, text := range []statement{back.KillNow, back.KillPast, back.Forget, back.AddOpen, back.AddEnded, back.Remember} {
		if _, err := w.run(ctx, text, a); err != nil {
			return kind.Counts{}, err
		}
		if err := fault.Fault(ctx, "journal-rollback"); err != nil {
			return kind.Counts{}, err
		}
	}
	return w.settle(ctx)
}

// settle finds the highest sequence believed and counts what the version changed in the state.
func (w *writer) settle(ctx context.Context) (kind.Counts, error) {
	points := back.Loads
	if w.Feed {
		points = back.Events
	}
	if err := w.all(ctx, duck.Args{"points": w.sql(points)}, back.Unknown, back.Highest); err != nil {
		return kind.Counts{}, err
	}
	a := duck.Args{"changes": w.j.table("__changes"), "before": w.v - 1}
	err := w.scan(ctx, back.Count, a, &w.n.Added, &w.n.Changed, &w.n.Removed)
	return w.n, err
}

// Empty forgets all rows and events from version on; older versions stay readable. A rebuild from the source fills the journal
// again in the same version.
func (j *Journal) Empty(ctx context.Context, tx *duck.Tx, version int64) error {
	w, err := j.writer(ctx, tx, version)
	if err != nil {
		return err
	}
	return w.all(ctx, nil, back.EmptyNow, back.EmptyPast, back.EmptyMem, back.Unknown)
}

// Rebuild recomputes the journal in version from all the events it remembers, by the declaration as it stands now: another TRACK
// or IGNORE NULL UPDATES then holds for the past too. A journal of the state now has nothing to recompute.
func (j *Journal) Rebuild(ctx context.Context, tx *duck.Tx, version int64) (kind.Counts, error) {
	w, err := j.writer(ctx, tx, version)
	if err != nil || w.SCD == 1 {
		return kind.Counts{}, err
	}
	if err := w.make(ctx, &w.temp.Folded, back.AllKeys); err != nil {
		return kind.Counts{}, err
	}
	w.temp.Touched.name = w.temp.Folded.name
	if w.late, err = w.number(ctx, back.CountFolded); err != nil || w.late == 0 {
		return kind.Counts{}, err
	}
	w.rows = w.late
	if err := w.gather(ctx); err != nil {
		return kind.Counts{}, err
	}
	if _, err := w.refold(ctx, duck.SQL("")); err != nil {
		return kind.Counts{}, err
	}
	w.n = kind.Counts{}
	n, err := w.settle(ctx)
	if err != nil {
		return kind.Counts{}, err
	}
	return n, w.drop(ctx)
}

// Vacuum drops the rows and events that no version from oldest on believes in, and moves ended rows out of name__now. What a
// late event needs is believed, so nothing of the history is lost; versions before oldest can't be read any more. It returns
// how many rows were dropped.
func (j *Journal) Vacuum(ctx context.Context, tx *duck.Tx, oldest int64) (int64, error) {
	w, err := j.writer(ctx, tx, 0)
	if err != nil {
		return 0, err
	}
	a := duck.Args{"oldest": oldest}
	var dropped int64
	for _, text := range []statement{back.VacuumNow, back.VacuumPast, back.VacuumMem} {
		n, err := w.run(ctx, text, a)
		if err != nil {
			return 0, err
		}
		dropped += n
	}
	return dropped, w.all(ctx, a, back.MoveEnded, back.DropEnded, back.SetOldest)
}

// Retract forgets a key from a version on: its rows and events stay in those before.
func (j *Journal) Retract(ctx context.Context, tx *duck.Tx, key []*duck.Query, version int64) (state int64, err error) {
	w, err := j.writer(ctx, tx, version)
	if err != nil {
		return 0, err
	}
	a := duck.Args{"is_key": w.isKey(key)}
	if err := w.scan(ctx, back.CountOpen, a, &state); err != nil {
		return 0, err
	}
	return state, w.all(ctx, a, back.RetractNow, back.RetractPast, back.RetractMem)
}

// Erase takes all rows and events of a key out of the tables, whatever version believed in them.
func (j *Journal) Erase(ctx context.Context, tx *duck.Tx, key []*duck.Query) (rows int64, err error) {
	w, err := j.writer(ctx, tx, 0)
	if err != nil {
		return 0, err
	}
	a := duck.Args{"is_key": w.isKey(key)}
	for _, text := range []statement{back.EraseNow, back.ErasePast, back.EraseMem} {
		n, err := w.run(ctx, text, a)
		if err != nil {
			return 0, err
		}
		rows += n
	}
	return rows, nil
}

// isKey is a condition: a row is of the key.
func (w *writer) isKey(key []*duck.Query) *duck.Query {
	var parts []*duck.Query
	for i, name := range w.keys {
		parts = append(parts, duck.SQL("{k} = {v}", duck.Args{"k": duck.Ident(name), "v": key[i]}))
	}
	return duck.Join(" AND ", parts...)
}
