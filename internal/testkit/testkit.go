// Package testkit is what tests of several packages share: a database, its tables, and golden files. Nothing but tests imports it.
package testkit

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/sql"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Update says that golden files are to be rewritten.
func Update() bool { return *update }

// T is a test of Go's or of rapid's.
type T interface {
	Helper()
	Fatal(...any)
	Context() context.Context
}

// Open is an empty database in memory with dsql's catalog; with are called on its writer.
func Open(t testing.TB, threads int, with ...func(*duck.Conn) error) *duck.DB {
	t.Helper()
	db, err := duck.Open(t.Context(), "", duck.Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	err = catalog.Migrate(t.Context(), db.Writer())
	for _, f := range with {
		err = errors.Join(err, f(db.Writer()))
	}
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// Columns are those of a table.
func Columns(t T, c *duck.Conn, table string) []duck.Column {
	t.Helper()
	cols, err := c.Describe(t.Context(), duck.SQL("FROM {t}", duck.Args{"t": duck.Ident(table)}), sql.Place{})
	if err != nil {
		t.Fatal(err)
	}
	return cols
}

// Exec runs statements.
func Exec(t testing.TB, c *duck.Conn, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := c.Exec(t.Context(), duck.User(sql.NewSource("setup", text), sql.Span{End: len(text)})); err != nil {
			t.Fatal(err)
		}
	}
}

// Rendered is an error as the user sees it.
func Rendered(err error) string {
	var b strings.Builder
	var l sql.List
	var e *sql.Error
	switch {
	case err == nil:
		return "no error\n"
	case errors.As(err, &l):
		for _, e := range l {
			e.Render(&b)
		}
	case errors.As(err, &e):
		e.Render(&b)
	default:
		return err.Error()
	}
	return b.String()
}

// Golden checks what got says of each script in a file of "== name\nscript\n--\nwhat comes out"; -update rewrites it.
func Golden(t *testing.T, file string, got func(script string) string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cases := strings.Split("\n"+string(data), "\n== ")[1:]
	if len(cases) == 0 {
		t.Fatalf("%s has no cases", file)
	}
	for _, c := range cases {
		name, rest, _ := strings.Cut(strings.TrimSuffix(c, "\n")+"\n", "\n")
		script, want, _ := strings.Cut(rest, "--\n")
		is := got(strings.TrimSuffix(script, "\n"))
		out.WriteString("== " + name + "\n" + script + "--\n" + is)
		if d := cmp.Diff(want, is); d != "" && !*update {
			t.Errorf("%s: -want +got\n%s", name, d)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
