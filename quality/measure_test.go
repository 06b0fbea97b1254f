package quality

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/engine/duck"
	"dsql/internal/testkit"
	"dsql/sql"
	"dsql/sql/code"
)

// world is a stream s with columns of table "new", to which versions are added as the pipeline does it.
type world struct {
	*duck.Conn
	t       testing.TB
	version int64
}

func newWorld(t testing.TB, columns string) *world {
	w := &world{Conn: bench(t), t: t}
	testkit.Exec(t, w.Conn, "CREATE TABLE new ("+columns+")", "CREATE TABLE s ("+columns+", _version BIGINT)")
	return w
}

// batch measures rows (VALUES …) and stores them when no check stands in the way.
func (w *world) batch(chain, values string) (res Result, err error) {
	w.t.Helper()
	p, err := compile(w.t, w.Conn, "CREATE STREAM s "+chain+" FROM new")
	if err != nil {
		w.t.Fatal(testkit.Rendered(err))
	}
	testkit.Exec(w.t, w.Conn, "TRUNCATE new")
	if values != "" {
		testkit.Exec(w.t, w.Conn, "INSERT INTO new "+values)
	}
	w.version++
	err = w.Update(w.t.Context(), func(tx *duck.Tx) error {
		a := duck.Args{"v": w.version}
		if err := tx.Run(w.t.Context(), duck.SQL("INSERT INTO dsql.versions VALUES ({v}, now()::TIMESTAMP)", a)); err != nil {
			return err
		}
		res, err = p.Measure(w.t.Context(), tx,
			Batch{Destination: "s", Version: w.version, Rows: duck.Ident("new"), Columns: testkit.Columns(w.t, w.Conn, "new"),
				Table: duck.SQL("(SELECT * EXCLUDE _version FROM s UNION ALL FROM new)")})
		if err != nil {
			return err
		}
		if len(res.Held) > 0 {
			return tx.Run(w.t.Context(), duck.SQL("INSERT INTO dsql.version_rows (version, kind, name, written) VALUES ({v}, 'stream', 's', 0)", a))
		}
		return tx.Run(w.t.Context(), duck.SQL("INSERT INTO s SELECT *, {v} FROM new", a),
			duck.SQL("INSERT INTO dsql.version_rows (version, kind, name, written) SELECT {v}, 'stream', 's', count(*) FROM new", a))
	})
	var f *Failure
	if errors.As(err, &f) {
		w.version--
		if err := f.Record(w.t.Context(), w.Conn); err != nil {
			w.t.Fatal(err)
		}
	} else if err != nil {
		w.t.Fatal(testkit.Rendered(err))
	}
	return res, err
}

func (w *world) want(query, want string) {
	w.t.Helper()
	if d := cmp.Diff(strings.ReplaceAll(want, "; ", "\n"), text(w.t, w.Conn, query)); d != "" {
		w.t.Errorf("%s: -want +got\n%s", query, d)
	}
}

const metricsQuery = "SELECT metric, version, value, value_text FROM dsql.metrics ORDER BY rowid"
const checksQuery = "SELECT name, version, value, value_text, verdict, failed_rows FROM dsql.checks ORDER BY rowid"

