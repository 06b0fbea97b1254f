package run

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"dsql/engine/duck"
)

// The law of outer joins, at random: whatever the cut of batches, the order of the sides, rows that come late, twice, are rejected, held,
// released or replayed, behind each run the rows that were given and those that wait are what the plain join has of all rows but those that
// were too late.

// outerForm is a query in DuckDB's words: {l} and {r} stand for the sides, which are of streams.
type outerForm struct {
	query string
	sides [2]string
}

var outerForms = []outerForm{
	{"SELECT x.id, x.n, y.w FROM {l} x LEFT JOIN {r} y ON x.id = y.id AND y.ts BETWEEN x.ts AND x.ts + INTERVAL 20 MINUTE", [2]string{"a", "b"}},
	{"SELECT x.id, x.n, y.w, y.id AS j FROM {l} AS x FULL OUTER JOIN {r} y ON y.ts - INTERVAL 30 MINUTE < x.ts AND x.ts <= y.ts + " +
		"INTERVAL 5 MINUTE AND x.id = y.id AND y.w <> 7", [2]string{"a", "b"}},
	{"SELECT y.w, x.n AS m FROM {l} y RIGHT OUTER JOIN {r} x ON (y.ts >= x.ts - INTERVAL 10 MINUTE AND y.ts <= x.ts) WHERE x.n IS " +
		"DISTINCT FROM 3", [2]string{"b", "a"}},
	{"SELECT x.n, y.w, x.ts FROM {l} x LEFT OUTER JOIN {r} y ON x.d >= y.d AND x.d <= y.d + INTERVAL 1 DAY AND x.n > y.w WHERE y.w IS NULL OR " +
		"x.n <> 9", [2]string{"a", "b"}},
	{"SELECT x.n, y.w, region FROM {l} x FULL JOIN {r} y ON x.id = y.id AND y.ts BETWEEN x.ts - INTERVAL 10 MINUTE AND x.ts LEFT JOIN dim ON " +
		"dim.id = y.id", [2]string{"a", "b"}},
	{"SELECT x.id, y.id AS other, x.n FROM {l} x LEFT JOIN {r} y ON x.n = y.n + 1 AND y.ts BETWEEN x.ts - INTERVAL 30 MINUTE AND x.ts",
		[2]string{"a", "a"}},
	{"SELECT x.*, y.* EXCLUDE (id, ts, d), x.n + 1 AS k FROM {l} x LEFT JOIN {r} AS y ON x.id = y.id AND x.ts <= y.ts", [2]string{"a", "b"}},
	{"SELECT id, n, w FROM {l} x FULL JOIN {r} y USING (id)", [2]string{"a", "b"}},
	{"WITH q AS (SELECT x.id, n, w, y.ts AS came FROM {l} x RIGHT JOIN {r} y ON x.id IS NOT DISTINCT FROM y.id AND " +
		"(y.ts + INTERVAL 1 HOUR > x.ts AND x.ts > y.ts)) SELECT upper(id) AS id, n, w, came FROM q", [2]string{"a", "b"}},
	{"SELECT x.n, unnest([y.w, x.n]) AS v FROM {l} x LEFT JOIN {r} y ON y.d BETWEEN x.d AND x.d + 1 AND NOT (x.n = 5 AND y.w = 5)",
		[2]string{"a", "b"}},
}

const outerInputs = `CREATE TABLE IF NOT EXISTS limits AS SELECT 13 AS bad;
CREATE TABLE IF NOT EXISTS dim AS SELECT 'a' AS id, 'north' AS region;
CREATE SOURCE a_in (id VARCHAR, n BIGINT, ts TIMESTAMP, d DATE) FROM FILES ('a/*.csv', nullstr '', batch_rows 4);
CREATE SOURCE b_in (id VARCHAR, w BIGINT, ts TIMESTAMP, d DATE) FROM FILES ('b/*.csv', nullstr '');
CREATE STREAM a RULES (CONSTRAINT fine EXPECT (n <> (SELECT bad FROM limits))) FROM a_in;
CREATE STREAM b CHECKS (CHECK small EXPECT (coalesce(max(w), 0) < 15) ON FAILURE HOLD) FROM b_in;
`

// outerRows are some of a file of either side, at about a time of the day.
func outerRows(r *rand.Rand, number string, minute int) string {
	var b strings.Builder
	b.WriteString("id," + number + ",ts,d\n")
	for range r.IntN(10) {
		n := pick(r, "", "1", "2", "3", "5", "7", "9", "13")
		if r.IntN(30) == 0 {
			n = "15"
		}
		at := minute + 200 + r.IntN(60) - 45
		row := fmt.Sprintf("%s,%s,%s,%s\n", pick(r, "", "a", "b", "B"), n, pick(r, "", fmt.Sprintf("2025-01-31 %02d:%02d:00", at/60, at%60),
			fmt.Sprintf("2025-01-31 %02d:%02d:00", at/60, at%60), fmt.Sprintf("2025-01-31 %02d:%02d:00", at/60, at%60)),
			pick(r, "", fmt.Sprintf("2025-02-%02d", 1+max(0, minute/20+r.IntN(3)-1))))
		b.WriteString(strings.Repeat(row, 1+r.IntN(8)/7))
	}
	return b.String()
}

