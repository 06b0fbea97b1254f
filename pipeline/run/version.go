package run

import (
	"context"
	"time"

	"dsql/pipeline/event"
	"dsql/pipeline/program"
)

// newVersion runs f in a transaction of a new version, and writes its account where f doesn't.
func (r *runner) newVersion(ctx context.Context, n *program.Node, origin string, accounted bool,
	f func(tx *transaction, rows *event.DestinationRows) error) error {
	began := time.Now()
	var e event.BatchCommitted
	err := r.update(ctx, func(tx *transaction) error {
		if err := tx.begin(ctx); err != nil {
			return err
		}
		e = event.BatchCommitted{Version: tx.version, Origin: origin}
		row := event.DestinationRows{Kind: n.Kind, Name: n.Name}
		if err := f(tx, &row); err != nil {
			return placed(err, n)
		}
		row.In = row.Written + row.Rejected + row.Dropped
		e.Rows = append(e.Rows, row)
		tx.latest[n] = e.Version
		if !accounted {
			if err := r.account(ctx, tx.Tx, row, e.Version, origin); err != nil {
				return err
			}
		}
		return r.follows(ctx, tx, n, &e)
	})
	if f, ok := asFailure(err); ok {
		if rerr := f.Record(ctx, r.Conn); rerr != nil {
			return rerr
		}
	}
	if err != nil {
		return err
	}
	r.sum.Versions++
	r.sum.Count(e.Rows)
	e.Took = time.Since(began)
	r.Emit(e)
	return nil
}
