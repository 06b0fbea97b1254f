package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/engine/duck"
	"dsql/internal/testkit"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	c := bench(t)
	testkit.Exec(t, c, "CREATE TABLE p AS SELECT 1 AS id, 'x' AS s")
	p, err := compile(t, c, "CREATE RULES l (SET COLUMNS('s') = blank_to_null(_)); CREATE STREAM t RULES (APPLY l, CONSTRAINT a EXPECT (id "+
		"> 0), CONSTRAINT b EXPECT (EXPR 's != nil') ON VIOLATION DROP, SET s = 'y', CONSTRAINT w EXPECT (s = 'y') ON VIOLATION WARN) FROM p")
	if err != nil {
		t.Fatal(testkit.Rendered(err))
	}
	want := `  1. SET "s" = dsql.blank_to_null("s")  -- VARCHAR
  2. CONSTRAINT "a" EXPECT (id > 0) ON VIOLATION REJECT
  3. CONSTRAINT "b" EXPECT ((NOT ("s" IS NULL))) ON VIOLATION DROP
  4. SET "s" = 'y'  -- VARCHAR
  5. CONSTRAINT "w" EXPECT (s = 'y') ON VIOLATION WARN
FROM (SELECT * REPLACE (dsql_pin("_rule") AS "_rule") FROM (SELECT *, ` +
		`CASE WHEN "_rule" = 0 THEN NOT (s = 'y') END AS "_broken_5" FROM (SELECT * REPLACE (CASE WHEN "_rule" = 0 THEN CAST(('y') AS ` +
		`VARCHAR) ELSE "s" END AS "s") FROM (SELECT *, (CASE WHEN NOT (id > 0) THEN 2 WHEN NOT ((NOT ("s" IS NULL))) THEN 3 ELSE 0 ` +
		`END)::SMALLINT AS "_rule" FROM (SELECT * REPLACE (CAST((dsql.blank_to_null("s")) AS VARCHAR) AS "s") FROM (SELECT *, ` +
		`struct_pack("s" := "s") AS "_was" FROM "new rows"))))))`
	if d := cmp.Diff(want, p.Explain(duck.Ident("new rows"))); d != "" {
		t.Error(d)
	}
	if (&Program{}).Explain(duck.Ident("new rows")) != "" {
		t.Error("no rules have something to explain")
	}
}

// A long chain is no deeper than DuckDB goes.
func TestManyRules(t *testing.T) {
	t.Parallel()
	c := bench(t)
	testkit.Exec(t, c, "CREATE TABLE p AS SELECT i AS id FROM range(1000) t(i)")
	for i := range 20 {
		testkit.Exec(t, c, fmt.Sprintf("ALTER TABLE p ADD COLUMN n%d INTEGER DEFAULT 0", i))
	}
	var rules []string
	for i := range 120 {
		rules = append(rules, fmt.Sprintf("SET n%d = n%d + 1", i%20, i%20), fmt.Sprintf("CONSTRAINT c%d EXPECT (id <> %d)", i, i))
	}
	for _, mode := range modes {
		out, kept, _, err := run(t, c, "p", strings.Join(rules, ", "), mode)
		if err != nil {
			t.Fatal(testkit.Rendered(err))
		}
		first, _, _ := strings.Cut(kept, "\n")
		if out.Rejected != 120 || first != "120"+strings.Repeat("|6", 20) {
			t.Errorf("%s: %d rejected, first %s", mode, out.Rejected, first)
		}
	}
}
