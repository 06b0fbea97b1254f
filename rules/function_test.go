package rules

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/internal/testkit"
	"dsql/sql"
)

var functions = kind.FunctionKind(Expr)

// define runs a CREATE FUNCTION.
func define(t testing.TB, c *duck.Conn, script string) error {
	t.Helper()
	stmts, err := sql.Parse(sql.NewSource("test.sql", script), []*sql.Syntax{functions.Syntax})
	if err != nil {
		return err
	}
	o, err := functions.Compile(stmts[0].Decl)
	if err != nil {
		return err
	}
	return c.Update(t.Context(), func(tx *duck.Tx) error { return o.(*Function).Define(t.Context(), tx, nil) })
}

func TestFunction(t *testing.T) {
	t.Parallel()
	c := bench(t)
	for _, f := range []string{
		"CREATE FUNCTION is_late(delay DOUBLE) RETURNS BOOLEAN LANGUAGE expr AS $$ (delay ?? 0.0) > 15 $$",
		"CREATE FUNCTION tagged(tags VARCHAR[], tag VARCHAR) RETURNS BOOLEAN LANGUAGE expr AS 'any(tags, lower(#) == lower(tag))'",
		"CREATE FUNCTION total(xs INT[], a SMALLINT) RETURNS DECIMAL(10, 1) LANGUAGE expr AS 'reduce(xs, #acc + (# ?? 0) * a, 0)'",
		"CREATE FUNCTION pi() RETURNS DOUBLE LANGUAGE expr AS '355 / 113'",
		"CREATE FUNCTION quoted(\"a b\" VARCHAR) RETURNS VARCHAR LANGUAGE expr AS '$env[\"a b\"] + \"''\"'",
	} {
		if err := define(t, c, f); err != nil {
			t.Fatalf("%s: %s", f, testkit.Rendered(err))
		}
	}
	testkit.Exec(t, c, "CREATE TABLE p AS SELECT * FROM (VALUES (1, 20, ['A', 'b'], 'a'), (2, NULL, NULL, 'B'), (3, 15, ['x'], 'B')) v(i, "+
		"delay, tags, tag)")
	got := text(t, c, duck.Text("SELECT is_late(delay), tagged(tags, tag), total([i, NULL, delay], 2::SMALLINT), round(pi(), 3), "+
		"quoted(tag) FROM p ORDER BY i"))
	if d := cmp.Diff("true|true|42|3.142|a'\nfalse|NULL|4|3.142|B'\nfalse|false|36|3.142|B'", got); d != "" {
		t.Error(d)
	}
	// Again is a change, and it is gone when dropped.
	if err := define(t, c, "CREATE OR REPLACE FUNCTION pi() RETURNS DOUBLE LANGUAGE expr AS '3.0'"); err != nil {
		t.Fatal(err)
	}
	if got := text(t, c, duck.Text("SELECT pi()")); got != "3" {
		t.Error(got)
	}
}

func TestExprErrors(t *testing.T) {
	t.Parallel()
	c := bench(t)
	testkit.Exec(t, c, `CREATE TABLE flights AS SELECT 1 AS flight_id, 'SAS' AS carrier, 2.5::DOUBLE AS dep_delay, `+
		`TIMESTAMP '2026-01-01' AS seen_at, ['a'] AS tags, {'city': 'Oslo'} AS addr, 1::HUGEINT AS huge, MAP {'a': 1} AS m`)
	testkit.Golden(t, "testdata/expr_errors.txt", func(script string) string {
		var err error
		if len(script) > 15 && script[:15] == "CREATE FUNCTION" {
			err = define(t, c, script)
		} else {
			_, err = compile(t, c, script)
		}
		if err == nil {
			return "no error\n"
		}
		return testkit.Rendered(err)
	})
}
