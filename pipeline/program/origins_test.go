package program_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
)

// originCases are the text of a stream s, and "column: what it is made of".
var originCases = map[string]string{
	"FROM f": "a: f.a; b: f.b; c: f.c",
	"AS SELECT a, b AS x, a || c AS y, 1 AS z FROM f":                                      "a: f.a; x: f.b; y: f.a f.c; z:",
	"AS SELECT * EXCLUDE (b) FROM f":                                                       "a: f.a; c: f.c",
	"AS SELECT * REPLACE (a || c AS b) FROM f":                                             "a: f.a; b: f.a f.c; c: f.c",
	"AS SELECT * RENAME (b AS x) FROM f":                                                   "a: f.a; x: f.b; c: f.c",
	"AS SELECT x.a, y.n FROM f x JOIN t y ON x.a = y.k":                                    "a: f.a; n: t.n",
	"AS SELECT x.*, n FROM f x LEFT JOIN t USING (a)":                                      "a: f.a; b: f.b; c: f.c; n: t.n",
	"AS WITH q AS (SELECT a AS p, b FROM f) SELECT p, upper(b) AS u FROM q":                "p: f.a; u: f.b",
	"AS WITH q(p, r) AS (SELECT a, b FROM f) SELECT r FROM q":                              "r: f.b",
	"AS SELECT v.p FROM (SELECT a AS p FROM f) v":                                          "p: f.a",
	"AS SELECT CASE WHEN a = '1' THEN b ELSE c END AS x FROM f":                            "x: f.a f.b f.c",
	"AS SELECT a, count(*) AS n, max(b) AS m FROM f GROUP BY a":                            "a: f.a; n:; m: f.b",
	"AS SELECT (SELECT max(n) FROM t WHERE k = f.a) AS m FROM f":                           "m: t.n",
	"AS SELECT row_number() OVER (PARTITION BY a ORDER BY b) AS r FROM f":                  "r: f.a f.b",
	"AS SELECT g.v AS v FROM STREAM f JOIN j_as_of(TIMESTAMP '2026-01-01') g ON g.k = f.a": "v: j.v",
	"AS SELECT g.v AS v FROM STREAM f JOIN j_history g ON g.k = f.a":                       "v: j.v",
	"AS SELECT list_transform([a], lambda x: x || b) AS l FROM f":                          "l: f.a f.b",
	`AS SELECT "A" AS "B q" FROM f`:                                                        "B q: f.a",
	"AS SELECT a FROM f UNION ALL SELECT n FROM t":                                         "a: f.a t.n",
	"RULES (SET a = upper(b)) FROM f":                                                      "a: f.b; b: f.b; c: f.c",
	"RULES (SET a = b, SET b = a || c, SET A = 'x') FROM f":                                "a:; b: f.b f.c; c: f.c",
	"RULES (SET COLUMNS('[ab]') = trim(_) -- _\n) FROM f":                                  "a: f.a; b: f.b; c: f.c",
	"RULES (SET COLUMNS('a') = coalesce(_, b)) FROM f":                                     "a: f.a f.b; b: f.b; c: f.c",
	"RULES (SET a = EXPR 'b ?? c') FROM f":                                                 "a: f.b f.c; b: f.b; c: f.c",
	"RULES (SET a = (SELECT max(n) FROM t WHERE t.k = b)) FROM f":                          "a: t.n; b: f.b; c: f.c",
	"RULES (APPLY tidy, CONSTRAINT x EXPECT (a = 'y')) FROM f":                             "a: f.a f.c; b: f.b; c: f.c",
	"RULES (SET x = x || y) AS SELECT a AS x, b || c AS y FROM f":                          "x: f.a f.b f.c; y: f.b f.c",
	"AS SELECT f.a, t.p FROM f, LATERAL (SELECT f.b || f.c AS p) t":                        "a: f.a; p: f.b f.c",
	"AS SELECT (SELECT max(t.n) || f.b FROM t) AS m FROM STREAM f":                         "m: f.b t.n",
	"AS SELECT f.a, u.p FROM f, unnest([b, c]) AS u(p)":                                    "a: f.a; p: f.b f.c",
	"AS SELECT a, b, c FROM f ORDER BY b":                                                  "a: f.a; b: f.b; c: f.c",
}

// Which columns a column is made of, over all forms of a query.
func TestOrigins(t *testing.T) { // not beside others: statements of DuckDB's run in their script's folder
	for body, want := range originCases {
		t.Run(body, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "in"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "in", "1.csv"), []byte("a,b,c\n1,2,3\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			text := `CREATE TABLE t AS SELECT '1' AS a, '1' AS k, 'x' AS n;
				CREATE SOURCE f (a VARCHAR, b VARCHAR, c VARCHAR) FROM FILES ('in/*.csv', format csv, header true);
				CREATE SOURCE e (k VARCHAR, v VARCHAR, ts TIMESTAMP) FROM FILES ('none/*.csv', format csv, header true);
				CREATE RULES tidy (SET a = a || c);
				CREATE JOURNAL j KEYS (k) SEQUENCE BY ts FROM e;
				CREATE STREAM s ` + body
			src := sql.NewSource("s.sql", text)
			src.Dir = dir
			o := program.Options{Language: run.Language, Scripts: []*sql.Source{src}, DB: filepath.Join(dir, "s.duckdb"), Dir: dir}
			if err := run.Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			db, err := duck.Open(t.Context(), o.DB, duck.Options{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			p, err := run.Language.Load(t.Context(), db.Writer(), nil, &kind.Env{Dir: dir}, program.Opened{})
			if err != nil {
				t.Fatal(err)
			}
			cols := program.Columns{"f": {"a", "b", "c"}, "t": {"a", "k", "n"}, "j": {"k", "v"}}
			var have []string
			stored, err := db.Writer().Table(t.Context(), "s")
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range stored {
				if c.Name != "_version" {
					cols["s"] = append(cols["s"], c.Name)
				}
			}
			made, err := p.Origins(t.Context(), db.Writer(), cols)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cols["s"] {
				var from []string
				for _, r := range made[program.ColumnRef{Of: "s", Column: c}] {
					from = append(from, r.Of+"."+r.Column)
				}
				slices.Sort(from)
				have = append(have, strings.TrimSpace(c+": "+strings.Join(from, " ")))
			}
			if got := strings.Join(have, "; "); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}
