package program

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// What looks at many rows in a destination's query sees those of one batch: how many there are depends on how the source was read.

// perBatch are warnings about destinations of the script whose query groups, aggregates or windows the new rows, once for each.
func (p *Program) perBatch(ctx context.Context, c *duck.Conn) (out []*sql.Error, err error) {
	for _, n := range p.Nodes {
		if _, total := n.Total(); total {
			continue
		}
		if _, ok := n.Destination(); !ok || n.Stmt < 0 || n.Join() != nil || wholeLoads(n) {
			continue
		}
		for _, in := range n.Inputs {
			e, err := in.perBatch(ctx, c, n)
			if err != nil {
				return nil, err
			}
			if e != nil {
				out = append(out, e)
				break
			}
		}
	}
	return append(out, p.forever()...), nil
}

func (in *Input) perBatch(ctx context.Context, c *duck.Conn, n *Node) (*sql.Error, error) {
	if in.body == nil || in.body.tree == nil {
		return nil, nil
	}
	f, err := in.body.seesMany(ctx, c)
	found, hint := f.found, "over all rows it is a ROLLUP; or store the rows in a stream as they come, and query that, or make a view of it"
	if n.Keyed() { // it groups what it takes by its keys: a batch may be cut down to what it needs
		found, hint = "", "make it of the rows of a stream, which see those of their key that are stored; or query "+n.Name
	}
	if found == "" && len(f.windows) > 0 && in.past == nil {
		found = "the window function " + f.windows[0].Name
	}
	if found == "" || err != nil {
		return nil, err
	}
	d := n.Obj.Decl()
	return d.At(in.body.reads[in.body.fresh].at).Errorf(code.PerBatch,
		"%s in the query of %s sees the new rows of one batch, not all rows of %s", found, n.Name, in.Of.Name).
		WithHint(hint), nil
}

// wholeLoads: each batch of a destination is a whole table, and all that there is.
func wholeLoads(n *Node) bool {
	l, ok := n.Obj.(kind.Loaded)
	return ok && l.WholeLoads()
}

// seesMany finds what in the query sees many of the new rows at once.
func (b *body) seesMany(ctx context.Context, c *duck.Conn) (groupFinder, error) {
	f := groupFinder{tree: b.tree, fresh: []int{b.freshAt()}, known: map[*tree.CTE]bool{}}
	if b.other >= 0 {
		f.fresh = append(f.fresh, b.standsAt(b.other))
	}
	f.node(b.tree.Queries[0])
	if f.found == "" && len(f.calls) > 0 {
		known, err := c.Routines(ctx, strings.Join(f.calls, "() ")+"()")
		if err != nil {
			return f, err
		}
		for _, name := range f.calls {
			if known.Any(name, func(r duck.Routine) bool { return r.Type == "aggregate" }) {
				f.say("the aggregate " + strings.TrimSuffix(name, "_star"))
			}
		}
	}
	if f.byAll {
		f.say("GROUP BY ALL")
	}
	return f, nil
}

// groupFinder looks for what sees many of the fresh rows at once.
type groupFinder struct {
	tree  *tree.Tree
	fresh []int              // where the relations stand whose new rows are read
	known map[*tree.CTE]bool // whether it has fresh rows
	calls []string           // functions over fresh rows: any may be an aggregate
	found string
	byAll bool // GROUP BY ALL, which is DISTINCT where there is no aggregate
	// windows are those over fresh rows.
	windows []*tree.Window
}

// node goes through a query, and says whether fresh rows are in its FROM.
func (f *groupFinder) node(query tree.Node) (fresh bool) {
	switch n := query.(type) {
	case *tree.SetOperation:
		if n.Recursive {
			return false
		}
		left, right := f.node(n.Left), f.node(n.Right)
		if left || right {
			f.modifiers(n.Modifiers)
		}
		return left || right
	case *tree.Select:
		if !f.from(n.From) {
			return false
		}
		if len(n.Groups) > 0 {
			f.say("GROUP BY")
		}
		f.byAll = f.byAll || n.ByAll
		f.modifiers(n.Modifiers)
		for _, x := range append(slices.Clone(n.List), n.Having, n.Qualify) {
			f.expression(x)
		}
		return true
	}
	return false
}

// from says whether a FROM has the fresh rows.
func (f *groupFinder) from(from tree.Node) bool {
	switch n := from.(type) {
	case *tree.Join:
		left, right := f.from(n.Left), f.from(n.Right)
		return left || right
	case *tree.Subquery:
		return f.node(n.Query)
	case *tree.Table:
		cte := f.tree.CTE(n)
		if cte == nil {
			return slices.Contains(f.fresh, n.At)
		}
		if _, done := f.known[cte]; !done {
			f.known[cte] = false // while it is gone through
			f.known[cte] = f.node(cte.Query)
		}
		return f.known[cte]
	}
	return false
}

func (f *groupFinder) modifiers(of []string) {
	for _, m := range of {
		switch m {
		case tree.Distinct:
			f.say("DISTINCT")
		case tree.Limit, tree.LimitPercent:
			f.say("LIMIT")
		}
	}
}

// expression looks at the functions of an expression, but not into its subqueries.
func (f *groupFinder) expression(x tree.Node) {
	tree.Walk(x, func(n tree.Node) bool {
		switch n := n.(type) {
		case *tree.Subquery:
			return false
		case *tree.Window:
			f.windows = append(f.windows, n)
		case *tree.Call:
			if !n.Operator {
				f.calls = append(f.calls, n.Name)
			}
		}
		return true
	})
}

func (f *groupFinder) say(what string) {
	if f.found == "" {
		f.found = what
	}
}
