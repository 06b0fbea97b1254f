package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dsql/engine/duck"
)

const lakeScript = `
CREATE SOURCE ev (id BIGINT, day DATE) FROM FILES ('in/*.csv', format csv);
CREATE STREAM s FROM ev;
CREATE JOURNAL j KEYS (id) SEQUENCE BY day FROM ev;
CREATE SINK lake INTO FILES ('lake/s', partition_by (day)) FROM s;
CREATE SINK changes INTO FILES ('lake/j', format csv) FROM j;
`

// Killed or failing at every point of a version's way into a sink: before the next run every file that is seen is whole, and after it
// the folders are those of a run that nothing disturbed.
func TestSinkCrashes(t *testing.T) {
	t.Parallel()
	whole := lakeDir(t)
	log := filepath.Join(whole, "points.log")
	runs(t, whole, "DSQL_FAULT_LOG="+log)
	want := lake(t, whole)
	passes := passed(t, log)
	for _, p := range []string{"sink-staged", "sink-renamed", "sink-written", "sink-before-place"} {
		if passes[p] < 4 {
			t.Errorf("the point %s was passed %d times", p, passes[p])
		}
	}
	for point, n := range passes {
		if !strings.HasPrefix(point, "sink-") && point != "after-commit" {
			continue
		}
		all := map[string][]int{"kill": {1, n/2 + 1, n}, "error": {n}}
		if testing.Short() {
			all = map[string][]int{"kill": {n/2 + 1}}
		}
		for action, ks := range all {
			for _, k := range slices.Compact(ks) {
				t.Run(fmt.Sprintf("%s-%s-%d", action, point, k), func(t *testing.T) {
					t.Parallel()
					dir := lakeDir(t)
					c := asCommand(t, dir, "run", "s.sql", "--quiet")
					c.Env = append(c.Env, fmt.Sprintf("DSQL_FAULT=%s:%s:%d", action, point, k))
					if err := c.Run(); err == nil {
						t.Fatal("the run was not stopped")
					}
					for file, rows := range lake(t, dir) {
						if rows != want[file] {
							t.Errorf("before the next run %s has %q, want %q", file, rows, want[file])
						}
					}
					runs(t, dir)
					got := lake(t, dir)
					for file, rows := range want {
						if got[file] != rows {
							t.Errorf("%s: %q, want %q", file, got[file], rows)
						}
					}
					if len(got) != len(want) {
						t.Errorf("%d files, want %d", len(got), len(want))
					}
				})
			}
		}
	}
}

// A repeat that needs other names takes those of the first attempt away.
func TestSinkRepeatsUnderOtherNames(t *testing.T) {
	t.Parallel()
	dir := lakeDir(t)
	c := asCommand(t, dir, "run", "s.sql", "--quiet")
	c.Env = append(c.Env, "DSQL_FAULT=kill:sink-written:1")
	if err := c.Run(); err == nil {
		t.Fatal("the run was not stopped")
	}
	if len(lake(t, dir)) == 0 {
		t.Fatal("nothing was written")
	}
	put(t, filepath.Join(dir, "s.sql"), strings.Replace(lakeScript, ", partition_by (day)", "", 1))
	runs(t, dir)
	var names []string
	for name := range lake(t, dir) {
		if strings.HasPrefix(name, "lake/s") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	want := []string{"lake/s/v00000001-0.parquet", "lake/s/v00000002-0.parquet", "lake/s/v00000003-0.parquet"}
	if !slices.Equal(names, want) {
		t.Errorf("files %v, want %v", names, want)
	}
}

// In versions of two row groups (245,760 rows, the most of a batch), which DuckDB would write by several threads, the rows of each file are
// in their order.
func TestSinkKeepsOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "in", "none"), "")
	put(t, filepath.Join(dir, "s.sql"), `
COPY (SELECT i AS id, i % 3 AS p, 'value ' || i AS v FROM range(400000) t(i)) TO 'in/a.parquet';
CREATE SOURCE ev (id BIGINT, p BIGINT, v VARCHAR) FROM FILES ('in/*.parquet');
CREATE STREAM s FROM ev;
CREATE SINK a INTO FILES ('a') FROM s;
CREATE SINK b INTO FILES ('b', partition_by (p)) FROM s;
CREATE SINK c INTO FILES ('c', partition_by (p), format json) FROM s;
`)
	runs(t, dir)
	ask := asking(t, dir)
	for _, x := range []struct{ files, want string }{
		{"read_parquet('a/*.parquet', filename = true, file_row_number = true)", "2|400000|0"},
		{"read_parquet('b/*/*.parquet', filename = true, file_row_number = true)", "6|400000|0"},
		{"(SELECT *, row_number() OVER () AS file_row_number FROM read_json('c/*/*.json', filename = true))", "6|400000|0"},
	} {
		q := "SELECT count(DISTINCT filename), count(*), count(*) FILTER (id <= was) FROM (SELECT filename, id, lag(id) OVER (PARTITION BY " +
			"filename ORDER BY file_row_number) AS was FROM " + x.files + ")"
		if got := ask(q); got != x.want {
			t.Errorf("%s: files, rows, rows out of order: %s, want %s", x.files, got, x.want)
		}
	}
}

func lakeDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "s.sql"), lakeScript)
	for i := range 3 {
		var b strings.Builder
		b.WriteString("id,day\n")
		for n := range 20 {
			fmt.Fprintf(&b, "%d,2026-01-%02d\n", n, 1+(n+i)%(2+i))
		}
		put(t, filepath.Join(dir, "in", fmt.Sprintf("%d.csv", i)), b.String())
	}
	return dir
}

func runs(t *testing.T, dir string, env ...string) {
	t.Helper()
	c := asCommand(t, dir, "run", "s.sql", "--quiet")
	c.Env = append(c.Env, env...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// lake is what readers see: every file by its name, and its rows.
func lake(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	ask := asking(t, dir)
	err := filepath.WalkDir(filepath.Join(dir, "lake"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || strings.HasPrefix(d.Name(), ".") {
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return err
		}
		if d.IsDir() {
			return nil
		}
		name, err := filepath.Rel(dir, path)
		out[name] = ask("SELECT count(*) || ' rows: ' || string_agg(t::VARCHAR, ' ') FROM '" + name + "' t")
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return out
}

// asking gives the one row of a query in a folder.
func asking(t *testing.T, dir string) func(query string) string {
	t.Helper()
	db, err := duck.Open(t.Context(), "", duck.Options{SearchPath: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return func(query string) (s string) {
		t.Helper()
		if _, err := db.Writer().Scan(t.Context(), duck.SQL("SELECT concat_ws('|', *COLUMNS(*)) FROM ({q})", duck.Args{"q": duck.Text(query)}),
			&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
}
