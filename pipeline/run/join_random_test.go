package run

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dsql/engine/duck"
)

// The law of joins, at random: whatever the cut of batches, the order of the sides, rows that are rejected, held, replayed, taken back or
// read again, each version brings the pairs that the join over all rows of that version has and the version before hadn't.

// joinForms are queries in DuckDB's words: {a} and {b} stand for the sides.
var joinForms = []string{
	"SELECT x.id, x.n, y.w FROM {a} x JOIN {b} y ON x.id = y.id AND y.ts BETWEEN x.ts AND x.ts + INTERVAL 20 MINUTE",
	"SELECT x.id, x.n, y.w FROM {a} AS x, {b} y WHERE x.id = y.id AND (y.ts - INTERVAL 1 HOUR < x.ts AND NOT y.w > 7) AND x.ts <= y.ts + " +
		"INTERVAL 5 MINUTE",
	"SELECT y.w, x.n AS m FROM {a} x INNER JOIN {b} y USING (id) WHERE x.n BETWEEN y.w - 3 AND y.w + 2 OR x.n = 5",
	"SELECT x.n, y.w, x.ts FROM {a} x JOIN {b} y ON (x.d >= y.d AND x.d <= y.d + INTERVAL 1 MONTH) AND x.n > y.w",
	"SELECT x.n, y.w, region FROM {a} x JOIN {b} y ON x.id = y.id AND y.d >= x.d - 1 AND y.d <= x.d + 1 LEFT JOIN dim ON dim.id = y.id",
	"SELECT x.id, y.id AS other, x.n FROM {a} x JOIN {a} y ON x.n = y.n + 1 AND y.ts BETWEEN x.ts - INTERVAL 30 MINUTE AND x.ts",
	"SELECT z.id, y.w FROM (SELECT upper(id) AS id, n FROM {a} WHERE n > 1) z JOIN {b} y ON upper(y.id) = z.id",
	"SELECT x.n, y.w, unnest([x.n, y.w]) AS v FROM {b} y JOIN {a} x ON x.f <= y.f AND x.f >= y.f - 1 AND x.id IS NOT DISTINCT FROM y.id",
	"SELECT x.n, y.w FROM {a} x CROSS JOIN {b} y WHERE x.n + 2 >= y.w AND x.n - 1 <= y.w AND x.ts::DATE = y.d",
	"WITH q AS (FROM {a} SELECT id, ts, n WHERE ts IS NOT NULL) SELECT q.n, y.w FROM q NATURAL JOIN (SELECT id, w FROM {b}) y",
}

const joinInputs = `CREATE TABLE IF NOT EXISTS limits AS SELECT 13 AS bad;
CREATE TABLE IF NOT EXISTS dim AS SELECT 'a' AS id, 'north' AS region;
CREATE SOURCE a_in (id VARCHAR, n BIGINT, ts TIMESTAMP, d DATE, f DOUBLE) FROM FILES ('a/*.csv', nullstr '', batch_rows 4);
CREATE SOURCE b_in (id VARCHAR, w BIGINT, ts TIMESTAMP, d DATE, f DOUBLE) FROM FILES ('b/*.csv', nullstr '');
CREATE STREAM a RULES (CONSTRAINT fine EXPECT (n <> (SELECT bad FROM limits))) FROM a_in;
CREATE STREAM b CHECKS (CHECK small EXPECT (coalesce(max(w), 0) < 15) ON FAILURE HOLD) FROM b_in;
`

// sideRows are some of a file of either side.
func sideRows(r *rand.Rand, number string) string {
	var b strings.Builder
	b.WriteString("id," + number + ",ts,d,f\n")
	for range r.IntN(15) {
		n := pick(r, "", "1", "2", "3", "5", "7", "9", "13")
		if r.IntN(30) == 0 {
			n = "15"
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s\n", pick(r, "", "a", "b", "B", "c"), n,
			pick(r, "", fmt.Sprintf("2025-01-31 %02d:%02d:00", r.IntN(3), r.IntN(60))),
			pick(r, "", "2025-01-28", "2025-01-31", "2025-02-01", "2025-02-28", "2025-03-01"), pick(r, "", "0.0", "-0.0", "nan", "1.5", "0.75"))
	}
	return b.String()
}

func TestJoinsAtRandom(t *testing.T) {
	t.Parallel()
	atRandom(t, "DSQL_JOIN_SEEDS", 2, func(t *testing.T, r *rand.Rand, long bool) {
		if long {
			joinsAtRandom(t, r, 8, len(joinForms))
		} else {
			joinsAtRandom(t, r, 3, 3)
		}
	})
}

