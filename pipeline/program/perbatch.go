package program

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
)

// What looks at many rows in a destination's query sees those of one batch: how many there are depends on how the source was read.

// perBatch are warnings about destinations of the script whose query groups, aggregates or windows the new rows, once for each.
func (p *Program) perBatch(ctx context.Context, c *duck.Conn) (out []*sql.Error, err error) {
	for _, n := range p.Nodes {
		if n.Stmt < 0 || n.Kind != "stream" {
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
	return out, nil
}

func (in *Input) perBatch(ctx context.Context, c *duck.Conn, n *Node) (*sql.Error, error) {
	if in.body == nil || in.body.tree == nil {
		return nil, nil
	}
	w := walker{ctes: map[string]any{}}
	w.collectCTEs(in.body.tree)
	read := in.body.reads[in.body.fresh]
	f := groupFinder{ctes: w.ctes, fresh: read.at.Start - in.body.span.Start}
	f.node(in.body.tree, 0)
	if f.found == "" && len(f.calls) > 0 {
		known, err := c.Routines(ctx, strings.Join(f.calls, "() ")+"()")
		if err != nil {
			return nil, err
		}
		for _, name := range f.calls {
			if known.Any(name, func(r duck.Routine) bool { return r.Type == "aggregate" }) {
				f.found = "the aggregate " + strings.TrimSuffix(name, "_star")
				break
			}
		}
	}
	if f.found == "" {
		return nil, nil
	}
	d := n.Obj.Decl()
	return &sql.Error{Src: d.Src, Span: read.at, Code: "per-batch",
		Msg:  fmt.Sprintf("%s in the query of %s sees the new rows of one batch, not all rows of %s", f.found, n.Name, in.Of.Name),
		Hint: "over all rows it is a ROLLUP; or store the rows in a stream as they come, and query that, or make a view of it"}, nil
}

// groupFinder looks for what sees many of the fresh rows at once.
type groupFinder struct {
	ctes  map[string]any
	fresh int      // where the relation stands whose new rows are read
	calls []string // functions over fresh rows: any may be an aggregate
	found string
}

// Node goes through a query, and says whether fresh rows are in its FROM.
func (f *groupFinder) node(n any, depth int) (fresh bool) {
	m, _ := n.(map[string]any)
	if depth > 100 {
		return false
	}
	switch m["type"] {
	case "SET_OPERATION_NODE":
		left, right := f.node(m["left"], depth+1), f.node(m["right"], depth+1)
		if left || right {
			f.modifiers(m)
		}
		return left || right
	case "SELECT_NODE":
		if !f.from(m["from_table"], depth) {
			return false
		}
		if groups, _ := m["group_expressions"].([]any); len(groups) > 0 {
			f.say("GROUP BY")
		}
		f.modifiers(m)
		for _, list := range []string{"select_list", "having", "qualify"} {
			f.expression(m[list])
		}
		return true
	}
	return false
}

// from says whether a FROM has the fresh rows.
func (f *groupFinder) from(n any, depth int) bool {
	m, _ := n.(map[string]any)
	switch m["type"] {
	case "JOIN":
		left, right := f.from(m["left"], depth), f.from(m["right"], depth)
		return left || right
	case "SUBQUERY":
		return f.node(dig(m, "subquery", "node"), depth+1)
	case "BASE_TABLE":
		name, _ := m["table_name"].(string)
		if cte, ok := f.ctes[strings.ToLower(name)]; ok {
			return f.node(dig(cte, "query", "node"), depth+1)
		}
		return location(m) == f.fresh
	}
	return false
}

func (f *groupFinder) modifiers(m map[string]any) {
	list, _ := m["modifiers"].([]any)
	for _, x := range list {
		switch dig(x, "type") {
		case "DISTINCT_MODIFIER":
			f.say("DISTINCT")
		case "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER":
			f.say("LIMIT")
		}
	}
}

// expression looks at the functions of an expression, but not into its subqueries.
func (f *groupFinder) expression(n any) {
	switch n := n.(type) {
	case []any:
		for _, x := range n {
			f.expression(x)
		}
	case map[string]any:
		name, _ := n["function_name"].(string)
		switch n["class"] {
		case "SUBQUERY":
			return
		case "WINDOW":
			f.say("the window function " + name)
		case "FUNCTION":
			if n["is_operator"] != true {
				f.calls = append(f.calls, name)
			}
		}
		for _, x := range n {
			f.expression(x)
		}
	}
}

func (f *groupFinder) say(what string) {
	if f.found == "" {
		f.found = what
	}
}
