package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"dsql/engine"
	"dsql/rules"
	"dsql/sql"
)

// lists finds CREATE RULES or CREATE CHECKS by name; where there is none, the one with the nearest name.
func (p *program) lists(kind string) rules.Lists {
	return func(name string) (*sql.Decl, bool) {
		if n := p.find(kind, name); n != nil {
			return n.obj.Decl(), true
		}
		var names []string
		for _, n := range p.nodes {
			if n.kind == kind {
				names = append(names, n.name)
			}
		}
		if near := p.find(kind, sql.Nearest(name, names)); near != nil {
			return near.obj.Decl(), false
		}
		return nil, false
	}
}

// applies: the declaration names the list.
func (n *node) applies(list *node) bool {
	var items []*sql.Decl
	switch o := n.obj.(type) {
	case engine.Destination:
		if items = o.Chain().Rules; list.kind == "checks" {
			items = o.Chain().Checks
		}
	default:
		if n.kind != list.kind || n.obj.Decl().Arg("#0") == nil {
			return false
		}
		items = n.obj.Decl().Arg("#0").Items
	}
	return slices.ContainsFunc(items, func(d *sql.Decl) bool {
		return d.Syntax.Keyword == "APPLY" && sql.Same(d.Name, list.name)
	})
}

// inUse is the error of a DROP of what another declaration reads or applies, nil where none does.
func (p *program) inUse(d *sql.Decl, n *node) error {
	for _, m := range p.nodes {
		how := "reads"
		switch {
		case slices.Contains(m.reads(), n):
		case (n.kind == "rules" || n.kind == "checks") && m.applies(n):
			how = "applies"
		default:
			continue
		}
		return &sql.Error{Src: d.Src, Span: d.NameAt, Code: "in-use", Exit: sql.ExitFailed, Msg: fmt.Sprintf("%s %s %s %s", m.kind, m.name, how, n.name), Hint: fmt.Sprintf("first run: DROP %s %s", strings.ToUpper(m.kind), m.name)}
	}
	return nil
}
