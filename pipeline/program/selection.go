package program

import (
	"slices"
	"strings"

	"dsql/sql"
	"dsql/sql/code"
)

// Selection: name, name+ (and all that reads it, at once or through others), +name (and all that it reads), kind:journal.

// Selected are the declarations that a selection names; nil where there is none, which means all.
func (p *Program) Selected(patterns []string) (map[*Node]bool, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	out := map[*Node]bool{}
	for _, pattern := range patterns {
		name, down := strings.CutSuffix(pattern, "+")
		name, up := strings.CutPrefix(name, "+")
		kind, ofKind := strings.CutPrefix(name, "kind:")
		var found []*Node
		var names, kinds []string
		for _, n := range p.Nodes {
			names = append(names, n.Name)
			if !slices.Contains(kinds, n.Kind) {
				kinds = append(kinds, n.Kind)
			}
			if ofKind && sql.Same(n.Kind, kind) || !ofKind && sql.Same(n.Name, name) {
				found = append(found, n)
			}
		}
		switch {
		case len(found) > 0:
		case ofKind:
			return nil, sql.Errorf(code.UnknownName, "--select %s: nothing of the kind %s is declared", pattern, kind).
				WithHint(sql.DidYouMean(kind, kinds, sql.Listed("there is: ", kinds, ""))).WithExit(code.ExitUsage)
		default:
			return nil, sql.Errorf(code.UnknownName, "--select %s: nothing named %s is declared", pattern, name).
				WithHint(sql.DidYouMean(name, names, sql.Listed("declared are: ", names, ""))).WithExit(code.ExitUsage)
		}
		for _, n := range found {
			out[n] = true
			for _, m := range p.Nodes {
				if down && reaches(m, n, map[*Node]bool{}) || up && reaches(n, m, map[*Node]bool{}) {
					out[m] = true
				}
			}
		}
	}
	return out, nil
}

// Selects says that a statement names one of the selected.
func Selects(selected map[*Node]bool, d *sql.Decl) bool {
	for _, t := range sql.Tokens(d.Src, d.Span) {
		if !IsName(t) {
			continue
		}
		for n := range selected {
			if sql.Same(n.Name, sql.NameOf(t.Span.Of(d.Src))) {
				return true
			}
		}
	}
	return false
}
