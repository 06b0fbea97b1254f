package ingest

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"dsql/engine"
	"dsql/sql"
)

// lab is a folder with files, a database, and tables that batches are written to as the pipeline does it.
type lab struct {
	t      testing.TB
	dir    string
	c      *engine.Conn
	pinned []engine.Column
	fail   int // the commit that is rolled back, counted from 1 in a run; 0: none
}

func newLab(t testing.TB, files map[string]string) *lab {
	t.Helper()
	dir := t.TempDir()
	db, err := engine.Open(context.Background(), filepath.Join(dir, "lab.duckdb"), engine.Options{SearchPath: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	l := &lab{t: t, dir: dir, c: db.Writer()}
	if err := l.c.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		l.put(name, text)
	}
	return l
}

// put writes a file; a name's ending says how it is packed.
func (l *lab) put(name, text string) {
	l.t.Helper()
	full := filepath.Join(l.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		l.t.Fatal(err)
	}
	f, err := os.Create(full)
	if err != nil {
		l.t.Fatal(err)
	}
	defer f.Close()
	w := io.WriteCloser(f)
	switch filepath.Ext(name) {
	case ".gz":
		w = gzip.NewWriter(f)
	case ".zst":
		if w, err = zstd.NewWriter(f); err != nil {
			l.t.Fatal(err)
		}
	}
	if _, err := io.WriteString(w, text); err != nil {
		l.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) sql(text string, args ...engine.Args) {
	l.t.Helper()
	if _, err := l.c.Exec(context.Background(), engine.SQL(text, args...)); err != nil {
		l.t.Fatal(err)
	}
}

// parquet writes a file from a query.
func (l *lab) parquet(name, query string) {
	l.t.Helper()
	full := filepath.Join(l.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		l.t.Fatal(err)
	}
	l.sql("COPY ("+query+") TO {f} (FORMAT parquet)", engine.Args{"f": full})
}

func compileText(text string) (engine.Object, error) {
	stmts, err := sql.Parse(sql.NewSource("s.sql", text), []*sql.Syntax{Kind.Syntax})
	if err != nil {
		return nil, err
	}
	return Kind.Compile(stmts[0].Decl)
}

func (l *lab) source(text string) *fileSource {
	l.t.Helper()
	obj, err := compileText(text)
	if err != nil {
		l.t.Fatal(err)
	}
	return obj.(*fileSource)
}

// ran is what a run did: a line a batch, a warning or the error that ended it.
type ran struct {
	log  []string
	err  error
	cols []engine.Column
}

func (r *ran) add(format string, args ...any) { r.log = append(r.log, fmt.Sprintf(format, args...)) }

// run reads a source to its end into a table for each destination, with the columns file and line behind the source's own, and
// bad records into the table bad.
func (l *lab) run(text string, destinations ...string) ran {
	l.t.Helper()
	return l.runOn(l.source(text), destinations...)
}

func (l *lab) runOn(s *fileSource, destinations ...string) (out ran) {
	l.t.Helper()
	ctx := context.Background()
	env := &engine.Env{Dir: l.dir}
	if out.cols, out.err = s.Columns(ctx, l.c, env, l.pinned); out.err != nil {
		return out
	}
	l.pinned = out.cols
	last := engine.Progress{}
	r, err := s.Open(ctx, l.c, env, out.cols, engine.ReadOptions{Destinations: destinations,
		Warn:     func(e *sql.Error) { out.add("warning: %s [%s]", e.Msg, e.Code) },
		Progress: func(p engine.Progress) { last = p }})
	if err != nil {
		out.err = err
		return out
	}
	defer func() {
		if err := r.Close(); err != nil {
			l.t.Error(err)
		}
	}()
	for commit := 1; ; commit++ {
		in, err := r.Next(ctx)
		if err == io.EOF {
			if last.Done != last.Total && !strings.Contains(strings.Join(out.log, ""), "[file-unfinished]") {
				l.t.Errorf("the progress ended at %d of %d", last.Done, last.Total)
			}
			return out
		}
		if err != nil {
			out.err = err
			return out
		}
		err = l.c.Update(ctx, func(tx *engine.Tx) error {
			if err := l.write(ctx, tx, in); err != nil {
				return err
			}
			if commit == l.fail {
				return errors.New("rolled back")
			}
			return nil
		})
		in.Release()
		if err != nil && in.Blame != nil {
			blamed, failed := in.Blame(ctx)
			if blamed && failed == nil {
				continue
			}
			err = errors.Join(err, failed)
		}
		if err != nil {
			out.err = err
			return out
		}
		line := fmt.Sprintf("%s → %s: %d", in.Origin, strings.Join(in.Destinations, ","), in.Good)
		for _, n := range []struct {
			name string
			n    int64
		}{{"bad", in.BadCount}, {"skipped", in.Skipped}, {"unknown", in.Unknown}} {
			if n.n > 0 {
				line += fmt.Sprintf(" %s %d", n.name, n.n)
			}
		}
		if in.Again {
			line += " again"
		}
		if len(in.Absent) > 0 {
			line += " without " + strings.Join(in.Absent, ",")
		}
		out.add("%s", line)
		if in.FileTime.IsZero() || in.Snapshot != s.snapshot || in.Records != in.Good+in.BadCount+in.Skipped {
			l.t.Errorf("%s: %+v", line, in)
		}
	}
}

func (l *lab) write(ctx context.Context, tx *engine.Tx, in *engine.Input) error {
	a := engine.Args{"rows": in.Rows, "raw": in.Raw, "id": in.RowID}
	for _, d := range in.Destinations {
		a["t"] = engine.Ident(d)
		const rows = "SELECT * EXCLUDE (_meta), _meta.file AS file, _meta.line AS line FROM {rows} ORDER BY {id}"
		if err := tx.Run(ctx, engine.SQL("CREATE TABLE IF NOT EXISTS {t} AS SELECT * FROM ("+rows+") LIMIT 0", a), engine.SQL("INSERT INTO {t} BY NAME "+rows, a)); err != nil {
			return err
		}
	}
	var ids, n int64
	if _, err := tx.Scan(ctx, engine.SQL("SELECT count(DISTINCT {id}), count(*) FROM {raw}", a), &ids, &n); err != nil {
		return err
	}
	if ids != in.Records || n != in.Records {
		l.t.Errorf("%s: %d ids in %d raw records, want %d", in.Origin, ids, n, in.Records)
	}
	a["bad"] = in.Bad
	if in.BadCount > 0 && !in.Again {
		if err := tx.Run(ctx, engine.SQL("CREATE TABLE IF NOT EXISTS bad (reason VARCHAR, file VARCHAR, line BIGINT, payload VARCHAR, data VARCHAR)"),
			engine.SQL("INSERT INTO bad SELECT reason, _meta.file, _meta.line, _payload::VARCHAR, data::VARCHAR FROM {bad} ORDER BY {id}", a)); err != nil {
			return err
		}
	}
	return in.Commit(ctx, tx, 1)
}

// show is a query's result, a line a row.
func (l *lab) show(query string) string {
	l.t.Helper()
	ctx, q := context.Background(), engine.SQL(query)
	cols, err := l.c.Describe(ctx, q, engine.Place{})
	if err != nil {
		l.t.Fatal(err)
	}
	line := engine.Each(" || '|' || ", cols, func(c engine.Column) *engine.Query {
		return engine.SQL("coalesce({c}::VARCHAR, 'NULL')", engine.Args{"c": engine.Ident(c.Name)})
	})
	rows, err := engine.Select(ctx, l.c, engine.SQL("SELECT {line} FROM ({q})", engine.Args{"line": line, "q": q}), func(row func(...any) error) (s string, err error) { return s, row(&s) })
	if err != nil {
		l.t.Fatal(err)
	}
	return strings.Join(rows, "\n")
}

// is compares a run's log, a line an element.
func (r ran) is(t testing.TB, want string) {
	t.Helper()
	if r.err != nil {
		t.Fatal(r.err)
	}
	equalLines(t, strings.Join(r.log, "\n"), want)
}

func equalLines(t testing.TB, got, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Error(diff)
	}
}

// fails checks the error that ended a run.
func (r ran) fails(t testing.TB, code, msg string, exit int) {
	t.Helper()
	failsWith(t, r.err, code, msg, exit)
}

func failsWith(t testing.TB, err error, code, msg string, exit int) {
	t.Helper()
	var e *sql.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v, want %s", err, code)
	}
	if e.Code != code || !strings.Contains(e.Msg, msg) || e.ExitCode() != exit || e.Src == nil || e.Hint == "" {
		t.Errorf("%s (%d) %s\nhint: %s\nwant %s (%d) %s", e.Code, e.ExitCode(), e.Error(), e.Hint, code, exit, msg)
	}
}

