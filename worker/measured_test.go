package worker

import (
	"context"
	"fmt"
	"math/rand"
	"path/filepath"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
)

// What is measured of pieces comes to what a run records of the batch; what can't be made of parts says so by having none.
func TestMeasuredInPieces(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), t.TempDir()
	const script = `CREATE SOURCE s (id BIGINT, k VARCHAR, v DOUBLE, p DECIMAL(9, 2), d DATE, b BOOLEAN) FROM FILES ('in/*.csv');
CREATE STREAM m RULES (CONSTRAINT c EXPECT (id % 7 <> 0) ON VIOLATION DROP)
  METRICS (n = count(*), n_v = count(v), total = sum(id), amount = sum(p), mean = avg(v), mean_p = avg(p), share = sum(v) / count(*), low = min(v),
    high = max(k), newest = max(d), every = bool_and(b), some = bool_or(b), bits = bit_xor(id), a_share = count(*) FILTER (k = 'a') / n,
    large = avg(v) FILTER (WHERE id > 80), never = max(v) FILTER (id < 0), nulls = null_ratio(v))
  CHECKS (CHECK each EXPECT (v < 1000) ON FAILURE WARN, CHECK enough EXPECT (count(*) > 10), CHECK steady EXPECT (mean BETWEEN -1 AND 1) ON FAILURE WARN)
  FROM s;
CREATE STREAM other METRICS (ks = count(DISTINCT k), mid = median(v), last_k = last(k ORDER BY id), dev = stddev(v), span = max(d) - min(d))
  CHECKS (CHECK u EXPECT (is_unique(id)), CHECK l EXPECT (orphans(id, m.id) >= 0), CHECK g EXPECT (count(*) > 0) BY (k),
    CHECK t EXPECT (count(*) > 0) OVER TABLE)
  FROM s;`
	random, text := rand.New(rand.NewSource(5)), &strings.Builder{}
	text.WriteString("id,k,v,p,d,b\n")
	for i := range 160 {
		v := fmt.Sprintf("%.6f", random.NormFloat64()*1000)
		if random.Intn(10) == 0 {
			v = ""
		}
		fmt.Fprintf(text, "%d,%c,%s,%.2f,2026-01-%02d,%v\n", i, 'a'+rune(random.Intn(3)), v, random.Float64()*100, 1+random.Intn(28), random.Intn(2) == 0)
	}
	write(t, filepath.Join(dir, "in/1.csv"), text.String())
	w := must(t, dir, script)
	o := program.Options{Language: run.Language, Scripts: []*sql.Source{sql.NewSource("s.sql", script)}, Dir: dir, DB: filepath.Join(dir, "run.duckdb")}
	if err := run.Run(ctx, o); err != nil {
		t.Fatal(err)
	}
	db, err := duck.Open(ctx, o.DB, duck.Options{ReadOnly: true, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got := serve(t, w, cutFile(t, dir, takenFile{"s", "in/1.csv"}, 0, random, false)...)
	var n tally
	compareMeasured(t, "measured", w, db.Writer(), got, &n)
	if n.measured < 18 {
		t.Errorf("%d aggregates were compared: %+v", n.measured, got.of("error"))
	}
	for _, d := range w.plan.Declarations {
		switch d.Name {
		case "m":
			compareRecorded(t, db.Writer(), d, got)
		case "other":
			for _, a := range d.Measure.Aggregates {
				if merges := a.Merge != ""; merges != (a.SQL == "max(d)" || a.SQL == "min(d)") {
					t.Errorf("%s is made of parts: %q", a.SQL, a.Merge)
				}
			}
			if d.Measure.Merged != "" {
				t.Error("all of other is made of parts")
			}
		}
	}
}

// compareRecorded runs the statement over partials, and compares with what dsql.metrics and dsql.checks have of the one batch.
func compareRecorded(t *testing.T, c *duck.Conn, d program.Declaration, got results) {
	t.Helper()
	var parts []string
	for _, r := range got.of("partials") {
		if r.Name == d.Name {
			parts = append(parts, partialsOf(t, r.body)...)
		}
	}
	if len(parts) < 30 || d.Measure.Merged == "" {
		t.Fatalf("%d parts, %q", len(parts), d.Measure.Merged)
	}
	statement := strings.ReplaceAll(d.Measure.Merged, duck.Ident("the partials").String(), "("+strings.Join(parts, " UNION ALL BY NAME ")+")")
	for i, m := range append(d.Measure.Metrics, d.Measure.Checks...) {
		table, what, column := "metrics", "metric", "coalesce(value_text, value::VARCHAR, 'none')"
		value := fmt.Sprintf(`CASE WHEN typeof("type %d") IN ('BOOLEAN') THEN "type %d"::INTEGER::DOUBLE::VARCHAR ELSE "type %d"::VARCHAR END`, i, i, i)
		if i >= len(d.Measure.Metrics) {
			table, what = "checks", "name"
			column, value = "verdict", fmt.Sprintf(`CASE WHEN "condition %d" THEN 'pass' ELSE 'warn' END`, i)
		}
		var want, merged string
		if _, err := c.Scan(context.Background(), duck.Text("SELECT "+column+" FROM dsql."+table+" WHERE destination = 'm' AND "+what+" = '"+m.Name+"'"),
			&want); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Scan(context.Background(), duck.Text("SELECT coalesce("+value+", 'none') FROM ("+statement+")"), &merged); err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if !alike(merged, want) {
			t.Errorf("%s is %s, and a run recorded %s", m.Name, merged, want)
		}
	}
}
