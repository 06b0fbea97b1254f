package duck_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/engine/duck"
	"dsql/sql"
)

// Describe tells what DuckDB's own DESCRIBE tells, the first time and when it has seen the types.
func TestDescribeIsDuckDBs(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	for _, q := range []string{"CREATE TYPE mood AS ENUM ('a', 'b')", "CREATE TYPE whole AS INTEGER", "CREATE TYPE pair AS STRUCT(x whole, y mood)",
		"CREATE TABLE sold (y INTEGER, m VARCHAR, n INTEGER)", "INSERT INTO sold VALUES (1, 'a', 2), (2, 'b', 3)"} {
		if err := c.Run(t.Context(), duck.Text(q)); err != nil {
			t.Fatal(err)
		}
	}
	queries := []string{"SELECT 1, 'a', NULL, 1.5, 2e3, true, [], [NULL], MAP {}, {'a': NULL}", `SELECT 1 AS a, 2 AS a, 3 AS "A", 4 AS "x y"`,
		"PIVOT sold ON m USING sum(n)", "FROM sold", "SELECT * FROM (PIVOT sold ON m IN ('a', 'b') USING sum(n))", "VALUES (1, 'x'), (2, NULL)",
		"SELECT CAST(NULL AS mood), NULL::whole[], CAST(NULL AS pair), {'m': NULL::mood}", "WITH t AS (SELECT 1 AS a) FROM t",
		"SELECT {'a': 1, 'b c': {'d': [2]}}, {'a': 1, 'b c': {'d': [2.0]}}, {'A': 1}, MAP {'a': {'b': 1}}, row(1, 2), {'q\"': '1'}",
		`SELECT '{"a": 1}'::JSON, ['1'::JSON], {'j': '1'::JSON}, {'j': '1'}`, "SELECT count(*), sum(1::BIGINT), avg(1), list(1) FROM range(3)"}
	for i, typ := range slices.Concat(spellings, []duck.Type{"VARIANT", "GEOMETRY", "BIGNUM", "BIT", "TIME_NS", "HUGEINT"}) {
		queries = append(queries, fmt.Sprintf("SELECT NULL::%s AS c%d, {'s': NULL::%[1]s}, [NULL::%[1]s], MAP {'k': NULL::%[1]s}", typ, i))
	}
	for range 2 {
		for _, q := range queries {
			want, err := duck.Select(t.Context(), c, duck.Text("SELECT column_name, column_type FROM (DESCRIBE "+q+")"),
				func(row func(...any) error) (c duck.Column, err error) { return c, row(&c.Name, &c.Type) })
			if err != nil {
				t.Errorf("%s: %v", q, err)
				continue
			}
			got, err := c.Describe(t.Context(), duck.Text(q), sql.Place{})
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: %v\n%s", q, err, diff)
			}
		}
	}
	if cols, err := c.Describe(t.Context(), duck.Text("SELECT 1 + $1"), sql.Place{}); err == nil {
		t.Errorf("a parameter has no value: %v", cols)
	}
	for _, q := range []string{"DELETE FROM sold", "INSERT INTO sold VALUES (1, 'a', 1) RETURNING y", "DROP TABLE sold"} {
		if cols, err := c.Describe(t.Context(), duck.Text(q), sql.Place{}); err == nil || !strings.Contains(err.Error(), "syntax error") {
			t.Errorf("%s is no query: %v %v", q, cols, err)
		}
	}
}

// What binds against a rehearsal's relation without rows sees the same columns as against a SELECT of NULLs, with the user's types too.
func TestEmptyOfARehearsal(t *testing.T) {
	t.Parallel()
	db := open(t, "")
	c := db.Writer()
	if err := c.Run(t.Context(), duck.Text("CREATE TYPE mood AS ENUM ('a', 'b')")); err != nil {
		t.Fatal(err)
	}
	var cols []duck.Column
	for i, typ := range append([]duck.Type{"mood", "mood[]", "VARIANT", "JSON", "STRUCT(a mood, b INTEGER)"}, spellings...) {
		cols = append(cols, duck.Column{Name: fmt.Sprintf("C %d", i), Type: typ})
	}
	columns := func(from *duck.Query) []duck.Column {
		got, err := c.Describe(t.Context(), duck.SQL("SELECT * FROM {rel}", duck.Args{"rel": from}), sql.Place{})
		if err != nil {
			t.Error(err)
		}
		return got
	}
	err := c.Unoptimized(t.Context(), func() error {
		for _, some := range [][]duck.Column{cols, cols[3:4], cols[5:], {{Name: "a", Type: "INTEGER"}, {Name: "A", Type: "VARCHAR"}}} {
			if diff := cmp.Diff(columns(duck.Empty(some)), columns(c.Empty(some))); diff != "" {
				t.Error(diff)
			}
		}
		few := []duck.Column{{Name: "a", Type: "INTEGER"}, {Name: "b", Type: "TIMESTAMP[]"}}
		if a, b := c.Empty(few).Text, c.Empty(few).Text; a != b || !strings.Contains(a, "dsql_batch") {
			t.Errorf("%s, then %s", a, b)
		}
		_, errs := c.DescribeEach(t.Context(), []duck.Bound{
			{Query: duck.SQL("SELECT a < 1 FROM {rel} WHERE (regexp_matches('x', '(')) IS NULL", duck.Args{"rel": c.Empty(few)})},
			{Query: duck.SQL("SELECT c FROM {rel}", duck.Args{"rel": c.Empty(few)})},
			{Query: duck.SQL("SELECT a FROM {rel}", duck.Args{"rel": c.Empty(few)})}})
		if errs[0] == nil || errs[1] == nil || errs[2] != nil {
			t.Error(errs)
		}
		other, err := db.Reader(t.Context()) // looks at the file while the rehearsal goes on
		if err != nil {
			return err
		}
		if got := other.Empty(few).Text; strings.Contains(got, "dsql_batch") {
			t.Errorf("on another connection: %s", got)
		}
		return nil
	})
	if got := c.Empty(cols[5:6]).Text; err != nil || strings.Contains(got, "dsql_batch") {
		t.Errorf("behind a rehearsal: %s, %v", got, err)
	}
}
