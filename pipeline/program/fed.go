package program

import (
	"context"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/engine/kind"
	"dsql/sql"
)

// Which stored columns hold what a model or function is given. An argument that is an expression is held nowhere, and nothing is said of
// it; one that is a source's column is held by the destination that calls, where that keeps the column as it is.

// given is a column that is handed to an input as it is, by a call under a name.
type given struct {
	input, from ColumnRef
	by          string
}

// Callers are the destinations whose text calls n.
func (p *Program) Callers(n *Node) (out []*Node) {
	for _, m := range p.Nodes {
		if _, stores := m.Destination(); stores && slices.Contains(m.beside, n) {
			out = append(out, m)
		}
	}
	return out
}

// Fed are the stored columns that the inputs of a node are given by calls under names, in the order of its columns.
func (p *Program) Fed(ctx context.Context, c *duck.Conn, cols Columns, of *Node, names []string) ([][]kind.Held, error) {
	o, err := p.origins(ctx, c, cols)
	if err != nil {
		return nil, err
	}
	out := make([][]kind.Held, len(cols[of.Name]))
	for i, name := range cols[of.Name] {
		for _, g := range o.given {
			h := kind.Held{Table: g.from.Of, Column: g.from.Column}
			by := slices.ContainsFunc(names, func(x string) bool { return sql.Same(x, g.by) })
			if by && g.input == (ColumnRef{of.Name, name}) && !o.source(g.from.Of) && !slices.Contains(out[i], h) {
				out[i] = append(out[i], h)
			}
		}
	}
	return out, nil
}

// SourceColumns are those of a source that may not be bound; of one whose files are gone, say, none.
func (p *Program) SourceColumns(ctx context.Context, c *duck.Conn, n *Node) []duck.Column {
	src, ok := n.Source()
	if n.Bound || !ok {
		return n.Cols
	}
	cols, err := p.sourceColumns(ctx, c, n, src)
	if err != nil {
		return nil
	}
	return cols
}

// give notes what the inputs of a call are given, in their order or by name.
func (o *origins) give(of string, call *tree.Call, scope []inScope) {
	note := func(i int, c madeOf) {
		if c.same {
			for _, from := range c.from {
				o.given = append(o.given, given{ColumnRef{of, o.cols[of][i]}, from, call.Name})
			}
		}
	}
	args := call.Args
	if takesRow(of, call) {
		args = args[:min(len(args), 1)]
	}
	for a, arg := range args {
		ref, ok := arg.(*tree.ColumnRef)
		if !ok {
			continue
		}
		c := o.column(ref.Path, scope)
		if c.from != nil && len(args) == len(o.cols[of]) {
			note(a, c)
		}
		if c.from != nil || len(args) != 1 || len(ref.Path) != 1 {
			continue
		}
		for i, in := range o.cols[of] { // a table's alias
			note(i, o.column([]string{ref.Path[0], in}, scope))
		}
	}
}

// takesRow: the call is one of a macro beside what it is of, which takes a row and how many of the inputs are wanted.
func takesRow(of string, call *tree.Call) bool {
	return !sql.Same(call.Name, of) && !sql.Same(modelOf(call.Name), of)
}

// settle puts the columns of a destination in the place of those of sources that it was found to give: it keeps them, or nobody does.
func (o *origins) settle(n *Node, made []madeOf) {
	var out []given
	for _, g := range o.given {
		if !o.source(g.from.Of) {
			out = append(out, g)
			continue
		}
		for _, m := range made {
			kept := slices.ContainsFunc(o.cols[n.Name], func(c string) bool { return sql.Same(c, m.name) })
			if m.same && kept && slices.Contains(m.from, g.from) {
				out = append(out, given{g.input, ColumnRef{n.Name, m.name}, g.by})
			}
		}
	}
	o.given = out
}

func (o *origins) source(name string) bool {
	return slices.ContainsFunc(o.p.Nodes, func(n *Node) bool {
		_, is := n.Source()
		return is && sql.Same(n.Name, name)
	})
}
