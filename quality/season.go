package quality

import (
	"slices"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// A season is an expression over version_time and metrics that come before: earlier versions in which it gave what it gives now are alike,
// and only those are looked back on. It is known only once the batch is measured, so the history is asked for in the statement itself: a
// window over dsql.metrics counts back within each season. A season that is NULL is like no other.

// versionTime is the name that a season has for the time of a version.
const versionTime = "version_time"

// seasonal are values of metric i's history in the season that the third argument of a helper gives now, over n versions; NULL where there
// are fewer than the fourth says.
func (x *expansion) seasonal(c helperCall, i, n int, whats []string) (values []*duck.Query) {
	r, at := x.it().read, c.ext.args[2]
	least := 1
	if len(c.ext.args) > 3 {
		var err error
		if least, err = strconv.Atoi(c.ext.args[3].Of(r.src)); err != nil || least < 1 || least > n {
			x.fail(x.it().errorf(c.ext.args[3], code.Arguments, "the least number of versions is a whole number from 1 to that of the versions").
				WithHint("write " + helpers[c.name].usage))
		}
	}
	var used []int
	for _, e := range r.events {
		if e.at < at.Start || e.at >= at.End {
			continue
		}
		j, metric := x.p.metric(e.name)
		switch name := (sql.Span{Start: e.at, End: r.nameEnd(e.at)}); {
		case e.kind == call && x.p.aggregating(e), e.kind == relation, e.kind == call && helpers[e.name].expand != nil:
			x.fail(x.it().errorf(name, code.Arguments, "a season is a value of each version: it can't be computed for earlier ones from this").
				WithHint("make it a metric, and name that"))
		case e.kind == column && metric && !e.more:
			if !slices.Contains(used, j) {
				used = append(used, j)
			}
		case e.kind == column && !sql.Same(e.name, versionTime) && x.p.column(e.name):
			x.fail(x.it().errorf(name, code.NonAggregate, "a season is made of version_time and metrics, and %s is a column of each row",
				name.Of(r.src)).WithHint("make it a metric: METRICS (season = max(" + name.Of(r.src) + "))"))
		}
	}
	was := x.season
	x.season = true
	now := x.text(at, false)
	x.season = was
	if x.env == nil { // bound alone
		v := duck.SQL("(CASE WHEN ({s}) IS NOT NULL THEN NULL::DOUBLE END)", duck.Args{"s": now})
		return slices.Repeat([]*duck.Query{v}, len(whats))
	}
	b := x.env.batch
	a := duck.Args{"d": b.Destination, "m": strings.ToLower(x.p.items[i].name()), "v": b.Version, "born": b.Born, "n": n, "now": now,
		"least": least, "season": duck.User(r.src, at), "time": duck.Ident(versionTime), "used": duck.SQL("")}
	if len(used) > 0 {
		a["used"] = duck.SQL(", {cols}", duck.Args{"cols": duck.Each(", ", used, x.p.earlier)})
	}
	for _, what := range whats {
		f := map[string]string{"mean": "avg", "deviation": "stddev_samp"}[what]
		values = append(values, duck.SQL(`(SELECT CASE WHEN count(*) >= {least} THEN {f}(_value) FILTER (isfinite(_value)) END FROM (
			SELECT _value, _season, row_number() OVER (PARTITION BY _season ORDER BY _version DESC, _row DESC) AS _back
			FROM (SELECT _value, _version, _row, ({season}) AS _season FROM (
				SELECT m.version AS _version, m.rowid AS _row, m.value AS _value, m.recorded_at AS {time}{used}
				FROM dsql.metrics m WHERE lower(m.destination) = lower({d}) AND lower(m.metric) = {m} AND m.version < {v} AND m.version > {born}
				AND m.value IS NOT NULL AND NOT isnan(m.value) AND m.version NOT IN (SELECT version FROM dsql.checks
					WHERE lower(destination) = lower({d}) AND verdict = 'held' AND version IS NOT NULL))))
			WHERE _back <= {n} AND _season = ({now}))`, a, duck.Args{"f": duck.Text(f)}))
	}
	return values
}

// earlier is metric i as an earlier version m recorded it, by its name.
func (p *Program) earlier(i int) *duck.Query {
	a := duck.Args{"t": p.metricType(i), "name": strings.ToLower(p.items[i].name()), "as": duck.Ident(p.items[i].name())}
	switch t := p.metricType(i); {
	case isExact(t): // a text has the digits that the DOUBLE doesn't hold
		a["value"] = duck.SQL("coalesce(TRY_CAST(u.value_text AS {t}), TRY_CAST(u.value AS {t}))", a)
	case isNumber(t) || t == "BOOLEAN":
		a["value"] = duck.SQL("TRY_CAST(u.value AS {t})", a)
	default:
		a["value"] = duck.SQL("TRY_CAST(u.value_text AS {t})", a)
	}
	return duck.SQL("(SELECT last({value} ORDER BY u.rowid) FROM dsql.metrics u WHERE lower(u.destination) = lower(m.destination) "+
		"AND lower(u.metric) = {name} AND u.version = m.version) AS {as}", a)
}
