package run

import (
	"context"
	"slices"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// A total (kind.Total) is at each version what its query gives over all rows that it reads. Its rows are computed before its rules: those
// that rows which came or went have a part in, or all of them where it begins, or something else that it reads may have changed. Where all
// are computed what was open of it, rejects and holds, is judged again with them.

// total runs a total's chain.
func (r *runner) total(ctx context.Context, tx *transaction, w work, n *program.Node, t kind.Total,
	e *event.BatchCommitted) (event.DestinationRows,
	error) {
	out := event.DestinationRows{Kind: n.Kind, Name: n.Name}
	main := n.Inputs[0]
	b := fresh{in: main.Computed(), replay: w.replays()}
	touched := kind.Touched{Version: e.Version, All: main.All()}
	clock, err := r.timed(ctx, tx, n)
	if err != nil {
		return out, err
	}
	held, err := r.holding(ctx, tx, n)
	if err != nil {
		return out, err
	}
	behind := slices.DeleteFunc(slices.Clone(n.Inputs), func(in *program.Input) bool { return !tx.behind(edge{n, in.Of}) })
	from, begun := tx.places[edge{n, main.Of}]
	if touched.First = !begun; touched.First {
		if touched.Late, err = r.hadBefore(ctx, tx, main.Of); err != nil {
			return out, err
		}
	}
	switch {
	case w.replay != nil && w.replay.node == n:
		if b.held, b.origin = w.replay.hold, w.replay.origin(); b.held != nil && b.held.discard {
			b, clock = w.replay.fresh(), nil
		} else if b.held == nil {
			if b.late, err = r.lateAgain(ctx, tx); err != nil {
				return out, err
			}
		}
	case len(behind) == 0:
		return out, nil
	case begun && !held && len(behind) == 1 && behind[0] == main && !(w.turned && clock != nil):
		touched.Moved = main.Moved(from, e.Version)
		if touched.Came, err = main.Came(ctx, tx.Tx, from, e.Version); err != nil {
			return out, err
		}
		fallthrough
	default:
		b.origin = versionsOf(main.Of, from, e.Version)
	}
	if clock == nil {
		return r.compute(ctx, tx, n, t, touched, b, e)
	}
	now := time.Now()
	if begun && !w.turned { // else what is stored isn't what the input had
		if err := r.before(ctx, tx, clock, from, now); err != nil {
			return out, err
		}
	}
	switch {
	case e.Origin == rebuildOrigin: // its rows were all there before: none is late
		err = clock.Admit(ctx, tx.Tx, clock.batch(tx, from), true)
	case w.turned: // those that come back were there, too
		err = clock.Admit(ctx, tx.Tx, clock.batch(tx, from), false)
	case begun:
		var late int64
		late, err = clock.Judge(ctx, tx.Tx, clock.batch(tx, from))
		b.late += late
	}
	if err != nil {
		return out, err
	}
	if out, err = r.compute(ctx, tx, n, t, touched, b, e); err != nil {
		return out, err
	}
	return out, r.after(ctx, tx, clock, w, from, now)
}

// hadBefore: a destination had versions before the one that is made.
func (r *runner) hadBefore(ctx context.Context, tx *transaction, n *program.Node) (bool, error) {
	had, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.version_rows WHERE kind = {kind} AND name = {name} AND version > {born} "+
		"AND version < {v}",
		duck.Args{"kind": n.Kind, "name": n.Name, "born": n.Born(), "v": tx.version}))
	return had > 0, err
}

// holding: a check holds rows of it back, so that what is stored is behind what it has read.
func (r *runner) holding(ctx context.Context, tx *transaction, n *program.Node) (bool, error) {
	if !n.Quality.Holds() {
		return false, nil
	}
	holds, err := r.holdsOf(ctx, tx.Conn, n)
	return len(holds) > 0, err
}

