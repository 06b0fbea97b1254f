package rules

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/internal/testkit"
	"dsql/sql"
)

// forms are what a test's script may hold.
var forms = []*sql.Syntax{Kind.Syntax,
	{Keyword: "STREAM", Clauses: kind.ChainClauses, Body: []sql.Clause{{Keyword: "FROM", Arg: sql.ArgNameList}}}}

// bench is a database in memory, with all that rules register.
func bench(t testing.TB) *duck.Conn {
	t.Helper()
	return testkit.Open(t, 1, RegisterHelpers, func(c *duck.Conn) error { return Install(t.Context(), c) }, Register).Writer()
}

// tester is a test of Go's or of rapid's.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Context() context.Context
}

// compile reads a script whose last statement is CREATE STREAM … FROM table.
func compile(t tester, c *duck.Conn, script string) (*Program, error) {
	t.Helper()
	src := sql.NewSource("test.sql", script)
	stmts, err := sql.Parse(src, forms)
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
	return Compile(t.Context(), c, chain.Rules, testkit.Columns(t, c, chain.From[0].Text), func(name string) (*sql.Decl, bool) {
		if d, ok := lists[name]; ok {
			return d, true
		}
		for n, d := range lists {
			if sql.Nearest(name, []string{n}) != "" {
				return d, false
			}
		}
		return nil, false
	})
}

// run takes a table through rules; rows and rejects come back as text.
func run(t testing.TB, c *duck.Conn, table, rules string, mode string) (Outcome, string, string, error) {
	t.Helper()
	p, err := compile(t, c, "CREATE STREAM s RULES ("+rules+") FROM "+table)
	if err != nil {
		return Outcome{}, "", "", err
	}
	var out Outcome
	var kept, rejected string
	err = c.Scratch(t.Context(), func(tx *duck.Tx) (err error) {
		out, err = p.Run(t.Context(), tx,
			Batch{Destination: "s", Source: "src", Version: 7, Rel: duck.Ident(table), Columns: testkit.Columns(t, c, table), Stage: mode == "stage",
				Once: mode == "once"})
		if err != nil {
			return err
		}
		kept = text(t, c, duck.SQL("FROM {rel}", duck.Args{"rel": out.Rows}))
		if err := out.Settle(t.Context(), tx); err != nil {
			return err
		}
		rejected = text(t, c, duck.SQL("SELECT rule, reason, data::VARCHAR FROM dsql.rejects ORDER BY ALL"))
		return nil
	})
	return out, kept, rejected, err
}

// text is a query's rows, a line each.
func text(t tester, c *duck.Conn, q *duck.Query) string {
	t.Helper()
	rows, err := c.Rows(t.Context(), q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
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

// modes are the ways that a batch can go through its rules.
var modes = []string{"twice", "stage", "once"}

func TestRun(t *testing.T) {
	t.Parallel()
	c := bench(t)
	testkit.Exec(t, c, `CREATE TABLE p AS SELECT * FROM (VALUES (1, ' A@X.com ', 'NO', 3), (2, 'nope', 'NO', 4), (3, 'b@y', '', 200), (4, `+
		`'C@Z', NULL, NULL)) v(id, email, country, age)`)
	for _, tc := range []struct {
		name, rules        string
		kept, rejected     string
		in, nReject, nDrop int64
	}{
		{"none", ``, "1| A@X.com |NO|3\n2|nope|NO|4\n3|b@y||200\n4|C@Z|NULL|NULL", "", -1, 0, 0},
		{"order", `SET email = lower(trim(email)), SET country = coalesce(nullif(country, ''), '??'),
			CONSTRAINT has_email EXPECT (email LIKE '%@%') ON VIOLATION REJECT, CONSTRAINT age_ok EXPECT (age BETWEEN 0 AND 130) ON VIOLATION DROP`,
			"1|a@x.com|NO|3\n4|c@z|??|NULL", `has_email|constraint: has_email: email LIKE '%@%'|{"id":2,"email":"nope","country":"NO","age":4}`, 4,
			1, 1},
		{"a SET sees the one before", `SET age = age + 1, SET age = age * 2, SET id = age`,
			"8| A@X.com |NO|8\n10|nope|NO|10\n402|b@y||402\nNULL|C@Z|NULL|NULL", "", -1, 0, 0},
		{"no step touches or fails on a rejected row",
			`CONSTRAINT young EXPECT (age < 100), SET age = CASE WHEN age > 100 THEN error('touched') ELSE age + 1 END, ` +
				`CONSTRAINT ok EXPECT (CASE WHEN coalesce(age, 0) < 100 THEN true ELSE error('judged') END)`,
			"1| A@X.com |NO|4\n2|nope|NO|5\n4|C@Z|NULL|NULL", `young|constraint: young: age < 100|{"id":3,"email":"b@y","country":"","age":200}`, 4,
			1, 0},
		{"the first broken counts", `CONSTRAINT a EXPECT (id <> 2) ON VIOLATION DROP, CONSTRAINT b EXPECT (id NOT IN (2, 3)) ON VIOLATION REJECT`,
			"1| A@X.com |NO|3\n4|C@Z|NULL|NULL",
			`b|constraint: b: id NOT IN (2, 3)|{"id":3,"email":"b@y","country":"","age":200}`, 4, 1, 1},
		{"columns", `SET COLUMNS('^(email|country)$') = nullif(lower(trim(_)), '')`,
			"1|a@x.com|no|3\n2|nope|no|4\n3|b@y|NULL|200\n4|c@z|NULL|NULL", "", -1, 0, 0},
		{"the type stays", `SET age = age / 2`, "1| A@X.com |NO|2\n2|nope|NO|2\n3|b@y||100\n4|C@Z|NULL|NULL", "", -1, 0, 0},
		{"NULL for any type", `SET age = NULL, SET country = NULL`, "1| A@X.com |NULL|NULL\n2|nope|NULL|NULL\n3|b@y|NULL|NULL\n4|C@Z|NULL|NULL",
			"", -1, 0, 0},
		{"volatile", `SET age = CASE WHEN random() >= 0 THEN 1 END`, "1| A@X.com |NO|1\n2|nope|NO|1\n3|b@y||1\n4|C@Z|NULL|1", "", 4, 0, 0},
	} {
		for _, mode := range modes {
			out, kept, rejected, err := run(t, c, "p", tc.rules, mode)
			if err != nil {
				t.Fatalf("%s: %s", tc.name, testkit.Rendered(err))
			}
			switch {
			case mode == "stage" && tc.in < 0:
				tc.in = 4
			case mode == "once":
				tc.in = -1
			}
			if d := cmp.Diff([]any{tc.kept, tc.rejected, tc.in, tc.nReject, tc.nDrop},
				[]any{kept, rejected, out.In, out.Rejected, out.Dropped}); d != "" {
				t.Errorf("%s (%s): -want +got\n%s", tc.name, mode, d)
			}
		}
	}
}
