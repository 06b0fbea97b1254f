package main

import (
	"encoding/csv"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// monitored declares a monitor over base.csv, rows.csv and outcomes.csv, and shows what it measured.
const monitored = `CREATE MODEL m FROM 'model.txt';
CREATE SOURCE base_in (id INTEGER, a DOUBLE, plan VARCHAR, b DOUBLE, code DOUBLE, g VARCHAR, p DOUBLE) FROM FILES ('base.csv', format csv, header true);
CREATE SOURCE rows_in (id INTEGER, a DOUBLE, plan VARCHAR, b DOUBLE, code DOUBLE, g VARCHAR, p DOUBLE) FROM FILES ('rows.csv', format csv, header true);
CREATE SOURCE late_in (id INTEGER, y $Y) FROM FILES ('outcomes.csv', format csv, header true);
CREATE STREAM base FROM base_in;
CREATE STREAM scores FROM rows_in;
CREATE STREAM outcomes FROM late_in;
CREATE MONITOR health ON MODEL m FROM scores PREDICTION p BY (g)
  ACTUALS (SELECT id, y FROM outcomes) ON (id) BASELINE (FROM base);
REFRESH;
SELECT metric, value FROM dsql.metrics WHERE destination = 'health' ORDER BY metric;
`

// TestMonitorFormulas holds what monitors measure against scikit-learn, scipy and numpy: bench/monitors.py made the cases, and compares
// as many as one likes.
func TestMonitorFormulas(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("../../testdata/monitors/*/want.csv")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, c := range cases {
		t.Run(filepath.Base(filepath.Dir(c)), func(t *testing.T) {
			t.Parallel()
			monitorCase(t, filepath.Dir(c))
		})
	}
}

func monitorCase(t *testing.T, dir string) {
	work := t.TempDir()
	model, err := os.ReadFile("../../testdata/models/lgb_frame/model.txt")
	if err != nil {
		t.Fatal(err)
	}
	outcomes, err := os.ReadFile(filepath.Join(dir, "outcomes.csv"))
	if err != nil {
		t.Fatal(err)
	}
	y := "DOUBLE"
	if strings.Contains(string(outcomes), "e\n") { // true, false
		y = "BOOLEAN"
	}
	if err := os.CopyFS(work, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"model.txt": string(model), "s.sql": strings.ReplaceAll(monitored, "$Y", y)} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "run", "s.sql", "--quiet", "--output", "csv")
	cmd.Dir, cmd.Env = work, append(os.Environ(), "DSQL_TEST_AS_COMMAND=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err, string(out))
	}
	want, err := os.ReadFile(filepath.Join(dir, "want.csv"))
	if err != nil {
		t.Fatal(err)
	}
	has, right := metricValues(t, string(out)), metricValues(t, string(want))
	for name := range right {
		if _, ok := has[name]; !ok {
			t.Errorf("%s is absent", name)
		}
	}
	for name, v := range has {
		w, ok := right[name]
		if !ok || math.IsNaN(v) != math.IsNaN(w) || math.Abs(v-w) > 1e-9*max(1, math.Abs(w)) {
			t.Errorf("%s is %v, not %v (%v)", name, v, w, ok)
		}
	}
}

// metricValues reads metrics and their values; NULL is NaN.
func metricValues(t *testing.T, text string) map[string]float64 {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatal(err, text)
	}
	out := map[string]float64{}
	for _, r := range rows[1:] {
		if out[r[0]] = math.NaN(); r[1] != "" && r[1] != "NULL" {
			if out[r[0]], err = strconv.ParseFloat(r[1], 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}
