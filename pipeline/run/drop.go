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
	if err := r.Program.InUse(d, n); err != nil {
		return err
	}
	err = r.update(ctx, func(tx *transaction) error {
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
	delete(r.file.halted, n.Name)
	if slices.IndexFunc(r.Program.Stmts, func(st sql.Stmt) bool { return st.Decl == d }) < n.Stmt { // the script declares it anew
		n.Stored, n.Bound = nil, false
	} else {
		r.Program.Nodes = slices.DeleteFunc(r.Program.Nodes, func(m *program.Node) bool { return m == n })
	}
	return r.closeOutlet(n)
}
