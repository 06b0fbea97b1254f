package duck

import (
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write builtin.txt anew")

func TestBuiltins(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := db.Writer()
	lines, err := Select(t.Context(), c, SQL(`SELECT name, type, stability, macro FROM (
		SELECT lower(function_name) AS name, function_type AS type, coalesce(stability, '') AS stability, coalesce(macro_definition, '') AS macro
			FROM duckdb_functions() WHERE internal AND NOT starts_with(function_name, 'dsql_')
		UNION SELECT keyword_name, 'keyword', keyword_category, '' FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'column_name'))
		ORDER BY ALL`), func(row func(...any) error) (string, error) {
		var f [4]string
		err := row(&f[0], &f[1], &f[2], &f[3])
		if f[3] != "" {
			f[3] = strconv.Quote(f[3])
		}
		return strings.Join(f[:], "\t") + "\n", err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join(lines, "")
	if *update {
		if err := os.WriteFile("builtin.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != builtinText {
		t.Error("DuckDB has other functions than builtin.txt: go test ./engine -run TestBuiltins -update")
	}
}

// A routine is looked up in the file's macros too, and their names only: what stands behind :: is a type, and DuckDB isn't asked for one.
func TestRoutines(t *testing.T) {
	t.Parallel()
	var listed int
	db, err := Open(t.Context(), "", Options{Trace: func(s Traced) { listed += strings.Count(s.Text, "FROM duckdb_functions()") }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := db.Writer()
	if _, err := c.Exec(t.Context(), SQL("CREATE MACRO small(x) AS x < random()")); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		text   string
		names  string
		listed int
	}{
		{"SELECT abs(1), NULL::STRUCT(a INTEGER), NULL::DECIMAL(4, 2), sum(x) FROM t WHERE x IN (1)", "abs in sum", 0},
		{`SELECT "Small"(2)`, "random small", 1}, {"SELECT nothing(2)", "", 1},
	} {
		listed = 0
		known, err := c.Routines(t.Context(), x.text)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for name, r := range known {
			if len(r) > 0 {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != x.names || listed != x.listed {
			t.Errorf("%s: %s, listed %d times", x.text, got, listed)
		}
	}
}
