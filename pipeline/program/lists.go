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

// InUse is the error of a DROP of what another declaration reads, calls or applies, nil where none does. What is called is a function, and
// one that the script makes again, behind the DROP, is there for all that call it.
func (p *Program) InUse(d *sql.Decl, n *Node, again bool) error {
	m, how := p.user(n, nil)
	if m == nil || n.callable() && again {
		return nil
	}
	return d.Errorf(code.InUse, "%s %s %s %s", m.Kind, m.Name, how, n.Name).
		WithHint(fmt.Sprintf("first run: DROP %s %s", strings.ToUpper(m.Kind), m.Name))
}

// StillUsed is the error of what is dropped as the script doesn't declare it, where something reads, calls or applies it that stays.
func (p *Program) StillUsed(n *Node, dropped []*Node) error {
	m, how := p.user(n, dropped)
	if m == nil {
		return nil
	}
	return m.Obj.Decl().Errorf(code.InUse, "%s %s %s %s %s, which is in the file only, and --prune would drop it", m.Kind, m.Name, how, n.Kind, n.Name).
		WithHint(fmt.Sprintf("declare %s %s in the script", n.Kind, n.Name))
}

// user is something that reads, calls or applies a declaration, but for those of a list.
func (p *Program) user(n *Node, but []*Node) (m *Node, how string) {
	for _, m := range p.Nodes {
		switch {
		case slices.Contains(but, m):
		case slices.Contains(m.reads(), n):
			return m, "reads"
		case n.callable() && slices.Contains(m.beside, n):
			return m, "calls"
		case m.applies(n):
			return m, "applies"
		}
	}
	return nil, ""
}