// touch gives a file another time.
func (l *lab) touch(name string) {
	l.t.Helper()
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(l.dir, name), at, at); err != nil {
		l.t.Fatal(err)
	}
}

func TestEachFileOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"in/b.csv": "id\n3\n", "in/a.csv": "id\n1\n2\n", "in/.hidden.csv": "id\n9\n", "in/c.txt": "id\n9\n"})
	const s = "CREATE SOURCE s (id BIGINT) FROM FILES ('in/*.csv', header)"
	l.run(s, "d").is(t, "in/a.csv → d: 2\nin/b.csv → d: 1")
	l.run(s, "d").is(t, "")
	l.put("in/0.csv", "id\n4\n")
	l.run(s, "d").is(t, "in/0.csv → d: 1")
	equalLines(t, l.show("SELECT id, file, line FROM d ORDER BY rowid"), "1|in/a.csv|2\n2|in/a.csv|3\n3|in/b.csv|2\n4|in/0.csv|2")

	l.touch("in/a.csv")
	l.put("in/b.csv", "id\n3\n5\n")
	l.run(s, "d").is(t, "warning: in/b.csv has changed since it was read; it is not read again [file-changed]")
	l.run(s, "d", "e").is(t, "warning: in/b.csv has changed since it was read; it is not read again [file-changed]\nin/0.csv → e: 1 again\nin/a.csv → e: 2 again\nin/b.csv → e: 2")
}

