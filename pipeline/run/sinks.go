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
	r.tellWhispers()
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
		if err := r.sinkTo(ctx, within, n, s, all); err != nil && within.Err() == nil {
			if err := r.failedSink(n, err); err != nil {
				return err
			}
		}
	}
	if err := r.post(ctx, within); err != nil {
		return err
	}
	return ctx.Err()
}

// failedSink decides what becomes of a sink that has failed. What is given up because the run is to end comes again.
func (r *runner) failedSink(n *program.Node, err error) error {
	if r.stopped() && (away(err) || errors.Is(err, context.Canceled)) {
		return r.closeOutside(n)
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
	return r.closeOutside(n)
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

// delivery is one Write of a sink.
type delivery struct {
	*errand
	out      kind.Outlet // nil: it couldn't be opened
	from, to int64       // what it writes: the versions (from, to]
	waits    bool        // for more versions
	began    time.Time
	rows     int64
}

// sinkTo writes what one sink hasn't got. all: nothing is left waiting.
func (r *runner) sinkTo(ctx, within context.Context, n *program.Node, s kind.Sink, all bool) error {
	due, err := r.versionsOf(within, n.Inputs[0].Of, r.places[edge{n, n.Inputs[0].Of}])
	if err != nil {
		return err
	}
	for turn := time.Now().Add(turnTime); len(due) > 0; {
		w := r.deliveries[n]
		if w == nil {
			if r.Options.Follow && !all && time.Now().After(turn) { // the others have a turn
				return nil
			}
			if w, err = r.deliver(ctx, n, s, due, all); err != nil {
				return err
			}
		}
		if !r.wait(n, w.errand, turn, all) {
			return nil
		}
		r.takeOver(n)
		if w.waits && all { // it was begun before all were asked for
			continue
		}
		if w.waits {
			r.gathers[n] = true
			return nil
		}
		if w.err != nil {
			return w.err
		}
		delete(r.gathers, n)
		due = slices.DeleteFunc(due, func(v kind.DueVersion) bool { return v.Version <= w.to })
		if err := r.delivered(within, n, w, len(due) > 0); err != nil {
			return err
		}
	}
	return nil
}

// deliver begins to write the first of the versions that are due, or more where the sink gathers them.
func (r *runner) deliver(ctx context.Context, n *program.Node, s kind.Sink, due []kind.DueVersion, all bool) (*delivery, error) {
	e := edge{n, n.Inputs[0].Of}
	d, _ := e.input.Destination()
	open, err := r.opening(ctx, n, s, e)
	if err != nil {
		return nil, err
	}
	w := &delivery{out: r.outlets[n], from: due[0].Version - 1, to: due[0].Version}
	w.errand = r.start(ctx, func(ctx context.Context) (err error) {
		if w.out == nil {
			if w.out, err = open(ctx); err != nil {
				w.out = nil
				return err
			}
		}
		if g, ok := w.out.(kind.Gatherer); ok {
			take, err := g.Gather(ctx, due, d.InOrder(w.from, due[len(due)-1].Version, n.Cols), all)
			if w.waits = err == nil && take == 0; err != nil || w.waits {
				return err
			}
			w.to = due[take-1].Version
		}
		w.began = time.Now()
		w.rows, err = w.out.Write(ctx, w.to, d.InOrder(w.from, w.to, n.Cols))
		return err
	})
	if r.deliveries == nil {
		r.deliveries = map[*program.Node]*delivery{}
	}
	r.deliveries[n] = w
	return w, nil
}

// takeOver takes what a delivery that is over has opened.
func (r *runner) takeOver(n *program.Node) {
	w := r.deliveries[n]
	delete(r.deliveries, n)
	if w.out != nil {
		r.keepOutlet(n, w.out)
	}
}

// delivered notes what was written. Versions without rows are noted with the next.
func (r *runner) delivered(ctx context.Context, n *program.Node, w *delivery, more bool) error {
	if err := fault.Fault(ctx, "sink-written"); err != nil {
		return err
	}
	refused := w.out.Rejected()
	if w.rows == 0 && len(refused) == 0 && more {
		return nil
	}
	if err := r.recordSink(ctx, edge{n, n.Inputs[0].Of}, w.from, w.to, refused); err != nil {
		return err
	}
	r.thereAgain(n)
	if err := w.out.Recorded(w.to); err != nil {
		return err
	}
	if w.rows > 0 {
		r.sum.Sunk += w.rows
		r.Emit(event.SinkWritten{Sink: n.Name, Version: w.to, Rows: w.rows, Took: time.Since(w.began)})
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

// opening is what opens a sink.
func (r *runner) opening(ctx context.Context, n *program.Node, s kind.Sink, e edge) (func(context.Context) (kind.Outlet, error), error) {
	line, err := r.line(ctx, n)
	if err != nil {
		return nil, err
	}
	_, had := r.places[e]
	o := kind.SinkOptions{Columns: n.Cols, First: !had, File: r.file.id, Copied: r.file.restored, Follow: r.Options.Follow, Stop: r.Options.Stop,
		Warn: r.Warn}
	if o.Follow {
		o.Warn = r.whispers.add
	}
	return func(ctx context.Context) (kind.Outlet, error) {
		ctx, done := kind.UntilStop(ctx, o.Stop, 0)
		defer done()
		return s.Open(ctx, line, r.Program.Env, o)
	}, nil
}

// outlet opens a sink once a run.
func (r *runner) outlet(ctx context.Context, n *program.Node, s kind.Sink, e edge) (kind.Outlet, error) {
	if out, ok := r.outlets[n]; ok {
		return out, nil
	}
	open, err := r.opening(ctx, n, s, e)
	if err != nil {
		return nil, err
	}
	out, err := open(ctx)
	if err == nil {
		r.keepOutlet(n, out)
	}
	return out, err
}

func (r *runner) keepOutlet(n *program.Node, out kind.Outlet) {
	if r.outlets == nil {
		r.outlets = map[*program.Node]kind.Outlet{}
	}
	r.outlets[n] = out
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

// closeOutside ends what a sink, or a source's rejects, have on their way and open.
func (r *runner) closeOutside(n *program.Node) error {
	var errs []error
	if w := r.deliveries[n]; w != nil {
		w.giveUp()
		r.takeOver(n)
	}
	if out, ok := r.outlets[n]; ok {
		delete(r.outlets, n)
		errs = append(errs, out.Close())
	}
	errs = append(errs, r.closePost(n))
	return errors.Join(append(errs, r.hangUp(n))...)
}

// closeOutlets does so for all of them.
func (r *runner) closeOutlets() error {
	var errs []error
	for _, n := range r.Program.Nodes {
		errs = append(errs, r.closeOutside(n))
	}
	r.tellWhispers()
	return errors.Join(errs...)
}
