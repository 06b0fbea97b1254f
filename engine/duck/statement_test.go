package duck_test

import (
	"testing"

	"dsql/engine/duck"
	"dsql/sql"
)

// A statement is not planned anew for a parameter that is NULL: what DuckDB reads of a variable when it plans stays.
func TestStatementIsPlannedOnceForNulls(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	set := func(n string) {
		t.Helper()
		if _, err := c.Exec(t.Context(), duck.Text("SET VARIABLE planned = "+n)); err != nil {
			t.Fatal(err)
		}
	}
	for _, typ := range []string{"BOOLEAN", "TINYINT", "INTEGER", "BIGINT", "UBIGINT", "FLOAT", "DOUBLE", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "VARCHAR",
		"BLOB", "JSON", "DECIMAL(9,2)", "UUID", "INTEGER[]"} {
		set("1")
		st, err := c.Prepare(duck.Text("SELECT getvariable('planned')::VARCHAR, v::VARCHAR FROM (SELECT CAST($1 AS "+typ+") AS v)"), sql.Place{})
		if err != nil {
			t.Fatal(err)
		}
		set("2")
		for range 2 {
			if err := st.Bind(1, nil); err != nil {
				t.Fatal(err)
			}
			rows, err := st.Run(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", typ, err)
			}
			if !rows.Next() {
				t.Fatal(rows.Err())
			}
			planned, _ := rows.Text(0)
			if _, ok := rows.Text(1); ok || string(planned) != "1" {
				t.Errorf("%s: NULL is not: %v; planned with %s", typ, ok, planned)
			}
			rows.Close()
		}
		st.Close()
	}
}
