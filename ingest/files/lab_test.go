package files

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

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/declare"
	"dsql/sql"
)

// lab is a folder with files, a database, and tables that batches are written to as the pipeline does it.
type lab struct {
	t      testing.TB
	dir    string
	env    *kind.Env // each run compiles its source anew, so that one will do for all
	c      *duck.Conn
	pinned []duck.Column
	fail   int // the commit that is rolled back, counted from 1 in a run; 0: none
}

func newLab(t testing.TB, files map[string]string) *lab {
	t.Helper()
	dir := t.TempDir()
	db, err := duck.Open(context.Background(), filepath.Join(dir, "lab.duckdb"), duck.Options{SearchPath: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	l := &lab{t: t, dir: dir, env: &kind.Env{Dir: dir}, c: db.Writer()}
	if err := catalog.Migrate(context.Background(), l.c); err != nil {
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

func (l *lab) sql(text string, args ...duck.Args) {
	l.t.Helper()
	if _, err := l.c.Exec(context.Background(), duck.SQL(text, args...)); err != nil {
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
	l.sql("COPY ("+query+") TO {f} (FORMAT parquet)", duck.Args{"f": full})
}

func (l *lab) source(text string) *Source {
	l.t.Helper()
	d, err := declare.Parsed(text, Clause)
	if err != nil {
		l.t.Fatal(err)
	}
	c := &declare.Compiler{Src: d.Src}
	s := Compile(c, c.Declaration(d), d.Arg("FROM FILES"))
	if err := c.Errs.Err(); err != nil {
		l.t.Fatal(err)
	}
	return s
}

// ran is what a run did: a line a batch, a warning or the error that ended it.
type ran struct {
	log  []string
	err  error
	cols []duck.Column
}

func (r *ran) add(format string, args ...any) { r.log = append(r.log, fmt.Sprintf(format, args...)) }

// run reads a source to its end into a table for each destination, with the columns file and line behind the source's own, and
// bad records into the table bad.
func (l *lab) run(text string, destinations ...string) ran {
	l.t.Helper()
	return l.runOn(l.source(text), destinations...)
}

func (l *lab) runOn(s *Source, destinations ...string) (out ran) {
	l.t.Helper()
	ctx := context.Background()
	if out.cols, out.err = s.Columns(ctx, l.c, l.env, l.pinned); out.err != nil {
		return out
	}
	l.pinned = out.cols
	last := kind.Progress{}
	r, err := s.Open(ctx, l.c, l.env, out.cols, kind.ReadOptions{Destinations: destinations,
		Warn:     func(e *sql.Error) { out.add("warning: %s [%s]", e.Msg, e.Code) },
		Progress: func(p kind.Progress) { last = p }})
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
		err = l.c.Update(ctx, func(tx *duck.Tx) error {
			if err := l.write(ctx, tx, in); err != nil {
				return err
			}
			if commit == l.fail {
				return errors.New("rolled back")
			}
			return nil
		})
		in.Release()
		if err == nil && in.Committed != nil {
			in.Committed(ctx)
		}
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

func (l *lab) write(ctx context.Context, tx *duck.Tx, in *kind.Input) error {
	a := duck.Args{"rows": in.Rows, "raw": in.Raw, "id": in.RowID}
	for _, d := range in.Destinations {
		a["t"] = duck.Ident(d)
		const rows = "SELECT * EXCLUDE (_meta), _meta.file AS file, _meta.line AS line FROM {rows} ORDER BY {id}"
		if err := tx.Run(ctx, duck.SQL("CREATE TABLE IF NOT EXISTS {t} AS SELECT * FROM ("+rows+") LIMIT 0", a),
			duck.SQL("INSERT INTO {t} BY NAME "+rows, a)); err != nil {
			return err
		}
	}
	var ids, n int64
	if _, err := tx.Scan(ctx, duck.SQL("SELECT count(DISTINCT {id}), count(*) FROM {raw}", a), &ids, &n); err != nil {
		return err
	}
	if ids != in.Records || n != in.Records {
		l.t.Errorf("%s: %d ids in %d raw records, want %d", in.Origin, ids, n, in.Records)
	}
	a["bad"] = in.Bad
	if in.BadCount > 0 && !in.Again {
		if err := tx.Run(ctx, duck.SQL("CREATE TABLE IF NOT EXISTS bad (reason VARCHAR, file VARCHAR, line BIGINT, payload VARCHAR, data VARCHAR)"),
			duck.SQL("INSERT INTO bad SELECT reason, _meta.file, _meta.line, _payload::VARCHAR, data::VARCHAR FROM {bad} ORDER BY {id}",
				a)); err != nil {
			return err
		}
	}
	return in.Commit(ctx, tx, 1)
}

// show is a query's result, a line a row.
func (l *lab) show(query string) string {
	l.t.Helper()
	ctx, q := context.Background(), duck.SQL(query)
	cols, err := l.c.Describe(ctx, q, sql.Place{})
	if err != nil {
		l.t.Fatal(err)
	}
	line := duck.Each(" || '|' || ", cols, func(c duck.Column) *duck.Query {
		return duck.SQL("coalesce({c}::VARCHAR, 'NULL')", duck.Args{"c": duck.Ident(c.Name)})
	})
	rows, err := duck.Select(ctx, l.c, duck.SQL("SELECT {line} FROM ({q})", duck.Args{"line": line, "q": q}),
		func(row func(...any) error) (s string, err error) { return s, row(&s) })
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
	if e.Code.String() != code || !strings.Contains(e.Msg, msg) || e.ExitCode() != exit || e.Src == nil || e.Hint == "" {
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
