package rules

import (
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/internal/testkit"
)

// What a scan noted is let go of with its outcome, also of a batch that failed before it was settled; and who calls its functions by hand
// gets an error.
func TestOnceLetsGo(t *testing.T) {
	t.Parallel()
	c := bench(t)
	testkit.Exec(t, c, "CREATE TABLE p AS SELECT 1 AS a")
	p, err := compile(t, c, "CREATE STREAM s RULES (CONSTRAINT ok EXPECT (a > 1)) FROM p")
	if err != nil {
		t.Fatal(err)
	}
	var out Outcome
	if err := c.Update(t.Context(), func(tx *duck.Tx) (err error) {
		out, err = p.Run(t.Context(), tx,
			Batch{Destination: "s", Version: 1, Rel: duck.Ident("p"), Columns: testkit.Columns(t, c, "p"), Once: true})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.Rows.String(), "dsql_judge(") {
		t.Fatalf("%s notes nothing", out.Rows)
	}
	if _, err := c.Int(t.Context(), duck.SQL("SELECT count(*) FROM {r}", duck.Args{"r": out.Rows})); err != nil {
		t.Error(err)
	}
	out.Close()
	out.Close()
	_, err = c.Int(t.Context(), duck.SQL("SELECT count(*) FROM {r}", duck.Args{"r": out.Rows}))
	if err == nil || !strings.Contains(err.Error(), "this function is for dsql's own statements") {
		t.Error(err)
	}
}
