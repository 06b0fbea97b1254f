package duck_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

func open(t *testing.T, path string) *duck.DB {
	t.Helper()
	db, err := duck.Open(t.Context(), path, duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestSQLFillsPlaceholders(t *testing.T) {
	t.Parallel()
	q := duck.SQL("SELECT {cols}, {'a': 1} FROM {t} WHERE x = {v} AND y = {n}", duck.Args{
		"cols": duck.Names{"a", `b"c`}, "t": duck.Ident("s", "t"), "v": "it's", "n": int64(-3)})
	if got, want := q.String(), `SELECT "a", "b""c", {'a': 1} FROM "s"."t" WHERE x = 'it''s' AND y = -3`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestLiteralsSurviveDuckDB(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	for _, want := range []string{"", "'", "a\x00b", "\\n", "ünï 🦆", "\r\n\t"} {
		var got string
		if _, err := c.Scan(t.Context(), duck.SQL("SELECT {v}", duck.Args{"v": want}), &got); err != nil || got != want {
			t.Errorf("%q came back as %q, %v", want, got, err)
		}
	}
}

// An error inside the user's text has its caret there, wherever dsql put that text.
func TestErrorsPointIntoTheScript(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	src := sql.NewSource("s.sql", "-- héllo\nSET a =\n  upper(nme)")
	at := strings.Index(src.Text, "upper")
	q := duck.SQL("SELECT {u} FROM (SELECT 'x' AS name)", duck.Args{"u": duck.User(src, sql.Span{Start: at, End: len(src.Text)})})
	_, err := c.Exec(t.Context(), q)
	var e *sql.Error
	if !errors.As(err, &e) {
		t.Fatalf("no script error: %v", err)
	}
	if got := src.Position(e.Span.Start).String() + " " + e.Span.Of(src) + " " + e.Code.String() + " " +
		e.Hint; got != "s.sql:3:9 nme duckdb-binder did you mean name?" {
		t.Errorf("got %s (%s)", got, e.Msg)
	}
}

func TestUpdateRollsBackOnError(t *testing.T) {
	t.Parallel()
	c := open(t, filepath.Join(t.TempDir(), "a b.duckdb")).Writer()
	ctx := t.Context()
	if err := c.Run(ctx, duck.SQL("CREATE TABLE t (a INTEGER PRIMARY KEY)")); err != nil {
		t.Fatal(err)
	}
	err := c.Update(ctx, func(tx *duck.Tx) error {
		return tx.Run(ctx, duck.SQL("INSERT INTO t VALUES (1)"), duck.SQL("INSERT INTO t VALUES (1)"))
	})
	if err == nil || !strings.Contains(err.Error(), "onstraint") {
		t.Errorf("want a constraint error, got %v", err)
	}
	if n, err := c.Int(ctx, duck.SQL("SELECT count(*) FROM t")); n != 0 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	err = c.Update(cancelled, func(tx *duck.Tx) error {
		err := tx.Run(cancelled, duck.SQL("INSERT INTO t VALUES (2)"))
		cancel()
		return err
	})
	if err == nil {
		t.Error("committed though cancelled")
	}
	if n, err := c.Int(ctx, duck.SQL("SELECT count(*) FROM t")); n != 0 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.duckdb")
	if err := os.WriteFile(text, []byte(strings.Repeat("hello ", 4000)), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		text:                                 "not-a-database",
		dir:                                  "not-a-database",
		filepath.Join(dir, "no", "x.duckdb"): "no-folder",
	} {
		_, err := duck.Open(t.Context(), path, duck.Options{})
		var e *sql.Error
		if !errors.As(err, &e) || e.Code.String() != want || e.ExitCode() != code.ExitUnreachable {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
	_, err := duck.Open(t.Context(), filepath.Join(dir, "none.duckdb"), duck.Options{ReadOnly: true})
	var e *sql.Error
	if !errors.As(err, &e) || e.Code != code.NoFile {
		t.Errorf("got %v", err)
	}
}

func TestFunctionOnRawVectors(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	f := duck.Function{Name: "pair", Params: []duck.Type{"DOUBLE", "VARCHAR"}, Returns: "DOUBLE[]", Call: func(call *duck.Call) error {
		x, valid := call.Doubles(0)
		s, _ := call.Texts(1)
		for i, out := 0, call.OutLists(2); i < call.N; i++ {
			out[2*i], out[2*i+1] = x[i], float64(len(s(i)))
			if duck.IsNull(valid, i) {
				out[2*i] = -1
			}
		}
		return nil
	}}
	if err := c.Register(f); err != nil {
		t.Fatal(err)
	}
	var got string
	if _, err := c.Scan(t.Context(),
		duck.SQL("SELECT list(pair(x, repeat('ab', i::INT)))::VARCHAR FROM (VALUES (1.5, 1), (NULL, 9), (3, 0)) t(x, i)"), &got); err != nil {
		t.Fatal(err)
	}
	if got != "[[1.5, 2.0], [-1.0, 18.0], [3.0, 0.0]]" {
		t.Error(got)
	}
}
