package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// Forms of reading the journal j whole, each by the stream st, whose source stands before j's. Every row of st finds its like in j where
// j's source is read first; ask is then true, with two rows a run.
var wholeReads = []struct{ name, before, st, ask string }{
	{"join", "", "AS SELECT x.id, w FROM STREAM s x LEFT JOIN j ON j.id = x.id", ""},
	{"history", "", "AS SELECT x.id, w FROM STREAM s x LEFT JOIN j_history h ON h.id = x.id AND h.valid_to IS NULL", ""},
	{"as of", "", "AS SELECT x.id, w FROM STREAM s x LEFT JOIN j_as_of(100) h ON h.id = x.id", ""},
	{"changes", "", "AS SELECT x.id, w FROM STREAM s x LEFT JOIN (SELECT DISTINCT ON (id) id, w FROM j_changes(0, 1000)) h ON h.id = x.id",
		""},
	{"diff in a CTE", "", "AS WITH d AS (FROM j_diff(0, 1000)) SELECT x.id, w FROM STREAM s x LEFT JOIN d ON d.id = x.id", ""},
	{"scalar subquery", "", "AS SELECT id, (SELECT w FROM j WHERE j.id = s.id) AS w FROM s", ""},
	{"a CTE of the journal's name", "", "AS WITH k AS (SELECT * FROM j) SELECT x.id, w FROM STREAM s x LEFT JOIN k ON k.id = x.id", ""},
	{"query_table", "", "AS SELECT x.id, w FROM STREAM s x LEFT JOIN query_table('j') h ON h.id = x.id", ""},
	{"query", "", "AS SELECT x.id, w FROM STREAM s x LEFT JOIN query('SELECT * FROM j_history WHERE valid_to IS NULL') h ON h.id = x.id", ""},
	{"view", "CREATE OR REPLACE VIEW now_j AS SELECT * FROM j;", "AS SELECT x.id, w FROM STREAM s x LEFT JOIN now_j h ON h.id = x.id", ""},
	{"view of a view", `CREATE OR REPLACE VIEW "V 1" (id, w) AS SELECT id, w FROM j_history WHERE valid_to IS NULL; CREATE OR REPLACE VIEW v2 AS FROM main."V 1";`,
		"AS SELECT x.id, w FROM STREAM s x LEFT JOIN v2 h ON h.id = x.id", ""},
	{"table macro", "CREATE OR REPLACE MACRO of_j(n) AS TABLE SELECT id, w AS w FROM j WHERE id < n;",
		"AS SELECT x.id, w FROM STREAM s x LEFT JOIN of_j(100) h ON h.id = x.id", ""},
	{"scalar macro", "CREATE OR REPLACE MACRO w_of(k) AS (SELECT min(w) FROM j WHERE j.id = k);", "AS SELECT id, w_of(id) AS w FROM s", ""},
	{"SET", "", "RULES (SET w = (SELECT min(k.w) FROM j k WHERE k.id = id2)) AS SELECT id, id AS id2, NULL::VARCHAR AS w FROM s", ""},
	{"map_value", "CREATE OR REPLACE VIEW codes AS SELECT id AS key, w AS value FROM j;",
		"RULES (SET w = map_value(id, 'codes')) AS SELECT id, NULL::VARCHAR AS w FROM s", ""},
	{"CONSTRAINT", "", "RULES (CONSTRAINT known EXPECT (id IN (SELECT k.id FROM j k))) AS SELECT id, '' AS w FROM s", ""},
	{"APPLY", "CREATE RULES inner_list (CONSTRAINT known EXPECT (EXISTS (FROM j k WHERE k.id = id2))); CREATE RULES outer_list (APPLY " +
		"inner_list);", "RULES (APPLY outer_list) AS SELECT id, id AS id2, '' AS w FROM s", ""},
	{"METRICS", "", "METRICS (known = (SELECT count(*) FROM j)) AS SELECT id, '' AS w FROM s", "SELECT min(value) >= 2 FROM dsql.metrics"},
	{"orphans", "", "CHECKS (CHECK known EXPECT (orphans(id, j.id) = 0)) AS SELECT id, '' AS w FROM s", ""},
	{"orphans of a view", "CREATE OR REPLACE VIEW now_j AS SELECT * FROM j;",
		`CHECKS (CHECK known EXPECT (orphans(id, main."now_j"."id") = 0)) AS SELECT id, '' AS w FROM s`, ""},
	{"APPLY of checks", "CREATE CHECKS gates (CHECK known EXPECT (orphans(id, j_history.id) = 0));",
		"CHECKS (APPLY gates) AS SELECT id, '' AS w FROM s", ""},
	{"BASELINE", "", "CHECKS (CHECK near EXPECT (psi(id) < 100) BASELINE (SELECT id FROM j)) AS SELECT id, '' AS w FROM s",
		"SELECT bool_and(verdict = 'pass') FROM dsql.checks"},
}

