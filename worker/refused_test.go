package worker

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"dsql/internal/testkit"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
)

// begin opens a worker for a script in a folder.
func begin(t *testing.T, dir, script string) (*Worker, error) {
	t.Helper()
	ctx := context.Background()
	o := program.Options{Language: run.Language, Scripts: []*sql.Source{sql.NewSource("s.sql", script)}, Dir: dir,
		DB: filepath.Join(dir, "none.duckdb")}
	told, err := program.Tell(ctx, o, "")
	if err != nil {
		t.Fatal(testkit.Rendered(err))
	}
	text, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	return Open(ctx, Options{Plan: "plan.json", Text: text, Dir: dir, Threads: 1})
}

func must(t *testing.T, dir, script string) *Worker {
	t.Helper()
	w, err := begin(t, dir, script)
	if err != nil {
		t.Fatal(testkit.Rendered(err))
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

const ofFiles = "CREATE SOURCE s (id BIGINT, k VARCHAR, at_time TIMESTAMP) FROM FILES ('in/*.csv');\n"

// What can't be spread is refused where it stands, with a way out.
func TestRefused(t *testing.T) {
	t.Parallel()
	const stored = ofFiles + "CREATE STREAM d FROM s;\n"
	for _, c := range []struct{ script, at, says string }{
		{ofFiles + "CREATE STREAM d AS SELECT *, row_number() OVER () AS n FROM s;", "s.sql:2:30", "the window function row_number"},
		{stored + "CREATE STREAM e AS SELECT id, lag(id) OVER (PARTITION BY k ORDER BY at_time) AS l FROM STREAM d;", "s.sql:3:31", "window function lag"},
		{ofFiles + "CREATE STREAM d AS SELECT k, count(*) AS n FROM s GROUP BY k;", "s.sql:2:49", "GROUP BY in the query of d"},
		{ofFiles + "CREATE STREAM d AS SELECT max(id) AS m FROM s;", "s.sql:2:45", "the aggregate max"},
		{ofFiles + "CREATE STREAM d AS SELECT DISTINCT k FROM s;", "s.sql:2:43", "DISTINCT"},
		{ofFiles + "CREATE STREAM d AS SELECT k FROM s LIMIT 3;", "s.sql:2:34", "LIMIT"},
		{ofFiles + "CREATE JOURNAL j KEYS (id) SEQUENCE BY at_time AS SELECT (random() * 10)::BIGINT AS id, at_time FROM s;", "s.sql:2:102",
			"random gives j another value"},
		{ofFiles + "CREATE SEQUENCE q;\nCREATE STREAM d AS SELECT nextval('q') AS n FROM s;", "s.sql:3:50", "nextval gives d another value"},
		{ofFiles + "CREATE JOURNAL j KEYS (id) SEQUENCE BY at_time LATENESS INTERVAL 3 DAYS FROM s;", "s.sql:2:57", "LATENESS of j"},
		{ofFiles + "CREATE JOURNAL j KEYS (id) SNAPSHOT FROM s;", "s.sql:2:16", "j takes whole tables"},
		{ofFiles + "CREATE JOURNAL j KEYS (id) SEQUENCE BY (at_time, _meta.line) FROM s;", "s.sql:2:16", "ordered by _meta"},
		{ofFiles + "CREATE JOURNAL j KEYS (k, id) SEQUENCE BY at_time AS SELECT [id] AS id, k, at_time FROM s;", "s.sql:2:27",
			"a key of type BIGINT[] has no text"},
		{ofFiles + "CREATE JOURNAL j KEYS (id) SEQUENCE BY at_time FROM s;\nCREATE VIEW v AS FROM j_history;", "s.sql:3:23",
			"what a journal makes is in the files of its buckets alone"},
		{ofFiles + "CREATE MACRO m(x) AS x;\nCREATE JOURNAL j KEYS (id) SEQUENCE BY m(at_time) FROM s;", "s.sql:3:16",
			"j can't be kept in a file of its own: "},
		{stored + "CREATE ROLLUP r AS SELECT k, count(*) AS n FROM STREAM d GROUP BY k;", "s.sql:3:15", "computed over all rows of d"},
		{stored + "CREATE STREAM o AS SELECT a.id FROM STREAM d a JOIN STREAM d b ON a.id = b.id;", "s.sql:3:60", "joins new rows with all rows of d"},
		{stored + "CREATE STREAM e AS SELECT s.id FROM s JOIN d USING (id);", "s.sql:3:44", "reads d whole"},
		{stored + "CREATE STREAM e RULES (CONSTRAINT c EXPECT (id IN (SELECT id FROM d))) FROM s;", "s.sql:3:67", "reads d whole"},
		{ofFiles + "CREATE JOURNAL j KEYS (id) SEQUENCE BY at_time FROM s;\nCREATE STREAM c AS SELECT id FROM STREAM j;", "s.sql:3:42",
			"reads what changes in j"},
		{ofFiles + "CREATE JOURNAL j KEYS (id) SEQUENCE BY at_time FROM s;\nCREATE STREAM c AS SELECT s.id FROM s JOIN j_history h USING (id);",
			"s.sql:3:44", "reads j whole"},
		{stored + "CREATE TABLE t AS FROM d;\nCREATE STREAM e AS SELECT s.id FROM s JOIN t USING (id);", "s.sql:3:24", "this reads d"},
		{"CREATE SOURCE s (id BIGINT) FROM FILES ('in/*.csv', mode snapshot);\nCREATE STREAM d FROM s;", "s.sql:1:15", "s gives whole tables"},
		{"CREATE SOURCE s (id BIGINT) FROM FILES ('in/*.csv') ON SCHEMA CHANGE ADD COLUMNS;\nCREATE STREAM d FROM s;", "s.sql:1:15", "grow"},
		{"CREATE SOURCE s (id BIGINT) FROM KAFKA (brokers 'localhost:1', topic 't', format json);\nCREATE STREAM d FROM s;", "s.sql:1:15",
			"can't be handed over in pieces"},
	} {
		dir := t.TempDir()
		w, err := begin(t, dir, c.script)
		if err == nil {
			_ = w.Close()
			t.Errorf("it can be spread: %s", c.script)
			continue
		}
		got := testkit.Rendered(err)
		if !strings.HasPrefix(got, c.at+": ") || !strings.Contains(got, c.says) || !strings.Contains(got, "[not-spread]") ||
			!strings.Contains(got, "hint: ") {
			t.Errorf("%s\nat %s, %q is said as:\n%s", c.script, c.at, c.says, got)
		}
	}
}

// What looks at many rows where others judge them keeps nothing from being spread.
func TestJudgedElsewhere(t *testing.T) {
	t.Parallel()
	w := must(t, t.TempDir(), ofFiles+`CREATE TABLE names AS SELECT 'a' AS k, 'Ann' AS name;
CREATE STREAM old AS SELECT id FROM s;
CREATE STREAM d METRICS (n = count(*), past = previous(n)) REJECT LIMIT 0
  CHECKS (CHECK no EXPECT (count(*) > 100), CHECK known EXPECT (orphans(id, old.id) = 0), CHECK t EXPECT (count(*) > 5) OVER TABLE)
  RULES (CONSTRAINT c EXPECT (id > 1))
  AS SELECT s.id, n.name FROM s LEFT JOIN names n USING (k);
REFRESH;
COPY d TO 'd.csv';
SELECT * FROM d;
CREATE ENDPOINT e AS SELECT * FROM d;
CREATE TEST t GIVEN s AS (VALUES (1, 'a', NULL)) EXPECT (SELECT id FROM d) AS (VALUES (1));`)
	got := serve(t, w, taskOf(t, header{Task: "1", Source: "s", File: "in/1.csv"}, []byte("id,k,at_time\n1,a,\n2,a,\n")))
	if rows := got.rows(t, "rows", "d"); len(rows) != 1 || rows[0] != "2|Ann" || len(got.of("end")) != 1 {
		t.Errorf("%q %+v", rows, got.of("error"))
	}
}
