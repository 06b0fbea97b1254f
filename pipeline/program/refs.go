package program

import (
	"context"
	"strings"

	"dsql/engine/duck/tree"
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
	t, err := tree.Read(ctx, s.conn, "SELECT ("+text+")")
	if err != nil {
		return nil, err
	}
	if t.Refused != "" { // not SQL's own (PIVOT, EXPR '…', an error that is told when it is bound)
		return tokenRefs(text), nil
	}
	return s.treeRefs(ctx, t)
}

// treeRefs goes over DuckDB's tree.
func (s *scope) treeRefs(ctx context.Context, t *tree.Tree) (out []ref, err error) {
	t.Walk(func(n tree.Node) bool {
		switch n := n.(type) {
		case *tree.Table:
			if n.Name != "" && t.CTE(n) == nil {
				out = append(out, ref{name: n.Name, table: true})
			}
		case *tree.Call:
			out = append(out, ref{name: n.Name, call: true})
			out = append(out, argumentRefs(n)...)
			if text, ok := queryText(n); ok && err == nil {
				var more []ref
				more, err = s.refs(ctx, text)
				out = append(out, more...)
			}
		}
		return true
	})
	return out, err
}

// argumentRefs are the tables that a function's arguments name.
func argumentRefs(c *tree.Call) (out []ref) {
	switch strings.ToLower(c.Name) {
	case "orphans": // orphans(c, table.c)
		if len(c.Args) == 2 {
			if col, ok := c.Args[1].(*tree.ColumnRef); ok && len(col.Path) > 1 {
				out = append(out, ref{name: col.Path[len(col.Path)-2]})
			}
		}
	case "map_value", "query_table":
		for _, a := range c.Args {
			tree.Walk(a, func(n tree.Node) bool {
				if text, ok := n.(*tree.Constant); ok && text.IsText {
					out = append(out, ref{name: text.Text})
				}
				return true
			})
		}
	}
	return out
}

// queryText is the text that query('…') runs.
func queryText(c *tree.Call) (string, bool) {
	if !sql.Same(c.Name, "query") || len(c.Args) != 1 {
		return "", false
	}
	if text, ok := c.Args[0].(*tree.Constant); ok {
		return text.Text, text.IsText
	}
	return "", false
}
