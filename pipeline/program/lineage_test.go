package program

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/sql"
)

// What a query hands on as it is, and what it computes.
func TestLineage(t *testing.T) {
	t.Parallel()
	db, err := duck.Open(t.Context(), "", duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	of := &Node{Kind: "source", Name: "s",
		Cols: []duck.Column{{Name: "id", Type: "INTEGER"}, {Name: "v", Type: "VARCHAR"}, {Name: "w", Type: "VARCHAR"}}}
	p := &Program{Nodes: []*Node{of}}
	s := &scope{p: p, conn: db.Writer()}
	for _, x := range []struct{ query, want string }{
		{"SELECT * FROM s", "id=id v=v w=w"},
		{"FROM s", "id=id v=v w=w"},
		{"SELECT id, w FROM s", "id=id w=w"},
		{"SELECT id, S.W AS w2 FROM s", "id=id w2=w"},
		{"SELECT x.w FROM s AS x", "w=w"},
		{"SELECT id, coalesce(w, 'none') AS w FROM s", "id=id"},
		{"SELECT id, w::VARCHAR AS w FROM s", "id=id"},
		{"SELECT * EXCLUDE (w), upper(w) AS w FROM s", "id=id v=v"},
		{"SELECT * EXCLUDE (s.w) FROM s", "id=id v=v"},
		{"SELECT * REPLACE (coalesce(w, 'none') AS w) FROM s", "id=id v=v"},
		{"SELECT * RENAME (w AS u) FROM s", "id=id u=w v=v"},
		{"SELECT COLUMNS('id|w') FROM s", "id=id v=v w=w"}, // a name that isn't there does no harm
		{"SELECT COLUMNS('id|v'), coalesce(w, 'none') AS w FROM s", "id=id v=v"},
		{"SELECT coalesce(COLUMNS(*), 'none') FROM s", ""},
		{"SELECT id, coalesce(COLUMNS('[vw]'), 'none') FROM s", "id=id"},
		{"SELECT id, v AS w, w AS v FROM s", "id=id v=w w=v"},
		{"WITH c AS (SELECT * FROM s) SELECT id, w FROM c", "id=id w=w"},
		{"WITH c AS (SELECT id, upper(w) AS w FROM s) SELECT * FROM c", "id=id"},
		{"WITH c(a, b, c) AS (SELECT * FROM s) SELECT * FROM c", "a=id b=v c=w"},
		{"SELECT * FROM (SELECT id, w FROM s) AS d(k, l)", "k=id l=w"},
		{"SELECT s.*, p.w AS other FROM s JOIN p USING (id)", "id=id v=v w=w"},
		{"SELECT p.w, s.id FROM s LEFT JOIN p USING (id)", "id=id"},
		{"SELECT id, w FROM s UNION ALL SELECT id, v FROM p", ""},
		{"SELECT w, count(*) AS n FROM s GROUP BY w", "w=w"},
		{"SELECT id, any_value(w) AS w FROM s GROUP BY id", "id=id"},
	} {
		src := sql.NewSource("t.sql", x.query)
		b, err := s.analyze(t.Context(), src, sql.Span{End: len(x.query)})
		if err != nil {
			t.Errorf("%s: %v", x.query, err)
			continue
		}
		var got []string
		copies := (&Input{Of: of, body: b}).copies()
		for _, name := range slices.Sorted(maps.Keys(copies)) {
			if copies[name] != "" {
				got = append(got, fmt.Sprintf("%s=%s", name, copies[name]))
			}
		}
		if text := strings.Join(got, " "); text != x.want {
			t.Errorf("%s\ngot  %s\nwant %s", x.query, text, x.want)
		}
	}
}
