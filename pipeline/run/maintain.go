package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
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

// maintain runs ROLLBACK, REBUILD and VACUUM.
func (r *runner) maintain(ctx context.Context, d *sql.Decl) error {
	n, dest, err := r.Program.Target(d)
	if err != nil {
		return err
	}
	switch d.Syntax.Verb {
	case "ROLLBACK":
		to := d.Arg("TO VERSION")
		if to.Int < 0 || to.Int > r.version {
			return &sql.Error{Src: d.Src, Span: to.Span, Code: "no-version", Exit: sql.ExitFailed,
				Msg: fmt.Sprintf("there is no version %d: the newest is %d", to.Int, r.version), Hint: "dsql.versions lists them"}
		}
		b, ok := dest.(kind.Rollbacker)
		if !ok {
			return &sql.Error{Src: d.Src, Span: d.NameAt, Code: "nothing-remembered", Msg: n.Name + " keeps no older versions"}
		}
		return r.newVersion(ctx, n, fmt.Sprintf("rollback to version %d", to.Int), false,
			func(tx *duck.Tx, v int64, rows *event.DestinationRows) (err error) {
				rows.Counts, err = b.Rollback(ctx, tx, to.Int, v)
				return err
			})
	case "REBUILD":
		if d.Arg("FROM SOURCE") != nil {
			return r.refill(ctx, n, dest)
		}
		b, ok := dest.(kind.Rebuilder)
		if !ok {
			return &sql.Error{Src: d.Src, Span: d.NameAt, Code: "nothing-remembered", Msg: "a stream remembers nothing beside its rows",
				Hint: "REBUILD STREAM " + n.Name + " FROM SOURCE fills it again from its inputs"}
		}
		return r.newVersion(ctx, n, "rebuild", false, func(tx *duck.Tx, v int64, rows *event.DestinationRows) (err error) {
			rows.Counts, err = b.Rebuild(ctx, tx, v)
			return err
		})
	}
	return r.vacuum(ctx, d, n, dest)
}

// vacuum gives up what no version that RETAIN VERSIONS keeps shows, and nothing that a reader or sink hasn't seen.
func (r *runner) vacuum(ctx context.Context, d *sql.Decl, n *program.Node, dest kind.Destination) error {
	retain := dest.Decl().Arg("RETAIN VERSIONS")
	if retain == nil {
		return &sql.Error{Src: d.Src, Span: d.NameAt, Code: "no-retention", Msg: n.Name + " keeps all versions",
			Hint: "declare it with RETAIN VERSIONS INTERVAL 90 DAYS, say"}
	}
	v, ok := dest.(kind.Vacuumer)
	if !ok { // an append-only table has no superseded rows
		return nil
	}
	oldest, err := r.Conn.Int(ctx,
		duck.SQL("SELECT max(version) FROM dsql.versions WHERE committed_at <= {now} - ({i})",
			duck.Args{"now": duck.Now, "i": duck.User(dest.Decl().Src, retain.Exprs[0])}))
	if oldest = min(oldest, r.unseen(n)); err != nil || oldest == 0 {
		return err
	}
	return r.Conn.Update(ctx, func(tx *duck.Tx) error {
		_, err := v.Vacuum(ctx, tx, oldest)
		return err
	})
}

// unseen is the version up to which all that are behind in reading n have come: what changed later is still to be handed on. One that
// has read nothing yet starts with what it finds.
func (r *runner) unseen(n *program.Node) int64 {
	out := r.version
	for e, v := range r.places {
		if e.input == n && v > 0 && r.behind(e) {
			out = min(out, v)
		}
	}
	return out
}

