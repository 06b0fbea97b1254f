package journal

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

var update = flag.Bool("update", false, "rewrite the expected files")

// canonical are journals whose statements stand in testdata/sql, each by name. do takes the steps whose statements are kept.
var canonical = map[string]struct {
	declaration, columns string
	do                   func(*spoken)
}{
	"feed": {planes, planeColumns, func(s *spoken) {
		s.write("new keys", ev("1 i a 1 1\n2 i b 2 1\n3 i c 3 1"))
		s.write("in order: changed, the same, deleted", ev("1 u a 2 2\n2 u b 2 2\n3 d NULL NULL 2\n9 d NULL NULL 2"))
		s.b.j.maxVectors = 0
		s.write("in order, of too many vectors to update in place", ev("1 u a 3 3\n2 d b 3 3"))
		s.rollback(1)
		s.step("vacuum", func(ctx context.Context, tx *duck.Tx, v int64) (kind.Counts, error) {
			_, err := s.b.j.Vacuum(ctx, tx, v-1)
			return kind.Counts{}, err
		})
		s.step("empty", func(ctx context.Context, tx *duck.Tx, v int64) (kind.Counts, error) {
			return kind.Counts{}, s.b.j.Empty(ctx, tx, v)
		})
		s.queries()
		s.step("drop", func(ctx context.Context, tx *duck.Tx, _ int64) (kind.Counts, error) {
			return kind.Counts{}, s.b.j.Drop(ctx, tx)
		})
	}},
	"feed_track": {more(planes, "TRACK (name) IGNORE NULL UPDATES ON (seats)"), planeColumns, func(s *spoken) {
		s.write("new keys", ev("1 i a 1 1\n2 i b 2 1\n3 i c 3 1"))
		s.write("in order: a version, moved columns, a NULL that is passed over, a delete with an image",
			ev("1 u x 2 2\n2 u b 5 2\n3 u c NULL 2\n4 d z 1 2"))
		s.write("without a column", ev("1 u NULL 7 3\n2 d NULL NULL 3"), without("name"))
		s.write("late", ev("1 u y 1 0\n2 u bb 6 2\n3 u c 3 3\n3 u d NULL 4"))
		s.declare("another TRACK, another column", more(planes, "TRACK (seats) IGNORE NULL UPDATES"),
			planeColumns+", extra BIGINT")
		s.step("rebuild", s.b.j.Rebuild)
		s.queries()
	}},
	"feed_late": {lateDecl, planeColumns, func(s *spoken) {
		s.write("several events of a key, a repeat, a conflict, no key",
			ev("1 i a 1 10\n1 u b 2 11\n1 u b 2 11\n1 u c 3 11\nNULL i x 1 1\n2 i b 2 12\n2 u b 2 13"))
		s.write("late, too late, repeated", ev("1 u z 1 8\n2 i y 1 9\n1 u q 9 1\n1 i a 1 10\n3 i n 1 13"), func(a *kind.Accepted) {
			a.Input = &kind.Input{Source: "ev"}
		})
		s.write("a TRUNCATE that is too late", ev("NULL t NULL NULL 1"), truncating)
		s.declare("wider types, and a TRACK that needs images", more(lateDecl, "TRACK (seats)"),
			strings.ReplaceAll(planeColumns, "INTEGER", "BIGINT"))
		s.queries()
	}},
	"snapshot": {more(customersDecl, "TRACK (name) ON MISSING CLOSE IF REMOVED < 90 PERCENT"), notedColumns, func(s *spoken) {
		note := func(day, rows string) string { return "SELECT *, 'n' || name AS note FROM (" + load(day, rows) + ")" }
		s.write("the first load", note("2025-01-01", "(1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')"), loaded("2025-01-01"))
		s.write("the next one", note("2025-01-02", "(1, 'a'), (2, 'x'), (5, 'e'), (NULL, 'n')"), loaded("2025-01-02"))
		s.write("a key twice", note("2025-01-03", "(1, 'a'), (2, 'x'), (2, 'y'), (5, 'e')"), loaded("2025-01-03"))
		s.write("an old one", note("2025-01-02", "(1, 'a')"), loaded("2025-01-02"))
		s.declare("ON MISSING KEEP", more(customersDecl, "ON MISSING KEEP"), notedColumns)
		s.write("keys that are missing stay", note("2025-01-04", "(1, 'b')"), loaded("2025-01-04"), without("note"))
		s.write("a file of several lacks a column", note("2025-01-05", "(1, 'c'), (2, 'x')"), loaded("2025-01-05"), func(a *kind.Accepted) {
			a.Rows = duck.SQL("(SELECT *, {m} AS _meta FROM incoming)", duck.Args{"m": duck.SQL("struct_pack(file := 'b.csv')")})
			a.AbsentIn = map[string][]string{"note": {"a.csv", "b.csv"}}
		})
		s.declare("ON MISSING CLOSE", more(customersDecl, "IF REMOVED < 101 PERCENT"), notedColumns)
		s.write("an empty load", note("2025-01-06", "(1, 'c')")+" WHERE false", loaded("2025-01-06"))
		s.rollback(1)
		s.queries()
	}},
	"state": {more(planes, "IGNORE NULL UPDATES ON (seats) STORED AS SCD TYPE 1"), planeColumns, func(s *spoken) {
		s.write("new keys", ev("1 i a 1 1\n2 i b 2 1\n3 i c 3 1"))
		s.write("in order", ev("1 u a NULL 2\n2 d NULL NULL 2\n3 u x 4 2\n3 u y 5 3"))
		s.write("late, without a column", ev("1 u NULL 1 0\n2 u NULL 5 1\n2 d NULL NULL 3"), without("name"))
		s.write("TRUNCATE", ev("NULL t NULL NULL 9"), truncating)
		s.queries()
	}},
	"bitemporal": {"CREATE JOURNAL j KEYS (id, part) SEQUENCE BY (ts, off) DELETE WHEN op = 'd' COLUMNS * EXCEPT (op, off) FROM ev",
		"id BIGINT, part VARCHAR, op VARCHAR, v DOUBLE, ts TIMESTAMP, off INTEGER", func(s *spoken) {
			rows := func(values string) string {
				return "SELECT id::BIGINT AS id, part::VARCHAR AS part, op::VARCHAR AS op, v::DOUBLE AS v, " +
					"TIMESTAMP '2025-01-01' + to_days(day) AS ts, off::INTEGER AS off FROM (VALUES " + values + ") x(id, part, op, v, day, off)"
			}
			s.write("new keys", rows("(1, 'a', 'i', 1, 1, 1), (1, 'b', 'i', 1, 1, 2), (2, 'a', 'i', 1, 1, 3)"), func(a *kind.Accepted) {
				a.Rows, a.HasRow = duck.SQL("(SELECT *, row_number() OVER () AS _row FROM incoming)"), true
			})
			s.write("TRUNCATE", rows("(NULL, NULL, 't', NULL, 5, 1)"), truncating)
			s.write("before and behind it", rows("(1, 'a', 'u', 2, 3, 4), (1, 'b', 'i', 7, 6, 5), (1, 'b', 'u', 8, 6, 6)"))
			s.write("a late TRUNCATE", rows("(NULL, NULL, 't', NULL, 2, 1)"), truncating)
			s.step("rebuild", s.b.j.Rebuild)
			s.queries()
		}},
}

