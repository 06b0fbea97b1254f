package run

import (
	"context"
	"math"
	"time"

	"dsql/engine/duck"
	"dsql/engine/watermark"
	"dsql/pipeline/program"
)

// An outer join in a version: of new rows those that are too late are rejected, the others are joined and wait; then the watermarks of
// both sides go on, and rows come that have found none and can find none any more. Rows that were there before it began, or before it was
// made anew, are never late.

// outerPairs are what a version brings of an outer join: pairs, and rows that have waited; and how many were too late. behind says on which
// sides there are new rows, those behind the versions taken.
func (r *runner) outerPairs(ctx context.Context, tx *transaction, w work, n *program.Node, taken [2]int64, behind [2]bool) (*duck.Query,
	int64, error) {
	waiting, err := n.Waiting(ctx, tx.Tx, tx.version)
	if err != nil {
		return nil, 0, err
	}
	timers, err := r.sideTimers(ctx, tx, n)
	if err != nil {
		return nil, 0, err
	}
	now, late := time.Now(), int64(0)
	for i, in := range waiting.Inputs() {
		if t := timers[i]; t != nil {
			r.sources.moves(t, now)
		}
		if _, begun := tx.places[edge{n, in.Of}]; !begun || !behind[i] {
			continue
		}
		if err := waiting.Turned(ctx, tx.Tx, i, taken[i]); err != nil {
			return nil, 0, err
		}
		if t := timers[i]; t != nil {
			some, err := waiting.Judge(ctx, tx.Tx, i, t.clock.Watermark, taken[i])
			if late += some; err != nil {
				return nil, 0, err
			}
		}
	}
	parts, err := waiting.Pairs(ctx, tx.Tx, taken, behind, tx.version)
	if err != nil {
		return nil, 0, err
	}
	for i, t := range timers {
		if t == nil {
			continue
		}
		if behind[i] {
			err = r.goOn(ctx, tx, t, w, taken[i], now)
		}
		if err != nil {
			return nil, 0, err
		}
		if err := t.clock.Save(ctx, tx.Tx, tx.version); err != nil {
			return nil, 0, err
		}
	}
	alone, err := waiting.Release(ctx, tx.Tx, marks(n, timers))
	if parts = append(parts, alone...); len(parts) == 0 {
		parts = []*duck.Query{n.Join().Nothing()}
	}
	return duck.SQL("({parts})", duck.Args{"parts": duck.Join(" UNION ALL ", parts...)}), late, err
}

// sideTimers are how far both sides of a join have come; nil for one that has no event time, or is the first once more.
func (r *runner) sideTimers(ctx context.Context, tx *transaction, n *program.Node) (out [2]*timer, err error) {
	if !n.InTime() {
		return out, nil
	}
	j := n.Join()
	sides, o := j.Clocks()
	for _, i := range sides {
		of := j.Inputs()[i].Of
		c, err := watermark.Load(ctx, tx.Conn, n.Name, of.Name, o)
		if err != nil {
			return out, err
		}
		out[i] = &timer{node: n, of: of, all: j.All(i), clock: c, newest: func(rows *duck.Query) *duck.Query { return j.Newest(i, rows) }}
	}
	return out, nil
}

// marks are the watermarks of both sides.
func marks(n *program.Node, timers [2]*timer) (out [2]int64) {
	both := n.Join().Inputs()
	for i, in := range both {
		out[i] = watermark.None
		for k, t := range timers {
			if t != nil && both[k].Of == in.Of {
				out[i] = t.clock.Watermark
			}
		}
	}
	return out
}

// releases says whether rows of a join wait for parts only that are idle by now.
func (r *runner) releases(ctx context.Context, n *program.Node) (due bool, err error) {
	for _, in := range n.Inputs {
		if r.behind(edge{n, in.Of}) {
			return false, nil
		}
	}
	err = r.Conn.Scratch(ctx, func(inner *duck.Tx) error {
		tx := &transaction{Tx: inner, progress: r.progress.clone()}
		timers, err := r.sideTimers(ctx, tx, n)
		if err != nil {
			return err
		}
		moved := false
		for _, t := range timers {
			if t != nil {
				moved = r.sources.moves(t, time.Now()) || moved
			}
		}
		if !moved {
			return nil
		}
		waiting, err := n.Waiting(ctx, inner, math.MaxInt32)
		if err != nil {
			return err
		}
		due, err = waiting.Due(ctx, inner, marks(n, timers))
		return err
	})
	return due, err
}
