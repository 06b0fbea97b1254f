package quality

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/engine"
	"dsql/sql"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// forms are what a test's script may hold.
var forms = []*sql.Syntax{Kind.Syntax, {Keyword: "STREAM", Clauses: engine.ChainClauses, Body: []sql.Clause{{Keyword: "FROM", Arg: sql.ArgNameList}}}}

func bench(t testing.TB) *engine.Conn {
	t.Helper()
	db, err := engine.Open(t.Context(), "", engine.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Writer().Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db.Writer()
}

func columnsOf(t testing.TB, c *engine.Conn, table string) []engine.Column {
	t.Helper()
	cols, err := c.Describe(t.Context(), engine.SQL("FROM {t}", engine.Args{"t": engine.Ident(table)}), engine.Place{})
	if err != nil {
		t.Fatal(err)
	}
	return cols
}

// compile reads a script whose last statement is CREATE STREAM … FROM table.
func compile(t testing.TB, c *engine.Conn, script string) (*Program, error) {
	t.Helper()
	stmts, err := sql.Parse(sql.NewSource("test.sql", script), forms)
	if err != nil {
		return nil, err
	}
	lists := map[string]*sql.Decl{}
	var last *sql.Decl
	for _, s := range stmts {
		last = s.Decl
		if last.Syntax == Kind.Syntax {
			if _, err := Kind.Compile(last); err != nil {
				return nil, err
			}
			lists[last.Name] = last
		}
	}
	chain := engine.CompileChain(last)
	return Compile(t.Context(), c, engine.At(last), chain.Metrics, chain.Checks, columnsOf(t, c, chain.From[0].Text), columnsOf(t, c, chain.From[0].Text), func(name string) (*sql.Decl, bool) {
		d, ok := lists[name]
		return d, ok
	})
}

func exec(t testing.TB, c *engine.Conn, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := c.Exec(t.Context(), engine.User(sql.NewSource("setup", text), sql.Span{End: len(text)})); err != nil {
			t.Fatal(err)
		}
	}
}

// text is a query's rows, a line each.
func text(t testing.TB, c *engine.Conn, query string) string {
	t.Helper()
	rows, err := c.Rows(t.Context(), engine.User(sql.NewSource("query", query), sql.Span{End: len(query)}))
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		vals, dest := make([]any, len(names)), make([]any, len(names))
		for i := range vals {
			dest[i] = &vals[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		var cells []string
		for _, v := range vals {
			cells = append(cells, strings.Replace(fmt.Sprint(v), "<nil>", "NULL", 1))
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func rendered(err error) string {
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

// golden checks what got says of each script in a file of "== name\nscript\n--\nwhat comes out".
func golden(t *testing.T, file string, got func(script string) string) {
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

func TestErrors(t *testing.T) {
	t.Parallel()
	c := bench(t)
	exec(t, c, `CREATE TABLE flights AS SELECT 1 AS flight_id, 'SAS' AS carrier, 2.5::DOUBLE AS dep_delay, TIMESTAMP '2026-01-01' AS seen_at, 'N1' AS tailnum`, `CREATE TABLE planes (tailnum VARCHAR)`)
	golden(t, "testdata/errors.txt", func(script string) string {
		_, err := compile(t, c, script)
		return rendered(err)
	})
}