func TestCutAndResumed(t *testing.T) {
	t.Parallel()
	for _, k := range []struct{ name, format, text, to string }{
		{"in/a.csv", "", "id\n1\n2\n3\n4\n5\n", "lines 2–3|lines 4–5|lines 6–6"},
		{"in/a.csv.gz", "", "id\n1\n2\n3\n4\n5\n", "lines 2–3|lines 4–5|lines 6–6"},
		{"in/a.csv.zst", "", "id\n1\n2\n3\n4\n5", "lines 2–3|lines 4–5|lines 6–6"},
		{"in/a.jsonl", "", "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n\n{\"id\":4}\n{\"id\":5}\n", "lines 1–2|lines 3–5|lines 6–6"},
		{"in/a.json", "", "[{\"id\":1},\n{\"id\":2},\n{\"id\":3},{\"id\":4},\n{\"id\":5}]\n", "lines 1–1|lines 2–2|lines 3–4"},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, map[string]string{k.name: k.text})
			s := "CREATE SOURCE s (id BIGINT) FROM FILES ('in/*', format " + formatOf(k.name) + ", batch_rows 2)"
			to := strings.Split(k.to, "|")
			l.fail = 2
			r := l.run(s, "d")
			if r.err == nil || len(r.log) != 1 {
				t.Fatal(r)
			}
			l.fail = 0
			l.touch(k.name)
			l.run(s, "d").is(t, fmt.Sprintf("%s %s → d: 2\n%[1]s %[3]s → d: 1", k.name, to[1], to[2]))
			equalLines(t, l.show("SELECT string_agg(id, ',' ORDER BY rowid) FROM d"), "1,2,3,4,5")
			l.run(s, "d", "e").is(t, fmt.Sprintf("%s %s → e: 2 again\n%[1]s %[3]s → e: 2 again\n%[1]s %[4]s → e: 1 again", k.name, to[0], to[1], to[2]))
		})
	}
}