const (
	lateDecl     = "CREATE JOURNAL j KEYS (id) SEQUENCE BY ts DELETE WHEN op = 'd' COLUMNS * EXCEPT (op) LATENESS 5 FROM ev"
	notedColumns = "id INTEGER, name VARCHAR, day DATE, note VARCHAR"
)

// more is a declaration with more clauses.
func more(declaration, clauses string) string {
	return strings.Replace(declaration, "FROM", clauses+" FROM", 1)
}

func without(column string) func(*kind.Accepted) {
	return func(a *kind.Accepted) { a.Absent = []string{column} }
}

func truncating(a *kind.Accepted) { a.Input = &kind.Input{Source: "ev", Truncate: true} }

// spoken is a journal whose statements are written down.
type spoken struct {
	b    *bench
	on   bool
	text strings.Builder
}

func (s *spoken) statement(q string) { fmt.Fprintf(&s.text, "\n%s;\n", strings.TrimSpace(q)) }

// said writes down what f runs.
func (s *spoken) said(what string, f func()) {
	fmt.Fprintf(&s.text, "\n-- == %s\n", what)
	s.on = true
	f()
	s.on = false
}

func (s *spoken) declare(what, text, columns string) {
	s.b.t.Helper()
	cols := s.b.columns(columns)
	j, err := parse(text)
	if err != nil {
		s.b.t.Fatal(err)
	}
	s.b.j = j
	s.step(what, func(ctx context.Context, tx *duck.Tx, _ int64) (kind.Counts, error) {
		return kind.Counts{}, j.Define(ctx, tx, cols)
	})
}

