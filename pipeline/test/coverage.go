package test

import (
	"cmp"
	"context"
	"slices"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/sql"
)

// Covered is a condition of the script with the ways that tests have seen it go, in the words of its kind.
type Covered struct {
	duck.Condition
	Seen, Never []string
}

// ways are what TRUE and FALSE of a kind are called; "": there is no such way.
var ways = map[string][2]string{duck.Constraint: {"passed", "failed"}, duck.Check: {"passed", "failed"},
	duck.DeleteWhen: {"true", "false"}, duck.Where: {"true", "false"}, duck.Model: {"called", ""}}

// Coverage is what a run of tests was seen of, in the order of the script.
func Coverage(w *duck.Witness) []Covered {
	out := []Covered{}
	for _, s := range w.Seen() {
		c := Covered{Condition: s.Condition, Seen: []string{}, Never: []string{}}
		for i, went := range []bool{s.True, s.False} {
			switch way := ways[s.Kind][i]; {
			case way == "":
			case went:
				c.Seen = append(c.Seen, way)
			default:
				c.Never = append(c.Never, way)
			}
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b Covered) int {
		x, y := a.At.Src.Position(a.At.Span.Start), b.At.Src.Position(b.At.Span.Start)
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Col, y.Col), cmp.Compare(a.Of, b.Of))
	})
	return out
}

// witnessed leaves of what was seen what is selected. Without tests nothing was run that could be seen.
func (s *suite) witnessed(ctx context.Context) error {
	w := s.o.Witness
	if w == nil {
		return nil
	}
	if s.trial == nil {
		if err := s.begin(ctx, plan{}); err != nil {
			return err
		}
	}
	selected, err := s.trial.Program.Selected(s.o.Select)
	if err != nil || selected == nil {
		return err
	}
	w.Keep(func(c duck.Condition) bool { return selects(selected, c.Of) })
	return nil
}

func selects(selected map[*program.Node]bool, name string) bool {
	for n, is := range selected {
		if _, stores := n.Destination(); is && stores && sql.Same(n.Name, name) {
			return true
		}
	}
	return false
}
