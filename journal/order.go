package journal

import (
	"context"
	_ "embed"

	"dsql/engine/duck"
)

// What the order of events needs: repeats inside a batch, events that are late for their key, and those that are too late.

//go:embed order.sql
var orderSQL string

var inOrder = statements[struct {
	SomeOld, MarkOld, Twins, CountTwins, Again, MarkSecond, DropRepeats, Folded, FoldedLate, CountFolded, Lowest, Late statement
}](orderSQL)

func (w *writer) lateness() *duck.Query { return duck.User(w.j.decl.Src, *w.j.lateness) }

// markLate marks the events that are older by more than LATENESS than the newest accepted before them, in order of arrival.
// Whether one of these is an exact repeat, and so no news, is found when its key is folded.
func (w *writer) markLate(ctx context.Context) (bool, error) {
	var some bool
	if err := w.scan(ctx, inOrder.SomeOld, nil, &some); err != nil || !some {
		return false, err
	}
	n, err := w.run(ctx, inOrder.MarkOld)
	return n > 0, err
}

// dropRepeats removes events that an equal one came before in this batch, and marks those that another image of the same key and
// sequence came before. (An event that is too late isn't known, so its repeats aren't any.)
func (w *writer) dropRepeats(ctx context.Context) (int64, error) {
	if err := w.make(ctx, &w.temp.Twins, inOrder.Twins); err != nil {
		return 0, err
	}
	n, err := w.number(ctx, inOrder.CountTwins)
	if err != nil || n == 0 {
		return 0, err
	}
	if err := w.make(ctx, &w.temp.Again, inOrder.Again); err != nil {
		return 0, err
	}
	if w.seconds, err = w.run(ctx, inOrder.MarkSecond); err != nil {
		return 0, err
	}
	return w.run(ctx, inOrder.DropRepeats)
}

// divide finds the keys that must be folded: those with several events, and those of which something is known at or after their
// first event here. It reports whether there are any.
func (w *writer) divide(ctx context.Context, late bool) (bool, error) {
	text := inOrder.Folded
	if late {
		if err := w.findLate(ctx); err != nil {
			return false, err
		}
		text = inOrder.FoldedLate
	}
	if err := w.make(ctx, &w.temp.Folded, text); err != nil {
		return false, err
	}
	var n int64
	err := w.scan(ctx, inOrder.CountFolded, nil, &n, &w.late)
	return n > 0, err
}

// findLate compares what is known of the batch's keys with their first event here.
func (w *writer) findLate(ctx context.Context) error {
	a := duck.Args{"and_ends": duck.SQL(""), "and_stands": duck.SQL("")}
	if prunes(w.Sequence[0].Type) {
		var floor string
		if err := w.scan(ctx, inOrder.Lowest, nil, &floor); err != nil {
			return err
		}
		f := duck.Args{"floor": floor, "type": w.Sequence[0].Type}
		a["and_ends"], a["and_stands"] = w.sql("AND h.{to1} >= {floor}::{type}", f), w.sql("AND h._s0 >= {floor}::{type}", f)
	}
	return w.make(ctx, &w.temp.Late, inOrder.Late, a)
}