// Destinations that stand at two places of one file, and one that isn't refreshed: nobody takes a record twice, and a bad record
// is recorded by the first that meets it.
func TestTwoPlacesOfOneFile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"in/a.csv", "in/a.json", "in/a.parquet"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, map[string]string{"in/a.csv": "id\n1\n2\n3\n4\nx\n6\n", "in/a.json": `[{"id":1},{"id":2},{"id":3},{"id":4},{"id":"x"},{"id":6}]`})
			l.parquet("in/a.parquet", "SELECT unnest(['1','2','3','4','x','6']) AS id")
			s := "CREATE SOURCE s (id BIGINT) FROM FILES ('" + name + "', batch_rows 2)"
			counts := func(r ran) (out []string) {
				if r.err != nil {
					t.Fatal(r.err)
				}
				for _, line := range r.log {
					_, rest, _ := strings.Cut(line, "→ ")
					out = append(out, rest)
				}
				return out
			}
			l.fail = 2
			l.run(s, "a") // a has 1, 2
			l.fail = 3
			l.run(s, "b") // b has 1, 2, 3, 4
			l.fail = 0
			if diff := cmp.Diff([]string{"c: 2 again", "c: 2 again", "c: 1 bad 1"}, counts(l.run(s, "c"))); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"a: 2 again", "a,b: 1 bad 1 again"}, counts(l.run(s, "a", "b"))); diff != "" {
				t.Error(diff)
			}
			for _, d := range []string{"a", "b", "c"} {
				equalLines(t, l.show("SELECT string_agg(id, ',' ORDER BY rowid) FROM "+d), "1,2,3,4,6")
			}
			equalLines(t, l.show("SELECT count(*) FROM bad"), "1")
			equalLines(t, l.show("SELECT count(*), count(*) FILTER (done), count(DISTINCT hash) FROM dsql.files"), "3|3|1")
		})
	}
}

func TestHalfReadFileChanged(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"in/a.csv", "in/a.parquet"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, map[string]string{"in/a.csv": "id\n1\n2\n3\n"})
			l.parquet("in/a.parquet", "SELECT unnest([1, 2, 3]) AS id")
			s := "CREATE SOURCE s (id BIGINT) FROM FILES ('" + name + "', batch_rows 2)"
			l.fail = 2
			l.run(s, "d")
			l.fail = 0
			l.put("in/a.csv", "id\n1\n5\n3\n4\n")
			l.parquet("in/a.parquet", "SELECT unnest([1, 2, 3, 4]) AS id")
			l.run(s, "d").fails(t, "file-changed", "after a part of it was read", sql.ExitFailed)
			// A destination that has nothing of it takes the file as it is.
			l.run(s, "e").fails(t, "file-changed", "after a part of it was read", sql.ExitFailed)
			if name == "in/a.csv" { // one that only grew is read on
				l.put("in/a.csv", "id\n1\n2\n3\n4\n5\n")
				l.run(s, "d").is(t, "in/a.csv lines 4–5 → d: 2\nin/a.csv lines 6–6 → d: 1")
			}
		})
	}
}

func TestBatchFiles(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"in/1.csv": "id,x\n1,a\n", "in/2.csv": "id,x\n2,b\n3,c\n", "in/3.csv": "id,x\n4,d\n5,e\n", "in/4.csv": "x,id\nf,6\n", "in/5.csv": "id\n7\n", "in/6.csv": "id\n8\n9\n10\n11\n12\n", "in/7.csv": "id\n"})
	const s = "CREATE SOURCE s (id BIGINT, x VARCHAR) FROM FILES ('in/*.csv', header, batch_files 10, batch_rows 4)"
	l.run(s, "d").is(t, "in/1.csv, in/2.csv → d: 3\nin/3.csv, in/4.csv → d: 3\nwarning: in/5.csv has no column x [missing-column]\nin/5.csv → d: 1 without x\nin/6.csv lines 2–5 → d: 4 without x\nin/6.csv lines 6–6 → d: 1 without x\nin/7.csv → d: 0 without x")
	equalLines(t, l.show("SELECT string_agg(id, ',' ORDER BY rowid) FROM d"), "1,2,3,4,5,6,7,8,9,10,11,12")
	equalLines(t, l.show("SELECT count(*) FROM dsql.files WHERE done"), "7")
}

