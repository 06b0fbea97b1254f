package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

var rebuildVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "REBUILD",
		Clauses: []sql.Clause{{Keyword: "FROM SOURCE", Arg: sql.ArgNone,
			Doc: "empty it and fill it again from all that its inputs still have, in one new version"},
			{Keyword: "AGAIN", Arg: sql.ArgNone,
				Doc: "of a rollup with EMIT FINAL: sinks get all closed windows again, also those that keep what they have"}},
		Doc: "Recomputes what is stored from what is remembered, or from its inputs: then what waits is taken first, and earlier rejects and " +
			"holds are settled. " +
			"What reads a journal gets the difference; what reads a stream keeps what it has."},
	On:    program.OnDestinations,
	Check: program.Targets,
	Effect: func(d *sql.Decl) program.Effect {
		if d.Arg("FROM SOURCE") != nil {
			return program.Refills
		}
		return program.Keeps
	},
	Plan: &program.Planned{Action: "REBUILD", Touches: rebuilt},
	Run:  maintain((*runner).rebuild),
}

func (r *runner) rebuild(ctx context.Context, d *sql.Decl, n *program.Node, dest kind.Destination) error {
	if t, ok := n.Total(); ok {
		return r.recompute(ctx, d, n, t)
	}
	if d.Arg("FROM SOURCE") != nil {
		return r.refill(ctx, d, n, dest)
	}
	b, ok := dest.(kind.Rebuilder)
	if !ok {
		return d.Errorf(code.NothingRemembered, "a %s remembers nothing beside its rows", n.Kind).
			WithHint("REBUILD " + d.Syntax.Keyword + " " + n.Name + " FROM SOURCE fills it again from its inputs")
	}
	return r.newVersion(ctx, n, "rebuild", false, func(tx *transaction, rows *event.DestinationRows) (err error) {
		rows.Counts, err = b.Rebuild(ctx, tx.Tx, tx.version)
		return err
	})
}

// refill is REBUILD … FROM SOURCE: the destination is emptied and takes all that its inputs still have, in one transaction, and what was
// open of it, rejects and holds, is settled.
//
// What waits is taken before that, as ordinary batches: so what reads it has seen all that it had. Of a journal's rebuild readers and
// sinks then get the difference, as of any version; a stream's rows are new ones to nobody.
func (r *runner) refill(ctx context.Context, d *sql.Decl, n *program.Node, dest kind.Destination) error {
	e, ok := dest.(kind.Emptier)
	if !ok {
		return d.Errorf(code.NothingRemembered, "%s can't be filled again", n.Name).
			WithHint("DROP " + d.Syntax.Keyword + " " + n.Name + " and declare it anew")
	}
	if !r.reshaped[n] {
		if err := r.bringFor(ctx, d, n); err != nil || r.stopped() {
			return err
		}
	}
	err := r.newVersion(ctx, n, rebuildOrigin, true, func(tx *transaction, rows *event.DestinationRows) error {
		reshaped := tx.reshaped[n]
		delete(tx.reshaped, n)
		if err := e.Empty(ctx, tx.Tx, tx.version); err != nil {
			return err
		}
		if waiting, err := n.Waiting(ctx, tx.Tx, tx.version); err != nil {
			return err
		} else if waiting != nil {
			if err := waiting.Forget(ctx, tx.Tx); err != nil {
				return err
			}
		}
		if err := unread(ctx, tx, n); err != nil {
			return err
		}
		if err := r.settleAll(ctx, tx.Tx, n); err != nil {
			return err
		}
		batches := 0
		for _, in := range n.Inputs {
			took, err := r.refillInput(ctx, tx, n, in, rows)
			if batches += took; err != nil {
				return err
			}
		}
		if batches == 0 { // it is a version of the destination all the same
			if err := r.account(ctx, tx.Tx, *rows, tx.version, rebuildOrigin); err != nil {
				return err
			}
		}
		if n.Keyed() && !reshaped { // they get the difference
			return nil
		}
		for _, m := range r.Program.Nodes {
			_, watches := m.Watcher()         // measures this version too
			if _, total := m.Total(); total { // it is in step with what is stored
				continue
			}
			for _, in := range m.Inputs {
				if in.Of == n && !watches {
					if err := moved(ctx, tx, edge{m, n}, tx.version); err != nil {
						return err
					}
				}
			}
			if waiting, err := m.Waiting(ctx, tx.Tx, tx.version); err != nil {
				return err
			} else if waiting != nil {
				if err := waiting.Rebuilt(ctx, tx.Tx, n); err != nil {
					return err
				}
			}
		}
		return nil
	})
	var load *heldLoad
	if errors.As(err, &load) {
		held := *load.Err
		held.Hint = fmt.Sprintf("nothing was rebuilt; IF REMOVED < 101 PERCENT lets the loads of %s in as they are", n.Name)
		return &held
	}
	return err
}

// rebuildOrigin is what REBUILD … FROM SOURCE calls its version.
const rebuildOrigin = "rebuild from source"

// bringFor takes what waits for a destination, for those that read it, and for what any of these reads whole; and lets sinks have it.
func (r *runner) bringFor(ctx context.Context, d *sql.Decl, n *program.Node) error {
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
	if err := r.bring(ctx, wanted); err != nil || r.stopped() {
		return err
	}
	return r.handedOn(ctx, d, n)
}

// refillInput takes all that an input has, and says in how many batches.
func (r *runner) refillInput(ctx context.Context, tx *transaction, n *program.Node, in *program.Input,
	sum *event.DestinationRows) (batches int, err error) {
	src, ok := in.Of.Source()
	if !ok {
		if !tx.behind(edge{n, in.Of}) {
			return 0, nil
		}
		rows, err := r.destination(ctx, tx, work{}, n, &event.BatchCommitted{Version: tx.version})
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
		rows, err := r.refillBatch(ctx, tx, n, batch)
		sum.Add(rows)
		batch.Release()
		if err != nil {
			return batches, err
		}
		batches++
	}
}

// refillBatch takes a batch that was read before into a destination that was emptied.
func (r *runner) refillBatch(ctx context.Context, tx *transaction, n *program.Node, batch *kind.Input) (event.DestinationRows,
	error) {
	batch.Again = true
	kept, err := r.accountSource(ctx, tx.Tx, batch, tx.version)
	if err != nil {
		return event.DestinationRows{}, err
	}
	e := event.BatchCommitted{Version: tx.version}
	rows, err := r.destination(ctx, tx, work{in: batch}, n, &e)
	if err != nil {
		return rows, err
	}
	tx.rejected[r.Program.Relation(batch.Source)] += kept
	tx.rejected[n] += rows.Rejected
	if err := r.limits(tx); err != nil {
		return rows, err
	}
	return rows, batch.Commit(ctx, tx.Tx, tx.version)
}
