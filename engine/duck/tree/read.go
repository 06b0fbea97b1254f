package tree

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dsql/sql"
)

// Parse reads what json_serialize_sql gives of a text of so many bytes. Anything in it may be missing, or of another kind than DuckDB
// of today gives.
func Parse(text string, length int) (*Tree, error) {
	var root struct {
		Error      bool
		ErrorType  string `json:"error_type"`
		Statements []any
	}
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		return nil, fmt.Errorf("DuckDB's tree of a query: %w", err)
	}
	r := reader{tree: &Tree{ctes: map[sql.Key]*CTE{}}, length: length}
	if root.Error {
		if r.tree.Refused = root.ErrorType; r.tree.Refused == "" {
			r.tree.Refused = "error"
		}
		return r.tree, nil
	}
	for _, s := range root.Statements {
		r.tree.Queries = append(r.tree.Queries, one(r.nodes(s)))
	}
	return r.tree, nil
}

type reader struct {
	tree   *Tree
	length int
}

// object is a JSON object on its way to be a Node. What it doesn't have is empty.
type object struct {
	m     map[string]any
	nodes map[string][]Node // by key
}

func (o object) text(key string) string { s, _ := o.m[key].(string); return s }
func (o object) is(key string) bool     { return o.m[key] == true }
func (o object) one(key string) Node    { return one(o.nodes[key]) }
func (o object) list(key string) []any  { l, _ := o.m[key].([]any); return l }

func one(nodes []Node) Node {
	if len(nodes) == 0 {
		return nil
	}
	return nodes[0]
}

func inside(v any, key string) any {
	m, _ := v.(map[string]any)
	return m[key]
}

// texts are the strings of a list.
func texts(list []any) (out []string) {
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// at is the node's place, if it is one in the text.
func (r *reader) at(o object) int {
	f, ok := o.m["query_location"].(float64)
	if !ok || f < 0 || f >= float64(r.length) {
		return -1
	}
	return int(f)
}

// nodes are those of a list, or the one that an object is. An object that is none, as {"node": …}, stands for those in it.
func (r *reader) nodes(v any) (out []Node) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			out = append(out, r.nodes(x)...)
		}
	case map[string]any:
		if o := (object{m: v}); o.text("type") != "" || o.text("class") != "" {
			return []Node{r.node(v)}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) { // a map's order is random
			out = append(out, r.nodes(v[key])...)
		}
	}
	return out
}

