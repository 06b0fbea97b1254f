package duck

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dsql/sql"
)

func TestWithoutSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 'a', E'b' FROM t WHERE token = 5":              "SELECT 'a', E'b' FROM t WHERE token = 5",
		"CREATE SECRET s (TYPE s3, KEY_ID 'AK', SECRET $$x$$)": "CREATE SECRET s (TYPE s3, KEY_ID '…', SECRET '…')",
		"/* so */ create or replace persistent secret s (TYPE http, BEARER_TOKEN 'x')": "/* so */ create or replace persistent secret s (TYPE " +
			"http, BEARER_TOKEN '…')",
		"ATTACH 'host=h password=x' AS pg (TYPE postgres)":                      "ATTACH '…' AS pg (TYPE postgres)",
		"SET s3_secret_access_key = 'x'":                                        "SET s3_secret_access_key = '…'",
		"SET GLOBAL s3_secret_access_key = 'x'":                                 "SET GLOBAL s3_secret_access_key = '…'",
		"SET VARIABLE pw = 'x'":                                                 "SET VARIABLE pw = '…'",
		"SET search_path = 'main'":                                              "SET search_path = 'main'",
		"SELECT * FROM postgres_scan('host=h Password = x', 'public', 't')":     "SELECT * FROM postgres_scan('…', 'public', 't')",
		"FROM 'https://me:x@h/f.csv'":                                           "FROM 'https://…@h/f.csv'",
		"SELECT MAP {'Authorization': 'Bearer x'}, f(api_key := 'x', a := 'y')": "SELECT MAP {'Authorization': '…'}, f(api_key := '…', a := 'y')",
		"SELECT 'never closed, password":                                        "SELECT 'never closed, password",
	} {
		if got := WithoutSecrets(text); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// Every way to run a statement tells the trace.
func TestTrace(t *testing.T) {
	ctx := t.Context()
	var got []string
	db, err := Open(ctx, filepath.Join(t.TempDir(), "x.duckdb"), Options{Trace: func(s Traced) {
		if s.At.IsZero() || s.Took <= 0 || s.Failed != strings.Contains(s.Text, "nowhere") {
			t.Errorf("%+v", s)
		}
		got = append(got, s.Text)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := db.Writer()
	q := func(text string) *Query { return SQL(text) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.Run(ctx, q("CREATE TABLE t (a INTEGER)")))
	must(c.ExecBound(ctx, q("INSERT INTO t VALUES ($1)"), 1))
	if _, err := c.Int(ctx, q("SELECT a FROM t")); err != nil {
		t.Fatal(err)
	}
	rows, err := c.Rows(ctx, q("SELECT 2"))
	must(err)
	must(rows.Close())
	res, err := c.Query(ctx, q("SELECT 3"), sql.Place{})
	must(err)
	must(res.Close())
	if _, err := c.Describe(ctx, q("SELECT 4"), sql.Place{}); err != nil {
		t.Fatal(err)
	}
	must(c.Update(ctx, func(tx *Tx) error { return nil }))
	if err := c.Run(ctx, q("SELECT * FROM nowhere")); err == nil {
		t.Fatal("nowhere is a table")
	}
	want := []string{"CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES ($1)", "SELECT a FROM t", "SELECT 2", "SELECT 3", "DESCRIBE SELECT 4",
		"BEGIN TRANSACTION", "COMMIT", "SELECT * FROM nowhere"}
	if got = slices.DeleteFunc(got, func(s string) bool { return !slices.Contains(want, s) }); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
