package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dsql/engine"
	"dsql/sql"
)

// apply brings the file in line with declarations, in one transaction. An unchanged one changes nothing.
func (p *program) apply(ctx context.Context, r *runner, nodes ...*node) error {
	changes := make([]Change, len(nodes))
	err := r.conn.Update(ctx, func(tx *engine.Tx) (err error) {
		for i, n := range nodes {
			if changes[i], err = p.bring(ctx, tx, r, n); err != nil {
				return err
			}
		}
		for _, n := range nodes {
			if err := p.chain(ctx, tx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, n := range nodes {
		p.made(n)
		if changes[i].Action != "none" {
			born := r.version
			if n.stored != nil {
				born = n.stored.Born
			}
			n.stored = &storedDecl{Kind: n.kind, Name: n.name, Fingerprint: n.fingerprint, Pinned: n.cols, Born: born, obj: n.obj}
			r.emit(Changed{changes[i]})
		}
	}
	return nil
}

func (p *program) bring(ctx context.Context, tx *engine.Tx, r *runner, n *node) (Change, error) {
	if err := p.bind(ctx, tx, n); err != nil {
		return Change{}, err
	}
	var err error
	if n.carries, err = p.carried(ctx, tx.Conn, n); err != nil {
		return Change{}, err
	}
	change := p.change(n)
	if change.Action == "none" {
		return change, nil
	}
	if err := p.define(ctx, tx, n); err != nil {
		return change, err
	}
	if err := p.carry(ctx, tx, n); err != nil {
		return change, err
	}
	if change.Action == "rebuild" {
		r.reshaped[n] = true
		if err := r.unread(ctx, tx, n); err != nil {
			return change, err
		}
	}
	return change, p.record(ctx, tx, n)
}

// record keeps the declaration's text in the file. Secrets don't stand in it: env('NAME') keeps its name only.
func (p *program) record(ctx context.Context, tx *engine.Tx, n *node) error {
	pinned, err := json.Marshal(n.cols)
	if err != nil {
		return err
	}
	a := engine.Args{"now": engine.Now, "kind": n.kind, "name": n.name, "body": n.text(), "fp": n.fingerprint, "pinned": string(pinned)}
	if n.stored != nil {
		return tx.Run(ctx, engine.SQL("UPDATE dsql.declarations SET body = {body}, fingerprint = {fp}, pinned = {pinned}, declared_at = {now} WHERE kind = {kind} AND name = {name}", a))
	}
	return tx.Run(ctx, engine.SQL("INSERT INTO dsql.declarations (kind, name, body, fingerprint, pinned, declared_at, born) VALUES ({kind}, {name}, {body}, {fp}, {pinned}, {now}, (SELECT coalesce(max(version), 0) FROM dsql.versions))", a))
}

// historian is a destination that says itself what becomes of what it stores when it takes the place of old; anew: it is emptied.
// was and now are the columns of its rows.
type historian interface {
	Changed(old engine.Object, was, now []engine.Column) (what []string, anew bool)
}

// change compares a bound declaration with what the file has.
func (p *program) change(n *node) Change {
	c := Change{Action: "none", Kind: n.kind, Name: n.name}
	if n.stored == nil {
		c.Action = "create"
		for _, in := range n.inputs {
			c.What = append(c.What, "reads the new rows of "+in.of.name+", from the first that it still has")
		}
		return c
	}
	if n.stored.Fingerprint != n.fingerprint {
		c.Action = "change"
		c.What = append(c.What, "its text differs")
	}
	for _, what := range []string{n.stale, n.missing} {
		if what != "" {
			c.Action = "change"
			c.What = append(c.What, what)
		}
	}
	if n.relation() {
		if d := columnChanges(n.stored.Pinned, n.cols); len(d) > 0 {
			c.Action = "change"
			c.What = append(c.What, d...)
		}
	}
	if c.Action == "change" {
		if o, ok := n.obj.(historian); ok {
			what, anew := o.Changed(n.stored.obj, n.stored.Pinned, n.cols)
			if c.What = append(c.What, what...); anew {
				c.Action = "rebuild"
			}
		} else if _, ok := n.destination(); ok {
			c.What = append(c.What, "stored rows stay as they are; new rows follow the new text")
		}
		for _, r := range n.carries {
			c.What = append(c.What, r.String())
		}
		if _, ok := n.sink(); ok {
			c.What = append(c.What, "what it has written stays as it is; the versions that follow go where the new text says")
		}
	}
	return c
}

func columnChanges(old, now []engine.Column) []string {
	var out []string
	at := func(cols []engine.Column, name string) int {
		return slices.IndexFunc(cols, func(c engine.Column) bool { return sql.Same(c.Name, name) })
	}
	for _, c := range now {
		if i := at(old, c.Name); i < 0 {
			out = append(out, fmt.Sprintf("new column %s %s", c.Name, c.Type))
		} else if old[i].Type != c.Type {
			out = append(out, fmt.Sprintf("column %s becomes %s, was %s", c.Name, c.Type, old[i].Type))
		}
	}
	for _, c := range old {
		if at(now, c.Name) < 0 {
			out = append(out, fmt.Sprintf("column %s is no longer given", c.Name))
		}
	}
	return out
}

// dropper takes what it made out of the file, as far as it is there.
type dropper interface {
	Drop(context.Context, *engine.Tx) error
}

// drop removes a declaration and what it stores.
func (r *runner) drop(ctx context.Context, d *sql.Decl) error {
	kind := strings.ToLower(d.Syntax.Keyword)
	n := r.p.find(kind, d.Name)
	if n == nil {
		if d.IfExists {
			return nil
		}
		return r.p.notDeclared(kind, sql.Name{Text: d.Name, Span: d.NameAt}, d)
	}
	if err := r.p.inUse(d, n); err != nil {
		return err
	}
	err := r.conn.Update(ctx, func(tx *engine.Tx) error {
		if o, ok := n.obj.(dropper); ok {
			if err := o.Drop(ctx, tx); err != nil {
				return err
			}
		}
		if err := r.settleAll(ctx, tx, n); err != nil {
			return err
		}
		a := engine.Args{"kind": n.kind, "name": n.name}
		if err := tx.Run(ctx, engine.SQL("DELETE FROM dsql.declarations WHERE kind = {kind} AND name = {name}", a)); err != nil {
			return err
		}
		return forget(ctx, tx, n)
	})
	if err != nil {
		return err
	}
	r.emit(Changed{Change{Action: "drop", Kind: n.kind, Name: n.name}})
	delete(r.latest, n)
	delete(r.guarded, n)
	delete(r.reshaped, n)
	delete(r.broken, n)
	delete(r.again, n)
	delete(r.file.halted, n.name)
	maps.DeleteFunc(r.places, func(e edge, _ int64) bool { return e.reader == n })
	if slices.IndexFunc(r.p.stmts, func(st sql.Stmt) bool { return st.Decl == d }) < n.stmt { // the script declares it anew
		n.stored, n.bound = nil, false
	} else {
		r.p.nodes = slices.DeleteFunc(r.p.nodes, func(m *node) bool { return m == n })
	}
	return r.closeOutlet(n)
}
