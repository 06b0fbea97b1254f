package quality

import (
	dbsql "database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/sql"
	"dsql/sql/code"
)

// A check BY judges each group of rows by itself and has one verdict: FALSE where a group's is, else NULL where one's is or where there
// are no groups, else TRUE. All checks with the same BY over the same rows share one GROUP BY; what they come to is counted over its
// result in the same statement, so that a million groups stay in DuckDB: at most maxRows of them are handed out.

// grouping is a GROUP BY and what is asked of its groups.
type grouping struct {
	table  bool
	by     *duck.Query   // the expressions of BY
	keys   []string      // their names
	judged []*duck.Query // of each check, for each group: its condition and its value
	counts []*duck.Query // of each check, over all groups
}

// Over all groups: how many there are. Of check i: how many fail, how many are unknown, and some as JSON.
const (
	groupCount  = "groups %d"
	failCount   = "failing %d"
	nullCount   = "unknown %d"
	groupSample = "sample %d"
)

func named(form string, i int) *duck.Query { return duck.Ident(fmt.Sprintf(form, i)) }

// grouped: the item is judged by group.
func (it *item) grouped() bool { return it.by != nil }

// by reads what stands in BY.
func (b *compiler) by(it *item, sp sql.Span) error {
	const head = "SELECT "
	it.by = &reading{src: it.decl.Src, span: sp, top: -1, toks: sql.Tokens(it.decl.Src, sp)}
	t, err := tree.Read(b.ctx, b.c, head+sp.Of(it.decl.Src))
	if err != nil {
		return err
	}
	cols, err := b.c.Describe(b.ctx, duck.SQL("SELECT {by} FROM {rel} GROUP BY ALL",
		duck.Args{"by": duck.User(it.decl.Src, sp), "rel": b.c.Empty(b.p.cols)}), sql.Place{Src: it.decl.Src, Span: sp})
	if err != nil {
		return err
	}
	for i, c := range cols {
		for _, other := range cols[:i] {
			if strings.EqualFold(c.Name, other.Name) {
				return it.errorf(sp, code.DuplicateName, "two columns of BY are called %s", c.Name).WithHint("name one: … AS other")
			}
		}
		it.keys = append(it.keys, c.Name)
	}
	if q, ok := t.Queries[0].(*tree.Select); ok {
		it.by.use(t, sp.Start-len(head), q.List...)
	}
	return nil
}

// ungrouped refuses what can't be told of groups.
func (b *compiler) ungrouped(it *item) {
	for _, e := range it.by.events {
		if e.kind == window || b.p.aggregating(e) {
			b.errs = append(b.errs, it.errorf(sql.Span{Start: e.at, End: it.by.nameEnd(e.at)}, code.AggregateInAggregate,
				"BY takes values of each row, and this is one of many rows").WithHint("group by columns, or by expressions over them"))
		}
	}
	for _, e := range it.read.events {
		if b.p.refersTo(e) || b.p.aggregating(e) {
			return
		}
	}
	b.errs = append(b.errs, it.errorf(it.read.span, code.NonAggregate, "this is the same for each group: a metric is one of all rows").
		WithHint("with BY write the aggregate itself: EXPECT (avg(c) < 10) BY (…)"))
}

// scanOf is where a check BY aggregates.
func (x *expansion) scanOf(it *item) int {
	by := duck.User(it.by.src, it.by.span)
	for s, g := range x.groups {
		if g.table == it.table && g.by.String() == by.String() {
			return s + grouped
		}
	}
	x.groups = append(x.groups, &grouping{table: it.table, by: by, keys: it.keys})
	x.aggs = append(x.aggs, nil)
	return len(x.aggs) - 1
}

// group makes a check's condition and value, which stand for one group, those of all groups.
func (x *expansion) group(pt *part) {
	it, i := x.it(), x.i
	s := x.scanOf(it) - grouped
	g := x.groups[s]
	fields := make([]*duck.Query, 0, len(g.keys)+1)
	value := "value"
	for _, k := range g.keys {
		fields = append(fields, duck.SQL("{k} := {k}", duck.Args{"k": duck.Ident(k)}))
		if strings.EqualFold(k, value) {
			value = "_value"
		}
	}
	failing, all := named(failCount, i), named(groupCount, s)
	a := duck.Args{"c": duck.Ident(conditionName(i)), "v": duck.Ident(typeName(i)), "e": pt.expr, "m": pt.value, "n": maxRows,
		"shown": duck.SQL("NOT {c}", duck.Args{"c": duck.Ident(conditionName(i))}),
		"fail":  failing, "null": named(nullCount, i), "all": all, "sample": named(groupSample, i)}
	if it.unknown == warn {
		a["shown"] = duck.SQL("{c} IS NOT TRUE", a)
	}
	a["row"] = duck.SQL("struct_pack({fields})", duck.Args{"fields": duck.Join(", ",
		append(fields, duck.SQL("{n} := {v}", a.With(duck.Args{"n": duck.Ident(value)})))...)})
	g.judged = append(g.judged, duck.SQL("({e}) AS {c}, ({m}) AS {v}", a))
	g.counts = append(g.counts, duck.SQL("count(*) FILTER (NOT {c}) AS {fail}, count(*) FILTER ({c} IS NULL) AS {null}, "+
		"min(struct_pack(c := {c}, r := {row}), {n}) FILTER ({shown}) AS {sample}", a))
	pt.value = failing
	pt.expr = duck.SQL("CASE WHEN {fail} > 0 THEN false WHEN {null} > 0 OR {all} = 0 THEN NULL ELSE true END", a)
	pt.groups = all
	pt.sample = duck.SQL("to_json(list_transform({sample}, lambda _s: to_json(_s.r)::VARCHAR))::VARCHAR", a)
}

// from is a FROM-item of one row: what the checks of a grouping come to.
func (g *grouping) from(s int, rel *duck.Query, aggs []*duck.Query) *duck.Query {
	names := duck.Names(g.keys)
	n := -1
	cols := duck.Each(", ", aggs, func(*duck.Query) *duck.Query {
		n++
		return duck.Ident(aggName(s+grouped, n))
	})
	return duck.SQL("(SELECT count(*) AS {all}, {counts} FROM (SELECT {keys}, {judged} FROM (SELECT {by}, {aggs} FROM {rel} GROUP BY ALL) "+
		"AS _g({keys}, {cols}))) AS {name}",
		duck.Args{"all": named(groupCount, s), "counts": duck.Join(", ", g.counts...), "judged": duck.Join(", ", g.judged...), "keys": names,
			"by": g.by, "aggs": duck.Join(", ", aggs...), "rel": rel, "cols": cols, "name": named("the groups %d", s)})
}

// keep takes the groups that are shown of a check BY.
func (o *outcome) keep(sample dbsql.NullString) error {
	if !o.item.grouped() || !sample.Valid || o.verdict == passed || o.verdict == unknown {
		return nil
	}
	return json.Unmarshal([]byte(sample.String), &o.rows)
}
