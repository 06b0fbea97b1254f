package program

import (
	"cmp"
	"context"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/engine/kind"
	"dsql/sql"
)

// Which columns the columns of the file are made of, whatever is done with them on the way. It is read off DuckDB's own trees, as what is
// copied is (lineage.go); of a query that DuckDB makes no tree of, nothing is known.

// ColumnRef is a column of a declaration or table; of what is called it is an input, or Result.
type ColumnRef struct {
	Of     string `json:"of"`
	Column string `json:"column"`
}

// Result is the column of what a model or function gives.
const Result = "prediction"

// Columns are names of columns, by declaration or table in its own spelling. Of what is called they are its inputs, in order.
type Columns map[string][]string

// Origins are what the columns of each destination are made of, and which columns the inputs of what is called were given.
func (p *Program) Origins(ctx context.Context, c *duck.Conn, cols Columns) (map[ColumnRef][]ColumnRef, error) {
	o, err := p.origins(ctx, c, cols)
	if err != nil {
		return nil, err
	}
	return o.out, nil
}

func (p *Program) origins(ctx context.Context, c *duck.Conn, cols Columns) (*origins, error) {
	o := &origins{p: p, cols: cols, named: map[sql.Key]string{}, out: map[ColumnRef][]ColumnRef{}}
	for name := range cols {
		o.named[sql.KeyOf(name)] = name
	}
	for _, n := range p.Nodes {
		if m, ok := n.Obj.(kind.Maker); ok {
			for _, name := range m.Makes() {
				o.named[sql.KeyOf(name)] = n.Name
			}
		}
	}
	for _, n := range p.Nodes {
		if n.Relation() || n.callable() {
			o.named[sql.KeyOf(n.Name)] = n.Name
		}
	}
	for _, n := range p.Nodes {
		_, stores := n.Destination()
		if _, sinks := n.Sink(); !stores && !sinks {
			continue
		}
		sets, of, err := o.sets(ctx, c, n)
		if err != nil {
			return nil, err
		}
		for _, in := range n.Inputs {
			var made []madeOf
			if in.body == nil {
				made = o.all(in.Of.Name)
			} else if o.tree = in.body.tree; o.tree != nil && len(o.tree.Queries) > 0 {
				made = o.query(o.tree.Queries[0])
			}
			made = o.through(sets, of, made)
			o.settle(n, made)
			for _, c := range cols[n.Name] {
				for _, m := range made {
					if sql.Same(m.name, c) {
						o.add(ColumnRef{n.Name, c}, m.from)
					}
				}
			}
		}
	}
	return o, nil
}

// madeOf is a column of a query.
type madeOf struct {
	name string
	from []ColumnRef
	same bool // its values are those of from, as they are
}

// inScope is a relation under the name that a query knows it by.
type inScope struct {
	name string
	cols []madeOf
}

type origins struct {
	p     *Program
	cols  Columns
	named map[sql.Key]string // what a name in a text leads to
	out   map[ColumnRef][]ColumnRef
	tree  *tree.Tree
	depth int
	outer []inScope // what a subquery sees of the queries around it, the nearest last
	given []given   // see fed.go
}

func (o *origins) add(to ColumnRef, from []ColumnRef) {
	for _, f := range from {
		if !slices.Contains(o.out[to], f) && f != to {
			o.out[to] = append(o.out[to], f)
		}
	}
}

// all are the columns of a declaration or table.
func (o *origins) all(of string) (out []madeOf) {
	for _, c := range o.cols[of] {
		out = append(out, madeOf{c, []ColumnRef{{of, c}}, true})
	}
	return out
}

func (o *origins) query(n tree.Node) (out []madeOf) {
	if o.depth++; o.depth > 100 {
		return nil
	}
	defer func() { o.depth-- }()
	switch n := n.(type) {
	case *tree.Select:
		scope := o.tables(n.From)
		o.within(scope, func() {
			for _, item := range n.List {
				out = append(out, o.item(item, scope)...)
			}
		})
	case *tree.SetOperation:
		out = o.query(n.Left)
		for i, c := range o.query(n.Right) {
			if n.ByName {
				i = slices.IndexFunc(out, func(x madeOf) bool { return sql.Same(x.name, c.name) })
			}
			if i >= 0 && i < len(out) {
				out[i].from = append(slices.Clone(out[i].from), c.from...)
				out[i].same = out[i].same && c.same
			}
		}
	}
	return out
}

// within runs f where a subquery sees a scope, too.
func (o *origins) within(scope []inScope, f func()) {
	was := o.outer
	o.outer = append(slices.Clip(was), scope...)
	f()
	o.outer = was
}

