package tree

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
)

// Unsteady is a part of a query that gives another value each time it is asked: a call of a function that is volatile, or that asks for the
// time. At is where it stands, -1 where DuckDB doesn't say.
type Unsteady struct {
	Name string
	At   int
}

// FindUnsteady finds the first one in parts of a query, nil for none; known are all functions that are called there. What ours says of a name
// in lower case: it is dsql's, and DuckDB, which lists all its functions to say that it has none of that name, isn't asked.
func FindUnsteady(ctx context.Context, c *duck.Conn, ours func(name string) bool, in ...Node) (found *Unsteady, known duck.Routines, err error) {
	var calls []*Call
	var names []string
	for _, n := range in {
		Walk(n, func(n Node) bool {
			switch n := n.(type) {
			case *Call:
				if !n.Operator && !ours(strings.ToLower(n.Name)) {
					calls, names = append(calls, n), append(names, n.Name+"()")
				}
			case *ColumnRef:
				if found == nil && len(n.Path) == 1 && duck.AsksTimeAlone(n.Path[0]) {
					found = &Unsteady{n.Path[0], n.At}
				}
			}
			return true
		})
	}
	if known, err = c.Routines(ctx, strings.Join(names, " ")); err != nil || found != nil {
		return found, known, err
	}
	for _, n := range calls {
		aggregate := slices.ContainsFunc(known[strings.ToLower(n.Name)], func(r duck.Routine) bool { return r.Type == "aggregate" })
		volatile := !aggregate && known.Any(n.Name, func(r duck.Routine) bool { return r.Stability == "VOLATILE" && !r.Pure })
		asks := duck.AsksTime(n.Name) && !(strings.EqualFold(n.Name, "age") && len(n.Args) == 2)
		if volatile && n.Name != "error" || asks {
			return &Unsteady{n.Name, n.At}, known, nil
		}
	}
	return nil, known, nil
}