func (r *reader) node(m map[string]any) Node {
	o := object{m, map[string][]Node{}}
	in := inner{At: r.at(o), Alias: o.text("alias")}
	ctes := r.ctes(inside(m["cte_map"], "map"))
	for _, c := range ctes {
		if c.Query != nil {
			in.parts = append(in.parts, c.Query)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if key != "cte_map" {
			o.nodes[key] = r.nodes(m[key])
			in.parts = append(in.parts, o.nodes[key]...)
		}
	}
	switch o.text("type") {
	case "SELECT_NODE":
		return &Select{in, ctes, o.nodes["select_list"], o.one("from_table"), o.one("where_clause"), o.one("having"), o.one("qualify"),
			o.nodes["group_expressions"], o.text("aggregate_handling") == "FORCE_AGGREGATES", modifiers(o)}
	case "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE":
		return &SetOperation{in, o.one("left"), o.one("right"), o.text("setop_type") == "UNION_BY_NAME",
			o.text("type") == "RECURSIVE_CTE_NODE", modifiers(o)}
	}
	if class := o.text("class"); class != "" {
		return r.expression(class, o, in)
	}
	return r.relation(o, in)
}

// modifiers are what they are of: ORDER BY, LIMIT, DISTINCT.
func modifiers(o object) (out []string) {
	for _, x := range o.list("modifiers") {
		text, _ := inside(x, "type").(string)
		out = append(out, text)
	}
	return out
}

func (r *reader) ctes(entries any) (out []*CTE) {
	list, _ := entries.([]any)
	for _, e := range list {
		name, _ := inside(e, "key").(string)
		aliases, _ := inside(inside(e, "value"), "aliases").([]any)
		c := &CTE{name, texts(aliases), one(r.nodes(inside(inside(e, "value"), "query")))}
		out = append(out, c)
		r.tree.ctes[sql.KeyOf(name)] = c
	}
	return out
}

// relation is a part of a FROM, or what has no name here.
func (r *reader) relation(o object, in inner) Node {
	columns := texts(o.list("column_name_alias"))
	switch o.text("type") {
	case "BASE_TABLE", "SHOW_REF":
		return &Table{in, o.text("schema_name"), o.text("table_name"), columns, o.text("type") == "SHOW_REF"}
	case "JOIN":
		return &Join{in, o.one("left"), o.one("right"), o.text("join_type"), o.text("ref_type"), o.one("condition")}
	case "PIVOT":
		return &Pivot{in, o.one("source")}
	case "SUBQUERY":
		return &Subquery{in, columns, o.one("subquery"), nil, true}
	case "TABLE_FUNCTION":
		return &TableFunction{in, columns}
	}
	return &Other{inner: in, Type: o.text("type")}
}

func (r *reader) expression(class string, o object, in inner) Node {
	switch class {
	case "FUNCTION":
		return &Call{in, o.text("function_name"), o.is("is_operator"), o.nodes["children"]}
	case "WINDOW":
		return window(o, in)
	case "SUBQUERY":
		return &Subquery{in, nil, o.one("subquery"), o.one("child"), false}
	case "COLUMN_REF":
		if path := texts(o.list("column_names")); path != nil {
			return &ColumnRef{in, path}
		}
	case "CONSTANT":
		text, ok := inside(o.m["value"], "value").(string)
		in.parts = nil // of the value's type
		return &Constant{in, text, ok}
	case "PARAMETER":
		return &Parameter{in, o.text("identifier")}
	case "LAMBDA":
		l := &Lambda{in, nil, o.one("expr")}
		Walk(o.one("lhs"), func(n Node) bool {
			if c, ok := n.(*ColumnRef); ok {
				l.Params = append(l.Params, c.Path...)
			}
			return true
		})
		return l
	case "STAR":
		return star(o, in)
	}
	return &Other{in, class, o.text("type")}
}

func window(o object, in inner) *Window {
	w := &Window{inner: in, Name: o.text("function_name"), Partitions: o.nodes["partitions"]}
	for _, n := range o.nodes["orders"] {
		order, ok := n.(*Other)
		if !ok || len(order.parts) == 0 {
			continue
		}
		w.Orders = append(w.Orders, order.parts[0])
		w.Ahead = w.Ahead || strings.Contains(order.Type, "DESC")
	}
	switch o.text("type") {
	case "WINDOW_LEAD", "WINDOW_FILL", "WINDOW_NTILE", "WINDOW_PERCENT_RANK", "WINDOW_CUME_DIST":
		w.Ahead = true
	case "WINDOW_LAG":
		if by := o.m["offset_expr"]; by != nil {
			steps, ok := inside(inside(by, "value"), "value").(float64)
			w.Ahead = w.Ahead || !ok || steps < 0
		}
	}
	w.Ahead = w.Ahead || strings.Contains(o.text("end"), "FOLLOWING")
	return w
}

func star(o object, in inner) *Star {
	s := &Star{inner: in, Relation: o.text("relation_name"), Columns: o.is("columns"),
		Replace: o.nodes["replace_list"], Rename: map[string]string{}}
	for _, key := range []string{"exclude_list", "qualified_exclude_list"} {
		for _, e := range o.list(key) {
			s.Exclude = append(s.Exclude, excluded(e))
		}
	}
	for _, e := range o.list("replace_list") {
		s.Replaced = append(s.Replaced, excluded(inside(e, "key")))
	}
	for _, e := range o.list("rename_list") {
		s.Rename[excluded(inside(e, "key"))], _ = inside(e, "value").(string)
	}
	return s
}

// excluded is the column in an entry of EXCLUDE, REPLACE or RENAME.
func excluded(e any) string {
	if s, ok := e.(string); ok {
		return s
	}
	s, _ := inside(e, "column").(string)
	return s
}
