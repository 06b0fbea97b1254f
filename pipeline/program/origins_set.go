package program

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/engine/kind"
	"dsql/rules"
	"dsql/sql"
)

// The column of a SET is made of what its expression reads, of the row as the SETs before it left it.

// set is one SET: which columns it changes, and what it reads.
type set struct {
	changes func(column string) bool
	expr    tree.Node // SQL; nil where nothing is known of it
	words   []string  // expr-lang: the names in it
}

// sets reads the SETs of a destination, whose trees come in one query.
func (o *origins) sets(ctx context.Context, c *duck.Conn, n *Node) (out []set, of *tree.Tree, err error) {
	d, ok := n.Obj.(kind.Destination)
	if !ok {
		return nil, nil, nil
	}
	items, _ := rules.Expand("rules", d.Chain().Rules, o.p.lists("rules"))
	var texts []string
	var at []int // in out, by text
	for _, it := range items {
		target, v := it.Decl.Arg("#0"), it.Decl.Arg("=")
		if it.Decl.Syntax.Keyword != "SET" || target == nil || v == nil {
			continue
		}
		s := set{changes: changes(target)}
		if v.Expr {
			for _, t := range sql.Tokens(it.Decl.Src, sql.Span{Start: v.Span.Start + 1, End: max(v.Span.Start+1, v.Span.End-1)}) {
				s.words = append(s.words, t.Span.Of(it.Decl.Src))
			}
		} else if len(v.Exprs) > 0 {
			texts, at = append(texts, "(\n"+v.Exprs[0].Of(it.Decl.Src)+"\n)"), append(at, len(out))
		}
		out = append(out, s)
	}
	if len(texts) == 0 {
		return out, nil, nil
	}
	if of, err = tree.Read(ctx, c, "SELECT "+strings.Join(texts, ", ")); err != nil || len(of.Queries) == 0 {
		return out, nil, err
	}
	if q, ok := of.Queries[0].(*tree.Select); ok && len(q.List) == len(at) {
		for i, expr := range q.List {
			out[at[i]].expr = expr
		}
	}
	return out, of, nil
}

// changes says which columns a target names.
func changes(target *sql.Value) func(string) bool {
	if target.Regex {
		re, err := regexp.Compile(target.Text)
		return func(column string) bool { return err == nil && re.MatchString(column) }
	}
	return func(column string) bool { return len(target.Names) > 0 && sql.Same(target.Names[0].Text, column) }
}

// through is what the SETs make of the columns of a query.
func (o *origins) through(sets []set, of *tree.Tree, made []madeOf) []madeOf {
	made = slices.Clone(made)
	was := o.tree
	o.tree = of
	defer func() { o.tree = was }()
	for _, s := range sets {
		for i, c := range made { // a SET of several columns is one of each
			if !s.changes(c.name) {
				continue
			}
			scope := []inScope{{cols: append(slices.Clone(made), madeOf{"_", c.from, c.same})}}
			var from []ColumnRef
			if s.expr != nil && of != nil {
				from = o.refs(s.expr, scope)
			}
			for _, w := range s.words {
				if w = strings.Trim(w, `"`); w != "" {
					from = append(from, o.column([]string{w}, scope).from...)
				}
			}
			made[i].from, made[i].same = from, false
		}
	}
	return made
}
