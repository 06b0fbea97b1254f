package rollup

import (
	"context"
	"slices"
	"strconv"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/sql"
)

// groups finds which items are the groups. A group that isn't selected is refused: its rows could not be told from another's.
func (q *query) groups(ctx context.Context, tx *duck.Tx) error {
	p, ok := q.clause["group"]
	if !ok {
		if !slices.Contains(q.groupable(ctx, tx), false) {
			return q.fail(part{}, "the query has neither groups nor aggregates, so it gives rows as they are").
				WithHint("that is a stream: CREATE STREAM … AS SELECT …; or add GROUP BY")
		}
		return nil
	}
	if q.sel.ByAll || q.sets() {
		alone := q.groupable(ctx, tx)
		told := false
		for i, it := range q.items {
			grouping := q.sets() && tree.Contains(it.node, func(n tree.Node) bool {
				c, ok := n.(*tree.Call)
				return ok && (sql.Same(c.Name, "grouping") || sql.Same(c.Name, "grouping_id"))
			}) || q.is(it.expr.from, "grouping", "grouping_id")
			if told = told || grouping; (alone[i] || grouping) && !it.end {
				q.keys = append(q.keys, i)
			}
		}
		if q.sets() && !told {
			return q.fail(p, "rows of several grouping sets can't be told apart").
				WithHint("select GROUPING_ID(columns) too: which set a row is of belongs to its key")
		}
		return nil
	}
	for _, g := range q.split(p) {
		i, err := q.selected(ctx, tx, g)
		if err != nil {
			return err
		}
		if !q.items[i].end && !slices.Contains(q.keys, i) {
			q.keys = append(q.keys, i)
		}
	}
	return nil
}

// sets: the groups are several.
func (q *query) sets() bool {
	p := q.clause["group"]
	for i := p.from; i < p.to; i = q.next(i) {
		if q.is(i, "ROLLUP", "CUBE") && q.is(i+1, "(") || q.is(i, "GROUPING") && q.is(i+1, "SETS") {
			return true
		}
	}
	return false
}

// selected is the item that a group of GROUP BY is.
func (q *query) selected(ctx context.Context, tx *duck.Tx, g part) (int, error) {
	if n, err := strconv.Atoi(q.word(g.from)); err == nil && g.to == g.from+1 && n >= 1 && n <= len(q.items) {
		return n - 1, nil
	}
	for i, it := range q.items {
		if q.same(it.expr, g) {
			return i, nil
		}
	}
	last := sql.NameOf(q.word(g.to - 1))
	plain := func(p part) bool { // a column, perhaps of a relation
		for i := p.from; i < p.to; i++ {
			if (i-p.from)%2 == 1 != q.is(i, ".") || (i-p.from)%2 == 0 && q.toks[i].Kind != sql.Word && q.toks[i].Kind != sql.Quoted {
				return false
			}
		}
		return true
	}
	if plain(g) {
		column := false
		if g.to == g.from+1 { // a column of what is read comes before a name of the SELECT
			_, errs := tx.DescribeEach(ctx, []duck.Bound{{Query: q.over(q.user(g)), At: q.fails(q.span(g))}})
			column = errs[0] == nil
		} else {
			column = true
		}
		for i, it := range q.items {
			if column && plain(it.expr) && sql.Same(sql.NameOf(q.word(it.expr.to-1)), last) || !column && sql.Same(it.alias, last) {
				return i, nil
			}
		}
	}
	return 0, q.fail(g, "the rollup groups by %s, which it doesn't select", q.span(g).Of(q.src)).
		WithHint("select it too: the grouped columns are what its rows are told apart by")
}

// over is an expression over the rows that the query groups.
func (q *query) over(x *duck.Query) *duck.Query { return q.write(q.of.Empty, x, nil) }

// groupable says of each item whether it is an expression over a row, with no aggregate in it.
func (q *query) groupable(ctx context.Context, tx *duck.Tx) []bool {
	bound := make([]duck.Bound, len(q.items))
	for i, it := range q.items {
		at := q.fails(q.span(it.at))
		bound[i] = duck.Bound{Query: duck.SQL("{q} GROUP BY {x}", duck.Args{"q": q.over(duck.SQL("1")), "x": q.edited(it.expr, q.edits)}), At: at}
	}
	_, errs := tx.DescribeEach(ctx, bound)
	out := make([]bool, len(errs))
	for i := range errs {
		_, constant := q.items[i].node.(*tree.Constant)
		out[i] = errs[i] == nil || constant
	}
	return out
}
