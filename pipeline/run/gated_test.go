package run

import (
	"testing"

	"dsql/pipeline/event"
	"dsql/sql/code"
)

// A batch that a check over a journal's table holds back runs twice in its transaction. It is counted and told once.
func TestHeldCountsOnce(t *testing.T) {
	t.Parallel()
	f := newField(t)
	f.write("in/r1.csv", "id,w,t\n1,a,1\n,a,1\n")
	f.write("in/r2.csv", "id,w,t\n2,a,1\n3,a,1\n")
	declared := "CREATE SOURCE r (id INTEGER, w VARCHAR, t INTEGER) FROM FILES ('in/r*.csv', batch_files 1);\n" +
		"CREATE STREAM all_of_it CHECKS (CHECK few EXPECT (count(*) < 2) ON FAILURE WARN) AS SELECT * FROM r WHERE w = 'a' AND id > 0;\n" +
		"CREATE JOURNAL j KEYS (id) SEQUENCE BY t COLUMNS (w) RULES (CONSTRAINT known EXPECT (id IS NOT NULL))\n" +
		"  CHECKS (CHECK one EXPECT (count(*) < 2) OVER TABLE ON FAILURE HOLD) REJECT LIMIT 3 FROM r;\n"
	told := 0
	o := f.options(declared)
	o.Events = func(e event.Event) {
		if w, ok := e.(event.Warned); ok && w.Err.Code == code.Check {
			told++
		}
		drain(e)
	}
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(render(err))
	}
	if told != 1 {
		t.Errorf("the warning was told %d times", told)
	}
	f.is("SELECT string_agg(rejected, ' ' ORDER BY version) FROM dsql.version_rows WHERE name = 'j'", "1 2")
	f.run("REBUILD JOURNAL j FROM SOURCE;") // both batches in one transaction
	f.is("SELECT count(*) FROM j", "1")
}
