package program

import (
	"fmt"
	"slices"
	"strings"

	"dsql/engine/kind"
	"dsql/rules"
	"dsql/sql"
	"dsql/sql/code"
)

// lists finds CREATE RULES or CREATE CHECKS by name; where there is none, the one with the nearest name.
func (p *Program) lists(kind string) rules.Lists {
	return func(name string) (*sql.Decl, bool) {
		if n := p.Find(kind, name); n != nil {
			return n.Obj.Decl(), true
		}
		var names []string
		for _, n := range p.Nodes {
			if n.Kind == kind {
				names = append(names, n.Name)
			}
		}
		if near := p.Find(kind, sql.Nearest(name, names)); near != nil {
			return near.Obj.Decl(), false
		}
		return nil, false
	}
}

// applies: the declaration names the list.
func (n *Node) applies(list *Node) bool {
	l, ok := list.Obj.(*rules.List)
	if !ok {
		return false
	}
	var items []*sql.Decl
	switch o := n.Obj.(type) {
	case kind.Destination:
		items = l.Of(o.Chain())
	default:
		if n.Kind != list.Kind || n.Obj.Decl().Arg("#0") == nil {
			return false
		}
		items = n.Obj.Decl().Arg("#0").Items
	}
	return slices.ContainsFunc(items, func(d *sql.Decl) bool {
		return d.Syntax.Keyword == "APPLY" && sql.Same(d.Name, list.Name)
	})
}

// InUse is the error of a DROP of what another declaration reads or applies, nil where none does.
func (p *Program) InUse(d *sql.Decl, n *Node) error {
	for _, m := range p.Nodes {
		how := "reads"
		switch {
		case slices.Contains(m.reads(), n):
		case m.applies(n):
			how = "applies"
		default:
			continue
		}
		return d.Errorf(code.InUse, "%s %s %s %s", m.Kind, m.Name, how, n.Name).
			WithHint(fmt.Sprintf("first run: DROP %s %s", strings.ToUpper(m.Kind), m.Name))
	}
	return nil
}
