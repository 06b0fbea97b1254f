package run

import (
	"context"
	"errors"
	"slices"
	"time"

	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// A sink gets what was committed, and only then: when its turn comes the version stands in the file. It takes one version at a time,
// in order; behind each a small transaction of its own notes the place in dsql.places. A crash between the two gives it the same version
// again. No version is made by that.

// hurry is how long a sink may go on with the version in hand when the run was asked to end. What it hasn't written then comes again.
const hurry = 5 * time.Second

// Sink brings every sink up to date, or only some; one that gathers versions waits until there are enough. One that fails keeps nothing
// else back: the run goes on, and ends with the error. While it follows a sink whose place outside is away is tried again.
func (r *runner) sink(ctx context.Context, only ...*program.Node) error {
	return r.sinks(ctx, false, only)
}

// sinkAll is sink that leaves nothing waiting.
func (r *runner) sinkAll(ctx context.Context) error { return r.sinks(ctx, true, nil) }

func (r *runner) sinks(ctx context.Context, all bool, only []*program.Node) error {
	within, cancel := kind.UntilStop(ctx, r.Options.Stop, hurry)
	defer cancel()
	for _, n := range r.Program.Nodes {
		s, ok := n.Sink()
		if !ok || !n.Bound || !r.behind(edge{n, n.Inputs[0].Of}) || r.broken[n] != nil || time.Now().Before(r.again[n]) ||
			only != nil && !slices.Contains(only, n) {
			continue
		}
		if r.file.halted[n.Name] {
			r.breaks(n, r.halt(n, r.places[edge{n, n.Inputs[0].Of}]))
			continue
		}
		if err := r.sinkTo(within, n, s, all); err != nil && within.Err() == nil {
			if err := r.failedSink(n, err); err != nil {
				return err
			}
		}
	}
	if err := r.post(within); err != nil {
		return err
	}
	return ctx.Err()
}

// failedSink decides what becomes of a sink that has failed. What is given up because the run is to end comes again.
func (r *runner) failedSink(n *program.Node, err error) error {
	if r.stopped() && (away(err) || errors.Is(err, context.Canceled)) {
		return errors.Join(r.closeOutlet(n), r.closePost(n))
	}
	if !away(err) || !r.Options.Follow {
		r.breaks(n, err)
		return nil
	}
	if r.again == nil {
		r.again, r.told = map[*program.Node]time.Time{}, map[*program.Node]*kind.Reminder{}
	}
	if r.told[n] == nil {
		r.told[n] = &kind.Reminder{}
	}
	if r.told[n].Due(time.Now()) {
		for _, e := range program.Collect(nil, err) {
			w := *e
			w.Hint = "the run goes on, and tries again: nothing is lost"
			r.Warn(&w)
		}
	}
	r.again[n] = time.Now().Add(lookEvery)
	return errors.Join(r.closeOutlet(n), r.closePost(n))
}

// breaks notes that a sink writes nothing more in this run.
func (r *runner) breaks(n *program.Node, err error) {
	if r.broken == nil {
		r.broken = map[*program.Node]error{}
	}
	r.broken[n] = err
	if r.Options.Follow { // the end may be far
		for _, e := range program.Collect(nil, err) {
			r.Warn(e)
		}
	}
}

// brokenSinks are the errors of sinks, in the order of their declaration.
func (r *runner) brokenSinks() error {
	var errs sql.List
	for _, n := range r.Program.Nodes {
		errs = program.Collect(errs, r.broken[n])
	}
	return errs.Err()
}

// thereAgain notes that the place outside of a sink is there.
func (r *runner) thereAgain(n *program.Node) {
	delete(r.again, n)
	delete(r.told, n)
}

// sinkTo writes what one sink hasn't got.
func (r *runner) sinkTo(ctx context.Context, n *program.Node, s kind.Sink, all bool) error {
	of := n.Inputs[0].Of
	e := edge{n, of}
	d, _ := of.Destination()
	due, err := r.versionsOf(ctx, of, r.places[e])
	if err != nil || len(due) == 0 {
		return err
	}
	out, err := r.outlet(ctx, n, s, e)
	if err != nil {
		return err
	}
	for len(due) > 0 {
		take := 1
		if g, ok := out.(kind.Gatherer); ok {
			rows := d.InOrder(due[0].Version-1, due[len(due)-1].Version, n.Cols)
			if take, err = g.Gather(ctx, due, rows, all); err != nil {
				return err
			}
			if take == 0 {
				r.gathers[n] = true
				return nil
			}
			delete(r.gathers, n)
		}
		began, from, v := time.Now(), due[0].Version-1, due[take-1].Version
		due = due[take:]
		rows, err := out.Write(ctx, v, d.InOrder(from, v, n.Cols))
		if err != nil {
			return err
		}
		if err := fault.Fault(ctx, "sink-written"); err != nil {
			return err
		}
		refused := out.Rejected()
		if rows == 0 && len(refused) == 0 && len(due) > 0 {
			continue // noted with the next
		}
		if err := r.recordSink(ctx, e, from, v, refused); err != nil {
			return err
		}
		r.thereAgain(n)
		if err := out.Recorded(v); err != nil {
			return err
		}
		if rows > 0 {
			r.sum.Sunk += rows
			r.Emit(event.SinkWritten{Sink: n.Name, Version: v, Rows: rows, Took: time.Since(began)})
		}
	}
	return nil
}

// versionsOf are those of a destination behind a version.
func (r *runner) versionsOf(ctx context.Context, of *program.Node, from int64) ([]kind.DueVersion, error) {
	return duck.Select(ctx, r.Conn,
		duck.SQL("SELECT version, sum(coalesce(added, 0) + coalesce(changed, 0) + coalesce(removed, 0))::BIGINT, any_value(committed_at) "+
			"FROM dsql.version_rows JOIN dsql.versions USING (version) WHERE version > {from} AND kind = {kind} AND name = {name} "+
			"GROUP BY version ORDER BY version", duck.Args{"from": from, "kind": of.Kind, "name": of.Name}),
		func(row func(...any) error) (v kind.DueVersion, err error) {
			return v, row(&v.Version, &v.Rows, &v.Since)
		})
}

// outlet opens a sink once a run.
func (r *runner) outlet(ctx context.Context, n *program.Node, s kind.Sink, e edge) (kind.Outlet, error) {
	if out, ok := r.outlets[n]; ok {
		return out, nil
	}
	_, had := r.places[e]
	ctx, done := kind.UntilStop(ctx, r.Options.Stop, 0)
	defer done()
	out, err := s.Open(ctx, r.Conn, r.Program.Env,
		kind.SinkOptions{Columns: n.Cols, First: !had, File: r.file.id, Copied: r.file.restored, Follow: r.Options.Follow, Stop: r.Options.Stop,
			Warn: r.Warn})
	if err != nil {
		return nil, err
	}
	if r.outlets == nil {
		r.outlets = map[*program.Node]kind.Outlet{}
	}
	r.outlets[n] = out
	return out, nil
}

// recordSink notes how far a sink is, and the rows that it could not write.
func (r *runner) recordSink(ctx context.Context, e edge, from, v int64, refused []kind.RefusedRow) error {
	if len(refused) > 0 {
		d := e.reader.Obj.Decl()
		r.Warn(d.Errorf(code.SinkRejects, "sink %s can't write %d rows of version %d: %s", e.reader.Name, len(refused), v, refused[0].Reason).
			WithHint("they stand in dsql.rejects, destination " + e.reader.Name))
	}
	return r.update(ctx, func(tx *transaction) error {
		for _, row := range refused {
			if err := tx.Run(ctx, duck.SQL("INSERT INTO dsql.rejects (rejected_at, destination, reason, data, version, original) "+
				"VALUES ({now}, {sink}, {why}, {data}, {v}, json_object('after', {from}, 'row', {n}))",
				duck.Args{"now": duck.Now, "sink": e.reader.Name, "why": "sink: " + row.Reason, "data": row.Data, "v": v, "from": from,
					"n": row.Number})); err != nil {
				return err
			}
		}
		if err := moved(ctx, tx, e, v); err != nil {
			return err
		}
		return fault.Fault(ctx, "sink-before-place")
	})
}

// closeOutlet ends what a sink has open.
func (r *runner) closeOutlet(n *program.Node) error {
	out, ok := r.outlets[n]
	if !ok {
		return nil
	}
	delete(r.outlets, n)
	return out.Close()
}

// closeOutlets does so for all of them.
func (r *runner) closeOutlets() error {
	var errs []error
	for n := range r.outlets {
		errs = append(errs, r.closeOutlet(n))
	}
	for n := range r.posts {
		errs = append(errs, r.closePost(n))
	}
	return errors.Join(errs...)
}
