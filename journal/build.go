package journal

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"dsql/engine/duck"
)

//go:embed line.sql
var lineSQL string

var line = statements[struct {
	Line, Events, Before, Filled, Built, Last, Change, Believed, CountChange, CountKeys, Ends, OldNow, KillPast, AddOpen, AddEnded,
	Wanted, Openings, Remember, RememberNew, Forget, CountEffective statement
}](lineSQL)

// line puts the events of the touched keys in order and finds where versions begin. more is what comes to the known events.
func (w *writer) line(ctx context.Context, more *duck.Query) error {
	events := w.sql(line.Events, duck.Args{"more": more})
	if len(w.gaps()) > 0 {
		events = w.sql(line.Filled, duck.Args{"events": events})
	}
	return w.make(ctx, &w.temp.Line, line.Line, duck.Args{"events": events})
}

// filled is a column's value after an event of the line.
func (w *writer) filled(c string) *duck.Query {
	if i := slices.Index(w.gaps(), c); i >= 0 {
		return duck.Ident(fmt.Sprintf("_f%d", i))
	}
	return duck.Ident(c)
}

// fills computes the values that events say nothing of, in a stretch without a delete. A value that is said may be NULL: a
// struct around it tells it from what isn't said.
func (w *writer) fills() []*duck.Query {
	return each(w.gaps(), func(c string) *duck.Query {
		word, bit := w.bit(c)
		a := duck.Args{"c": duck.Ident(c), "word": duck.Ident(said(word)), "bit": bit}
		if w.ignored[c] {
			return duck.SQL("last_value(CASE WHEN NOT _del THEN {c} END IGNORE NULLS) OVER w", a)
		}
		return duck.SQL("(last_value(CASE WHEN NOT _del AND {word} & {bit} <> 0 THEN struct_pack(v := {c}) END IGNORE NULLS) OVER w).v", a)
	})
}

// build computes the versions.
func (w *writer) build(ctx context.Context) error {
	pure := []*duck.Query{duck.SQL("true")}
	for i, c := range w.untracked {
		if _, ok := w.own[c]; ok {
			continue
		}
		same := duck.SQL("{l} IS NOT DISTINCT FROM {c}", duck.Args{"l": duck.Ident(fmt.Sprintf("_l%d", i)), "c": duck.Ident(c)})
		if shown := w.shown("x", c); shown != nil {
			same = duck.SQL("(NOT ({shown}) OR {same})", duck.Args{"shown": shown, "same": same})
		}
		pure = append(pure, same)
	}
	last := w.sql("{line}")
	if len(w.untracked) > 0 {
		last = w.sql(line.Last)
	}
	return w.make(ctx, &w.temp.Built, line.Built, duck.Args{"pure": duck.Join(" AND ", pure...), "last": last})
}

// replace compares the versions with the believed rows, and writes what differs.
func (w *writer) replace(ctx context.Context) error {
	if err := w.make(ctx, &w.temp.Change, line.Change); err != nil {
		return err
	}
	if err := w.countKeys(ctx); err != nil {
		return err
	}
	var vectors, kills, past, adds, closed int64
	if err := w.scan(ctx, line.CountChange, nil, &vectors, &kills, &past, &adds, &closed); err != nil {
		return err
	}
	if vectors > 0 {
		if err := w.end(ctx, w.sql(line.Ends), w.sql(line.OldNow), vectors, kills > 0); err != nil {
			return err
		}
	}
	for _, x := range []struct {
		n    int64
		text statement
	}{{past, line.KillPast}, {adds, line.AddOpen}, {closed, line.AddEnded}} {
		if x.n == 0 {
			continue
		}
		if _, err := w.run(ctx, x.text); err != nil {
			return err
		}
	}
	return nil
}

// countKeys counts the keys that came into the state, left it, or have other columns there now.
func (w *writer) countKeys(ctx context.Context) error {
	var added, changed, removed int64
	err := w.scan(ctx, line.CountKeys, nil, &added, &removed, &changed)
	w.n.Added, w.n.Changed, w.n.Removed = w.n.Added+added, w.n.Changed+changed, w.n.Removed+removed
	return err
}

// recall brings name__mem in line with the folded keys: it remembers the events that opened nothing, deletes that have an image
// or ended nothing, and the openings of rows that show another image.
func (w *writer) recall(ctx context.Context) error {
	kind, image := "N", each(w.cols, func(c string) *duck.Query { return ofColumn("CASE WHEN _del THEN {c} END", c) })
	if w.moving() {
		kind, image = "E", each(w.cols, func(c string) *duck.Query { return duck.Ident(c) })
	}
	if err := w.make(ctx, &w.temp.Wanted, line.Wanted, duck.Args{"kind": kind, "image": image}); err != nil {
		return err
	}
	if w.late == 0 {
		_, err := w.run(ctx, line.Remember)
		return err
	}
	return w.all(ctx, nil, line.RememberNew, line.Forget)
}
