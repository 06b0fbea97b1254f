package run

import (
	"context"
	"errors"

	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// maintain is the way of a verb that makes stored rows of a destination others, or gives them up: what sinks are due may be gone
// afterwards, so they get it before, and behind it what it made.
func maintain(f func(r *runner, ctx context.Context, d *sql.Decl, n *program.Node, dest kind.Destination) error) action {
	return func(r *runner, ctx context.Context, d *sql.Decl) error {
		n, dest, err := r.Program.Target(d)
		if err != nil {
			return err
		}
		if err := r.handedOn(ctx, d, n); err != nil || r.stopped() {
			return err
		}
		if err := f(r, ctx, d, n, dest); err != nil {
			return err
		}
		if err := r.watch(ctx, true); err != nil {
			return err
		}
		return r.sinkAll(ctx)
	}
}

// handedOn lets sinks have all that is due. Where one hasn't got what it reads of n, as its place outside is away, a verb can't go on.
func (r *runner) handedOn(ctx context.Context, d *sql.Decl, n *program.Node) error {
	if err := errors.Join(r.watch(ctx, true), r.sinkAll(ctx), r.brokenSinks()); err != nil || r.stopped() {
		return err
	}
	for _, m := range r.Program.Nodes {
		e := edge{m, n}
		if _, sink := m.Sink(); !sink || !m.Bound || m.Inputs[0].Of != n || !r.behind(e) {
			continue
		}
		due, err := r.versionsOf(ctx, n, r.places[e])
		if err != nil {
			return err
		}
		if len(due) > 0 {
			return d.Errorf(code.NotTold, "sink %s hasn't taken all of %s yet, and what it lacks may be gone afterwards", m.Name, n.Name).
				WithHint("run the statement again when it can: nothing was changed")
		}
	}
	return nil
}