const wholeSources = "CREATE SOURCE s (id INTEGER) FROM FILES ('in/s*.csv');\n"
const wholeJournal = "CREATE SOURCE r (id INTEGER, w VARCHAR, t INTEGER) FROM FILES ('in/r*.csv');\nCREATE JOURNAL j KEYS (id) SEQUENCE " +
	"BY t COLUMNS (w) FROM r;\n"

// What a declaration reads decides the order of sources and of declarations, and what can't be dropped, however its text names it.
func TestWholeReads(t *testing.T) {
	t.Parallel()
	for _, form := range wholeReads {
		for _, below := range []bool{false, true} {
			if below && (testing.Short() || strings.Contains(form.before, "REPLACE")) { // the user's own statements run where they stand
				continue
			}
			t.Run(fmt.Sprintf("%s,below=%v", form.name, below), func(t *testing.T) {
				t.Parallel()
				f := newField(t)
				st := "CREATE STREAM st " + form.st + ";\n"
				script := wholeSources + wholeJournal + form.before + "\n" + st
				if below {
					script = wholeSources + st + wholeJournal + form.before
				}
				ask := form.ask
				if ask == "" {
					ask = "SELECT bool_and(w IS NOT NULL) FROM st"
				}
				holds := func(rows int) {
					t.Helper()
					f.is(ask, "true")
					f.is("SELECT count(*) FROM st", fmt.Sprint(rows))
				}
				for run := 1; run <= 2; run++ { // each with new rows on both sides
					f.write(fmt.Sprintf("in/s%d.csv", run), fmt.Sprintf("id\n%d\n%d\n", 2*run, 2*run+1))
					f.write(fmt.Sprintf("in/r%d.csv", run), fmt.Sprintf("id,w,t\n%d,a,1\n%d,b,1\n", 2*run, 2*run+1))
					if run == 2 {
						script = strings.NewReplacer(" j ", " J ", "j_", "J_", "STREAM st", "STREAM ST").Replace(script)
					}
					f.run(script)
					holds(2 * run)
				}
				f.write("in/s9.csv", "id\n9\n")
				f.write("in/r9.csv", "id,w,t\n9,a,1\n")
				f.run("REBUILD STREAM st FROM SOURCE;")
				holds(5)
				err := f.fails("DROP JOURNAL j;")
				if err.Code != code.InUse {
					t.Errorf("DROP of what is read: %v", err)
				}
				f.is("SELECT count(*) FROM j", "5")
			})
		}
	}
}

// field is a folder with a file, and runs of scripts over it.
type field struct {
	t   *testing.T
	dir string
}

func newField(t *testing.T) *field {
	t.Helper()
	return &field{t, t.TempDir()}
}

func (f *field) options(script string) program.Options {
	return program.Options{Language: Language, Scripts: []*sql.Source{sql.NewSource("s.sql", script)}, Dir: f.dir,
		DB: filepath.Join(f.dir, "x.duckdb"), Events: drain}
}

func (f *field) write(name, text string) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *field) run(script string) {
	f.t.Helper()
	if err := Run(f.t.Context(), f.options(script)); err != nil {
		f.t.Fatalf("%s\n%s", script, render(err))
	}
}

// fails is the first error of a run.
func (f *field) fails(script string) *sql.Error {
	f.t.Helper()
	errs := program.Collect(nil, Run(f.t.Context(), f.options(script)))
	if len(errs) == 0 {
		f.t.Fatalf("no error:\n%s", script)
	}
	return errs[0]
}

// foreign is what another client does to the file.
func (f *field) foreign(statements ...string) {
	f.t.Helper()
	db, err := duck.Open(f.t.Context(), filepath.Join(f.dir, "x.duckdb"), duck.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if err := db.Writer().Run(f.t.Context(), duck.SQL("{s}", duck.Args{"s": duck.Text(s)})); err != nil {
			f.t.Fatal(s, err)
		}
	}
}

// is asks the file, with DuckDB alone.
func (f *field) is(query, want string) {
	f.t.Helper()
	db, err := duck.Open(f.t.Context(), filepath.Join(f.dir, "x.duckdb"), duck.Options{ReadOnly: true})
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	var got string
	if _, err := db.Writer().Scan(f.t.Context(),
		duck.SQL("SELECT string_agg(x::VARCHAR, ' ') FROM (SELECT COLUMNS(*)::VARCHAR FROM ({q})) t(x)", duck.Args{"q": duck.Text(query)}),
		&got); err != nil {
		f.t.Fatal(query, err)
	}
	if got != want {
		f.t.Errorf("%s: %s, want %s", query, got, want)
	}
}