func TestMetrics(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ metric, rows, want string }{
		{"count(*)", "VALUES (1, 'a'), (2, NULL)", "2|NULL"},
		{"avg(n)", "VALUES (1, 'a'), (2, NULL)", "1.5|NULL"},
		{"max(s)", "VALUES (1, 'a'), (2, NULL)", "NULL|a"},
		{"list(n ORDER BY n)", "VALUES (2, 'a'), (1, NULL)", "NULL|[1, 2]"},
		{"bool_and(n > 1)", "VALUES (2, 'a')", "1|NULL"},
		{"count(*) > 3", "VALUES (2, 'a')", "0|NULL"},
		{"1", "", "1|NULL"},
		{"null_ratio(s)", "VALUES (1, 'a'), (2, NULL), (3, NULL), (4, 'b')", "0.5|NULL"},
		{"null_ratio(s)", "", "NULL|NULL"},
		{"null_ratio(nullif(s, 'a'))", "VALUES (1, 'a'), (2, NULL), (3, NULL), (4, 'b')", "0.75|NULL"},
		{"is_unique(n)", "VALUES (1, 'a'), (2, NULL)", "1|NULL"},
		{"is_unique(n)", "VALUES (1, 'a'), (1, NULL)", "0|NULL"},
		{"is_unique(n)", "VALUES (NULL, 'a'), (NULL, NULL)", "1|NULL"},
		{"is_unique(n)", "", "1|NULL"},
		{"is_unique(n, s)", "VALUES (1, 'a'), (1, 'b'), (1, NULL), (1, NULL)", "1|NULL"},
		{"is_unique(n, s)", "VALUES (1, 'a'), (1, 'a')", "0|NULL"},
		{"duplicate_ratio(n)", "VALUES (1, 'a'), (1, 'b'), (1, 'c'), (NULL, NULL)", "0.5|NULL"},
		{"duplicate_ratio(n, s)", "VALUES (1, 'a'), (1, 'a'), (1, NULL), (1, NULL)", "0.25|NULL"},
		{"duplicate_ratio(n)", "", "NULL|NULL"},
		{"distinct_ratio(n)", "VALUES (1, 'a'), (1, 'b'), (2, 'c'), (NULL, NULL), (3, '')", "0.75|NULL"},
		{"distinct_ratio(n)", "VALUES (NULL, 'a')", "NULL|NULL"},
		{"round(freshness(TIMESTAMP '1970-01-01' + to_days(n))) = round(epoch(now())) - 86400 * 3", "VALUES (1, 'a'), (3, 'b')", "1|NULL"},
		{"freshness(TIMESTAMPTZ '2020-01-01 00:00:00+02') - freshness(DATE '2020-01-01')", "VALUES (1, 'a')", "7200|NULL"},
		{"orphans(n, ref.id)", "VALUES (1, 'a'), (7, 'b'), (7, 'c'), (NULL, 'd')", "2|NULL"},
		{"orphans(n, main.ref.id)", "VALUES (9, 'a')", "1|NULL"},
		{`orphans(n + 1, "ref"."id")`, "VALUES (1, 'a')", "0|NULL"},
		{"1 / count(*)", "", "NULL|NULL"},
		{"count(*) / 0", "VALUES (1, 'a')", "NULL|NULL"},
		{"0.0 / sum(n)", "VALUES (0, 'a')", "NULL|NULL"},
		{"sum(n) % 0", "VALUES (1, 'a')", "NULL|NULL"},
		{"len(list_filter(map_values(histogram(n)), lambda m: m > 1))", "VALUES (1, 'a'), (1, 'b'), (2, 'c')", "1|NULL"},
		{"count(*) FILTER (n > 1) + count(*) FILTER (WHERE n > 1)", "VALUES (1, 'a'), (3, 'b'), (2, 'c')", "4|NULL"},
		{"quantile_cont(n, 0.5 ORDER BY n)", "VALUES (1, 'a'), (3, 'b')", "2|NULL"},
		{"(SELECT max(id) FROM ref) - max(n)", "VALUES (1, 'a')", "1|NULL"},
		{"mine(n)", "VALUES (1, 'a'), (3, 'b')", "4|NULL"},
		{"avg(n)::DECIMAL(10, 2)", "VALUES (1, 'a')", "1|NULL"},
		{"sum(n::HUGEINT)", "VALUES (1, 'a')", "1|NULL"},
		{"previous(m)", "VALUES (1, 'a')", "NULL|NULL"},
	} {
		w := newWorld(t, "n INTEGER, s VARCHAR")
		testkit.Exec(t, w.Conn, "CREATE TABLE ref AS SELECT unnest([1, 2, NULL]) AS id", "CREATE MACRO mine(x) AS sum(x + 0)")
		if _, err := w.batch("METRICS (m = "+tc.metric+")", tc.rows); err != nil {
			t.Errorf("%s: %s", tc.metric, testkit.Rendered(err))
			continue
		}
		if got := text(t, w.Conn, "SELECT value, value_text FROM dsql.metrics"); got != tc.want {
			t.Errorf("%s of %s: %s, want %s", tc.metric, tc.rows, got, tc.want)
		}
	}
}

func TestMetricsOfMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "late INTEGER, mean DOUBLE")
	// Outside aggregates a metric's name wins over a column's; inside, the column.
	w.batch("METRICS (late = count(*) FILTER (late > 15), mean = avg(mean), share = late / count(*), both = late + mean, biggest = max(late))",
		"VALUES (20, 1.0), (3, 2.0)")
	w.want(metricsQuery, "late|1|1|NULL; mean|1|1.5|NULL; share|1|0.5|NULL; both|1|2.5|NULL; biggest|1|20|NULL")
}

func TestHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "n DOUBLE")
	const chain = `METRICS (mean = avg(n), newest = max(TIMESTAMP '2026-01-01' + to_days(n::INTEGER)), p1 = previous(mean), ` +
		`p2 = previous(mean, 2), m3 = mean_of_last(mean, 3), z3 = zscore(mean, 3), self = previous(self) + 1)
		CHECKS (CHECK drift EXPECT (abs(mean / previous(mean) - 1) < 0.5) ON FAILURE WARN, CHECK fresher EXPECT (newest > previous(newest)) ON FAILURE HOLD)`
	value := func(metric, want string) {
		t.Helper()
		w.want(fmt.Sprintf("SELECT value FROM dsql.metrics WHERE metric = '%s' ORDER BY rowid", metric), want)
	}
	for _, n := range []int{10, 12, 14, 30} {
		if _, err := w.batch(chain, fmt.Sprintf("VALUES (%d)", n)); err != nil {
			t.Fatal(testkit.Rendered(err))
		}
	}
	value("p1", "NULL; 10; 12; 14")
	value("p2", "NULL; NULL; 10; 12")
	value("m3", "NULL; 10; 11; 12")
	value("z3", "NULL; NULL; 2.1213203435596424; 9")
	value("self", "NULL; NULL; NULL; NULL")
	w.want("SELECT value, verdict FROM dsql.checks WHERE name = 'drift' ORDER BY rowid",
		"NULL|unknown; 0.19999999999999996|pass; 0.16666666666666674|pass; 1.1428571428571428|warn")
	// The batch that goes back in time is held, and no history for the next one.
	res, _ := w.batch(chain, "VALUES (20), (22)")
	if d := cmp.Diff(Result{Held: []string{"fresher"}, HeldRows: 2}, Result{Held: res.Held, HeldRows: res.HeldRows}); d != "" {
		t.Error(d)
	}
	w.want("SELECT destination, rule, reason, data::VARCHAR, version FROM dsql.rejects",
		`s|fresher|check: fresher: newest > previous(newest)|{"n":20.0}|5; s|fresher|check: fresher: newest > previous(newest)|{"n":22.0}|5`)
	w.want("SELECT value_text, verdict FROM dsql.checks WHERE name = 'fresher' AND version = 5", "2026-01-23 00:00:00|held")
	w.batch(chain, "VALUES (31)")
	value("p1", "NULL; 10; 12; 14; 30; 30")
	// NULL is no value to go back to.
	w.batch(chain, "")
	w.batch(chain, "VALUES (32)")
	value("p1", "NULL; 10; 12; 14; 30; 30; 31; 31")
}

