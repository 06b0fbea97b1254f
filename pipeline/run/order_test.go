package run

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dsql/pipeline/event"
	"dsql/sql/code"
)

// A destination that comes later and reads a stored table's rows beside a journal waits for the journal's source.
func TestCatchUpWaits(t *testing.T) {
	t.Parallel()
	f := newField(t)
	f.write("in/s1.csv", "id\n1\n2\n")
	first := wholeSources + "CREATE STREAM kept FROM s;\n"
	f.run(first)
	f.write("in/r1.csv", "id,w,t\n1,a,1\n2,b,1\n3,c,1\n")
	f.write("in/s2.csv", "id\n3\n")
	later := wholeJournal + "CREATE STREAM st AS SELECT x.id, h.w FROM STREAM kept x LEFT JOIN j_history h ON h.id = x.id;\nCREATE STREAM " +
		"last AS SELECT count(w) AS n FROM STREAM st;\n"
	f.run(first + later)
	f.is("SELECT count(w) FROM st", "3")
	f.is("SELECT sum(n) FROM last", "3")
	f.is("SELECT string_agg(name, ' ' ORDER BY version, name) FROM dsql.version_rows", "kept s j r st last kept last s st")
}

// Sources that feed what is read whole come first, whoever reads it; rings by checks decide nothing.
func TestOrderOfSources(t *testing.T) {
	t.Parallel()
	f := newField(t)
	f.write("in/a.csv", "id\n1\n")
	f.write("in/s1.csv", "id\n1\n")
	f.write("in/r1.csv", "id,w,t\n1,a,1\n")
	f.run("CREATE SOURCE a (id INTEGER) FROM FILES ('in/a.csv');\nCREATE STREAM alone FROM a;\n" + wholeSources +
		"CREATE STREAM kept CHECKS (CHECK back EXPECT (orphans(id, echo.id) <= 1), CHECK itself EXPECT (count(*) + (SELECT count(*) FROM " +
		"kept) = 2)) FROM s;\n" +
		"CREATE STREAM echo AS SELECT id FROM STREAM kept WHERE id IN (SELECT id FROM j);\n" + wholeJournal)
	f.is("SELECT string_agg(name, ' ' ORDER BY version, kind DESC, name) FROM dsql.version_rows", "r j alone a echo kept s")
	f.is("SELECT count(*) FROM echo", "1")
	if e := f.fails("CREATE STREAM p AS SELECT q.id FROM STREAM q;\nCREATE STREAM q AS SELECT p.id FROM STREAM p;"); e.Code != code.Cycle {
		t.Errorf("a ring of new rows: %v", e)
	}
}

// What a source that is read again brings to a journal comes to all that its changes reach, in the same statement.
func TestReplayReachesAll(t *testing.T) {
	t.Parallel()
	f := newField(t)
	f.write("in/r1.csv", "id,w,t\n1,a,1\n2,bad,1\n")
	declared := func(rules string) string {
		script := strings.Replace(wholeJournal, " COLUMNS", rules+" COLUMNS", 1)
		from := "j"
		for i := range 12 {
			to := fmt.Sprintf("st%d", i)
			script += "CREATE STREAM " + to + " AS SELECT id, w FROM STREAM(" + from + ");\n"
			from = to
		}
		return script
	}
	f.run(declared(" RULES (CONSTRAINT good EXPECT (w <> 'bad'))"))
	f.run(declared("") + "REFRESH;\nREPLAY SOURCE r FROM EARLIEST;")
	f.is("SELECT count(*) FROM j", "2")
	f.is("SELECT count(*) FROM st11", "2")
}

// What is shown of the graph is what was found.
func TestReadsShown(t *testing.T) {
	t.Parallel()
	f := newField(t)
	f.write("in/s1.csv", "id\n1\n")
	f.write("in/r1.csv", "id,w,t\n1,a,1\n")
	f.run(wholeSources + "CREATE STREAM st RULES (CONSTRAINT k EXPECT (id IN (SELECT id FROM j_history))) FROM s;\n" + wholeJournal)
	var shown []string
	o := f.options("SHOW STREAMS;")
	o.Events = func(e event.Event) {
		if q, ok := e.(event.Queried); ok {
			for q.Result.Next() {
				name, _ := q.Result.Text(0)
				reads, _ := q.Result.Text(1)
				shown = append(shown, name+": "+reads)
			}
		}
	}
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(render(err))
	}
	if want := []string{"st: s, j"}; !slices.Equal(shown, want) {
		t.Errorf("%v, want %v", shown, want)
	}
}
