package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"dsql/engine/duck"
)

// The demo, run by the command, gives what pandas and LightGBM gave when its data was made (demo/make/make.py); a second run
// changes nothing, and a new file only what it touches.
func TestDemo(t *testing.T) {
	t.Parallel()
	var want struct {
		Risk    map[string]float64
		Answers map[string]string // what a query over the file gives
	}
	b, err := os.ReadFile("../../demo/testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	dir := newDemo(t)
	if err := runDemo(t, dir); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pipeline.duckdb")
	ask := func(query string) string {
		t.Helper()
		db, err := duck.Open(t.Context(), file, duck.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var answer string
		if _, err := db.Writer().Scan(t.Context(), duck.Cat(duck.SQL("SELECT ("), duck.Text(query), duck.SQL(")::VARCHAR")),
			&answer); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return answer
	}
	if len(want.Answers) < 15 {
		t.Errorf("only %d answers to compare", len(want.Answers))
	}
	want.Answers["SELECT count(*) FROM dsql.version_rows WHERE rows_in <> written + coalesce(rejected, 0) + coalesce(dropped, 0) + "+
		"coalesce(bad, 0) + coalesce(skipped, 0)"] = "0"
	for query, answer := range want.Answers {
		if got := ask(query); got != answer {
			t.Errorf("%s:\n%s\nwant\n%s", query, got, answer)
		}
	}
	db, err := duck.Open(t.Context(), file, duck.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	type score struct {
		id   string
		risk float64
	}
	scores, err := duck.Select(t.Context(), db.Writer(), duck.SQL("SELECT flight_id, any_value(risk) FROM scores GROUP BY flight_id"),
		func(row func(...any) error) (s score, err error) { return s, row(&s.id, &s.risk) })
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, s := range scores {
		if w, ok := want.Risk[s.id]; ok {
			compared++
			if math.Abs(w-s.risk) > 1e-12 {
				t.Errorf("%s: risk %v, LightGBM says %v", s.id, s.risk, w)
			}
		}
	}
	if compared < 190 {
		t.Errorf("only %d scores compared", compared)
	}

	before := contents(t, file)
	if err := runDemo(t, dir); err != nil {
		t.Fatal(err)
	}
	for table, rows := range contents(t, file) {
		if before[table] != rows {
			t.Errorf("a second run changed %s", table)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "in/planes/2013-07-16.csv"),
		[]byte("tailnum,op,year,manufacturer,model,seats,engines,air_minutes,updated_at\nNEW1,i,2013,BOEING,787,250,2,0,2013-07-16 00:00:00\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	if err := runDemo(t, dir); err != nil {
		t.Fatal(err)
	}
	after := contents(t, file)
	for _, table := range []string{"main.events", "main.scores__now", "main.scores__past", "main.weather", "main.flights__now",
		"main.flights__past", "dsql.metrics", "dsql.models"} {
		if before[table] != after[table] {
			t.Errorf("a new file of planes changed %s", table)
		}
	}
	if before["main.planes__now"] == after["main.planes__now"] {
		t.Error("the new plane is not there")
	}
}

// The demo's tests pass, and see all that may go two ways in it go both.
func TestDemoTests(t *testing.T) {
	t.Parallel()
	out, err := asCommand(t, newDemo(t), "test", "pipeline.sql", "tests.sql", "--coverage", "-q").CombinedOutput()
	if want := "12 tests: 12 passed, 0 failed\ncoverage: 10 of 10 seen both ways\n"; err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}
