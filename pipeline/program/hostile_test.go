package program

import (
	"testing"

	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/internal/testkit"
	"dsql/sql"
)

// A tree of another shape than DuckDB's of today is read as far as it goes: nothing panics, nothing runs forever.
func TestTreesOfAnotherShape(t *testing.T) {
	t.Parallel()
	db := testkit.Open(t, 1)
	of := &Node{Kind: "source", Name: "s", Cols: []duck.Column{{Name: "id", Type: "INTEGER"}, {Name: "w", Type: "VARCHAR"}}}
	sc := &scope{p: &Program{Nodes: []*Node{of}}, conn: db.Writer()}
	queries := []string{
		"WITH c(a, b) AS (SELECT DISTINCT id, w FROM s) SELECT *, b, count(*) OVER () FROM c AS d(x, y) JOIN p USING (x) GROUP BY ALL HAVING " +
			"max(b) > 1 LIMIT 3",
		"WITH c AS (FROM s) SELECT id, upper(w) AS w, orphans(id, p.id) FROM c UNION ALL BY NAME SELECT COLUMNS('i.*') FROM (SELECT * EXCLUDE " +
			"(w) RENAME (id AS u) FROM s) AS d(k)",
		"SELECT * REPLACE (f(w) AS w), list_transform(l, lambda x: x + id) FROM s WHERE id IN (SELECT a FROM p) QUALIFY row_number() OVER () = 1",
		"WITH RECURSIVE r AS (SELECT id FROM s UNION ALL SELECT id + 1 FROM r) SELECT query_table('x'), (DESCRIBE p) FROM r, read_csv('a')",
	}
	trees := make([]string, len(queries))
	for i, q := range queries {
		if _, err := db.Writer().Scan(t.Context(), duck.SQL("SELECT json_serialize_sql({q})::VARCHAR", duck.Args{"q": q}),
			&trees[i]); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(queries)-1).Draw(rt, "query")
		read, err := tree.Parse(testkit.Mutate(rt, trees[i]), len(queries[i]))
		if err != nil || len(read.Queries) != 1 {
			return
		}
		b := &body{src: sql.NewSource("t.sql", queries[i]), span: sql.Span{End: len(queries[i])}, fresh: -1}
		if b.names, err = sc.treeRefs(t.Context(), read); err != nil {
			rt.Fatal(err)
		}
		if b.use(read, nil); b.choose() != nil {
			return
		}
		in := &Input{Of: of, body: b}
		in.copies()
		in.withMeta()
		if b.spots = b.metaSpots(); b.query(duck.SQL("x")) == nil {
			rt.Fatal("no query")
		}
		f := groupFinder{tree: read, fresh: []int{b.freshAt()}, known: map[*tree.CTE]bool{}}
		f.node(read.Queries[0])
	})
}

// Common table expressions that double at each step are gone through once.
func TestTreesThatDouble(t *testing.T) {
	t.Parallel()
	db := testkit.Open(t, 1)
	of := &Node{Kind: "source", Name: "s", Cols: []duck.Column{{Name: "id", Type: "INTEGER"}}}
	sc := &scope{p: &Program{Nodes: []*Node{of}}, conn: db.Writer()}
	query, last := "WITH c0 AS (FROM s)", "c0"
	for i := range 60 {
		next := "c" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		query, last = query+", "+next+" AS (FROM "+last+" a JOIN "+last+" b USING (id))", next
	}
	query += " SELECT count(*) FROM " + last
	b, err := sc.analyze(t.Context(), sql.NewSource("t.sql", query), sql.Span{End: len(query)})
	if err != nil {
		t.Fatal(err)
	}
	in := &Input{Of: of, body: b}
	in.copies()
	in.withMeta()
	e, err := in.perBatch(t.Context(), db.Writer(), &Node{Name: "d", Obj: nothing{}})
	if err != nil || e == nil {
		t.Error(e, err)
	}
}

type nothing struct{}

func (nothing) Decl() *sql.Decl { return &sql.Decl{} }
