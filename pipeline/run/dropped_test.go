package run

import (
	"path/filepath"
	"strings"
	"testing"

	"dsql/pipeline/program"
	"dsql/sql/code"
)

// A user's own statement can't take away what a declaration stores or reads, unless the script makes it again.
func TestDropOfTheUsers(t *testing.T) {
	t.Parallel()
	f := newField(t)
	f.write("in/s1.csv", "id\n1\n")
	f.write("in/r1.csv", "id,w,t\n1,a,1\n")
	made := "CREATE OR REPLACE TABLE dim AS SELECT 1 AS id;\nCREATE OR REPLACE VIEW v AS FROM dim;\nCREATE OR REPLACE TABLE other (a " +
		"INTEGER);\n"
	macro := "CREATE OR REPLACE MACRO m(k) AS (SELECT min(w) FROM j WHERE id = k);\n"
	f.run(made + wholeSources + wholeJournal + macro +
		"CREATE STREAM st RULES (CONSTRAINT k EXPECT (id IN (SELECT id FROM v))) AS SELECT id, m(id) AS w FROM s;\n")
	for _, stmt := range []string{"DROP TABLE st", "drop table if exists main.ST cascade", "DROP VIEW J", "-- a\n/* b */ DROP/*c*/VIEW J",
		"DROP TABLE j__now",
		"CREATE OR REPLACE TABLE st AS SELECT 1 AS x", "CREATE OR REPLACE VIEW j AS SELECT 1 AS x", "DROP TABLE dim", `DROP VIEW "V"`,
		"DROP MACRO m"} {
		if e := f.fails(stmt + ";"); e.Code != code.InUse {
			t.Errorf("%s: %v", stmt, e)
		}
	}
	f.run("DROP VIEW j_history; DROP MACRO TABLE st_at;") // what is made of what is stored is made again
	f.run(wholeSources + wholeJournal + "REFRESH;")
	f.is("SELECT count(*) FROM j_history", "1")
	f.run("DROP VIEW v; DROP TABLE dim; DROP TABLE IF EXISTS nothing; DROP TABLE other; DROP MACRO m;\n" + made + macro)
	f.run("CREATE SCHEMA z; CREATE TABLE z.st (a INTEGER); DROP TABLE z.st; DROP STREAM st; CREATE TABLE st (a INTEGER); DROP TABLE st; " +
		"DROP TABLE dim CASCADE;")
	f.is("SELECT count(*) FROM j", "1")
}

// Where another client dropped the table, the error says how it is made again.
func TestTableGone(t *testing.T) {
	t.Parallel()
	f := newField(t)
	f.write("in/s1.csv", "id\n1\n")
	f.write("in/r1.csv", "id,w,t\n1,a,1\n")
	script := wholeSources + wholeJournal + "CREATE STREAM st FROM s;\nCREATE STREAM last AS SELECT id FROM STREAM st;\n"
	f.run(script)
	f.foreign("DROP TABLE st", "DROP VIEW j", "DROP VIEW j_history", "DROP TABLE j__state")
	for _, text := range []string{script, "REFRESH;"} {
		if e := f.fails(text); e.Code != code.TableGone {
			t.Errorf("%v", e)
		}
	}
	f.run(script + "REBUILD STREAM st FROM SOURCE;\nREBUILD JOURNAL j FROM SOURCE;")
	f.run(script)
	f.is("SELECT count(*) FROM st", "1")
	f.is("SELECT count(*) FROM j_history", "1")
	f.is("SELECT count(*) FROM last", "1")
	f.foreign("DROP TABLE last")
	f.run("DROP STREAM last;")
	f.run(script)
	f.is("SELECT count(*) FROM last", "1")
}

// A sink that stopped, in a copy of the file, is a new one when the script drops it and declares it anew.
func TestDropOfStoppedSink(t *testing.T) {
	t.Parallel()
	f := newField(t)
	f.write("in/s1.csv", "id\n1\n")
	script := wholeSources + "CREATE STREAM st FROM s;\nCREATE SINK lake INTO FILES ('lake', format csv) FROM st;\n"
	o := f.options(script)
	o.Snapshot = filepath.Join(f.dir, "copy.duckdb")
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(render(err))
	}
	o.Snapshot, o.DB = "", o.Snapshot
	f.write("in/s2.csv", "id\n2\n")
	if errs := program.Collect(nil, Run(t.Context(), o)); len(errs) != 1 || errs[0].Code != code.RestoredCopy {
		t.Fatal(render(errs.Err()))
	}
	o.Scripts = f.options("DROP SINK lake;\n" + strings.Replace(script, "'lake'", "'other'", 1)).Scripts
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(render(err))
	}
}