func TestOuterJoinsAtRandom(t *testing.T) {
	t.Parallel()
	atRandom(t, "DSQL_JOIN_SEEDS", 2, func(t *testing.T, r *rand.Rand, long bool) {
		if long {
			outerJoinsAtRandom(t, r, 9, 6)
		} else {
			outerJoinsAtRandom(t, r, 4, 3)
		}
	})
}

func outerJoinsAtRandom(t *testing.T, r *rand.Rand, steps, some int) {
	f := newField(t)
	script := outerInputs
	forms := map[string]outerForm{}
	for _, i := range r.Perm(len(outerForms))[:some] {
		name, q := fmt.Sprintf("m%d", i), outerForms[i]
		forms[name] = q
		script += fmt.Sprintf("CREATE STREAM %s AS %s;\n", name, strings.NewReplacer("{l}", pick(r, "STREAM ", "STREAM ")+q.sides[0],
			"{r}", "STREAM("+strings.ToUpper(q.sides[1])+")").Replace(q.query))
	}
	first := ""
	for name := range forms {
		first = max(first, name)
	}
	for step := range steps {
		for i := range 1 + r.IntN(3) {
			if side, number := "a", "n"; r.IntN(2) == 0 {
				f.write(fmt.Sprintf("%s/%03d_%d.csv", side, step, i), outerRows(r, number, step*25))
			} else {
				f.write(fmt.Sprintf("b/%03d_%d.csv", step, i), outerRows(r, "w", step*25))
			}
		}
		did := ""
		if step > 1 {
			did = pick(r, "", "", "", "UPDATE limits SET bad = -1; REPLAY REJECTS FROM a; UPDATE limits SET bad = 13", "RELEASE HOLD b",
				"DISCARD HOLD b", "REPLAY SOURCE b_in FROM EARLIEST", "REBUILD STREAM "+first+" FROM SOURCE",
				"REPLAY REJECTS FROM "+first, "ROLLBACK STREAM b TO VERSION 0; REFRESH; ROLLBACK STREAM b TO VERSION "+fmt.Sprint(step))
		}
		if strings.HasPrefix(did, "ROLLBACK") {
			did = "" // what comes of it is in testdata
		}
		f.run(script + pick(r, "REFRESH;\n", "REFRESH a; REFRESH;\n", "REFRESH a, b; REFRESH;\n", "REFRESH b; REFRESH "+first+", a; REFRESH;\n") +
			did + ";")
		f.kept(forms, did)
	}
}

// kept holds what was given and what waits against the plain join of what wasn't too late.
func (f *field) kept(forms map[string]outerForm, did string) {
	f.t.Helper()
	f.open(func(c *duck.Conn) {
		for name, form := range forms {
			rows := func(side int) string {
				number := map[string]string{"a": "n", "b": "w"}[form.sides[side]]
				return fmt.Sprintf("(SELECT id, %[1]s, ts, d FROM %[2]s EXCEPT ALL SELECT s.id, s.%[1]s, s.ts, s.d FROM (SELECT from_json(data, "+
					`'{"id":"VARCHAR","%[1]s":"BIGINT","ts":"TIMESTAMP","d":"DATE"}') AS s FROM dsql.rejects WHERE destination = '%[3]s' AND `+
					"replayed_at IS NULL AND reason LIKE 'too_late: %%of %[2]s lies%%'))", number, form.sides[side], name)
			}
			of := func(l, r string) string { return strings.NewReplacer("{l}", l, "{r}", r).Replace(form.query) }
			given := "SELECT * EXCLUDE (_version) FROM " + name
			for i, table := range []string{"__waiting_left", "__waiting_right"} {
				n, err := c.Int(f.t.Context(), duck.SQL("SELECT count(*) FROM duckdb_tables() WHERE table_name = {t}", duck.Args{"t": name + table}))
				if err != nil {
					f.t.Fatal(err)
				}
				if n == 0 {
					continue
				}
				sides := [2]string{"(FROM " + rows(0) + " LIMIT 0)", "(FROM " + rows(1) + " LIMIT 0)"}
				sides[i] = fmt.Sprintf("(SELECT * EXCLUDE (_dsql_row, _dsql_version, _dsql_end, _dsql_gone) FROM %s%s)", name, table)
				given += " UNION ALL FROM (" + of(sides[0], sides[1]) + ")"
			}
			plain := of(rows(0), rows(1))
			n, err := c.Int(f.t.Context(), duck.SQL("SELECT count(*) FROM ((({a}) EXCEPT ALL ({b})) UNION ALL (({b}) EXCEPT ALL ({a})))",
				duck.Args{"a": duck.Text("FROM (" + given + ")"), "b": duck.Text("FROM (" + plain + ")")}))
			if err != nil || n != 0 {
				f.t.Fatalf("%s: %d rows differ, %v\n%s\n%s", name, n, err, form.query, did)
			}
		}
	})
}