func TestChecks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "id INTEGER, amount DOUBLE")
	const chain = `METRICS (mean = avg(amount)) CHECKS (
  CHECK some_rows EXPECT (count(*) > 0),
  CHECK ids EXPECT (is_unique(id)),
  CHECK positive EXPECT (amount >= 0) ON FAILURE WARN,
  CHECK even EXPECT (amount < 1e4 + mean) ON FAILURE WARN,
  CHECK table_ids EXPECT (is_unique(id)) OVER TABLE ON FAILURE WARN,
  CHECK total EXPECT (1000 >= sum(amount)) OVER TABLE,
  CHECK few_null EXPECT (null_ratio(amount) BETWEEN 0 AND 0.5) ON FAILURE WARN)`
	res, err := w.batch(chain, "VALUES (1, 10), (2, NULL), (3, -5), (4, -6)")
	if err != nil || len(res.Warnings) != 1 {
		t.Fatal(res, err)
	}
	w.want(checksQuery, "some_rows|1|4|NULL|pass|NULL; ids|1|1|NULL|pass|NULL; positive|1|2|NULL|warn|2; even|1|0|NULL|pass|0; "+
		"table_ids|1|1|NULL|pass|NULL; total|1|-1|NULL|pass|NULL; few_null|1|0.25|NULL|pass|NULL")
	w.want("SELECT name, version, data::VARCHAR FROM dsql.check_rows ORDER BY rowid",
		`positive|1|{"id":3,"amount":-5.0}; positive|1|{"id":4,"amount":-6.0}`)
	if want := "test.sql:4:9: the check positive of s failed: 2 rows, expected amount >= 0"; res.Warnings[0].Error() != want {
		t.Errorf("%s, want %s", res.Warnings[0], want)
	}
	// The second batch repeats an id of the first, and breaks what it must not.
	res, err = w.batch(chain, "VALUES (1, 2000), (1, -1), (5, NULL)")
	var e *sql.Error
	if !errors.As(err, &e) || e.ExitCode() != code.ExitGate {
		t.Fatal(res, err)
	}
	w.want("SELECT max(version), count(*) FROM dsql.versions", "1|1")
	w.want("SELECT count(*) FROM s", "4")
	w.want(checksQuery+" OFFSET 7",
		"some_rows|NULL|3|NULL|pass|NULL; ids|NULL|0|NULL|fail|NULL; positive|NULL|1|NULL|warn|1; even|NULL|0|NULL|pass|0; "+
			"table_ids|NULL|0|NULL|warn|NULL; total|NULL|1998|NULL|fail|NULL; few_null|NULL|0.3333333333333333|NULL|pass|NULL")
	w.want(metricsQuery+" OFFSET 1", "mean|NULL|999.5|NULL")
	// The rows of one id come in any order.
	w.want("SELECT name, version, data::VARCHAR FROM dsql.check_rows WHERE version IS NULL ORDER BY ALL",
		`ids|NULL|{"id":1,"amount":-1.0}; ids|NULL|{"id":1,"amount":2000.0}; positive|NULL|{"id":1,"amount":-1.0}; `+
			`table_ids|NULL|{"id":1,"amount":-1.0}; table_ids|NULL|{"id":1,"amount":10.0}; table_ids|NULL|{"id":1,"amount":2000.0}`)
	want := `test.sql:3:9: error: 2 checks of s failed (ids, total); nothing of the batch was published [check]
   3 |   CHECK ids EXPECT (is_unique(id)),
     |         ^^^
  hint: mend the data or the check and run again; look further with: dsql checks s
    check      verdict  measured  expected
    ids        fail     false     is_unique(id)
    positive   warn     1 row     amount >= 0
    table_ids  warn     false     is_unique(id)
    total      fail     1998      1000 >= sum(amount)
    rows for ids:
      {"id":1,"amount":2000.0}
      {"id":1,"amount":-1.0}
    rows for positive:
      {"id":1,"amount":-1.0}
    rows for table_ids:
      {"id":1,"amount":10.0}
      {"id":1,"amount":2000.0}
      {"id":1,"amount":-1.0}
`
	sorted := func(text string) []string { return slices.Sorted(strings.SplitSeq(text, "\n")) }
	if d := cmp.Diff(sorted(want), sorted(testkit.Rendered(err))); d != "" {
		t.Error(d)
	}
}

