package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dsql/engine/duck"
)

// The crash loop: the demo is run once undisturbed with a log of every fault point that it passes. Then, for every one of them,
// a run is killed there and the script is run again: the file must be the same as the undisturbed one in every table, and every
// version's account must close.
func TestCrashLoop(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the demo some forty times: `make crash`")
	}
	t.Parallel()
	want, points := undisturbed(t)
	if len(points) < 10 {
		t.Fatalf("only %d fault points were passed", len(points))
	}
	// Every point of the run; a point that is passed hundreds of times is killed at its first, middle and last passes.
	for name, passes := range points {
		ks := []int{1, passes / 2, passes}
		if passes <= 8 {
			ks = nil
			for k := range passes {
				ks = append(ks, k+1)
			}
		}
		slices.Sort(ks)
		for _, k := range slices.Compact(ks) {
			if k == 0 {
				continue
			}
			t.Run(fmt.Sprintf("%s-%d", name, k), func(t *testing.T) {
				t.Parallel()
				dir := newDemo(t)
				if err := runDemo(t, dir, fmt.Sprintf("DSQL_FAULT=kill:%s:%d", name, k)); err == nil {
					t.Fatal("the run was not killed")
				}
				if err := runDemo(t, dir); err != nil {
					t.Fatalf("after the crash: %v", err)
				}
				sameContents(t, want, filepath.Join(dir, "pipeline.duckdb"))
			})
		}
	}
}

func newDemo(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "demo")
	if out, err := asCommand(t, ".", "init", dir).CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	return dir
}

// asCommand is this test binary as dsql: see TestMain.
func asCommand(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Dir, c.Env = dir, append(os.Environ(), "DSQL_TEST_AS_COMMAND=1")
	return c
}

func runDemo(t *testing.T, dir string, env ...string) error {
	t.Helper()
	c := asCommand(t, dir, "run", "pipeline.sql")
	c.Env = append(c.Env, env...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("%w\n%s", err, stderr.String())
	}
	return nil
}

// passed are the fault points that a run noted in DSQL_FAULT_LOG, each with how often it came by.
func passed(t *testing.T, log string) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, p := range strings.Fields(read(t, log)) {
		out[p]++
	}
	return out
}

func undisturbed(t *testing.T) (map[string]string, map[string]int) {
	t.Helper()
	dir := newDemo(t)
	log := filepath.Join(dir, "points.log")
	if err := runDemo(t, dir, "DSQL_FAULT_LOG="+log); err != nil {
		t.Fatal(err)
	}
	points := passed(t, log)
	return contents(t, filepath.Join(dir, "pipeline.duckdb")), points
}

// contents is every table's rows as one text, without clock times: those differ from run to run.
func contents(t *testing.T, path string) map[string]string {
	t.Helper()
	ctx := context.Background()
	db, err := duck.Open(ctx, path, duck.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := db.Writer()
	if n, err := c.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.version_rows WHERE rows_in <> written + coalesce(rejected, 0) + "+
		"coalesce(dropped, 0) + coalesce(bad, 0) + coalesce(skipped, 0)")); err != nil || n > 0 {
		t.Errorf("%d accounts don't close (%v)", n, err)
	}
	type table struct{ schema, name, cols string }
	tables, err := duck.Select(ctx, c, duck.SQL(`SELECT t.schema_name, t.table_name, string_agg(c.column_name, ',' ORDER BY c.column_index)
		FROM duckdb_tables() t JOIN duckdb_columns() c USING (table_oid)
		WHERE c.column_name NOT IN ('committed_at', 'rejected_at', 'recorded_at', 'checked_at', 'declared_at', 'created', 'modified_at', 'seen_at', `+
		`'id') OR t.schema_name <> 'dsql'
		GROUP BY ALL`), func(row func(...any) error) (x table, err error) { return x, row(&x.schema, &x.name, &x.cols) })
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, x := range tables {
		var rows string
		cols := duck.Names(strings.Split(x.cols, ","))
		q := duck.SQL("SELECT coalesce(count(*)::VARCHAR || ' rows ' || md5(string_agg(r, chr(10) ORDER BY r)) || chr(10) || "+
			"left(string_agg(r, chr(10) ORDER BY r), 2000), 'empty') FROM (SELECT (t)::VARCHAR AS r FROM (SELECT {cols} FROM {t}) t)",
			duck.Args{"cols": cols, "t": duck.Ident(x.schema, x.name)})
		if _, err := c.Scan(ctx, q, &rows); err != nil {
			t.Fatal(err)
		}
		out[x.schema+"."+x.name] = rows
	}
	return out
}

// sameContents holds a file against what one has whose run was not killed.
func sameContents(t *testing.T, want map[string]string, path string) {
	t.Helper()
	got := contents(t, path)
	for table, rows := range want {
		if got[table] != rows {
			t.Errorf("%s differs from a run that was not killed:\ngot  %.600s\nwant %.600s", table, got[table], rows)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d tables, want %d", len(got), len(want))
	}
}

// crashing is a script that runs twice, over files that are there before and others that come. The second run is killed.
type crashing struct {
	script         string
	before, killed map[string]string
	own            []string // fault points that the run has to pass
	rows           []string // tables that have rows in the end
}

// everywhere kills the second run at each fault point and runs the script again: the file is that of a run that was not killed. With
// DSQL_LONG that is at each passing of its own points and the first and last of others, else at the middle and the last, and at the last.
func (c crashing) everywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("kills some twenty runs: `make crash`")
	}
	t.Parallel()
	whole := c.begin(t)
	log := filepath.Join(whole, "points.log")
	c.run(t, whole, "DSQL_FAULT_LOG="+log)
	want := contents(t, filepath.Join(whole, "s.duckdb"))
	for _, some := range c.rows {
		if rows := want[some]; rows == "" || rows == "empty" {
			t.Errorf("%s has no rows", some)
		}
	}
	points := passed(t, log)
	for _, own := range c.own {
		if points[own] == 0 {
			t.Errorf("%s wasn't passed", own)
		}
	}
	for name, passes := range points {
		own, long := slices.Contains(c.own, name), os.Getenv("DSQL_LONG") != ""
		for k := 1; k <= passes; k++ {
			if k < passes && !(own && (long || k == passes/2) || long && k == 1) {
				continue
			}
			t.Run(fmt.Sprintf("%s-%d", name, k), func(t *testing.T) {
				t.Parallel()
				dir := c.begin(t)
				run := asCommand(t, dir, "run", "-q", "s.sql")
				run.Env = append(run.Env, fmt.Sprintf("DSQL_FAULT=kill:%s:%d", name, k))
				if run.Run() == nil {
					t.Fatal("the run was not killed")
				}
				c.run(t, dir)
				sameContents(t, want, filepath.Join(dir, "s.duckdb"))
				if left, err := os.ReadDir(filepath.Join(dir, "out")); err != nil || len(left) == 0 {
					t.Errorf("the sink wrote %d files, %v", len(left), err)
				}
			})
		}
	}
}

// begin is a folder where the script ran once, and the other files have come.
func (c crashing) begin(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "s.sql"), c.script)
	for name, text := range c.before {
		put(t, filepath.Join(dir, name), text)
	}
	c.run(t, dir)
	for name, text := range c.killed {
		put(t, filepath.Join(dir, name), text)
	}
	return dir
}

func (crashing) run(t *testing.T, dir string, env ...string) {
	t.Helper()
	run := asCommand(t, dir, "run", "-q", "s.sql")
	run.Env = append(run.Env, env...)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
