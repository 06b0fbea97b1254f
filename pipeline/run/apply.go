package run

import (
	"context"

	"dsql/pipeline/event"
	"dsql/pipeline/program"
)

// apply brings the file in line with declarations, in one transaction. An unchanged one changes nothing.
func (r *runner) apply(ctx context.Context, nodes ...*program.Node) error {
	changes := make([]event.Change, len(nodes))
	err := r.update(ctx, func(tx *transaction) (err error) {
		for i, n := range nodes {
			if changes[i], err = r.declare(ctx, tx, n); err != nil {
				return err
			}
		}
		for _, n := range nodes {
			if err := r.Program.Chain(ctx, tx.Tx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, n := range nodes {
		r.Program.Made(n)
		if changes[i].Action != "none" {
			born := r.version
			if n.Stored != nil {
				born = n.Stored.Born
			}
			n.Stored = &program.StoredDecl{Kind: n.Kind, Name: n.Name, Fingerprint: n.Fingerprint, Pinned: n.Cols, Born: born, Obj: n.Obj}
			r.Emit(event.Changed{Change: changes[i]})
		}
	}
	return nil
}

func (r *runner) declare(ctx context.Context, tx *transaction, n *program.Node) (event.Change, error) {
	if err := r.Program.Bind(ctx, tx.Tx, n); err != nil {
		return event.Change{}, err
	}
	var err error
	if n.Carries, err = r.Program.Carried(ctx, tx.Conn, n); err != nil {
		return event.Change{}, err
	}
	change := r.Program.Change(n)
	if change.Action == "none" {
		return change, nil
	}
	if err := r.Program.Define(ctx, tx.Tx, n); err != nil {
		return change, err
	}
	if err := r.Program.Carry(ctx, tx.Tx, n); err != nil {
		return change, err
	}
	if change.Action == "rebuild" {
		tx.reshaped[n] = true
		for _, m := range append(r.totals(n), n) {
			if err := unread(ctx, tx, m); err != nil {
				return change, err
			}
		}
	}
	if err := postFromNow(ctx, tx, n); err != nil {
		return change, err
	}
	return change, r.Program.Record(ctx, tx.Tx, n)
}