func TestSnapshotLoads(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{
		"in/2025-01-01/a.csv": "id\n1\n2\n3\nx\n5\n", "in/2025-01-01/b.csv": "id\n6\n7\n", "in/2025-01-02/a.csv": "id\n", "in/2025-01-03/a.csv": "id\n8\n", "in/2025-01-03/b.csv": "id\n9\n10\n11\n"})
	const s = "CREATE SOURCE s (id BIGINT, day DATE) FROM FILES ('in/{day}/*.csv', mode snapshot, batch_rows 2, header)"
	l.run(s, "d").is(t, "in/2025-01-01/a.csv, in/2025-01-01/b.csv → d: 6 bad 1\nin/2025-01-02/a.csv → d: 0\nin/2025-01-03/a.csv, in/2025-01-03/b.csv → d: 4")
	equalLines(t, l.show("SELECT day, string_agg(id, ',' ORDER BY rowid) FROM d GROUP BY day ORDER BY day"), "2025-01-01|1,2,3,5,6,7\n2025-01-03|8,9,10,11")
	equalLines(t, l.show("SELECT file, line, payload FROM bad"), "in/2025-01-01/a.csv|5|x")
	equalLines(t, l.show("SELECT path, done, next_line FROM dsql.files ORDER BY path"), "in/2025-01-01/a.csv|true|7\nin/2025-01-01/b.csv|true|4\nin/2025-01-02/a.csv|true|2\nin/2025-01-03/a.csv|true|3\nin/2025-01-03/b.csv|true|5")
	equalLines(t, l.show("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE '_dsql%'"), "0")
	l.run(s, "d").is(t, "")
	// Without captures each file is a load.
	l.run("CREATE SOURCE u (id BIGINT) FROM FILES ('in/*/b.csv', mode snapshot, header)", "u").is(t, "in/2025-01-01/b.csv → u: 2\nin/2025-01-03/b.csv → u: 3")
}

func TestCaptures(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"in/eu/x_2025-01-01.csv": "id\n1\n", "in/us/x_2025-01-02.csv": "id\n", "in/us/y_2025-01-02.csv": "id\n7\n"})
	l.parquet("in/us/x_2025-01-03.parquet", "SELECT 5 AS id")
	const want = "1|2025-01-01|eu"
	l.run("CREATE SOURCE s (id BIGINT, day DATE) FROM FILES ('in/{region}/x_{day}.csv', header)", "d").is(t, "in/eu/x_2025-01-01.csv → d: 1\nin/us/x_2025-01-02.csv → d: 0")
	equalLines(t, l.show("SELECT id, day, region FROM d"), want)
	l.pinned = nil
	l.run("CREATE SOURCE p (Day DATE FORMAT '%Y-%m-%d', id BIGINT) FROM FILES ('in/{region}/x_{day}.parquet')", "p").is(t, "in/us/x_2025-01-03.parquet → p: 1")
	equalLines(t, l.show("SELECT * FROM p"), "2025-01-03|5|us|in/us/x_2025-01-03.parquet|1")
	l.run("CREATE SOURCE q (id BIGINT, name INTEGER) FROM FILES ('in/us/{name}.parquet')", "q").fails(t, "source-capture", "in/us/x_2025-01-03.parquet", sql.ExitFailed)
	l.run("CREATE SOURCE r (id BIGINT, name INTEGER) FROM FILES ('in/us/{name}.csv', header)", "r").fails(t, "source-capture", "in/us/x_2025-01-02.csv", sql.ExitFailed)
}