// A check on rows keeps a hundred of them.
func TestCheckRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "n INTEGER")
	w.batch("METRICS (m = avg(n)) CHECKS (CHECK small EXPECT (n < 10) ON FAILURE WARN, CHECK near EXPECT (n < m - 100) ON FAILURE WARN)",
		"FROM range(500)")
	w.want("SELECT name, count(*), count(DISTINCT data) FROM dsql.check_rows GROUP BY ALL ORDER BY ALL", "near|100|100; small|100|100")
	w.want("SELECT name, value, failed_rows FROM dsql.checks ORDER BY ALL", "near|350|350; small|490|490")
}

func TestDrift(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "x DOUBLE, c VARCHAR")
	testkit.Exec(t, w.Conn, "CREATE TABLE base AS SELECT i::DOUBLE AS x, chr(97 + i::INTEGER % 20) AS c FROM range(1000) t(i)")
	const chain = `METRICS (p = psi(x), k = ks(x), p1 = psi(x, 1)) CHECKS (
		CHECK pb EXPECT (psi(x) < 0.1) BASELINE (SELECT * FROM base) ON FAILURE WARN, ` +
		`CHECK kb EXPECT (ks(x) < 0.1) BASELINE (FROM base) ON FAILURE WARN, CHECK cb EXPECT (psi(c) < 0.1) BASELINE (FROM base) ON FAILURE WARN,
		CHECK kt EXPECT (ks(x) < 0.1) OVER TABLE BASELINE (FROM base) ON FAILURE WARN)`
	near := func(what, query string, want float64) {
		t.Helper()
		got, err := w.Rows(t.Context(), duck.Text(query))
		if err != nil {
			t.Fatal(err)
		}
		defer got.Close()
		var v *float64
		if !got.Next() || got.Scan(&v) != nil || v == nil || math.Abs(*v-want) > 1e-9 {
			t.Errorf("%s: %v, want %v", what, v, want)
		}
	}
	w.batch(chain, "FROM base")
	w.want("SELECT metric, value FROM dsql.metrics", "p|NULL; k|NULL; p1|NULL")
	w.want("SELECT name, round(value, 9), verdict FROM dsql.checks", "pb|0|pass; kb|0|pass; cb|0|pass; kt|0|pass")
	// Shifted by a quarter: the first 250 values of the baseline are gone, and 250 lie beyond its last.
	w.batch(chain, "SELECT x + 250, c FROM base")
	psi := 0.0 // bins of 100 but for the edges' places: 0, 0, 50, 100 … 100, 350 of 1000
	for _, n := range []float64{0.1, 0.1, 50, 100, 100, 100, 100, 100, 100, 350} {
		psi += (n - 100) / 1000 * math.Log(n/100)
	}
	near("psi", "SELECT value FROM dsql.checks WHERE name = 'pb' AND version = 2", psi)
	near("ks", "SELECT value FROM dsql.checks WHERE name = 'kb' AND version = 2", 0.25)
	near("ks over the table", "SELECT value FROM dsql.checks WHERE name = 'kt' AND version = 2", 0.125)
	near("psi against the last versions", "SELECT value FROM dsql.metrics WHERE metric = 'p' AND version = 2", psi)
	near("ks against the last versions", "SELECT value FROM dsql.metrics WHERE metric = 'k' AND version = 2", 0.25)
	w.batch(chain, "SELECT x + 250, c FROM base")
	near("psi against the last version", "SELECT value FROM dsql.metrics WHERE metric = 'p1' AND version = 3", 0)
	w.batch(chain, "")
	w.want("SELECT value, verdict FROM dsql.checks WHERE version = 4 AND name <> 'kt'", "NULL|unknown; NULL|unknown; NULL|unknown")
}

