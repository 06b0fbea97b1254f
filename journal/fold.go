package journal

import (
	"context"
	_ "embed"

	"dsql/engine/duck"
)

// Keys with several events in the batch, or with late ones, are folded: what is known of the key and the new events are put in
// one line by sequence, the versions are computed from that, and the difference from the believed rows is written.
//
// Of a late key all is read: its believed rows and what is remembered. Of a key whose events are all in order the open row is
// read alone. It stands for the whole past.

//go:embed fold.sql
var foldSQL string

var fold = statements[struct {
	New, Touched, More, LateKeys, OldNow, OldPast, OldOpen, Oldmem, Known, DropKnown, DropRefused, TooLate, DropTooLate,
	Conflict, OrKnown, CountConflicts, RememberRefused, DropConflicts statement
}](foldSQL)

// fold returns how many new events changed something.
func (w *writer) fold(ctx context.Context) (int64, error) {
	if err := w.gather(ctx); err != nil {
		return 0, err
	}
	if err := w.make(ctx, &w.temp.New, fold.New); err != nil {
		return 0, err
	}
	if err := w.judge(ctx, w.sql("n._del IS NOT DISTINCT FROM k._del AND {all n.cols IS NOT DISTINCT FROM k.cols}")); err != nil {
		return 0, err
	}
	w.temp.Touched.name = w.temp.Folded.name
	if w.late > 0 {
		if err := w.make(ctx, &w.temp.Touched, fold.Touched); err != nil {
			return 0, err
		}
	}
	return w.refold(ctx, w.sql(fold.More))
}

// refold computes the versions of the touched keys anew and writes the difference. more is what comes to the known events.
func (w *writer) refold(ctx context.Context, more *duck.Query) (int64, error) {
	if err := w.line(ctx, more); err != nil {
		return 0, err
	}
	if err := w.build(ctx); err != nil {
		return 0, err
	}
	if err := w.replace(ctx); err != nil {
		return 0, err
	}
	if err := w.recall(ctx); err != nil {
		return 0, err
	}
	return w.number(ctx, line.CountEffective)
}

// gather reads what is known of the keys to fold: their believed rows (old), what is remembered (oldmem), and of late keys the
// events that these tell (known).
func (w *writer) gather(ctx context.Context) error {
	var rows []*duck.Query
	if w.late > 0 {
		rows = append(rows, w.sql(fold.OldNow), w.sql(fold.OldPast))
	}
	if w.temp.Open.made() {
		rows = append(rows, w.sql(fold.OldOpen))
	}
	if err := w.make(ctx, &w.temp.Old, "{rows}", duck.Args{"rows": duck.Join(" UNION ALL ", rows...)}); err != nil || w.late == 0 {
		return err
	}
	if err := w.make(ctx, &w.temp.Oldmem, fold.Oldmem); err != nil {
		return err
	}
	return w.make(ctx, &w.temp.Known, fold.Known)
}

// normalBits are the bits of known events, as they would be had the events come under the IGNORE NULL UPDATES of now: rows may show
// other values for their NULLs.
func (w *writer) normalBits() []*duck.Query {
	set := map[string][]*duck.Query{}
	for _, c := range w.cols {
		if word, bit := w.bit(c); w.ignored[c] {
			set[nulled(word)] = append(set[nulled(word)], duck.SQL(" | CASE WHEN {c} IS NULL THEN {bit}::BIGINT ELSE 0 END",
				duck.Args{"c": duck.Ident(c), "bit": bit}))
		}
	}
	return each(w.bits(), func(word string) *duck.Query {
		return duck.SQL("{word} {set}", duck.Args{"set": duck.Cat(set[word]...), "word": duck.Ident(word)})
	})
}

// judge leaves those of the new events that are news. A repeat of an event that was accepted, or rejected as a conflict, is
// ignored; one that is too late or in conflict with an event that came before it is rejected. repeats compares a new event n
// with a known one k.
func (w *writer) judge(ctx context.Context, repeats *duck.Query) error {
	if w.late > 0 {
		if err := w.all(ctx, duck.Args{"repeats": repeats}, fold.DropKnown, fold.DropRefused); err != nil {
			return err
		}
	}
	if w.j.lateness != nil && w.late > 0 {
		if err := w.reject(ctx, w.sql(fold.TooLate), w.tooLate("")); err != nil {
			return err
		}
		if _, err := w.run(ctx, fold.DropTooLate); err != nil {
			return err
		}
	}
	return w.conflicts(ctx)
}

// tooLate is the reason of rows that are too late.
func (w *writer) tooLate(what string) *duck.Query {
	return duck.SQL("{too_late} || _r._s0 || ' is older by more than ' || {l} || ' than the newest event before it'",
		duck.Args{"too_late": "too_late: " + what, "l": w.j.lateness.Of(w.j.decl.Src)})
}

// conflicts rejects new events at the key and sequence of another one, and remembers them.
func (w *writer) conflicts(ctx context.Context) error {
	if w.late == 0 && w.seconds == 0 {
		return nil
	}
	if err := w.make(ctx, &w.temp.Conflict, fold.Conflict); err != nil {
		return err
	}
	n, err := w.number(ctx, fold.CountConflicts)
	if err != nil || n == 0 {
		return err
	}
	why := duck.SQL("'sequence_conflict: its key has an event with other values at ' || {s}",
		duck.Args{"s": duck.Join(" || ', ' || ", each(w.seq, func(s string) *duck.Query {
			return duck.SQL("_r.{s}::VARCHAR", duck.Args{"s": duck.Ident(s)})
		})...)})
	if err := w.reject(ctx, w.sql("{conflict}"), why); err != nil {
		return err
	}
	return w.all(ctx, nil, fold.RememberRefused, fold.DropConflicts)
}
