package program

import (
	"context"
	"encoding/json"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
)

// ref is a name in a text.
type ref struct {
	name  string
	call  bool // of a function
	table bool // as a table of that name
}

// refs are the names of tables and functions in a query or expression.
func (s *scope) refs(ctx context.Context, text string) ([]ref, error) {
	var out string
	if _, err := s.conn.Scan(ctx, duck.SQL("SELECT json_serialize_sql({q})::VARCHAR", duck.Args{"q": "SELECT (" + text + ")"}),
		&out); err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal([]byte(out), &tree); err != nil {
		return nil, err
	}
	if tree["error"] == true { // not SQL's own (PIVOT, EXPR '…', an error that is told when it is bound)
		return tokenRefs(text), nil
	}
	return s.treeRefs(ctx, tree)
}

// treeRefs goes over DuckDB's tree.
func (s *scope) treeRefs(ctx context.Context, tree any) (out []ref, err error) {
	w := walker{ctes: map[string]any{}}
	w.collectCTEs(tree)
	objects(tree, func(n map[string]any) {
		out = append(out, w.refsOf(n)...)
		if text, ok := queryText(n); ok && err == nil {
			var more []ref
			more, err = s.refs(ctx, text)
			out = append(out, more...)
		}
	})
	return out, err
}

// refsOf are the names in one node of the tree.
func (w *walker) refsOf(n map[string]any) []ref {
	text := func(key string) string { s, _ := n[key].(string); return s }
	switch {
	case n["type"] == "BASE_TABLE" || n["type"] == "SHOW_REF":
		if _, cte := w.ctes[strings.ToLower(text("table_name"))]; !cte || text("schema_name") != "" {
			return []ref{{name: text("table_name"), table: true}}
		}
	case n["type"] == "TABLE_FUNCTION":
		name, _ := dig(n, "function", "function_name").(string)
		return []ref{{name: name, call: true}}
	case n["class"] == "FUNCTION":
		out := []ref{{name: text("function_name"), call: true}}
		args, _ := n["children"].([]any)
		switch strings.ToLower(text("function_name")) {
		case "orphans": // orphans(c, table.c)
			if len(args) == 2 {
				if path, _ := dig(args[1], "column_names").([]any); len(path) > 1 {
					name, _ := path[len(path)-2].(string)
					out = append(out, ref{name: name})
				}
			}
		case "map_value", "query_table":
			for _, a := range args {
				out = append(out, constants(a)...)
			}
		}
		return out
	}
	return nil
}

// constants are the texts in an argument, which name tables.
func constants(n any) (out []ref) {
	switch n := n.(type) {
	case []any:
		for _, v := range n {
			out = append(out, constants(v)...)
		}
	case map[string]any:
		if s, ok := dig(n, "value", "value").(string); ok {
			return []ref{{name: s}}
		}
		for _, v := range n {
			out = append(out, constants(v)...)
		}
	}
	return out
}

// queryText is the text that query('…') runs.
func queryText(n map[string]any) (string, bool) {
	name, _ := n["function_name"].(string)
	args, _ := n["children"].([]any)
	if !sql.Same(name, "query") || len(args) != 1 {
		return "", false
	}
	text, ok := dig(args[0], "value", "value").(string)
	return text, ok
}