func joinsAtRandom(t *testing.T, r *rand.Rand, steps, some int) {
	f := newField(t)
	script := joinInputs
	var forms []string
	for _, i := range r.Perm(len(joinForms))[:some] {
		forms = append(forms, joinForms[i])
	}
	for i, form := range forms {
		script += fmt.Sprintf("CREATE STREAM m%d AS %s;\n", i,
			strings.NewReplacer("{a}", pick(r, "STREAM a", "STREAM(A)"), "{b}", "STREAM b").Replace(form))
	}
	for step := range steps {
		for i := range 1 + r.IntN(2) {
			if side, number := "a", "n"; r.IntN(2) == 0 {
				f.write(fmt.Sprintf("%s/%03d_%d.csv", side, step, i), sideRows(r, number))
			} else {
				f.write(fmt.Sprintf("b/%03d_%d.csv", step, i), sideRows(r, "w"))
			}
		}
		did := ""
		if step > 1 {
			did = pick(r, "", "", "", "ROLLBACK STREAM a TO VERSION "+fmt.Sprint(1+r.IntN(3)),
				"ROLLBACK STREAM b TO VERSION "+fmt.Sprint(1+r.IntN(5)),
				"REBUILD STREAM a FROM SOURCE", "UPDATE limits SET bad = -1; REPLAY REJECTS FROM a; UPDATE limits SET bad = 13", "RELEASE HOLD b",
				"DISCARD HOLD b", "REPLAY SOURCE b_in FROM EARLIEST", "REBUILD STREAM m0 FROM SOURCE")
		}
		f.run(script + pick(r, "REFRESH;\n", "REFRESH a; REFRESH;\n", "REFRESH a, b; REFRESH;\n", "REFRESH m2, a; REFRESH;\n") + did + ";")
	}
	f.paired(forms)
}

// paired holds what each version brought against the difference of the plain joins.
func (f *field) paired(forms []string) {
	f.t.Helper()
	f.open(func(c *duck.Conn) {
		ask := func(q string) int64 {
			n, err := c.Int(f.t.Context(), duck.SQL("SELECT ({q})", duck.Args{"q": duck.Text(q)}))
			if err != nil {
				f.t.Fatal(q, err)
			}
			return n
		}
		type account struct {
			version int64
			name    string
			turned  bool // it was rebuilt, or turned back
		}
		accounts, err := duck.Select(f.t.Context(), c,
			duck.SQL("SELECT version, name, false FROM dsql.version_rows UNION ALL SELECT since, destination, true FROM dsql.eras"),
			func(row func(...any) error) (a account, err error) { return a, row(&a.version, &a.name, &a.turned) })
		if err != nil {
			f.t.Fatal(err)
		}
		last, pairs := ask("SELECT max(version) FROM dsql.versions"), int64(0)
		for i, form := range forms {
			m, taken := fmt.Sprintf("m%d", i), int64(0)
			for v := int64(1); v <= last; v++ {
				of := func(name string, turned bool) bool { return slices.Contains(accounts, account{v, name, turned}) }
				mine, turned := of(m, false), of("a", true) || of("b", true)
				was := strings.NewReplacer("{a}", fmt.Sprintf("a_at(%d)", taken), "{b}", fmt.Sprintf("b_at(%d)", taken)).Replace(form)
				is := strings.NewReplacer("{a}", fmt.Sprintf("a_at(%d)", v), "{b}", fmt.Sprintf("b_at(%d)", v)).Replace(form)
				had := fmt.Sprintf("FROM %s_at(%d)", m, v-1)
				switch {
				case of(m, true):
					was, had, mine = is+" LIMIT 0", had+" LIMIT 0", true
				case !mine || turned:
					is = was
				}
				// What m has and had not is what the join has and had not, and nothing goes.
				differ := ask(fmt.Sprintf("SELECT count(*) FROM ((((%[1]s) EXCEPT ALL (%[2]s)) EXCEPT ALL ((%[3]s) EXCEPT ALL (%[4]s))) UNION ALL "+
					"(((%[3]s) EXCEPT ALL (%[4]s)) EXCEPT ALL ((%[1]s) EXCEPT ALL (%[2]s))) UNION ALL ((%[2]s) EXCEPT ALL (%[1]s)))",
					fmt.Sprintf("FROM %s_at(%d)", m, v), had, is, was))
				if differ > 0 {
					f.t.Fatalf("%s at version %d of %d (before: %d): %d rows differ\n%s", m, v, last, taken, differ, form)
				}
				if mine || turned {
					taken = v
				}
			}
			pairs += ask("SELECT count(*) FROM " + m)
		}
		if pairs == 0 {
			f.t.Fatal("no join has a pair")
		}
	})
}