// compute takes what a total's query gives now through its chain.
func (r *runner) compute(ctx context.Context, tx *transaction, n *program.Node, t kind.Total, touched kind.Touched, b fresh,
	e *event.BatchCommitted) (event.DestinationRows, error) {
	out := event.DestinationRows{Kind: n.Kind, Name: n.Name}
	if b.held == nil || !b.held.discard {
		if touched.Moved == nil {
			if err := r.settleAll(ctx, tx.Tx, n); err != nil {
				return out, err
			}
		}
		var err error
		if b.rel, err = t.Gather(ctx, tx.Tx, touched); err != nil {
			return out, err
		}
	}
	out, err := r.write(ctx, tx, t, n, b, e.Version)
	if err != nil {
		return out, err
	}
	if e.Origin == "" {
		e.Origin = b.origin
	}
	countLate(&out, b.late)
	if err := r.account(ctx, tx.Tx, out, e.Version, b.origin); err != nil {
		return out, err
	}
	tx.latest[n] = e.Version
	if b.held != nil && b.held.discard {
		return out, nil
	}
	for _, in := range n.Inputs {
		if err := moved(ctx, tx, edge{n, in.Of}, e.Version); err != nil {
			return out, err
		}
	}
	return out, nil
}

// totals are those that take the rows of a destination, and those that take theirs.
func (r *runner) totals(of *program.Node) (out []*program.Node) {
	reached := map[*program.Node]bool{of: true}
	for _, n := range r.Program.Sorted() {
		if _, ok := n.Total(); ok && n.Bound && slices.ContainsFunc(n.Inputs, func(in *program.Input) bool { return reached[in.Of] }) {
			reached[n] = true
			out = append(out, n)
		}
	}
	return out
}

// follows brings totals in step with a version that a verb made.
func (r *runner) follows(ctx context.Context, tx *transaction, of *program.Node, e *event.BatchCommitted) error {
	for _, n := range r.totals(of) {
		rows, err := r.destination(ctx, tx, work{turned: e.Origin != idleOrigin}, n, e)
		if err != nil {
			return placed(err, n)
		}
		tx.rejected[n] += rows.Rejected
		e.Rows = append(e.Rows, rows)
	}
	return nil
}

// recompute is REBUILD of a total: all of its rows are computed anew, in one version.
func (r *runner) recompute(ctx context.Context, d *sql.Decl, n *program.Node, t kind.Total) error {
	if err := r.mayHandOnAgain(d, n); err != nil {
		return err
	}
	if err := r.bringFor(ctx, d, n); err != nil || r.stopped() {
		return err
	}
	return r.newVersion(ctx, n, "rebuild", true, func(tx *transaction, rows *event.DestinationRows) (err error) {
		b := fresh{in: n.Inputs[0].Computed(), origin: "rebuild", replay: true}
		*rows, err = r.compute(ctx, tx, n, t, kind.Touched{Version: tx.version, All: n.Inputs[0].All()}, b,
			&event.BatchCommitted{Version: tx.version})
		if err != nil {
			return err
		}
		clock, err := r.timed(ctx, tx, n)
		if err != nil || clock == nil {
			return err
		}
		return clock.HandOnAgain(ctx, tx.Tx, clock.clock, n.Inputs[0].All(), tx.version)
	})
}

// mayHandOnAgain refuses to give sinks rows a second time that keep all that they get.
func (r *runner) mayHandOnAgain(d *sql.Decl, n *program.Node) error {
	if f, ok := n.Obj.(kind.Final); !ok || !f.Final() || d.Arg("AGAIN") != nil {
		return nil
	}
	for _, m := range r.Program.Nodes {
		if _, sink := m.Sink(); !sink || m.Inputs[0].Of != n {
			continue
		}
		if u, ok := m.Obj.(kind.Upserter); !ok || !u.Upserts() {
			return d.Errorf(code.RebuildAgain, "%s hands all closed windows on again when it is rebuilt, and sink %s would have them twice", n.Name,
				m.Name).
				WithHint("REBUILD ROLLUP " + n.Name + " AGAIN does so")
		}
	}
	return nil
}
