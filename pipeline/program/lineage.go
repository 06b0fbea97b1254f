package program

import (
	"cmp"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/sql"
)

// What a query hands on as it is. A column that a file doesn't have is absent to a journal that takes it by * or by its bare name; an
// expression over it has a value. Which of a query's columns are copies, and of what, is read off DuckDB's own tree.

// column is one of a relation: from is the source's column that it copies, "" where it is anything else.
type column struct{ name, from string }

// outputs are the columns of a query or table. open: it has others too, of which nothing is known.
type outputs struct {
	columns []column
	open    bool
}

// lineage follows columns of the relation whose new rows are read.
type lineage struct {
	tree  *tree.Tree
	fresh int // where it stands
	cols  []duck.Column
	depth int
}

// copies are the columns of a destination's query that copy a column of what it reads: which.
func (in *Input) copies() map[sql.Key]string {
	var out outputs
	if in.body == nil {
		out = named(in.Of.Cols)
	} else if in.body.tree != nil {
		l := lineage{tree: in.body.tree, fresh: in.body.freshAt(), cols: in.Of.Cols}
		out = l.query(in.body.tree.Queries[0])
	}
	names := map[sql.Key]string{}
	for _, c := range out.columns {
		key := sql.KeyOf(c.name)
		if from, twice := names[key]; twice && from != c.from {
			c.from = "" // COLUMNS('…') may give fewer than are listed here
		}
		names[key] = c.from
	}
	return names
}

// Names are columns under the names that they have in what the input reads, where they are copies of it.
func (in *Input) Names(cols []duck.Column) []duck.Column {
	from, out := in.copies(), slices.Clone(cols)
	for i := range out {
		out[i].Name = cmp.Or(from[sql.KeyOf(out[i].Name)], out[i].Name)
	}
	return out
}

func named(cols []duck.Column) (out outputs) {
	for _, c := range cols {
		out.columns = append(out.columns, column{c.Name, c.Name})
	}
	return out
}

func (l *lineage) query(n tree.Node) outputs {
	if l.depth++; l.depth > 100 {
		return outputs{open: true}
	}
	switch n := n.(type) {
	case *tree.Select:
		return l.selected(n)
	case *tree.SetOperation:
		a, b := l.query(n.Left), l.query(n.Right)
		if a.open || b.open || len(a.columns) != len(b.columns) || n.ByName || n.Recursive {
			return outputs{open: true}
		}
		for i := range a.columns {
			if a.columns[i].from != b.columns[i].from {
				a.columns[i].from = ""
			}
		}
		return a
	}
	return outputs{open: true}
}

// scoped is a relation under the name that a query knows it by.
type scoped struct {
	name string
	outputs
}

// tables are the relations in a FROM.
func (l *lineage) tables(n tree.Node) []scoped {
	unknown := outputs{open: true}
	switch n := n.(type) {
	case *tree.Join:
		return append(l.tables(n.Left), l.tables(n.Right)...)
	case *tree.Table:
		s := scoped{cmp.Or(n.Alias, n.Name), unknown}
		if cte := l.tree.CTE(n); cte != nil {
			s.outputs = renamed(l.query(cte.Query), cte.Columns)
		} else if n.At == l.fresh {
			s.outputs = named(l.cols)
		}
		return []scoped{{s.name, renamed(s.outputs, n.Columns)}}
	case *tree.Subquery:
		return []scoped{{n.Alias, renamed(l.query(n.Query), n.Columns)}}
	case *tree.TableFunction:
		return []scoped{{n.Alias, unknown}}
	case *tree.Other:
		return []scoped{{n.Alias, unknown}}
	}
	return []scoped{{"", unknown}}
}

// renamed are columns with the names of a list: d(a, b).
func renamed(o outputs, names []string) outputs {
	if len(names) > 0 && o.open {
		return outputs{open: true}
	}
	for i := range min(len(names), len(o.columns)) {
		o.columns[i].name = names[i]
	}
	return o
}

func (l *lineage) selected(s *tree.Select) (out outputs) {
	from := l.tables(s.From)
	for _, item := range s.List {
		switch n := item.(type) {
		case *tree.Star:
			s := star(n, from)
			out.columns, out.open = append(out.columns, s.columns...), out.open || s.open || n.Alias != ""
			if n.Alias != "" { // COLUMNS('…') AS '…'
				out.columns = nil
			}
		case *tree.ColumnRef:
			c := reference(n.Path, from)
			c.name = cmp.Or(n.Alias, c.name)
			out.columns = append(out.columns, c)
		default:
			out.columns = append(out.columns, column{name: item.As()})
		}
	}
	return out
}

// reference is the column that w, or t.w, names.
func reference(path []string, from []scoped) (c column) {
	c.name = path[len(path)-1]
	for _, t := range from {
		if len(path) == 2 && !sql.Same(t.name, path[0]) || len(path) > 2 {
			continue
		}
		for _, x := range t.columns {
			if sql.Same(x.name, c.name) {
				c.from = x.from
				return c
			}
		}
	}
	return c
}

// star are the columns of *, t.* and COLUMNS(…) that stands alone.
func star(n *tree.Star, from []scoped) (out outputs) {
	keys := func(names []string) map[sql.Key]bool {
		out := map[sql.Key]bool{}
		for _, name := range names {
			out[sql.KeyOf(name)] = true
		}
		return out
	}
	gone, other, names := keys(n.Exclude), keys(n.Replaced), map[sql.Key]string{}
	for name, to := range n.Rename {
		names[sql.KeyOf(name)] = to
	}
	out.open = n.Columns
	for _, t := range from {
		if n.Relation != "" && !sql.Same(t.name, n.Relation) {
			continue
		}
		out.open = out.open || t.open
		for _, c := range t.columns {
			key := sql.KeyOf(c.name)
			if gone[key] {
				continue
			}
			if other[key] {
				c.from = ""
			}
			if name := names[key]; name != "" {
				c.name = name
			}
			out.columns = append(out.columns, c)
		}
	}
	return out
}