// refill is REBUILD … FROM SOURCE: the destination is emptied and takes all that its inputs still have, in one transaction, and what was
// open of it, rejects and holds, is settled.
//
// What waits is taken before that, as ordinary batches: so what reads it has seen all that it had. Of a journal's rebuild readers and
// sinks then get the difference, as of any version; a stream's rows are new ones to nobody.
func (r *runner) refill(ctx context.Context, n *program.Node, dest kind.Destination) error {
	e, ok := dest.(kind.Emptier)
	if !ok {
		return fmt.Errorf("%s can't be emptied", n.Name)
	}
	if !r.reshaped[n] {
		if err := r.bringFor(ctx, n); err != nil || r.stopped() {
			return err
		}
	}
	rejected := map[*program.Node]int64{}
	err := r.newVersion(ctx, n, rebuildOrigin, true, func(tx *duck.Tx, v int64, rows *event.DestinationRows) error {
		clear(rejected) // it may run again
		if err := e.Empty(ctx, tx, v); err != nil {
			return err
		}
		if err := r.unread(ctx, tx, n); err != nil {
			return err
		}
		if err := r.settleAll(ctx, tx, n); err != nil {
			return err
		}
		batches := 0
		for _, in := range n.Inputs {
			took, err := r.refillInput(ctx, tx, n, in, v, rows, rejected)
			if batches += took; err != nil {
				return err
			}
		}
		if batches == 0 { // it is a version of the destination all the same
			if err := r.account(ctx, tx, *rows, v, rebuildOrigin); err != nil {
				return err
			}
		}
		if _, net := dest.(kind.Rebuilder); net && !r.reshaped[n] {
			return nil
		}
		for _, m := range r.Program.Nodes {
			for _, in := range m.Inputs {
				if in.Of == n {
					if err := r.moved(ctx, tx, edge{m, n}, v); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
	if err == nil {
		delete(r.reshaped, n)
	}
	var load *heldLoad
	if errors.As(err, &load) {
		held := *load.Err
		held.Hint = fmt.Sprintf("nothing was rebuilt; IF REMOVED < 101 PERCENT lets the loads of %s in as they are", n.Name)
		return &held
	}
	if err != nil {
		return err
	}
	for m, rows := range rejected {
		r.rejected[m] += rows
	}
	return nil
}

// rebuildOrigin is what REBUILD … FROM SOURCE calls its version.
const rebuildOrigin = "rebuild from source"

// bringFor takes what waits for a destination, for those that read it, and for what any of these reads whole.
func (r *runner) bringFor(ctx context.Context, n *program.Node) error {
	all := r.wanted(nil)
	wanted := r.downstream(n, all)
	wanted[n] = true
	for _, m := range slices.Backward(r.Program.Sorted()) {
		for _, w := range m.Needs() {
			if wanted[m] && all[w] {
				wanted[w] = true
			}
		}
	}
	return r.bring(ctx, wanted)
}

// refillInput takes all that an input has, and says in how many batches.
func (r *runner) refillInput(ctx context.Context, tx *duck.Tx, n *program.Node, in *program.Input, v int64, sum *event.DestinationRows,
	rejected map[*program.Node]int64) (batches int, err error) {
	src, ok := in.Of.Source()
	if !ok {
		if !r.behind(edge{n, in.Of}) {
			return 0, nil
		}
		rows, err := r.destination(ctx, tx, work{}, n, &event.BatchCommitted{Version: v})
		sum.Add(rows)
		return 1, err
	}
	rd, err := src.Open(ctx, r.Conn, r.Program.Env, in.Of.Cols,
		kind.ReadOptions{Destinations: []string{n.Name}, Everything: true, Warn: r.Warn, Aside: r.setAside})
	if err != nil {
		return 0, err
	}
	defer rd.Close()
	for {
		batch, err := rd.Next(ctx)
		if errors.Is(err, io.EOF) {
			return batches, nil
		}
		if err != nil {
			return batches, err
		}
		rows, err := r.refillBatch(ctx, tx, n, batch, v, rejected)
		sum.Add(rows)
		batch.Release()
		if err != nil {
			return batches, err
		}
		batches++
	}
}

// refillBatch takes a batch that was read before into a destination that was emptied.
func (r *runner) refillBatch(ctx context.Context, tx *duck.Tx, n *program.Node, batch *kind.Input, v int64,
	rejected map[*program.Node]int64) (event.DestinationRows, error) {
	batch.Again = true
	kept, err := r.accountSource(ctx, tx, batch, v)
	if err != nil {
		return event.DestinationRows{}, err
	}
	e := event.BatchCommitted{Version: v}
	rows, err := r.destination(ctx, tx, work{in: batch}, n, &e)
	if err != nil {
		return rows, err
	}
	rejected[r.Program.Relation(batch.Source)] += kept
	rejected[n] += rows.Rejected
	if err := r.limits(rejected); err != nil {
		return rows, err
	}
	return rows, batch.Commit(ctx, tx, v)
}