func (s *spoken) write(what, query string, edit ...func(*kind.Accepted)) {
	s.b.t.Helper()
	s.b.exec("CREATE OR REPLACE TEMP TABLE incoming AS " + query)
	acc := &kind.Accepted{Version: s.b.version + 1, Columns: s.b.describe("incoming"), Rows: duck.SQL("(SELECT * FROM incoming)")}
	for _, f := range edit {
		f(acc)
	}
	s.step(what, func(ctx context.Context, tx *duck.Tx, _ int64) (kind.Counts, error) {
		return s.b.j.Write(ctx, tx, acc)
	})
}

func (s *spoken) step(what string, f func(ctx context.Context, tx *duck.Tx, v int64) (kind.Counts, error)) {
	s.b.t.Helper()
	if _, err := s.b.step(func(ctx context.Context, tx *duck.Tx, v int64) (n kind.Counts, err error) {
		s.said(what, func() { n, err = f(ctx, tx, v) })
		return n, err
	}); err != nil {
		s.b.t.Fatalf("%s: %v", what, err)
	}
}

func (s *spoken) rollback(to int64) {
	s.b.t.Helper()
	s.step("rollback", func(ctx context.Context, tx *duck.Tx, v int64) (kind.Counts, error) {
		return s.b.j.Rollback(ctx, tx, to, v)
	})
}

// queries are those that others run on the journal.
func (s *spoken) queries() {
	j, c, ctx := s.b.j, s.b.c, s.b.t.Context()
	must := func(q *duck.Query, err error) *duck.Query {
		if err != nil {
			s.b.t.Fatal(err)
		}
		return q
	}
	key := make([]string, len(j.keys))
	for i := range key {
		key[i] = "1"
	}
	fmt.Fprintf(&s.text, "\n-- == what others read\n")
	inOrder := j.InOrder(3, 4, []duck.Column{{Name: "id"}, {Name: changeType}})
	for _, q := range []*duck.Query{j.New(3, 5), inOrder, must(j.Life(ctx, c, key)), must(j.Summary(ctx, c, duck.SQL("x")))} {
		s.statement(q.String())
	}
}

// TestStatements: what the canonical journals run is what testdata/sql says, to the letter. After a change go test -update writes it
// anew; what it did to the statements is seen in the difference.
func TestStatements(t *testing.T) {
	t.Parallel()
	for name, c := range canonical {
		t.Run(name, func(t *testing.T) {
			s := &spoken{}
			s.b = newBench(t, "", func(q duck.Traced) {
				if s.on {
					s.statement(q.Text)
				}
			})
			fmt.Fprintf(&s.text, "-- %s\n", c.declaration)
			s.declare("declared", c.declaration, c.columns)
			c.do(s)
			file := filepath.Join("testdata", "sql", name+".sql")
			if *update {
				if err := os.WriteFile(file, []byte(s.text.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, old := strings.Split(s.text.String(), "\n"), strings.Split(string(want), "\n")
			for i := range max(len(got), len(old)) {
				g, w := "", ""
				if i < len(got) {
					g = got[i]
				}
				if i < len(old) {
					w = old[i]
				}
				if g != w {
					t.Fatalf("%s:%d\ngot  %s\nwant %s\ngo test ./journal -run TestStatements -update writes it anew", file, i+1, g, w)
				}
			}
		})
	}
}

// TestExplained: what EXPLAIN JOURNAL lists for a declaration that nothing was made of is what it lists once the tables are there, and
// DuckDB reads all of it.
func TestExplained(t *testing.T) {
	t.Parallel()
	for name, c := range canonical {
		t.Run(name, func(t *testing.T) {
			b, other := newBench(t, ""), newBench(t, "")
			b.mustDeclare(c.declaration, c.columns)
			cols := b.columns(c.columns)
			made, err := b.j.Statements(t.Context(), b.c, cols)
			if err != nil {
				t.Fatal(err)
			}
			likely, err := b.j.Statements(t.Context(), other.c, cols)
			if err != nil {
				t.Fatal(err)
			}
			if made != likely {
				t.Errorf("with tables:\n%s\nwithout:\n%s", made, likely)
			}
			src := sql.NewSource("listed.sql", made)
			if err := b.c.Parse(src, sql.Span{End: len(made)}); err != nil {
				t.Error(err)
			}
			for _, want := range []string{"INSERT INTO " + duck.Ident(b.j.decl.Name+"__now").String(), "$version", "To dsql.rejects", "__state"} {
				if !strings.Contains(made, want) {
					t.Errorf("nothing has %s:\n%s", want, made)
				}
			}
		})
	}
}
