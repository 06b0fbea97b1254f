package program

import (
	"strings"

	"dsql/engine/duck"
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
	ctes  map[string]any
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
		w := walker{ctes: map[string]any{}}
		w.collectCTEs(in.body.tree)
		l := lineage{ctes: w.ctes, fresh: in.body.reads[in.body.fresh].at.Start - in.body.span.Start, cols: in.Of.Cols}
		out = l.query(in.body.tree)
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

func named(cols []duck.Column) (out outputs) {
	for _, c := range cols {
		out.columns = append(out.columns, column{c.Name, c.Name})
	}
	return out
}

func (l *lineage) query(n any) outputs {
	m, _ := n.(map[string]any)
	if l.depth++; l.depth > 100 {
		return outputs{open: true}
	}
	switch m["type"] {
	case "SELECT_NODE":
		return l.selected(m)
	case "SET_OPERATION_NODE":
		a, b := l.query(m["left"]), l.query(m["right"])
		if a.open || b.open || len(a.columns) != len(b.columns) || m["setop_type"] == "UNION_BY_NAME" {
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
func (l *lineage) tables(n any) []scoped {
	m, _ := n.(map[string]any)
	text := func(key string) string { s, _ := m[key].(string); return s }
	s := scoped{name: text("alias"), outputs: outputs{open: true}}
	switch m["type"] {
	case "JOIN":
		return append(l.tables(m["left"]), l.tables(m["right"])...)
	case "BASE_TABLE":
		if s.name == "" {
			s.name = text("table_name")
		}
		if cte, ok := l.ctes[strings.ToLower(text("table_name"))]; ok && text("schema_name") == "" {
			s.outputs = renamed(l.query(dig(cte, "query", "node")), dig(cte, "aliases"))
		} else if location(m) == l.fresh {
			s.outputs = named(l.cols)
		}
	case "SUBQUERY":
		s.outputs = l.query(dig(m, "subquery", "node"))
	}
	s.outputs = renamed(s.outputs, m["column_name_alias"])
	return []scoped{s}
}

// renamed are columns with the names of a list: d(a, b).
func renamed(o outputs, list any) outputs {
	names, _ := list.([]any)
	if len(names) > 0 && o.open {
		return outputs{open: true}
	}
	for i := range min(len(names), len(o.columns)) {
		o.columns[i].name, _ = names[i].(string)
	}
	return o
}

func (l *lineage) selected(m map[string]any) (out outputs) {
	from := l.tables(m["from_table"])
	items, _ := m["select_list"].([]any)
	for _, item := range items {
		n, _ := item.(map[string]any)
		alias, _ := n["alias"].(string)
		switch n["class"] {
		case "STAR":
			s := star(n, from)
			out.columns, out.open = append(out.columns, s.columns...), out.open || s.open || alias != ""
			if alias != "" { // COLUMNS('…') AS '…'
				out.columns = nil
			}
		case "COLUMN_REF":
			path, _ := n["column_names"].([]any)
			c := reference(path, from)
			if alias != "" {
				c.name = alias
			}
			out.columns = append(out.columns, c)
		default:
			out.columns = append(out.columns, column{name: alias})
		}
	}
	return out
}

// reference is the column that w, or t.w, names.
func reference(path []any, from []scoped) (c column) {
	part := func(i int) string { s, _ := path[i].(string); return s }
	if len(path) == 0 {
		return c
	}
	c.name = part(len(path) - 1)
	for _, t := range from {
		if len(path) == 2 && !sql.Same(t.name, part(0)) || len(path) > 2 {
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
func star(n map[string]any, from []scoped) (out outputs) {
	relation, _ := n["relation_name"].(string)
	gone, other, names := map[sql.Key]bool{}, map[sql.Key]bool{}, map[sql.Key]string{}
	for _, list := range []string{"exclude_list", "qualified_exclude_list"} {
		excluded, _ := n[list].([]any)
		for _, e := range excluded {
			gone[sql.KeyOf(columnOf(e))] = true
		}
	}
	for list, each := range map[string]func(key string, value any){
		"replace_list": func(key string, _ any) { other[sql.KeyOf(key)] = true },
		"rename_list":  func(key string, value any) { names[sql.KeyOf(key)], _ = value.(string) },
	} {
		entries, _ := n[list].([]any)
		for _, e := range entries {
			each(columnOf(dig(e, "key")), dig(e, "value"))
		}
	}
	out.open = n["columns"] == true
	for _, t := range from {
		if relation != "" && !sql.Same(t.name, relation) {
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

// columnOf is the column in an entry of EXCLUDE or RENAME.
func columnOf(e any) string {
	if s, ok := e.(string); ok {
		return s
	}
	s, _ := dig(e, "column").(string)
	return s
}
