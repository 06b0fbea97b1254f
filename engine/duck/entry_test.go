package duck_test

import (
	"testing"

	"dsql/engine/duck"
)

// Names are looked up where a query finds them, inside of a transaction and outside.
func TestEntry(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	exec := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			if _, err := c.Exec(t.Context(), duck.Text(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	exec("CREATE TABLE a (x INTEGER)", "CREATE VIEW v AS FROM a", "CREATE TEMP TABLE tt (x INTEGER)",
		"CREATE TEMP VIEW tv AS FROM a",
		"CREATE SCHEMA sc", "CREATE VIEW sc.inside AS FROM a", "ATTACH ':memory:' AS other", "CREATE TABLE other.away (x INTEGER)",
		"CREATE SCHEMA other.deep", "CREATE VIEW other.deep.low AS SELECT 1", `CREATE TABLE "odd ""name" (x INTEGER)`)
	see := func() {
		t.Helper()
		for name, want := range map[string]duck.Entry{"a": duck.ATable, "A": duck.ATable, "v": duck.AView, "V": duck.AView, "tt": duck.ATable,
			"tv": duck.AView, "nope": duck.Nothing, "": duck.Nothing, "inside": duck.Nothing, "away": duck.Nothing, "duckdb_tables": duck.AView,
			"pg_class": duck.AView, `odd "name`: duck.ATable, "in.csv": duck.Nothing} {
			if e, err := c.Entry(t.Context(), name); e != want || err != nil {
				t.Errorf("%s: %d, want %d: %v", name, e, want, err)
			}
		}
		for _, l := range []struct {
			want duck.Entry
			path []string
		}{{duck.AView, []string{"inside", "sc"}}, {duck.AView, []string{"inside", "SC"}}, {duck.Nothing, []string{"inside", "nope"}},
			{duck.ATable, []string{"away", "other"}}, {duck.AView, []string{"low", "other", "deep"}}, {duck.Nothing, []string{"low", "other"}},
			{duck.Nothing, []string{"low", "nope", "deep"}}, {duck.AView, []string{"v", "main"}}} {
			if e, err := c.Entry(t.Context(), l.path[0], l.path[1:]...); e != l.want || err != nil {
				t.Errorf("%v: %d, want %d: %v", l.path, e, l.want, err)
			}
		}
	}
	if c.InTransaction() {
		t.Error("a transaction is open")
	}
	see()
	if err := c.Scratch(t.Context(), func(tx *duck.Tx) error {
		exec("CREATE TABLE made (x INTEGER)", "DROP TABLE a CASCADE", "CREATE TABLE a (y INTEGER)")
		if e, _ := tx.Entry(t.Context(), "made"); e != duck.ATable || !tx.InTransaction() {
			t.Error("what the transaction made isn't seen: ", e)
		}
		see()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if e, _ := c.Entry(t.Context(), "made"); e != duck.Nothing {
		t.Error("what was rolled back is there")
	}
	for name, n := range map[string]int{"a": 1, "v": 1, "tt": 1, "nope": 0, "in.csv": 0} {
		if cols, err := c.Table(t.Context(), name); len(cols) != n || err != nil {
			t.Errorf("%s: %v %v", name, cols, err)
		}
	}
}
