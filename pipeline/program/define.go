package program

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/sql"
	"dsql/sql/code"
)

// Record keeps the declaration's text in the file. Secrets don't stand in it: env('NAME') keeps its name only.
func (p *Program) Record(ctx context.Context, tx *duck.Tx, n *Node) error {
	pinned, err := json.Marshal(n.Cols)
	if err != nil {
		return err
	}
	a := duck.Args{"now": duck.Now, "kind": n.Kind, "name": n.Name, "body": n.Text(), "fp": n.Fingerprint, "pinned": string(pinned)}
	if n.Stored != nil {
		return tx.Run(ctx, duck.SQL("UPDATE dsql.declarations SET body = {body}, fingerprint = {fp}, pinned = {pinned}, declared_at = {now} "+
			"WHERE kind = {kind} AND name = {name}", a))
	}
	return tx.Run(ctx, duck.SQL("INSERT INTO dsql.declarations (kind, name, body, fingerprint, pinned, declared_at, born) VALUES ({kind}, "+
		"{name}, {body}, {fp}, {pinned}, {now}, (SELECT coalesce(max(version), 0) FROM dsql.versions))", a))
}

// Change compares a bound declaration with what the file has.
func (p *Program) Change(n *Node) event.Change {
	c := event.Change{Action: "none", Kind: n.Kind, Name: n.Name}
	if n.Stored == nil {
		c.Action = "create"
		_, total := n.Total()
		for _, in := range n.Inputs {
			if total {
				c.What = append(c.What, "is computed of all rows of "+in.Of.Name)
				continue
			}
			c.What = append(c.What, "reads the new rows of "+in.Of.Name+", from the first that it still has")
		}
		return c
	}
	if n.Stored.Fingerprint != n.Fingerprint {
		c.Action = "change"
		c.What = append(c.What, "its text differs")
	}
	for _, what := range []string{n.stale, n.missing} {
		if what != "" {
			c.Action = "change"
			c.What = append(c.What, what)
		}
	}
	if n.Relation() {
		if d := columnChanges(n.Stored.Pinned, n.Cols); len(d) > 0 {
			c.Action = "change"
			c.What = append(c.What, d...)
		}
	}
	if c.Action == "change" {
		if o, ok := n.Obj.(kind.Historian); ok {
			what, anew := o.Changed(n.Stored.Obj, n.Stored.Pinned, n.Cols)
			if c.What = append(c.What, what...); anew {
				c.Action = "rebuild"
			}
		} else if _, ok := n.Destination(); ok {
			c.What = append(c.What, "stored rows stay as they are; new rows follow the new text")
		}
		for _, r := range n.Carries {
			c.What = append(c.What, r.String())
		}
		if _, ok := n.Sink(); ok {
			c.What = append(c.What, "what it has written stays as it is; the versions that follow go where the new text says")
		}
	}
	return c
}

func columnChanges(old, now []duck.Column) []string {
	var out []string
	at := func(cols []duck.Column, name string) int {
		return slices.IndexFunc(cols, func(c duck.Column) bool { return sql.Same(c.Name, name) })
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

// gone notes that what a declaration of the file stores was dropped by something else: an error, unless the script fills it again from its
// inputs or drops the declaration. Views alone are made again.
func (p *Program) gone(n *Node) error {
	m, ok := n.Obj.(kind.Maker)
	switch {
	case !ok || n.Stored == nil || p.there[sql.KeyOf(n.Name)] && p.there[sql.KeyOf(m.Stores())]:
		return nil
	case p.there[sql.KeyOf(m.Stores())]:
		n.missing = "its view is gone and is made again"
		return nil
	}
	n.lost, n.missing = true, "its table is gone and is made again, empty"
	for _, st := range p.Stmts {
		d := st.Decl
		if d == nil || !sql.Same(d.Name, n.Name) || !sql.Same(d.Syntax.Keyword, n.Kind) {
			continue
		}
		if p.effect(d) != Keeps {
			return nil
		}
	}
	d := n.Obj.Decl()
	return d.Errorf(code.TableGone, "the table %s of %s %s is gone: something else dropped it", m.Stores(), n.Kind, n.Name).
		WithHint(fmt.Sprintf("REBUILD %s %s FROM SOURCE, in this script, fills it again from what its inputs still have; DROP %[1]s %[2]s "+
			"gives it up",
			strings.ToUpper(n.Kind), n.Name))
}

// Made notes that the file has it all again.
func (p *Program) Made(n *Node) {
	if m, ok := n.Obj.(kind.Maker); ok {
		p.there[sql.KeyOf(n.Name)], p.there[sql.KeyOf(m.Stores())] = true, true
	}
	n.lost, n.missing = false, ""
}
