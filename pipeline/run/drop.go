package run

import (
	"context"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
)

var dropVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "DROP", Doc: "Removes the declaration and what it stores."},
	On:     program.EveryKind,
	Effect: func(*sql.Decl) program.Effect { return program.Drops },
	Plan:   &program.Planned{Action: "drop", Touches: program.Stores},
	Run:    action((*runner).drop),
}

// drop removes a declaration and what it stores.
func (r *runner) drop(ctx context.Context, d *sql.Decl) error {
	n, err := r.Program.Declared(d)
	if err != nil {
		if d.IfExists {
			return nil
		}
		return err
	}
	again := slices.IndexFunc(r.Program.Stmts, func(st sql.Stmt) bool { return st.Decl == d }) < n.Stmt // the script declares it anew
	if err := r.Program.InUse(d, n, again); err != nil {
		return err
	}
	return r.dropNode(ctx, n, again)
}

// dropNode takes a declaration away with what it stores; again: the script declares it anew.
func (r *runner) dropNode(ctx context.Context, n *program.Node, again bool) error {
	err := r.update(ctx, func(tx *transaction) error {
		if o, ok := n.Obj.(kind.Dropper); ok {
			if err := o.Drop(ctx, tx.Tx); err != nil {
				return err
			}
		}
		if err := r.settleAll(ctx, tx.Tx, n); err != nil {
			return err
		}
		a := duck.Args{"kind": n.Kind, "name": n.Name}
		if err := tx.Run(ctx, duck.SQL("DELETE FROM dsql.declarations WHERE kind = {kind} AND name = {name}", a)); err != nil {
			return err
		}
		return forget(ctx, tx, n)
	})
	if err != nil {
		return err
	}
	r.Emit(event.Changed{Change: event.Change{Action: "drop", Kind: n.Kind, Name: n.Name}})
	delete(r.broken, n)
	delete(r.watches, n)
	delete(r.again, n)
	delete(r.told, n)
	delete(r.gathers, n)
	delete(r.file.halted, n.Name)
	if again {
		n.Stored, n.Bound = nil, false
	} else {
		// an errand may be looking at them
		r.Program.Nodes = slices.DeleteFunc(slices.Clone(r.Program.Nodes), func(m *program.Node) bool { return m == n })
	}
	err = r.closeOutside(n)
	delete(r.posts, n)
	return err
}

// prune drops what the file declares and the script doesn't. Where something that stays reads one of these nothing is dropped.
func (r *runner) prune(ctx context.Context) error {
	left := r.Program.Left()
	var errs sql.List
	for _, n := range left {
		errs = program.Collect(errs, r.Program.StillUsed(n, left))
	}
	if err := errs.Err(); err != nil {
		return err
	}
	for _, n := range left {
		if err := r.dropNode(ctx, n, false); err != nil {
			return err
		}
	}
	return nil
}
