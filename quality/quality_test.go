package quality

import (
	"fmt"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/internal/testkit"
	"dsql/sql"
)

// forms are what a test's script may hold.
var forms = []*sql.Syntax{Kind.Syntax,
	{Keyword: "STREAM", Clauses: kind.ChainClauses, Body: []sql.Clause{{Keyword: "FROM", Arg: sql.ArgNameList}}}}

func bench(t testing.TB) *duck.Conn { return testkit.Open(t, 1).Writer() }

// compile reads a script whose last statement is CREATE STREAM … FROM table.
func compile(t testing.TB, c *duck.Conn, script string) (*Program, error) {
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
	chain := kind.CompileChain(last)
	return Compile(t.Context(), c, last.Place(), chain.Metrics, chain.Checks, testkit.Columns(t, c, chain.From[0].Text),
		testkit.Columns(t, c, chain.From[0].Text), func(name string) (*sql.Decl, bool) {
			d, ok := lists[name]
			return d, ok
		})
}

// text is a query's rows, a line each.
func text(t testing.TB, c *duck.Conn, query string) string {
	t.Helper()
	rows, err := c.Rows(t.Context(), duck.User(sql.NewSource("query", query), sql.Span{End: len(query)}))
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

func TestErrors(t *testing.T) {
	t.Parallel()
	c := bench(t)
	testkit.Exec(t, c, `CREATE TABLE flights AS SELECT 1 AS flight_id, 'SAS' AS carrier, 2.5::DOUBLE AS dep_delay, `+
		`TIMESTAMP '2026-01-01' AS seen_at, 'N1' AS tailnum`, `CREATE TABLE planes (tailnum VARCHAR)`)
	testkit.Golden(t, "testdata/errors.txt", func(script string) string {
		_, err := compile(t, c, script)
		return testkit.Rendered(err)
	})
}