// The cases that the language's users are promised.
func TestCases(t *testing.T) {
	t.Parallel()
	metrics := map[string]string{"row_count": "count(*)", "null_ratio_amount": "null_ratio(amount)",
		"surplus_rows":      "count(order_id) - count(DISTINCT order_id)",
		"duplicate_keys":    "coalesce(len(list_filter(map_values(histogram(order_id)), lambda n: n > 1)), 0)",
		"duplicate_percent": "100 * duplicate_ratio(order_id)",
		"bad_status":        "count(*) FILTER (NOT (status IN ('new','paid','shipped','done','void')))",
		"bad_qty":           "count(*) FILTER (NOT (qty BETWEEN 1 AND 9))",
		"bad_sku":           "count(*) FILTER (NOT regexp_full_match(sku, 'SKU-[0-9]{5}'))", "newest": "max(created_at)",
		"orphans":     "orphans(customer_id, ref.id)",
		"mean_amount": "avg(amount)", "void_over_400": "count(*) FILTER (status = 'void' AND amount > 400)"}
	dirs, err := filepath.Glob("../testdata/cases/quality/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no cases", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var e struct {
				Previous *float64 `json:"previous_mean_amount"`
				Expected map[string]any
			}
			data, err := os.ReadFile(dir + "/expected.json")
			if err != nil || json.Unmarshal(data, &e) != nil {
				t.Fatal(err)
			}
			w := newWorld(t, "order_id BIGINT, customer_id BIGINT, status VARCHAR, amount DOUBLE, qty BIGINT, sku VARCHAR, created_at TIMESTAMP")
			testkit.Exec(t, w.Conn, "CREATE TABLE ref (id BIGINT)", "INSERT INTO ref "+values(t, dir+"/ref.csv"))
			chain := "METRICS ("
			for name, m := range metrics {
				chain += name + " = " + m + ", "
			}
			if e.Previous == nil {
				delete(e.Expected, "drift")
			} else {
				chain = "METRICS (mean_amount = avg(amount), " + strings.Replace(chain[len("METRICS ("):], "mean_amount = avg(amount), ", "", 1) +
					fmt.Sprintf("drift = abs(mean_amount - %v) / %v, ", *e.Previous, *e.Previous)
			}
			if _, err := w.batch(strings.TrimSuffix(chain, ", ")+") CHECKS (CHECK counted EXPECT (count(*) >= 0))",
				values(t, dir+"/data.csv")); err != nil {
				t.Fatal(testkit.Rendered(err))
			}
			for name, want := range e.Expected {
				got := text(t, w.Conn, "SELECT value, value_text FROM dsql.metrics WHERE metric = '"+name+"'")
				switch want := want.(type) {
				case string:
					if !strings.HasPrefix(got, "NULL|"+want) {
						t.Errorf("%s: %s, want %s", name, got, want)
					}
				case nil:
					if got != "NULL|NULL" {
						t.Errorf("%s: %s, want NULL", name, got)
					}
				case float64:
					var v float64
					if _, err := fmt.Sscanf(got, "%g|NULL", &v); err != nil || math.Abs(v-want) > 1e-9*math.Max(1, math.Abs(want)) {
						t.Errorf("%s: %s, want %v", name, got, want)
					}
				}
			}
		})
	}
}

// values are the rows of a CSV file as VALUES; \N is NULL.
func values(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rows[1:] {
		out = append(out, "("+duck.Each(", ", r, func(s string) *duck.Query {
			if s == `\N` {
				return duck.Lit(nil)
			}
			return duck.Lit(s)
		}).String()+")")
	}
	return "VALUES " + strings.Join(out, ", ")
}

// A cancelled context is no failed check.
func TestCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "n INTEGER")
	p, err := compile(t, w.Conn, "CREATE STREAM s CHECKS (CHECK c EXPECT (count(*) > 0)) FROM new")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = w.Scratch(t.Context(), func(tx *duck.Tx) error {
		_, err := p.Measure(ctx, tx, Batch{Destination: "s", Version: 1, Rows: duck.Ident("new"), Columns: testkit.Columns(t, w.Conn, "new")})
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
