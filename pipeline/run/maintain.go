package run

import (
	"context"
	"errors"

	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
)

// maintain is the way of a verb that makes stored rows of a destination others, or gives them up: what sinks are due may be gone
// afterwards, so they get it before, and behind it what it made.
func maintain(f func(r *runner, ctx context.Context, d *sql.Decl, n *program.Node, dest kind.Destination) error) action {
	return func(r *runner, ctx context.Context, d *sql.Decl) error {
		n, dest, err := r.Program.Target(d)
		if err != nil {
			return err
		}
		if err := errors.Join(r.watch(ctx, true), r.sinkAll(ctx), r.brokenSinks()); err != nil {
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
