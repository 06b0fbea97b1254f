package run

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"dsql/engine/duck"
)

// The law of rollups, at random: streams of rows that come late, twice, are rejected and replayed, held and released, rolled back and read
// again; whatever the cut of their batches, at every version a rollup is what its query gives over all rows of that version.

// drawn is a rollup with its query as DuckDB alone has it: {ev} and {dim} stand for what is read. late: its LATENESS, and then up_ is up to
// which time windows were closed before a row's batch. final: it hands windows on; end is that of a row's window where that can be told.
type drawn struct {
	rollup, plain, late string
	final               bool
	end                 string
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

const (
	hopPlain = `(SELECT *, unnest(CASE WHEN ts IS NULL THEN [NULL] ELSE list_filter([time_bucket(INTERVAL 10 MINUTE, ts) - to_minutes(10 * i) FOR i IN range(4)],
		lambda w: w + INTERVAL 25 MINUTE > ts) END) AS w_ FROM {ev} AS ev)`
	sessionPlain = `(SELECT *, CASE WHEN ts IS NOT NULL THEN max(CASE WHEN o_ THEN ts END) OVER (PARTITION BY KEYS ORDER BY ts) END AS w_
		FROM (SELECT *, lag(ts) OVER (PARTITION BY KEYS ORDER BY ts) IS NULL OR ts > lag(ts) OVER (PARTITION BY KEYS ORDER BY ts) + INTERVAL 7 MINUTE AS o_
		FROM {ev} AS ev WHERE COND))`
)

// folding are aggregates that rows are merged into. Averages are of sums and counts on both sides of where these are exact.
var folding = []string{"count(*)", "count(x)", "COUNT_IF(x > 3)", "sum(x)", "SUM(d)", "sum(x) FILTER (WHERE s = 'p')", "avg(x)", "AVG(X) FILTER (x > 2)",
	"avg(d)", "avg(d::DECIMAL(18, 4))", "avg(x * 1000000007)", "avg(j::SMALLINT)", "avg(x * 3002399751580331)", "avg(x::HUGEINT * -170141183460469)", "min(s)",
	"max(ts)", "max(f)", "bool_and(x > 1)", "bool_or(x > 3)", "bit_xor(x)", "sum(x) FILTER (x < 9) + count(*)", "round(avg(x), 1)", "count(*) * 1.5 - sum(j)",
	"coalesce(sum(x), -1)"}

// drawRollup makes a query of groups, aggregates and conditions.
func drawRollup(r *rand.Rand) drawn {
	aggregates := []string{"count(*)", "count(x)", "sum(x)", "avg(x)", "sum(d)", "min(s)", "max(ts)", "count(DISTINCT s)", "median(x)",
		"string_agg(s, ',' ORDER BY s)", "count(*) FILTER (WHERE x > 5)", "bool_or(x > 3)", "list(x ORDER BY x)", "quantile_cont(x, 0.25)",
		"histogram(s)", "sum(x) FILTER (x < 9) + count(*)", "max(f)", "sum(f)"}
	if r.IntN(2) == 0 { // what merges: see rollup/fold.go
		aggregates = folding
	}
	var list []string
	for i := range 1 + r.IntN(4) {
		list = append(list, fmt.Sprintf("%s AS a%d", pick(r, aggregates...), i))
	}
	aggs := strings.Join(list, ", ")
	where := pick(r, "true", "true", "x > 2", "s <> 'p' OR x IS NULL", "ts IS DISTINCT FROM TIMESTAMP '2025-01-01 01:00:00'")
	having := pick(r, "", "", "", " HAVING count(*) > 2", " HAVING max(x) > 5")
	both := func(groups, by string) drawn {
		q := fmt.Sprintf("SELECT %s, %s FROM {ev} AS ev WHERE %s GROUP BY %s%s", groups, aggs, where, by, having)
		return drawn{rollup: q, plain: q}
	}
	late := pick(r, "", "", "INTERVAL 0 MINUTES", "INTERVAL 20 MINUTES", "INTERVAL 1 HOUR")
	windowed := func(groups, window, plain, end, from, by string) drawn {
		q := fmt.Sprintf("SELECT %sW AS w, %s FROM FROM_ AS ev WHERE (%s) AND OPEN GROUP BY %s%s", groups, aggs, where, by, having)
		open := "true"
		if late != "" && end != "" {
			open = "(up_ IS NULL OR ts IS NULL OR " + end + " > up_)"
		}
		d := drawn{rollup: strings.NewReplacer("W AS w", window+" AS w", "FROM_", "{ev}", " AND OPEN", "").Replace(q),
			plain: strings.NewReplacer("W AS w", plain+" AS w", "FROM_", from, "OPEN", open).Replace(q), late: late}
		d.final = late != "" && r.IntN(2) == 0
		if end != "" {
			d.end = "w" + end[strings.LastIndex(end, " + INTERVAL"):]
		}
		return d
	}
	keys := pick(r, "", "k, ", "k, j, ", "f, ")
	switch r.IntN(11) {
	case 0:
		return both("k", pick(r, "k", "1", "ALL"))
	case 1:
		return both("upper(k) AS u, j", pick(r, "u, j", "ALL", "1, 2", "upper(k), j"))
	case 2:
		return both(pick(r, "f", "d", "s", "k, f"), "ALL")
	case 3:
		return windowed(keys, "tumble(ts, INTERVAL 15 MINUTE)", "time_bucket(INTERVAL 15 MINUTE, ts)",
			"time_bucket(INTERVAL 15 MINUTE, ts) + INTERVAL 15 MINUTE", "{ev}", "ALL")
	case 4:
		return windowed(keys, "tumble(ts, INTERVAL 1 HOUR, INTERVAL 5 MINUTE)", "time_bucket(INTERVAL 1 HOUR, ts, INTERVAL 5 MINUTE)",
			"time_bucket(INTERVAL 1 HOUR, ts, INTERVAL 5 MINUTE) + INTERVAL 1 HOUR", "{ev}", "ALL")
	case 5:
		return windowed(keys, "hop(ts, INTERVAL 25 MINUTE, INTERVAL 10 MINUTE)", "w_", "w_ + INTERVAL 25 MINUTE", hopPlain, "ALL")
	case 6:
		by := pick(r, "", "k, ", "k, j, ")
		from := strings.NewReplacer("COND", where, "KEYS", by+"true").Replace(sessionPlain)
		return windowed(by, "session(ts, INTERVAL 7 MINUTE)", "w_", "", from, "ALL")
	case 7:
		q := "SELECT " + aggs + " FROM {ev} AS ev WHERE " + where + having
		return drawn{rollup: q, plain: q}
	case 8:
		q := fmt.Sprintf("SELECT k, j, GROUPING_ID(k, j) AS g, %s FROM {ev} AS ev WHERE %s GROUP BY %s%s", aggs, where,
			pick(r, "ROLLUP (k, j)", "CUBE (k, j)", "GROUPING SETS ((k), (j), ())"), having)
		return drawn{rollup: q, plain: q}
	case 9:
		q := fmt.Sprintf("SELECT region, %s FROM {ev} AS ev LEFT JOIN {dim} AS dim ON dim.id = ev.k WHERE %s GROUP BY ALL%s", aggs, where, having)
		return drawn{rollup: q, plain: q}
	}
	q := fmt.Sprintf("SELECT y, %s FROM (SELECT *, x %% 3 AS y FROM {ev} AS e) AS ev WHERE %s GROUP BY ALL%s", aggs, where, having)
	return drawn{rollup: q, plain: q}
}

func (d drawn) declared(i int) string {
	clause := ""
	if d.late != "" {
		clause = "LATENESS " + d.late + " "
	}
	if d.final {
		clause += "EMIT FINAL "
	}
	return fmt.Sprintf("CREATE ROLLUP r%d %sAS %s;\n", i, clause, strings.NewReplacer("{ev}", "STREAM ev", "{dim}", "dim").Replace(d.rollup))
}

const rollupInputs = `CREATE TABLE IF NOT EXISTS limits AS SELECT 13 AS bad;
CREATE SOURCE ev_in (k VARCHAR, j INTEGER, ts TIMESTAMP, x BIGINT, d DECIMAL(10, 2), f DOUBLE, s VARCHAR) FROM FILES ('in/*.csv', nullstr '');
CREATE SOURCE dim_in (id VARCHAR, region VARCHAR, n INTEGER) FROM FILES ('dim/*.csv');
CREATE JOURNAL dim KEYS (id) SEQUENCE BY n COLUMNS (region) FROM dim_in;
CREATE STREAM ev RULES (CONSTRAINT fine EXPECT (x <> (SELECT bad FROM limits))) CHECKS (CHECK small EXPECT (coalesce(max(x), 0) < 15) ON FAILURE HOLD)
  FROM ev_in;
`

// rows are some of a file.
func randomRows(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString("k,j,ts,x,d,f,s\n")
	for range r.IntN(9) {
		ts := fmt.Sprintf("2025-01-01 %02d:%02d:00", r.IntN(3), r.IntN(60))
		if r.IntN(12) == 0 {
			ts = ""
		}
		x := pick(r, "", "1", "2", "3", "5", "7", "9", "12", "13")
		if r.IntN(40) == 0 {
			x = "15"
		}
		fmt.Fprintf(&b, "%s,%d,%s,%s,%s,%s,%s\n", pick(r, "", "a", "b", "B", "c"), r.IntN(3), ts, x, pick(r, "", "0.10", "2.25"),
			pick(r, "", "0.0", "-0.0", "nan", "1.5"), pick(r, "p", "q", "r", ""))
	}
	return b.String()
}

func TestRollupsAtRandom(t *testing.T) {
	t.Parallel()
	atRandom(t, "DSQL_ROLLUP_SEEDS", 4, func(t *testing.T, r *rand.Rand, long bool) {
		if long {
			rollupsAtRandom(t, r, 6)
		} else {
			rollupsAtRandom(t, r, 2)
		}
	})
}

func rollupsAtRandom(t *testing.T, r *rand.Rand, steps int) {
	f := newField(t)
	var all []drawn
	script := rollupInputs
	add := func(n int) {
		for range n {
			d := drawRollup(r)
			script += d.declared(len(all))
			all = append(all, d)
		}
	}
	begin := min(5, 2*steps-1) // a few where there is little time
	add(begin)
	script += "CREATE ROLLUP regions AS SELECT region, count(*) AS n, string_agg(id, ',' ORDER BY id) AS ids FROM STREAM dim GROUP BY " +
		"region;\n" +
		"CREATE ROLLUP inner_one AS SELECT k, j, count(*) AS n, sum(x) AS t FROM STREAM ev GROUP BY k, j;\n" +
		"CREATE ROLLUP outer_one AS SELECT k, sum(n) AS n, max(t) AS t FROM STREAM inner_one GROUP BY k HAVING sum(n) > 1;\n"
	files, did := 0, ""
	f.write("in/000.csv", randomRows(r))
	for range steps {
		if did = ""; files > 1 && len(all) == begin && r.IntN(2) == 0 { // of rows that are there already
			add(2)
		}
		for range 1 + r.IntN(2) {
			files++
			f.write(fmt.Sprintf("in/%03d.csv", files), randomRows(r))
		}
		if r.IntN(3) == 0 {
			files++
			f.write(fmt.Sprintf("dim/%03d.csv", files),
				fmt.Sprintf("id,region,n\n%s,%s,%d\n", pick(r, "a", "b", "c"), pick(r, "n", "s", "w"), files))
		}
		if files > 2 {
			did = pick(r, "", "", "", "ROLLBACK STREAM ev TO VERSION "+fmt.Sprint(1+r.IntN(3))+";", "REBUILD STREAM ev FROM SOURCE;",
				"UPDATE limits SET bad = -1; REPLAY REJECTS FROM ev; UPDATE limits SET bad = 13;", "RELEASE HOLD ev;", "DISCARD HOLD ev;",
				"REBUILD ROLLUP r0; REBUILD ROLLUP inner_one;", "rebuild rollup INNER_ONE;", "REPLAY SOURCE ev_in FROM EARLIEST;", "REBUILD JOURNAL dim FROM SOURCE;")
		}
		f.run(script + pick(r, "REFRESH;\n", "REFRESH ev; REFRESH;\n") + did)
		f.lawful(all, script+did)
	}
}

// lawful holds each rollup, as it is and as it was, against its query over what was there.
func (f *field) lawful(all []drawn, did string) {
	f.t.Helper()
	f.open(func(c *duck.Conn) {
		versions, err := c.Int(f.t.Context(), duck.SQL("SELECT max(version) FROM dsql.versions"))
		if err != nil {
			f.t.Fatal(err)
		}
		compare := func(name, plain string, v, born int64) {
			if v < born {
				return
			}
			at := strings.NewReplacer("{ev}", fmt.Sprintf("ev_at(%d)", v), "{dim}", fmt.Sprintf("dim_at(%d)", v)).Replace(plain)
			is := fmt.Sprintf("FROM %s_at(%d)", name, v)
			if v == versions {
				is = "FROM " + name
			}
			n, err := c.Int(f.t.Context(), duck.SQL("SELECT count(*) FROM ((({a}) EXCEPT ALL ({b})) UNION ALL (({b}) EXCEPT ALL ({a})))",
				duck.Args{"a": duck.Text(is), "b": duck.Text(at)}))
			if err != nil || n != 0 {
				f.t.Fatalf("%s at version %d of %d: %d rows differ, %v\n%s\n%s", name, v, versions, n, err, at, did)
			}
		}
		for i, d := range all {
			if d.late != "" {
				compare(fmt.Sprintf("r%d", i), strings.ReplaceAll(d.plain, "{ev}", inTime(i)), versions, 1)
			}
			if d.final {
				f.final(c, fmt.Sprintf("r%d", i), d.end, did)
			}
		}
		for v := int64(1); v <= versions; v++ {
			for i, d := range all {
				if d.late != "" {
					continue
				}
				name := fmt.Sprintf("r%d", i)
				if !strings.Contains(d.rollup, "{dim}") && !strings.Contains(d.rollup, "(SELECT *, x") {
					compare(name, d.plain, v, 1)
					continue
				}
				born, err := c.Int(f.t.Context(),
					duck.SQL("SELECT coalesce(min(version), 1000000) FROM dsql.version_rows WHERE name = {n}", duck.Args{"n": name}))
				if err != nil {
					f.t.Fatal(err)
				}
				compare(name, d.plain, v, born)
			}
			compare("regions", "SELECT region, count(*) AS n, string_agg(id, ',' ORDER BY id) AS ids FROM {dim} GROUP BY region", v, 1)
			const inner = "SELECT k, j, count(*) AS n, sum(x) AS t FROM {ev} GROUP BY k, j"
			compare("inner_one", inner, v, 1)
			compare("outer_one", "SELECT k, sum(n) AS n, max(t) AS t FROM ("+inner+") GROUP BY k HAVING sum(n) > 1", v, 1)
		}
	})
}

// final holds what a rollup has handed on against what it had at each version that closed windows: these windows' rows, once, in order of
// their end. Where the end can't be told (a session's) each is a row that it had.
func (f *field) final(c *duck.Conn, name, end, did string) {
	f.t.Helper()
	type closing struct {
		version   int64
		was, upTo string
	}
	all, err := duck.Select(f.t.Context(), c, duck.SQL(`SELECT version, coalesce(max(up_to) OVER (ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND
		1 PRECEDING), '-infinity')::VARCHAR, coalesce(up_to, '-infinity')::VARCHAR FROM dsql.closed WHERE destination = {d}`, duck.Args{"d": name}),
		func(row func(...any) error) (x closing, err error) { return x, row(&x.version, &x.was, &x.upTo) })
	if err != nil {
		f.t.Fatal(err)
	}
	for _, x := range all {
		is := fmt.Sprintf("SELECT * EXCLUDE (_version, _nth) FROM %s__final WHERE _version = %d", name, x.version)
		be := fmt.Sprintf("FROM %s_at(%d)", name, x.version)
		wrong := fmt.Sprintf("(%s) EXCEPT ALL (%s)", is, be)
		if end != "" {
			be = fmt.Sprintf("%s WHERE %s > TIMESTAMP '%s' AND %s <= TIMESTAMP '%s'", be, end, x.was, end, x.upTo)
			wrong = fmt.Sprintf("((%s) EXCEPT ALL (%s)) UNION ALL ((%s) EXCEPT ALL (%s))", is, be, be, is)
		}
		n, err := c.Int(f.t.Context(), duck.SQL("SELECT count(*) FROM ({q})", duck.Args{"q": duck.Text(wrong)}))
		if err != nil || n != 0 {
			f.t.Fatalf("%s handed on at version %d: %d rows differ, %v\n%s\n%s", name, x.version, n, err, wrong, did)
		}
	}
	n, err := c.Int(f.t.Context(), duck.SQL("SELECT count(*) FROM (SELECT w < lag(w) OVER (PARTITION BY _version ORDER BY _nth) AS back FROM {f}) "+
		"WHERE back AND {told}", duck.Args{"f": duck.Ident(name + "__final"), "told": end != ""}))
	if err != nil || n != 0 {
		f.t.Fatalf("%s handed on %d windows out of order, %v\n%s", name, n, err, did)
	}
}

// inTime are the rows of ev but those that the rollup has rejected, and up to which time windows were closed before each came. What a
// rebuild brings was there before, and so was what it took away. (A join of DuckDB's gives 0.0 for -0.0.)
func inTime(i int) string {
	return fmt.Sprintf(`(SELECT * EXCLUDE (_version),
		CASE WHEN _version > (SELECT coalesce(max(since), 0) FROM dsql.eras WHERE destination = 'ev' AND through = 0) THEN
		(SELECT max(up_to) FROM dsql.closed WHERE destination = 'r%d' AND version < ev._version) END AS up_ FROM ev
		WHERE (_version, replace(to_json(struct_pack(k, j, ts, x, d, f, s))::VARCHAR, '-0.0', '0.0')) NOT IN
			(SELECT (version, replace(data::VARCHAR, '-0.0', '0.0')) FROM dsql.rejects
			WHERE destination = 'r%[1]d' AND starts_with(reason, 'too_late:') AND replayed_at IS NULL))`, i)
}

// open gives the file to f, read only.
func (f *field) open(with func(*duck.Conn)) {
	f.t.Helper()
	db, err := duck.Open(f.t.Context(), f.dir+"/x.duckdb", duck.Options{ReadOnly: true})
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	with(db.Writer())
}
