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

// cutParquet makes tasks of a file: some rows each, the last those that are left.
func cutParquet(t *testing.T, f takenFile, number int, random *rand.Rand) (tasks [][]byte) {
	t.Helper()
	h := header{Source: f.source, File: f.path, Path: f.path, Buckets: buckets}
	for i := range random.Intn(4) {
		h.Task, h.Line, h.End = fmt.Sprintf("%03d %03d", number, i), h.Byte+1, h.Byte+1+int64(random.Intn(4))
		tasks = append(tasks, taskOf(t, h))
		h.Byte = h.End
	}
	h.Task, h.Line, h.End = fmt.Sprintf("%03d 999", number), h.Byte+1, 0
	return append(tasks, taskOf(t, h))
}

// Parquet comes by its path and by rows, in batches as in a run: what doesn't convert is a reject with the row's number.
func TestParquet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := duck.Open(context.Background(), "", duck.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	write(t, filepath.Join(dir, "in/mon/none"), "")
	if err := db.Writer().Run(context.Background(), duck.SQL(`COPY (SELECT i AS id, CASE i WHEN 3 THEN 'x' ELSE i::VARCHAR END AS n, [i] AS l
		FROM range(10) r(i)) TO {f} (FORMAT parquet)`, duck.Args{"f": filepath.Join(dir, "in/mon/1.parquet")})); err != nil {
		t.Fatal(err)
	}
	script := `CREATE SOURCE s (id BIGINT, n INTEGER, l BIGINT[], day VARCHAR, gone DATE) FROM FILES ('in/{day}/*.parquet', format parquet, batch_rows 4);
CREATE STREAM d AS SELECT id, n, l[1] AS l, day, gone, _meta.line AS line, _meta.timestamp AS changed FROM s;`
	w := must(t, dir, script)
	for _, c := range []struct {
		from, to int64
		batches  int
		ids      string
	}{{0, 0, 3, "0 1 2 4 5 6 7 8 9"}, {0, 2, 1, "0 1"}, {2, 5, 1, "2 4"}, {5, 10, 2, "5 6 7 8 9"}, {5, 99, 2, "5 6 7 8 9"}, {9, 0, 1, "9"}, {10, 0, 1, ""},
		{99, 120, 1, ""}} {
		got := serve(t, w, taskOf(t, header{Task: "1", Source: "s", File: "in/mon/1.parquet", Path: "in/mon/1.parquet", Byte: c.from, Line: c.from + 1,
			End: c.to, Modified: "2026-02-03T04:05:06Z"}))
		var ids []string
		for _, r := range got.rows(t, "rows", "d") {
			f := strings.Split(r, "|")
			if ids = append(ids, f[0]); f[1] != f[0] || f[2] != f[0] || f[3] != "mon" || f[4] != "(null)" || fmt.Sprint("1", f[5]) == f[0] {
				t.Errorf("%q", r)
			}
		}
		end, refused := got.of("end"), got.rows(t, "rejects", "")
		if len(end) != 1 || strings.Join(ids, " ") != c.ids || end[0].Batches != c.batches {
			t.Errorf("rows %d to %d: %q %+v %+v", c.from, c.to, ids, end, got.of("error"))
		}
		bad := c.from <= 3 && (c.to == 0 || c.to > 3)
		if bad != (len(refused) == 1) || bad && (!strings.Contains(refused[0], `"x" is no INTEGER`) || !strings.Contains(refused[0], `"line":4`)) {
			t.Errorf("rows %d to %d: %q", c.from, c.to, refused)
		}
	}
	o := program.Options{Language: run.Language, Scripts: []*sql.Source{sql.NewSource("s.sql", script)}, Dir: dir, DB: filepath.Join(dir, "run.duckdb")}
	if err := run.Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	want := rowsOfRun(t, o.DB)
	for seed := range int64(5) {
		got := serve(t, w, cutParquet(t, takenFile{"s", "in/mon/1.parquet"}, 0, rand.New(rand.NewSource(seed)))...)
		sameRows(t, fmt.Sprint("cut by ", seed), got.rows(t, "rows", "d"), want)
	}
	write(t, filepath.Join(dir, "in/mon/bad.parquet"), "no Parquet")
	for _, c := range []struct {
		head header
		says string
	}{
		{header{File: "in/mon/1.parquet"}, "which is read where it is"},
		{header{File: "in/mon/bad.parquet", Path: "in/mon/bad.parquet"}, "can't be read as Parquet"},
		{header{File: "in/mon/gone.parquet", Path: "in/mon/gone.parquet"}, "in/mon/gone.parquet can't be read"},
	} {
		c.head.Task, c.head.Source = "1", "s"
		got := serve(t, w, taskOf(t, c.head)).of("error")
		if len(got) != 1 || !strings.Contains(got[0].Errors[0].Message, c.says) || got[0].Errors[0].Hint == "" {
			t.Errorf("%+v: %+v", c.head, got)
		}
	}
}

// rowsOfRun are the rows of d in a run's file.
func rowsOfRun(t *testing.T, file string) []string {
	t.Helper()
	db, err := duck.Open(context.Background(), file, duck.Options{ReadOnly: true, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return asked(t, db.Writer(), duck.SQL("SELECT * EXCLUDE (_version) FROM d"))
}
