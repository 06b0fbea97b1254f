package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/format"
	"dsql/sql/code"
)

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
	l.run(s, "d", "e").is(t, "warning: in/b.csv has changed since it was read; it is not read again [file-changed]\nin/0.csv → e: 1 "+
		"again\nin/a.csv → e: 2 again\nin/b.csv → e: 2")
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
			s := "CREATE SOURCE s (id BIGINT) FROM FILES ('in/*', format " + format.ByEnding(k.name).Name + ", batch_rows 2)"
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
			l.run(s, "d", "e").is(t, fmt.Sprintf("%s %s → e: 2 again\n%[1]s %[3]s → e: 2 again\n%[1]s %[4]s → e: 1 again", k.name, to[0], to[1],
				to[2]))
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
			l := newLab(t, map[string]string{"in/a.csv": "id\n1\n2\n3\n4\nx\n6\n",
				"in/a.json": `[{"id":1},{"id":2},{"id":3},{"id":4},{"id":"x"},{"id":6}]`})
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
			l.run(s, "d").fails(t, "file-changed", "after a part of it was read", code.ExitFailed)
			// A destination that has nothing of it takes the file as it is.
			l.run(s, "e").fails(t, "file-changed", "after a part of it was read", code.ExitFailed)
			if name == "in/a.csv" { // one that only grew is read on
				l.put("in/a.csv", "id\n1\n2\n3\n4\n5\n")
				l.run(s, "d").is(t, "in/a.csv lines 4–5 → d: 2\nin/a.csv lines 6–6 → d: 1")
			}
		})
	}
}

func TestBatchFiles(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"in/1.csv": "id,x\n1,a\n", "in/2.csv": "id,x\n2,b\n3,c\n", "in/3.csv": "id,x\n4,d\n5,e\n",
		"in/4.csv": "x,id\nf,6\n", "in/5.csv": "id\n7\n", "in/6.csv": "id\n8\n9\n10\n11\n12\n", "in/7.csv": "id\n"})
	const s = "CREATE SOURCE s (id BIGINT, x VARCHAR) FROM FILES ('in/*.csv', header, batch_files 10, batch_rows 4)"
	l.run(s, "d").is(t, "in/1.csv, in/2.csv → d: 3\nin/3.csv, in/4.csv → d: 3\nwarning: in/5.csv has no column x "+
		"[missing-column]\nin/5.csv → d: 1 without x\nin/6.csv lines 2–5 → d: 4 without x\nin/6.csv lines 6–6 → d: 1 without x\nin/7.csv → d: "+
		"0 without x")
	equalLines(t, l.show("SELECT string_agg(id, ',' ORDER BY rowid) FROM d"), "1,2,3,4,5,6,7,8,9,10,11,12")
	equalLines(t, l.show("SELECT count(*) FROM dsql.files WHERE done"), "7")
}

func TestSnapshotLoads(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{
		"in/2025-01-01/a.csv": "id\n1\n2\n3\nx\n5\n", "in/2025-01-01/b.csv": "id\n6\n7\n", "in/2025-01-02/a.csv": "id\n",
		"in/2025-01-03/a.csv": "id\n8\n", "in/2025-01-03/b.csv": "id\n9\n10\n11\n"})
	const s = "CREATE SOURCE s (id BIGINT, day DATE) FROM FILES ('in/{day}/*.csv', mode snapshot, batch_rows 2, header)"
	l.run(s, "d").is(t, "in/2025-01-01/a.csv, in/2025-01-01/b.csv → d: 6 bad 1\nin/2025-01-02/a.csv → d: 0\nin/2025-01-03/a.csv, "+
		"in/2025-01-03/b.csv → d: 4")
	equalLines(t, l.show("SELECT day, string_agg(id, ',' ORDER BY rowid) FROM d GROUP BY day ORDER BY day"),
		"2025-01-01|1,2,3,5,6,7\n2025-01-03|8,9,10,11")
	equalLines(t, l.show("SELECT file, line, payload FROM bad"), "in/2025-01-01/a.csv|5|x")
	equalLines(t, l.show("SELECT path, done, next_line FROM dsql.files ORDER BY path"),
		"in/2025-01-01/a.csv|true|7\nin/2025-01-01/b.csv|true|4\nin/2025-01-02/a.csv|true|2\nin/2025-01-03/a.csv|true|3\nin/2025-01-03/b.csv|true|5")
	equalLines(t, l.show("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE '_dsql%'"), "0")
	l.run(s, "d").is(t, "")
	// Without captures each file is a load.
	l.run("CREATE SOURCE u (id BIGINT) FROM FILES ('in/*/b.csv', mode snapshot, header)", "u").is(t,
		"in/2025-01-01/b.csv → u: 2\nin/2025-01-03/b.csv → u: 3")
}

func TestCaptures(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"in/eu/x_2025-01-01.csv": "id\n1\n", "in/us/x_2025-01-02.csv": "id\n",
		"in/us/y_2025-01-02.csv": "id\n7\n"})
	l.parquet("in/us/x_2025-01-03.parquet", "SELECT 5 AS id")
	const want = "1|2025-01-01|eu"
	l.run("CREATE SOURCE s (id BIGINT, day DATE) FROM FILES ('in/{region}/x_{day}.csv', header)", "d").is(t,
		"in/eu/x_2025-01-01.csv → d: 1\nin/us/x_2025-01-02.csv → d: 0")
	equalLines(t, l.show("SELECT id, day, region FROM d"), want)
	l.pinned = nil
	l.run("CREATE SOURCE p (Day DATE FORMAT '%Y-%m-%d', id BIGINT) FROM FILES ('in/{region}/x_{day}.parquet')", "p").is(t,
		"in/us/x_2025-01-03.parquet → p: 1")
	equalLines(t, l.show("SELECT * FROM p"), "2025-01-03|5|us|in/us/x_2025-01-03.parquet|1")
	l.run("CREATE SOURCE q (id BIGINT, name INTEGER) FROM FILES ('in/us/{name}.parquet')", "q").fails(t, "source-capture",
		"in/us/x_2025-01-03.parquet", code.ExitFailed)
	l.run("CREATE SOURCE r (id BIGINT, name INTEGER) FROM FILES ('in/us/{name}.csv', header)", "r").fails(t, "source-capture",
		"in/us/x_2025-01-02.csv", code.ExitFailed)
}

