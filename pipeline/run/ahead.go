package run

import (
	"context"
	"errors"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/pyfunc"
)

// What functions outside of DuckDB give for a batch is computed ahead of the statements that it goes through: see pyfunc.Ahead.

// calls are how many calls of such functions a row may go through: in the query and the rules, and where it is measured.
type calls struct {
	chain, measured int
}

const (
	mostRehearsals = 4    // what calls more is computed as it comes
	aVector        = 2048 // rows that DuckDB hands a function at once anyway
)

// ahead gives a context in which what a chain calls over some rows was computed, and what forgets that. Rows for which a function in the
// query fails, and that it alone can tell, are taken out of b: so many.
func (r *runner) ahead(ctx context.Context, tx *transaction, d kind.Destination, n *program.Node, b *fresh, v int64) (context.Context,
	func(),
	int64, error) {
	none := func() {}
	if b.held != nil && b.held.discard || b.input != nil && (b.input.Truncate || b.input.Good <= aVector && !b.in.Tried()) {
		return ctx, none, 0, nil
	}
	c, known := r.rehearsed[n]
	if !known {
		var err error
		if c.chain, c.measured, err = r.Program.OutsideCalls(ctx, tx.Conn, n); err != nil {
			return ctx, none, 0, err
		}
		r.rehearsed[n] = c
	}
	if c == (calls{}) && !b.in.Tried() {
		return ctx, none, 0, nil
	}
	ctx, a := pyfunc.WithAhead(ctx)
	lost, err := r.tried(ctx, tx, n, b, v)
	if err == nil && c.chain > 0 && b.in.RowByRow() {
		marked := *b
		marked.rel = pyfunc.Mark(b.rel)
		q := duck.SQL("FROM {rel}", duck.Args{"rel": n.Rules.Through(selected(d, n, &marked).rel)})
		err = r.rehearse(ctx, tx.Tx, n, q, c.chain)
	}
	if err != nil {
		a.Close()
		return ctx, none, 0, err
	}
	return ctx, a.Close, lost, nil
}

// rehearsal computes ahead what the measures of a batch call.
func (r *runner) rehearsal(n *program.Node) func(context.Context, *duck.Tx, func(*duck.Query) *duck.Query, *duck.Query) error {
	c := r.rehearsed[n]
	if c.measured == 0 {
		return nil
	}
	return func(ctx context.Context, tx *duck.Tx, over func(*duck.Query) *duck.Query, rows *duck.Query) error {
		return r.rehearse(ctx, tx, n, over(pyfunc.Mark(rows)), c.measured)
	}
}

// rehearse runs what it is about: over rows for which a function gave nothing yet, that may be an error where it will be none. The batch
// comes again then, and is computed as it comes.
func (r *runner) rehearse(ctx context.Context, tx *duck.Tx, n *program.Node, q *duck.Query, depth int) error {
	err := pyfunc.Rehearse(ctx, tx.Conn, q, min(depth, mostRehearsals))
	if err == nil || ctx.Err() != nil {
		return err
	}
	r.rehearsed[n] = calls{}
	return errors.Join(errAgain, err)
}
