package run

import "testing"

// What a script says about where names are is about its own statements: what it declares has its place, and finds the user's tables.
func TestSearchPath(t *testing.T) {
	t.Parallel()
	for _, where := range []struct{ before, dim string }{
		{"CREATE SCHEMA IF NOT EXISTS y; /* here */\n-- and now\nUSE y;", "y.dim"},
		{"CREATE SCHEMA IF NOT EXISTS y; SET schema = 'y';", "y.dim"},
		{`CREATE SCHEMA IF NOT EXISTS "X, ""y"; SET search_path = '"X, ""y"';`, `"X, ""y".dim`},
		{"CREATE SCHEMA IF NOT EXISTS y; SET search_path = 'y,main';", "y.dim"},
		{"ATTACH IF NOT EXISTS 'other.duckdb' AS other; USE other;", ""},
	} {
		t.Run(where.before, func(t *testing.T) {
			t.Parallel()
			f := newField(t)
			f.write("in/s1.csv", "id\n1\n2\n")
			f.write("in/r1.csv", "id,w,t\n1,a,1\n2,b,1\n")
			declared := wholeSources + wholeJournal + "CREATE STREAM st RULES (CONSTRAINT k EXPECT (id IN (SELECT d.id FROM dim d))) CHECKS " +
				"(CHECK o EXPECT (orphans(id, j.id) = 0)) FROM s;\nREFRESH;\n"
			dim := "CREATE OR REPLACE TABLE dim AS SELECT * FROM range(1, 10) t(id);\n"
			f.run(where.before + dim + declared + "CREATE OR REPLACE TABLE seen AS SELECT count(*) AS n FROM dim;")
			f.is("SELECT count(*) FROM main.st", "2")
			f.is("SELECT count(*) FROM main.j_history", "2")
			if where.dim != "" {
				f.is("SELECT count(*) FROM "+where.dim, "9")
			}
			f.write("in/s2.csv", "id\n3\n")
			f.write("in/r2.csv", "id,w,t\n3,c,1\n")
			f.run(dim + declared + "REBUILD STREAM st FROM SOURCE;")
			f.is("SELECT count(*) FROM main.st", "3")
		})
	}
}
