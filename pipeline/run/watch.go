package run

import (
	"context"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
)

// A watcher measures each version behind its commit, in a transaction of its own with the note of how far it is. One that fails keeps
// nothing else back: the run goes on, and ends with the error. What came later of what it reads beside is taken in once a REFRESH is
// through, and while following each time that there is nothing else to do: that goes over the rows of all versions.

// watch brings every watcher up to date; late says whether with what came later, too.
func (r *runner) watch(ctx context.Context, late bool) error {
	for _, n := range r.Program.Nodes {
		w, ok := n.Watcher()
		if !ok || !n.Bound || r.broken[n] != nil {
			continue
		}
		of := n.Inputs[0].Of
		late := late && slices.ContainsFunc(append(n.Aside(), of), func(m *program.Node) bool { return r.lateFor(n, m) })
		if !late && !r.behind(edge{n, of}) {
			continue
		}
		if err := r.watchWith(ctx, n, w, late); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			delete(r.watches, n)
			r.breaks(n, err)
		}
	}
	return ctx.Err()
}

// lateFor: m may have news of versions that were measured already.
func (r *runner) lateFor(n, m *program.Node) bool {
	_, stores := m.Destination()
	return stores && (r.behind(edge{n, m}) || r.unsettled[n])
}

func (r *runner) watchWith(ctx context.Context, n *program.Node, w kind.Watcher, late bool) error {
	of := n.Inputs[0].Of
	d, _ := of.Destination()
	open, ok := r.watches[n]
	if !ok {
		var err error
		if open, err = w.Open(ctx, r.Conn, n.Cols, of.Changes()); err != nil {
			return err
		}
		r.watches[n] = open
	}
	due, err := r.versionsOf(ctx, of, r.places[edge{n, of}])
	if err != nil {
		return err
	}
	for _, v := range due {
		err := r.update(ctx, func(tx *transaction) error {
			if err := open.Measure(ctx, tx.Tx, v.Version, d.New(v.Version-1, v.Version)); err != nil {
				return err
			}
			tx.unsettled[n] = true
			return moved(ctx, tx, edge{n, of}, v.Version)
		})
		if err != nil {
			return err
		}
	}
	if !late {
		return nil
	}
	all := duck.Ident(of.Name)
	if of.Keyed() {
		all = d.New(0, r.version)
	}
	return r.update(ctx, func(tx *transaction) error {
		if err := open.Settle(ctx, tx.Tx, all); err != nil {
			return err
		}
		for _, m := range n.Aside() {
			if _, stores := m.Destination(); stores && m != of {
				if err := moved(ctx, tx, edge{n, m}, r.latest[m]); err != nil {
					return err
				}
			}
		}
		delete(tx.unsettled, n)
		return nil
	})
}