func TestBadRecords(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"in/1.csv": "id\n1\n", "in/2.csv": "id\n2\nx\n3\ny\n"})
	l.parquet("in/2.parquet", "SELECT unnest(['2','x','3','y']) AS id")
	for _, ending := range []string{"csv", "parquet"} {
		s := "FROM FILES ('in/*." + ending + "', batch_files 2) ON BAD RECORD "
		first := map[string]string{"csv": "in/1.csv, ", "parquet": ""}[ending]
		n := map[string]int{"csv": 3, "parquet": 2}[ending]
		l.run("CREATE SOURCE s_"+ending+" (id BIGINT) "+s+"SKIP", "skip_"+ending).is(t,
			fmt.Sprintf("%sin/2.%s → skip_%[2]s: %d skipped 2", first, ending, n))
		r := l.run("CREATE SOURCE f_"+ending+" (id BIGINT) "+s+"FAIL", "fail")
		r.fails(t, "bad-record", fmt.Sprintf("in/2.%s line %d: bad_record: id: \"x\" is no BIGINT", ending,
			map[string]int{"csv": 3, "parquet": 2}[ending]), code.ExitFailed)
		l.run("CREATE SOURCE r_"+ending+" (id BIGINT) "+s+"REJECT", "reject").is(t, fmt.Sprintf("%sin/2.%s → reject: %d bad 2", first, ending, n))
	}
	equalLines(t, l.show("SELECT * FROM bad ORDER BY ALL"),
		strings.Join([]string{`bad_record: id: "x" is no BIGINT|in/2.csv|3|x|NULL`,
			`bad_record: id: "x" is no BIGINT|in/2.parquet|2|NULL|{"id":"x"}`, `bad_record: id: "y" is no BIGINT|in/2.csv|5|y|NULL`,
			`bad_record: id: "y" is no BIGINT|in/2.parquet|4|NULL|{"id":"y"}`}, "\n"))
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"in/a.csv": "id\n1\n", "in/cut.csv.gz": "id\n1\n", "in/text.parquet": "no parquet",
		"in/file_row_number.csv": "x"})
	l.parquet("in/odd.parquet", "SELECT 1 AS id, 2 AS file_row_number")
	if err := os.Truncate(filepath.Join(l.dir, "in/cut.csv.gz"), 20); err != nil {
		t.Fatal(err)
	}
	run := func(pattern string) ran {
		of := "csv"
		if f := format.ByEnding(pattern); f != nil {
			of = f.Name
		}
		return l.run("CREATE SOURCE s (id BIGINT) FROM FILES ('"+pattern+"', format "+of+")", "d")
	}
	run("in/none.csv").fails(t, "no-file", "there is no file in/none.csv", code.ExitUnreachable)
	run("in").fails(t, "unreadable", "in can't be read: it is a folder", code.ExitUnreachable)
	run("in/cut.csv.gz").fails(t, "unreadable", "in/cut.csv.gz can't be read: it ends too early", code.ExitUnreachable)
	run("in/*.csv.gz").fails(t, "unreadable", "in/cut.csv.gz can't be read: it ends too early", code.ExitUnreachable)
	run("in/text.parquet").fails(t, "unreadable", "in/text.parquet can't be read as Parquet", code.ExitUnreachable)
	run("in/odd.parquet").fails(t, "unreadable", "file_row_number", code.ExitUnreachable)
	run("none/*.csv").is(t, "warning: no file matches none/*.csv [no-files]")
	run("in/a.csv/*.csv").is(t, "warning: no file matches in/a.csv/*.csv [no-files]")
	l.put("in/\xff.csv", "id\n1\n")
	run("in/?.csv").fails(t, "bad-name", "not UTF-8", code.ExitUnreachable)

	// A file that goes between the listing and the reading.
	s := l.source("CREATE SOURCE s (id BIGINT) FROM FILES ('in/a*.csv')")
	files, err := s.list(&kind.Env{Dir: l.dir})
	if err != nil {
		t.Fatal(err)
	}
	files[0].full += "gone"
	_, err = s.open(nil, &item{files: files}, 0)
	failsWith(t, err, "no-file", "there is no file in/a.csv", code.ExitUnreachable)
	failsWith(t, s.unreadable(&os.PathError{Op: "open", Path: "/in", Err: os.ErrPermission}, ""), "no-rights", "no right to read /in",
		code.ExitUnreachable)
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
			env := &kind.Env{Dir: l.dir}
			opened, err := s.Open(ctx, l.c, env, []duck.Column{{Name: "id", Type: "BIGINT"}}, kind.ReadOptions{Destinations: []string{"d"}})
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
					var in *kind.Input
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
			text, ok := opened.(*textReader)
			if load, is := opened.(*loadReader); is {
				text, ok = load.textReader, true
			}
			if !ok {
				t.Fatalf("%T", opened)
			}
			if _, open := <-text.ahead.filled; open {
				t.Error("the goroutine goes on")
			}
			cancel()
		}
	}
}
