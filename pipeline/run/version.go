package run

import (
	"context"
	"time"

	"dsql/engine/duck"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
)

// newVersion runs f in a transaction of a new version, and writes its account where f doesn't.
func (r *runner) newVersion(ctx context.Context, n *program.Node, origin string, accounted bool,
	f func(tx *duck.Tx, v int64, rows *event.DestinationRows) error) error {
	began := time.Now()
	e := event.BatchCommitted{Version: r.version + 1, Origin: origin}
	err := r.update(ctx, func(tx *duck.Tx) error {
		e.Rows = nil
		begin := duck.SQL("INSERT INTO dsql.versions VALUES ({v}, {now})", duck.Args{"now": duck.Now, "v": e.Version})
		if err := tx.Run(ctx, begin); err != nil {
			return err
		}
		row := event.DestinationRows{Kind: n.Kind, Name: n.Name}
		if err := f(tx, e.Version, &row); err != nil {
			return placed(err, n)
		}
		row.In = row.Written + row.Rejected + row.Dropped
		e.Rows = append(e.Rows, row)
		r.latest[n] = e.Version
		if accounted {
			return nil
		}
		return r.account(ctx, tx, row, e.Version, origin)
	})
	if f, ok := asFailure(err); ok {
		if rerr := f.Record(ctx, r.Conn); rerr != nil {
			return rerr
		}
	}
	if err != nil {
		return err
	}
	r.version = e.Version
	r.sum.Versions++
	r.sum.Count(e.Rows)
	e.Took = time.Since(began)
	r.Emit(e)
	return nil
}
