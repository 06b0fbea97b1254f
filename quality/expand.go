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
	env    *env            // nil where the items are only bound
	table  *duck.Query     // the destination as it will be: for items that read it beside the batch
	aggs   [][]*duck.Query // by scan
	groups []*grouping     // the scans behind those of the batch and of the table
	parts  []part          // by item
	needs  needs
	errs   sql.List
	failed []bool // by item
	i      int    // the item in hand
	season bool   // what is in hand is a season: see seasonal
}

// The scans of expansion.aggs.
const (
	ofBatch = iota
	ofTable
	grouped // and all behind it: expansion.groups
)

// part is the SQL of one item.
type part struct {
	expr      *duck.Query // the metric, or the check's condition; nil: not in this statement
	value     *duck.Query // what a check measures
	predicate *duck.Query // of a check on rows: the condition on one
	examples  []example   // of a check: what finds rows to show when it fails
	groups    *duck.Query // of a check BY: how many groups there are
	sample    *duck.Query // and some that fail, as JSON
}

// example finds rows that show why a check failed.
type example struct {
	of    func(rel *duck.Query) *duck.Query // a condition on the rows of rel
	order *duck.Query                       // puts together what belongs together; nil: any order
	kept  bool                              // these rows broke the check, rather than being what it counts
}

// env is what a batch brings to the expansion.
type env struct {
	batch   Batch
	history map[past]*duck.Query
	bins    map[drift]bins
	drifts  map[drift]*duck.Query   // those that take a query of their own
	table   *duck.Query             // the destination as it will be
	spans   map[string]span         // of columns of the table whose values lie close together
	metrics func(i int) *duck.Query // values of metrics, once they are known; nil before
	at      *duck.Query             // when the batch was measured; nil: now
}

func (p *Program) expand(e *env) *expansion {
	if e == nil {
		return p.expandOver(nil, duck.Empty(p.stored))
	}
	return p.expandOver(e, e.table)
}

func (p *Program) expandOver(e *env, table *duck.Query) *expansion {
	x := p.newExpansion(e, table)
	for i := range p.items {
		x.item(i)
	}
	return x
}

// expandOne is the expansion of item i alone, for binding.
func (p *Program) expandOne(i int) *expansion {
	x := p.newExpansion(nil, duck.Empty(p.stored))
	x.item(i)
	return x
}

func (p *Program) newExpansion(e *env, table *duck.Query) *expansion {
	return &expansion{p: p, env: e, table: table, aggs: make([][]*duck.Query, grouped), parts: make([]part, len(p.items)),
		failed: make([]bool, len(p.items))}
}

// empty: nothing is asked for.
func (x *expansion) empty() bool {
	return !slices.ContainsFunc(x.aggs, func(of []*duck.Query) bool { return len(of) > 0 })
}

func (x *expansion) it() *item { return &x.p.items[x.i] }

func (x *expansion) item(i int) {
	x.i = i
	it, pt := x.it(), &x.parts[i]
	late := it.apart() && x.p.usesMetrics(i) // a check on rows, or on groups, that compares them with metrics has to wait for those
	if x.env != nil && late != (x.env.metrics != nil) {
		return
	}
	errs := len(x.errs)
	if it.rows {
		x.rows(pt)
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
	if it.check && it.unknown == fail && !it.rows {
		pt.expr = duck.SQL("coalesce({e}, false)", duck.Args{"e": pt.expr})
	}
	if it.grouped() {
		x.group(pt)
	}
	x.failed[i] = len(x.errs) > errs
}

// rows counts the rows that break a condition on each. One that is NULL for a row breaks nothing, unless ON UNKNOWN says so.
func (x *expansion) rows(pt *part) {
	it := x.it()
	pt.predicate = x.text(it.read.span, true)
	a := duck.Args{"p": pt.predicate}
	if it.unknown == fail {
		pt.predicate = duck.SQL("coalesce(({p}), false)", a)
		a = duck.Args{"p": pt.predicate}
	}
	n := x.aggregate(duck.SQL("count(*) FILTER (NOT ({p}))", a))
	pt.expr, pt.value = duck.SQL("({n} = 0)", duck.Args{"n": n}), n
	if it.unknown == warn {
		nulls := x.aggregate(duck.SQL("count(*) FILTER (({p}) IS NULL)", a))
		pt.expr = duck.SQL("CASE WHEN {n} > 0 THEN false WHEN {nulls} = 0 THEN true END", duck.Args{"n": n, "nulls": nulls})
	}
}

// measuredAt is when the batch is measured.
func (x *expansion) measuredAt() *duck.Query {
	if x.env != nil && x.env.at != nil {
		return x.env.at
	}
	return duck.Now
}

func (x *expansion) scan() int {
	it := x.it()
	if it.table {
		x.p.whole = true
	}
	switch {
	case it.grouped():
		return x.scanOf(it)
	case it.table:
		return ofTable
	}
	return ofBatch
}

func aggName(scan, n int) string {
	if scan < grouped {
		return fmt.Sprintf("%s %d", []string{"batch", "table"}[scan], n+1)
	}
	return fmt.Sprintf("group %d %d", scan-grouped, n+1)
}

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
				x.example(example{of: func(*duck.Query) *duck.Query { return filter }})
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
	if x.season && !e.more && sql.Same(e.name, versionTime) {
		return x.measuredAt(), end
	}
	if i, ok := x.p.metric(e.name); ok && !e.more && i < x.i {
		if !it.apart() {
			if x.p.items[i].table == it.table { // what a metric is made of shows why its check failed
				x.parts[x.i].examples = append(x.parts[x.i].examples, x.parts[i].examples...)
			}
			return duck.Ident(x.p.items[i].name()), end
		}
		if x.env != nil {
			return x.env.metrics(i), end
		}
		return duck.SQL("NULL::{t}", duck.Args{"t": x.p.metricType(i)}), end
	}
	if it.rows || !x.p.refersTo(e) || !x.season && it.grouped() &&
		slices.ContainsFunc(it.keys, func(k string) bool { return sql.Same(k, e.name) }) {
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
	for s, g := range x.groups {
		rel := rows
		if g.table {
			rel = table
		}
		from = append(from, g.from(s, rel, x.aggs[s+grouped]))
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
		if it.grouped() {
			cols = append(cols, duck.SQL("{all} AS {g}, {json} AS {s}",
				duck.Args{"all": pt.groups, "json": pt.sample, "g": named("groups of %d", i), "s": named("some of %d", i)}))
		}
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