func TestBadRecords(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"in/1.csv": "id\n1\n", "in/2.csv": "id\n2\nx\n3\ny\n"})
	l.parquet("in/2.parquet", "SELECT unnest(['2','x','3','y']) AS id")
	for _, ending := range []string{"csv", "parquet"} {
		s := "FROM FILES ('in/*." + ending + "', batch_files 2) ON BAD RECORD "
		first := map[string]string{"csv": "in/1.csv, ", "parquet": ""}[ending]
		n := map[string]int{"csv": 3, "parquet": 2}[ending]
		l.run("CREATE SOURCE s_"+ending+" (id BIGINT) "+s+"SKIP", "skip_"+ending).is(t, fmt.Sprintf("%sin/2.%s → skip_%[2]s: %d skipped 2", first, ending, n))
		r := l.run("CREATE SOURCE f_"+ending+" (id BIGINT) "+s+"FAIL", "fail")
		r.fails(t, "bad-record", fmt.Sprintf("in/2.%s line %d: bad_record: id: \"x\" is no BIGINT", ending, map[string]int{"csv": 3, "parquet": 2}[ending]), sql.ExitFailed)
		l.run("CREATE SOURCE r_"+ending+" (id BIGINT) "+s+"REJECT", "reject").is(t, fmt.Sprintf("%sin/2.%s → reject: %d bad 2", first, ending, n))
	}
	equalLines(t, l.show("SELECT * FROM bad ORDER BY ALL"), strings.Join([]string{`bad_record: id: "x" is no BIGINT|in/2.csv|3|x|NULL`, `bad_record: id: "x" is no BIGINT|in/2.parquet|2|NULL|{"id":"x"}`, `bad_record: id: "y" is no BIGINT|in/2.csv|5|y|NULL`, `bad_record: id: "y" is no BIGINT|in/2.parquet|4|NULL|{"id":"y"}`}, "\n"))
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"in/a.csv": "id\n1\n", "in/cut.csv.gz": "id\n1\n", "in/text.parquet": "no parquet", "in/file_row_number.csv": "x"})
	l.parquet("in/odd.parquet", "SELECT 1 AS id, 2 AS file_row_number")
	if err := os.Truncate(filepath.Join(l.dir, "in/cut.csv.gz"), 20); err != nil {
		t.Fatal(err)
	}
	run := func(pattern string) ran {
		return l.run("CREATE SOURCE s (id BIGINT) FROM FILES ('"+pattern+"', format "+max(formatOf(pattern), "csv")+")", "d")
	}
	run("in/none.csv").fails(t, "no-file", "there is no file in/none.csv", sql.ExitUnreachable)
	run("in").fails(t, "unreadable", "in can't be read: it is a folder", sql.ExitUnreachable)
	run("in/cut.csv.gz").fails(t, "unreadable", "in/cut.csv.gz can't be read: it ends too early", sql.ExitUnreachable)
	run("in/*.csv.gz").fails(t, "unreadable", "in/cut.csv.gz can't be read: it ends too early", sql.ExitUnreachable)
	run("in/text.parquet").fails(t, "unreadable", "in/text.parquet can't be read as Parquet", sql.ExitUnreachable)
	run("in/odd.parquet").fails(t, "unreadable", "file_row_number", sql.ExitUnreachable)
	run("none/*.csv").is(t, "warning: no file matches none/*.csv [no-files]")
	run("in/a.csv/*.csv").is(t, "warning: no file matches in/a.csv/*.csv [no-files]")
	l.put("in/\xff.csv", "id\n1\n")
	run("in/?.csv").fails(t, "bad-name", "not UTF-8", sql.ExitUnreachable)

	// A file that goes between the listing and the reading.
	s := l.source("CREATE SOURCE s (id BIGINT) FROM FILES ('in/a*.csv')")
	files, err := s.list(&engine.Env{Dir: l.dir})
	if err != nil {
		t.Fatal(err)
	}
	files[0].full += "gone"
	_, err = s.open(nil, &item{files: files}, 0)
	failsWith(t, err, "no-file", "there is no file in/a.csv", sql.ExitUnreachable)
	failsWith(t, s.unreadable(&os.PathError{Op: "open", Path: "/in", Err: os.ErrPermission}, ""), "no-rights", "no right to read /in", sql.ExitUnreachable)
}

// A reader that is closed in the middle ends its goroutine, and a run that is interrupted is no end of the files.
func TestCancellation(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 20 {
		files[fmt.Sprintf("in/%02d.csv", i)] = "id\n1\n2\n3\n"
	}
	l := newLab(t, files)
	for _, k := range []string{"append", "snapshot"} {
		for batches := range 3 {
			s := l.source("CREATE SOURCE s (id BIGINT) FROM FILES ('in/*.csv', header, batch_rows 2, mode " + k + ")")
			ctx, cancel := context.WithCancel(context.Background())
			env := &engine.Env{Dir: l.dir}
			opened, err := s.Open(ctx, l.c, env, []engine.Column{{Name: "id", Type: "BIGINT"}}, engine.ReadOptions{Destinations: []string{"d"}})
			if err != nil {
				t.Fatal(err)
			}
			for range batches {
				in, err := opened.Next(ctx)
				if err != nil {
					t.Fatal(err)
				}
				in.Release()
			}
			if batches == 1 {
				cancel()
				for err == nil {
					var in *engine.Input
					if in, err = opened.Next(context.Background()); err == nil {
						in.Release()
					}
				}
				if !errors.Is(err, context.Canceled) || errors.Is(err, io.EOF) {
					t.Errorf("%s: %v", k, err)
				}
			}
			if err := opened.Close(); err != nil {
				t.Error(err)
			}
			if _, open := <-opened.(*reader).ahead; open {
				t.Error("the goroutine goes on")
			}
			cancel()
		}
	}
}