// tables are the relations in a FROM.
func (o *origins) tables(n tree.Node) []inScope {
	switch n := n.(type) {
	case *tree.Join:
		out := o.tables(n.Left)
		o.within(out, func() { out = append(out, o.tables(n.Right)...) }) // LATERAL
		return out
	case *tree.Table:
		cols := o.all(o.named[sql.KeyOf(n.Name)])
		if cte := o.tree.CTE(n); cte != nil {
			cols = called(o.query(cte.Query), cte.Columns)
		}
		return []inScope{{cmp.Or(n.Alias, n.Name), called(cols, n.Columns)}}
	case *tree.Subquery:
		return []inScope{{n.Alias, called(o.query(n.Query), n.Columns)}}
	case *tree.TableFunction: // planes_as_of(…)
		s := inScope{name: n.Alias}
		for _, part := range n.Parts() {
			if c, ok := part.(*tree.Call); ok {
				s.name, s.cols = cmp.Or(n.Alias, c.Name), called(o.all(o.named[sql.KeyOf(c.Name)]), n.Columns)
				if s.cols == nil { // unnest(…) AS t(a)
					for _, name := range n.Columns {
						s.cols = append(s.cols, madeOf{name: name, from: o.refs(c, nil)})
					}
				}
			}
		}
		return []inScope{s}
	}
	return nil
}

// called are columns with the names of a list: d(a, b).
func called(cols []madeOf, names []string) []madeOf {
	cols = slices.Clone(cols)
	for i := range min(len(names), len(cols)) {
		cols[i].name = names[i]
	}
	return cols
}

// item is what an item of a list gives.
func (o *origins) item(n tree.Node, scope []inScope) []madeOf {
	switch n := n.(type) {
	case *tree.Star:
		return o.star(n, scope)
	case *tree.ColumnRef:
		c := o.column(n.Path, scope)
		return []madeOf{{cmp.Or(n.Alias, n.Name()), c.from, c.same}}
	}
	return []madeOf{{name: n.As(), from: o.refs(n, scope)}}
}

func (o *origins) star(n *tree.Star, scope []inScope) (out []madeOf) {
	for _, t := range scope {
		if n.Relation != "" && !sql.Same(t.name, n.Relation) {
			continue
		}
		for _, c := range t.cols {
			same := func(name string) bool { return sql.Same(name, c.name) }
			if slices.ContainsFunc(n.Exclude, same) {
				continue
			}
			if i := slices.IndexFunc(n.Replaced, same); i >= 0 && i < len(n.Replace) {
				c.from, c.same = o.refs(n.Replace[i], scope), false
			}
			for name, to := range n.Rename {
				if same(name) {
					c.name = to
				}
			}
			if i := slices.IndexFunc(out, func(x madeOf) bool { return sql.Same(x.name, c.name) }); i < 0 {
				out = append(out, c)
			}
		}
	}
	return out
}

// refs are the columns that an expression is made of. What is called stands between: its result is made of its inputs.
func (o *origins) refs(n tree.Node, scope []inScope) (out []ColumnRef) {
	switch n := n.(type) {
	case nil:
		return nil
	case *tree.ColumnRef:
		return o.column(n.Path, scope).from
	case *tree.Select, *tree.SetOperation: // a subquery's own, and those around it
		for _, c := range o.query(n) {
			out = append(out, c.from...)
		}
		return out
	case *tree.Call:
		if of := o.of(n.Name); of != "" && !n.Operator {
			inputs := o.cols[of]
			o.give(of, n, scope)
			for i, arg := range n.Args {
				from := o.refs(arg, scope)
				if len(n.Args) == len(inputs) && !takesRow(of, n) {
					o.add(ColumnRef{of, inputs[i]}, from)
				} else {
					out = append(out, from...)
				}
			}
			for _, in := range inputs {
				o.add(ColumnRef{of, Result}, []ColumnRef{{of, in}})
			}
			return append(out, ColumnRef{of, Result})
		}
	}
	for _, part := range n.Parts() {
		out = append(out, o.refs(part, scope)...)
	}
	return out
}

// of is what declares what is called by a name, "" where none does.
func (o *origins) of(name string) string {
	i := slices.IndexFunc(o.p.Nodes, func(n *Node) bool { return n.called(name) })
	if i < 0 {
		return ""
	}
	return o.p.Nodes[i].Name
}

// column is what w, t.w or w.field names.
func (o *origins) column(path []string, scope []inScope) madeOf {
	find := func(t inScope, name string) madeOf {
		for _, c := range t.cols {
			if sql.Same(c.name, name) {
				return c
			}
		}
		return madeOf{}
	}
	all := slices.Clone(scope)
	for _, t := range slices.Backward(o.outer) {
		all = append(all, t)
	}
	for _, t := range all {
		if len(path) > 1 && sql.Same(t.name, path[0]) {
			return find(t, path[1])
		}
	}
	for _, t := range all {
		if c := find(t, path[0]); c.from != nil {
			c.same = c.same && len(path) == 1
			return c
		}
	}
	return madeOf{}
}
