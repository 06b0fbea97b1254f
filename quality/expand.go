package quality

import (
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// expansion is the SQL of a Program's items for one batch. Each aggregate in a user's text becomes a column of the scan of the
// batch or of the table; what is left of the text is an expression over those columns and over metrics.
type expansion struct {
	p      *Program
	env    *env        // nil where the items are only bound
	table  *duck.Query // the destination as it will be: for items that read it beside the batch
	aggs   [2][]*duck.Query
	parts  []part // by item
	needs  needs
	errs   sql.List
	failed []bool // by item
	i      int    // the item in hand
}

// The scans of expansion.aggs.
const (
	ofBatch = iota
	ofTable
)

// part is the SQL of one item.
type part struct {
	expr      *duck.Query // the metric, or the check's condition; nil: not in this statement
	value     *duck.Query // what a check measures
	predicate *duck.Query // of a check on rows: the condition on one
	examples  []example   // of a check: what finds rows to show when it fails
}

// example gives a condition on the rows of rel.
type example func(rel *duck.Query) *duck.Query

// env is what a batch brings to the expansion.
type env struct {
	history map[past]*duck.Query
	bins    map[drift]bins
	drifts  map[drift]*duck.Query   // those that take a query of their own
	table   *duck.Query             // the destination as it will be
	spans   map[string]span         // of columns of the table whose values lie close together
	metrics func(i int) *duck.Query // values of metrics, once they are known; nil before
}

func (p *Program) expand(e *env) *expansion {
	if e == nil {
		return p.expandOver(nil, duck.Empty(p.stored))
	}
	return p.expandOver(e, e.table)
}

func (p *Program) expandOver(e *env, table *duck.Query) *expansion {
	x := &expansion{p: p, env: e, table: table, parts: make([]part, len(p.items)), failed: make([]bool, len(p.items))}
	for i := range p.items {
		x.item(i)
	}
	return x
}

// expandOne is the expansion of item i alone, for binding.
func (p *Program) expandOne(i int) *expansion {
	x := &expansion{p: p, table: duck.Empty(p.stored), parts: make([]part, len(p.items)), failed: make([]bool, len(p.items))}
	x.item(i)
	return x
}

func (x *expansion) it() *item { return &x.p.items[x.i] }

func (x *expansion) item(i int) {
	x.i = i
	it, pt := x.it(), &x.parts[i]
	late := it.rows && x.p.usesMetrics(i) // a check on rows that compares them with metrics has to wait for those
	if x.env != nil && late != (x.env.metrics != nil) {
		return
	}
	errs := len(x.errs)
	if it.rows {
		pt.predicate = x.text(it.read.span, true)
		n := x.aggregate(duck.SQL("count(*) FILTER (NOT ({p}))", duck.Args{"p": pt.predicate}))
		pt.expr, pt.value = duck.SQL("({n} = 0)", duck.Args{"n": n}), n
	} else {
		pt.expr = duck.SQL("({e})", duck.Args{"e": x.text(it.read.span, false)})
		if it.check {
			if pt.value = pt.expr; it.value.End > 0 {
				examples := pt.examples
				pt.value = duck.SQL("({e})", duck.Args{"e": x.text(it.value, false)})
				pt.examples = examples
			}
		}
	}
	x.failed[i] = len(x.errs) > errs
}

func (x *expansion) scan() int {
	if x.it().table {
		x.p.whole = true
		return ofTable
	}
	return ofBatch
}

func aggName(scan, n int) string { return fmt.Sprintf("%s %d", []string{"batch", "table"}[scan], n+1) }

// aggregate makes an expression of aggregates a column of the scan, and returns its name. Equal ones are one column.
func (x *expansion) aggregate(q *duck.Query) *duck.Query {
	s := x.scan()
	n := slices.IndexFunc(x.aggs[s], func(a *duck.Query) bool { return a.String() == q.String() })
	if n < 0 {
		n = len(x.aggs[s])
		x.aggs[s] = append(x.aggs[s], q)
	}
	return duck.Ident(aggName(s, n))
}

// fail reports an error at a part of the item's text; NULL stands there.
func (x *expansion) fail(e *sql.Error) *duck.Query {
	x.errs = append(x.errs, e)
	return duck.SQL("NULL")
}

// text is the user's text at sp with helpers, metrics and (outside aggregates) aggregates replaced. inside: it is about a row.
func (x *expansion) text(sp sql.Span, inside bool) *duck.Query {
	r := x.it().read
	var out []*duck.Query
	pos := sp.Start
	put := func(q *duck.Query, from, to int) {
		out = append(out, duck.User(r.src, sql.Span{Start: pos, End: from}), q)
		pos = to
	}
	for _, e := range r.events {
		if e.at < pos || e.at >= sp.End {
			continue
		}
		switch e.kind {
		case window:
			x.fail(x.it().errorf(sql.Span{Start: e.at, End: r.nameEnd(e.at)}, code.WindowInCheck,
				"a window function can't stand here: metrics and checks are aggregates").
				WithHint("aggregate it in a stream of its own, or in the destination's query"))
		case relation:
			if strings.EqualFold(e.name, x.p.name) {
				put(x.itself(e.alias, e.name), e.at, r.nameEnd(e.at))
			}
		case column:
			if q, end := x.columnRef(e, inside); q != nil {
				put(q, e.at, end)
			}
		case call:
			h, helper := helpers[e.name]
			if !helper && (inside || !x.p.aggregates[e.name]) {
				continue
			}
			ext := r.extent(e.at)
			if helper {
				put(x.help(h, e, ext, inside), ext.span.Start, ext.span.End)
				continue
			}
			if ext.filter.End > 0 && x.it().check {
				filter := x.text(ext.filter, true)
				x.example(func(*duck.Query) *duck.Query { return filter })
			}
			put(x.aggregate(x.text(ext.span, true)), ext.span.Start, ext.span.End)
		}
	}
	return duck.Cat(append(out, duck.User(r.src, sql.Span{Start: pos, End: sp.End}))...)
}

// itself is the destination in the FROM of a subquery: as it will be, as all that a batch feeds is read.
func (x *expansion) itself(alias bool, name string) *duck.Query {
	if alias {
		x.p.whole = true
		return x.table
	}
	x.p.whole = true
	return duck.SQL("{t} AS {n}", duck.Args{"t": x.table, "n": duck.Ident(name)})
}

func (x *expansion) example(e example) { x.parts[x.i].examples = append(x.parts[x.i].examples, e) }

// columnRef is what stands for a column's name: outside aggregates a metric, or an error. nil leaves the name as it is.
func (x *expansion) columnRef(e event, inside bool) (*duck.Query, int) {
	it := x.it()
	if inside && !it.rows {
		return nil, 0
	}
	end := it.read.nameEnd(e.at)
	if i, ok := x.p.metric(e.name); ok && !e.more && i < x.i {
		if !it.rows {
			return duck.Ident(x.p.items[i].name()), end
		}
		if x.env != nil {
			return x.env.metrics(i), end
		}
		return duck.SQL("NULL::{t}", duck.Args{"t": x.p.metricType(i)}), end
	}
	if it.rows || !x.p.refersTo(e) {
		return nil, 0
	}
	name := sql.Span{Start: e.at, End: end}
	what, hint := "a metric", "write avg(%s), max(%s), … or count(*) FILTER (…)"
	if it.check {
		what, hint = "a check on aggregates", "aggregate it: avg(%s), max(%s), …; a condition on each row has no aggregates"
	}
	col := name.Of(it.read.src)
	return x.fail(x.it().errorf(name, code.NonAggregate, "%s is a column of each row, and %s is about all of them", col, what).
		WithHint(fmt.Sprintf(strings.ReplaceAll(hint, "%s", "%[1]s"), col))), end
}

// metricType is a metric's type, DOUBLE while it isn't known.
func (p *Program) metricType(i int) duck.Type {
	if t := p.items[i].typ; t != "" {
		return t
	}
	return "DOUBLE"
}

func typeName(i int) string      { return fmt.Sprintf("type %d", i) }
func conditionName(i int) string { return fmt.Sprintf("condition %d", i) }

// scans is a FROM-item of one row with the aggregates of all scans that are needed.
func (x *expansion) scans(rows, table *duck.Query) *duck.Query {
	var from []*duck.Query
	for s, rel := range []*duck.Query{rows, table} {
		if len(x.aggs[s]) == 0 {
			continue
		}
		n := -1
		from = append(from, duck.SQL("(SELECT {aggs} FROM {rel}) AS {name}",
			duck.Args{"rel": rel, "name": duck.Ident([]string{"the batch", "the table"}[s]),
				"aggs": duck.Each(", ", x.aggs[s], func(a *duck.Query) *duck.Query {
					n++
					return duck.SQL("{a} AS {n}", duck.Args{"a": a, "n": duck.Ident(aggName(s, n))})
				})}))
	}
	if len(from) == 0 {
		return duck.SQL("(SELECT 1 AS one)")
	}
	return duck.Join(", ", from...)
}

// statement is the query of all items: a row with "type i", the value of item i, and "condition i" of a check.
func (p *Program) statement(x *expansion, rows, table *duck.Query) *duck.Query {
	rel := x.scans(rows, table)
	var cols []*duck.Query
	for i := range p.items {
		it, pt := &p.items[i], x.parts[i]
		if pt.expr == nil {
			continue
		}
		if !it.check {
			rel = duck.SQL("(SELECT *, {e} AS {n} FROM {rel})", duck.Args{"e": pt.expr, "n": duck.Ident(it.name()), "rel": rel})
			cols = append(cols, duck.SQL("{m} AS {n}", duck.Args{"m": duck.Ident(it.name()), "n": duck.Ident(typeName(i))}))
			continue
		}
		cols = append(cols, duck.SQL("{v} AS {n}, {e} AS {c}",
			duck.Args{"v": pt.value, "n": duck.Ident(typeName(i)), "e": pt.expr, "c": duck.Ident(conditionName(i))}))
	}
	if len(cols) == 0 {
		cols = append(cols, duck.SQL("NULL"))
	}
	return duck.SQL("SELECT {cols} FROM {rel}", duck.Args{"cols": duck.Join(", ", cols...), "rel": rel})
}

// statementOf is the query of item i alone, over a relation without rows.
func (p *Program) statementOf(x *expansion, i int) *duck.Query {
	cols := []*duck.Query{duck.SQL("1 AS one")}
	for j := range p.items[:i] {
		if it := &p.items[j]; !it.check {
			cols = append(cols, duck.SQL("NULL::{t} AS {n}", duck.Args{"t": p.metricType(j), "n": duck.Ident(it.name())}))
		}
	}
	pt := x.parts[i]
	a := duck.Args{"e": pt.expr, "v": pt.value, "t": duck.Ident(typeName(i)), "c": duck.Ident(conditionName(i)),
		"metrics": duck.Join(", ", cols...), "rel": x.scans(duck.Empty(p.cols), duck.Empty(p.stored))}
	if p.items[i].check {
		return duck.SQL("SELECT {v} AS {t}, {e} AS {c} FROM {rel}, (SELECT {metrics})", a)
	}
	return duck.SQL("SELECT {e} AS {t} FROM {rel}, (SELECT {metrics})", a)
}
