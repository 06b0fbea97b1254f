package quality

import (
	"fmt"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// helper is a function that METRICS and CHECKS have beside DuckDB's.
type helper struct {
	usage      string
	min, max   int  // arguments
	aggregates bool // it is about all rows of the scan
	apart      bool // it is so in a query of its own, rather than as a column of the scan
	expand     func(x *expansion, c helperCall) *duck.Query
}

type helperCall struct {
	event
	ext  extent
	args []*duck.Query
}

var helpers map[string]helper

func init() { // the functions reach the table through expansion.text
	helpers = map[string]helper{
		"null_ratio":      {"null_ratio(c)", 1, 1, true, false, nullRatio},
		"is_unique":       {"is_unique(c, …)", 1, 100, true, false, isUnique},
		"duplicate_ratio": {"duplicate_ratio(c, …)", 1, 100, true, false, duplicateRatio},
		"distinct_ratio":  {"distinct_ratio(c)", 1, 1, true, false, distinctRatio},
		"freshness":       {"freshness(timestamp)", 1, 1, true, false, freshness},
		"orphans":         {"orphans(c, table.c)", 2, 2, true, false, orphans},
		"previous":        {"previous(metric [, versions back])", 1, 2, false, false, previous},
		"mean_of_last":    {"mean_of_last(metric, versions [, season [, least]])", 2, 4, false, false, meanOfLast},
		"zscore":          {"zscore(metric, versions [, season [, least]])", 2, 4, false, false, zscore},
	}
	helpers["differences"] = helper{"differences(table, key, … [, abs := 0.01] [, rel := 1e-6])", 2, 100, true, true, differences}
	for name := range distances {
		helpers[name] = helper{name + "(c [, versions])", 1, 2, true, false, compared}
	}
}

// help expands a helper. One that aggregates becomes a column of the scan.
func (x *expansion) help(h helper, e event, ext extent, inside bool) *duck.Query {
	name := sql.Span{Start: e.at, End: x.it().read.nameEnd(e.at)}
	switch {
	case len(ext.args) < h.min || len(ext.args) > h.max:
		return x.fail(x.it().errorf(name, code.Arguments, "%s takes other arguments: %s", e.name, h.usage).
			WithHint("write " + h.usage))
	case !ext.bare:
		return x.fail(x.it().errorf(name, code.Arguments, "%s takes no FILTER", e.name).
			WithHint("put the condition into its argument: CASE WHEN … THEN … END"))
	case h.aggregates && inside:
		return x.fail(x.it().errorf(name, code.AggregateInAggregate,
			"%s is about all rows and can't stand inside an aggregate or in a condition on each row", e.name).
			WithHint("make it a metric, and compare that"))
	}
	c := helperCall{event: e, ext: ext}
	if h.aggregates && !h.apart {
		for _, a := range ext.args {
			c.args = append(c.args, x.text(a, true))
		}
		return x.aggregate(h.expand(x, c))
	}
	return h.expand(x, c)
}

func nullRatio(x *expansion, c helperCall) *duck.Query {
	a := duck.Args{"c": c.args[0]}
	x.example(example{of: func(*duck.Query) *duck.Query { return duck.SQL("({c}) IS NULL", a) }, kept: true})
	return duck.SQL("((count(*) - count({c}))::DOUBLE / nullif(count(*), 0))", a)
}

// key is one value of several columns. As in SQL's UNIQUE, NULL in any of them makes it none.
func key(args []*duck.Query) *duck.Query {
	if len(args) == 1 {
		return args[0]
	}
	return duck.SQL("CASE WHEN {all} THEN row({cols}) END",
		duck.Args{"cols": duck.Join(", ", args...), "all": duck.Each(" AND ", args, func(c *duck.Query) *duck.Query {
			return duck.SQL("({c}) IS NOT NULL", duck.Args{"c": c})
		})})
}

func (x *expansion) duplicates(k *duck.Query) {
	x.example(example{order: k, kept: true, of: func(rel *duck.Query) *duck.Query {
		return duck.SQL("({k}) IN (SELECT {k} FROM {rel} GROUP BY {k} HAVING count(*) > 1)", duck.Args{"k": k, "rel": rel})
	}})
}

func isUnique(x *expansion, c helperCall) *duck.Query {
	k := key(c.args)
	x.duplicates(k)
	return duck.SQL("({distinct} = count({k}))", duck.Args{"k": k, "distinct": x.distinct(k)})
}

func duplicateRatio(x *expansion, c helperCall) *duck.Query {
	k := key(c.args)
	x.duplicates(k)
	return duck.SQL("((count({k}) - {distinct})::DOUBLE / nullif(count(*), 0))", duck.Args{"k": k, "distinct": x.distinct(k)})
}

func distinctRatio(x *expansion, c helperCall) *duck.Query {
	return duck.SQL("({distinct}::DOUBLE / nullif(count({c}), 0))", duck.Args{"c": c.args[0], "distinct": x.distinct(c.args[0])})
}

// freshness is the age in seconds of the newest; times without zone are in UTC.
func freshness(_ *expansion, c helperCall) *duck.Query {
	return duck.SQL("(epoch({now}) - epoch(max({c})))", duck.Args{"now": duck.Now, "c": c.args[0]})
}

// orphansAlias qualifies the column that orphans looks in: without it a column of the batch by that name would be taken.
const orphansAlias = "the other table"

func orphans(x *expansion, c helperCall) *duck.Query {
	r := x.it().read
	first, last := r.tokenAt(c.ext.args[1].Start), r.tokenAt(c.ext.args[1].End)-1
	if last < first+2 || !r.is(last-1, ".") {
		return x.fail(x.it().errorf(c.ext.args[1], code.Arguments, "the second argument of orphans names the column to look in, with its table").
			WithHint("write " + helpers["orphans"].usage))
	}
	col := duck.User(r.src, r.toks[last].Span)
	name := r.toks[first].Span.To(r.toks[last-2].Span)
	table := duck.User(r.src, name)
	if strings.EqualFold(strings.Trim(name.Of(r.src), `"`), x.p.name) {
		x.p.whole, table = true, x.table
	}
	missing := duck.SQL("({c}) IS NOT NULL AND ({c}) NOT IN (SELECT {r}.{col} FROM {table} AS {r} WHERE {r}.{col} IS NOT NULL)",
		duck.Args{"c": c.args[0], "col": col, "table": table, "r": duck.Ident(orphansAlias)})
	x.example(example{of: func(*duck.Query) *duck.Query { return missing }, order: c.args[0], kept: true})
	return duck.SQL("count(*) FILTER ({m})", duck.Args{"m": missing})
}

// past names a value of a metric's history.
type past struct {
	metric string // in lower case
	what   string // previous, mean, deviation
	n      int    // previous: how many versions back; else over how many
}

// needs are what an expansion asks of a batch before the scan.
type needs struct {
	history []past
	drifts  []drift
	spans   []counted
}

// counted is a column of the table whose distinct values an item counts.
type counted struct {
	item   int
	column string // in lower case
}

func (n needs) explain(i int) string {
	for _, d := range n.drifts {
		if d.item == i {
			if d.of != "psi" {
				return ", compared with its baseline in a scan of its own"
			}
			return ", its bins from a scan of the baseline"
		}
	}
	for _, c := range n.spans {
		if c.item == i {
			return ", after a look at the least and greatest " + c.column
		}
	}
	return ""
}

// noMetric says why the first argument of a helper is no metric that it can look back on. later: it is one that stands behind this item.
func (x *expansion) noMetric(c helperCall, name string, later bool) *sql.Error {
	r, at := x.it().read, c.ext.args[0]
	if later {
		return x.it().errorf(at, code.UnknownMetric, "the metric %s is not known here yet", name).WithHint("put it before this one")
	}
	column := x.p.column(name)
	if first := r.tokenAt(at.Start); !column && r.toks[first].Span.End >= at.End {
		return x.it().errorf(at, code.UnknownMetric, "there is no metric %s", name).
			WithHint(sql.DidYouMean(name, x.p.metricNames(), "declare it: METRICS ("+name+" = …)"))
	}
	args, measured := "m", name
	for _, a := range c.ext.args[1:] {
		args += ", " + a.Of(r.src)
	}
	if column {
		measured = "avg(" + name + ")"
	}
	return x.it().errorf(at, code.UnknownMetric, "%s takes the name of a metric, and %s is none", c.name, name).
		WithHint(fmt.Sprintf("measure it, METRICS (m = %s), and write %s(%s)", measured, c.name, args))
}

// history reads the metric and the number of a helper's arguments, and gives what stands for a value of its history.
func (x *expansion) history(c helperCall, current bool, whats ...string) (metric *duck.Query, values []*duck.Query) {
	r := x.it().read
	name := strings.Trim(c.ext.args[0].Of(r.src), `"`)
	i, ok := x.p.metric(name)
	if !ok || current && i >= x.i {
		x.fail(x.noMetric(c, name, ok))
		return duck.SQL("NULL"), []*duck.Query{duck.SQL("NULL"), duck.SQL("NULL")}
	}
	n := 1
	if len(c.ext.args) > 1 {
		text := c.ext.args[1].Of(r.src)
		var err error
		if n, err = strconv.Atoi(strings.ReplaceAll(text, "_", "")); err != nil || n < 1 {
			x.fail(x.it().errorf(c.ext.args[1], code.Arguments, "the number of versions is a whole number from 1").
				WithHint("write " + helpers[c.name].usage))
			n = 1
		}
	}
	if len(c.ext.args) > 2 {
		values = x.seasonal(c, i, n, whats)
		whats = nil
	}
	for _, what := range whats {
		p := past{strings.ToLower(name), what, n}
		x.needs.history = append(x.needs.history, p)
		typ := duck.Type("DOUBLE")
		if what == "previous" {
			typ = pastType(x.p.metricType(i))
		}
		v := duck.SQL("NULL")
		if x.env != nil {
			v = x.env.history[p]
		}
		// the metric may have been of another type then
		values = append(values, duck.SQL("TRY_CAST({v} AS {t})", duck.Args{"v": v, "t": typ}))
	}
	if !current {
		return nil, values
	}
	e := event{kind: column, at: c.ext.args[0].Start, name: name}
	metric, _ = x.columnRef(e, false)
	return metric, values
}

func previous(x *expansion, c helperCall) *duck.Query {
	_, v := x.history(c, false, "previous")
	return v[0]
}

func meanOfLast(x *expansion, c helperCall) *duck.Query {
	_, v := x.history(c, false, "mean")
	return v[0]
}

func zscore(x *expansion, c helperCall) *duck.Query {
	m, v := x.history(c, true, "mean", "deviation")
	return duck.SQL("(({m} - {mean}) / nullif({sd}, 0))", duck.Args{"m": m, "mean": v[0], "sd": v[1]})
}

// pastType is the type of an earlier value of a metric: its own, but for integers one that differences fit into.
func pastType(t duck.Type) duck.Type {
	switch id := t.ID(); {
	case id.Integer() && t.Widens("BIGINT"):
		return "BIGINT"
	case id.Integer() && t.Widens("HUGEINT"):
		return "HUGEINT"
	case id.Float():
		return "DOUBLE"
	}
	return t
}

// isExact: a number of the type may have more digits than a DOUBLE holds.
func isExact(t duck.Type) bool { return isNumber(t) && !t.ID().Float() }

// isNumber: values of the type go into a DOUBLE.
func isNumber(t duck.Type) bool { return t.ID().Number() && t.ID() != duck.TypeBigNum }
