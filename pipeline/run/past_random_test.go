package run

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dsql/engine/duck"
)

// The law of window functions over a stored stream, at random: a row has what the query over all rows gives it that had come when its
// version was written, whatever came late, was rejected, replayed or taken back, and however batches are cut.

// pastForms are queries over {s}, whose rows have an id of their own.
var pastForms = []string{
	"SELECT id, lag(x) OVER (PARTITION BY k ORDER BY ts, id) AS b, sum(x) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL 30 " +
		"MINUTE PRECEDING AND CURRENT ROW) AS t FROM {s} s",
	"SELECT id, count(*) OVER w AS n, first_value(x) OVER w AS f FROM {s} s WHERE x > 1 WINDOW w AS (PARTITION BY k ORDER BY ts, id ROWS " +
		"BETWEEN 2 PRECEDING AND CURRENT ROW)",
	"SELECT * EXCLUDE (k, ts, x) FROM (SELECT *, x - lag(x, 2, 0) OVER (PARTITION BY lower(k), x % 2 ORDER BY ts, id) AS d FROM {s} s) " +
		"WHERE d > 0",
	"SELECT s.id, w, row_number() OVER (PARTITION BY s.k ORDER BY s.ts, s.id) AS r FROM {s} s LEFT JOIN (VALUES ('a', 'A'), ('b', 'B')) " +
		"v(k, w) USING (k)",
	"WITH q AS (SELECT id, k, ts FROM {s} s WHERE k <> 'c') SELECT id, rank() OVER (PARTITION BY k, ts::DATE ORDER BY ts) AS r FROM q",
	"SELECT id, x FROM {s} s QUALIFY row_number() OVER (PARTITION BY k ORDER BY ts, id) > 2",
}

func TestPastAtRandom(t *testing.T) {
	t.Parallel()
	atRandom(t, "DSQL_PAST_SEEDS", 1, func(t *testing.T, r *rand.Rand, long bool) {
		if long {
			pastAtRandom(t, r, 8, len(pastForms))
		} else {
			pastAtRandom(t, r, 3, 3)
		}
	})
}

func pastAtRandom(t *testing.T, r *rand.Rand, steps, some int) {
	f := newField(t)
	script := `CREATE TABLE IF NOT EXISTS limits AS SELECT 13 AS bad;
CREATE SOURCE i (id BIGINT, k VARCHAR, ts TIMESTAMP, x INTEGER) FROM FILES ('in/*.csv', nullstr '', batch_rows 5);
CREATE STREAM s RULES (CONSTRAINT fine EXPECT (x <> (SELECT bad FROM limits))) FROM i;
`
	var forms []string
	for n, i := range r.Perm(len(pastForms))[:some] {
		forms = append(forms, pastForms[i])
		script += fmt.Sprintf("CREATE STREAM f%d AS %s;\n", n, strings.ReplaceAll(pastForms[i], "{s}", pick(r, "STREAM s", "STREAM(S)")))
	}
	id := 0
	for step := range steps {
		var b strings.Builder
		b.WriteString("id,k,ts,x\n")
		for range 3 + r.IntN(12) {
			id++
			fmt.Fprintf(&b, "%d,%s,%s,%s\n", id, pick(r, "", "a", "A", "b", "c"),
				pick(r, "", fmt.Sprintf("2025-01-31 %02d:%02d:00", r.IntN(2), r.IntN(60)),
					fmt.Sprintf("2025-01-31 %02d:%02d:00", 2+step, r.IntN(60))), pick(r, "", "1", "2", "3", "5", "13"))
		}
		f.write(fmt.Sprintf("in/%03d.csv", step), b.String())
		did := ""
		if step > 1 {
			did = pick(r, "", "", "ROLLBACK STREAM s TO VERSION "+fmt.Sprint(1+r.IntN(4)), "REBUILD STREAM s FROM SOURCE",
				"UPDATE limits SET bad = -1; REPLAY REJECTS FROM s; UPDATE limits SET bad = 13", "REPLAY SOURCE i FROM EARLIEST")
		}
		f.run(script + pick(r, "REFRESH;\n", "REFRESH s; REFRESH;\n") + did + ";")
	}
	f.looksBack(forms)
}

// looksBack holds what each version brought against the query over all rows of then.
func (f *field) looksBack(forms []string) {
	f.t.Helper()
	f.open(func(c *duck.Conn) {
		type account struct {
			version int64
			name    string
			turned  bool
		}
		accounts, err := duck.Select(f.t.Context(), c,
			duck.SQL("SELECT version, name, false FROM dsql.version_rows UNION ALL SELECT since, destination, true FROM dsql.eras ORDER BY ALL"),
			func(row func(...any) error) (a account, err error) { return a, row(&a.version, &a.name, &a.turned) })
		if err != nil {
			f.t.Fatal(err)
		}
		last := accounts[len(accounts)-1].version
		for i, form := range forms {
			name, taken := fmt.Sprintf("f%d", i), int64(0)
			for v := int64(1); v <= last; v++ {
				turned := slices.Contains(accounts, account{v, "s", true})
				if slices.Contains(accounts, account{v, name, false}) && !turned {
					is := fmt.Sprintf("SELECT * EXCLUDE (_version) FROM %s WHERE _version = %d", name, v)
					want := fmt.Sprintf("SELECT * FROM (%s) WHERE id IN (SELECT id FROM s_at(%d)) AND id NOT IN (SELECT id FROM s_at(%d))",
						strings.ReplaceAll(form, "{s}", fmt.Sprintf("s_at(%d)", v)), v, taken)
					n, err := c.Int(f.t.Context(), duck.SQL("SELECT count(*) FROM ((({a}) EXCEPT ALL ({b})) UNION ALL (({b}) EXCEPT ALL ({a})))",
						duck.Args{"a": duck.Text(is), "b": duck.Text(want)}))
					if err != nil || n != 0 {
						f.t.Fatalf("%s at version %d of %d (before: %d): %d rows differ, %v\n%s", name, v, last, taken, n, err, form)
					}
				}
				if turned || slices.Contains(accounts, account{v, name, false}) {
					taken = v
				}
			}
		}
	})
}
