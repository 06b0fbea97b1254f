package quality

import (
	"testing"

	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/internal/testkit"
	"dsql/sql"
)

// A tree of another shape than DuckDB's of today is read as far as it goes.
func TestTreesOfAnotherShape(t *testing.T) {
	t.Parallel()
	db := testkit.Open(t, 1)
	exprs := []string{
		"max(a) FILTER (WHERE b > 1) < (SELECT count(*) FROM main.t AS x WHERE c IN (WITH d AS (FROM u) FROM d))",
		"list_sum(list_transform(list(a ORDER BY b), lambda x: x + c)) BETWEEN 1 AND row_number() OVER (PARTITION BY t.d)",
	}
	trees := make([]string, len(exprs))
	for i, e := range exprs {
		if _, err := db.Writer().Scan(t.Context(), duck.SQL("SELECT json_serialize_sql({q})::VARCHAR", duck.Args{"q": "SELECT " + e}),
			&trees[i]); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(exprs)-1).Draw(rt, "expression")
		got, err := tree.Parse(testkit.Mutate(rt, trees[i]), len(exprs[i])+len("SELECT "))
		if err != nil {
			return
		}
		root := only(got)
		if root == nil {
			return
		}
		src := sql.NewSource("t.sql", exprs[i])
		sp := sql.Span{End: len(exprs[i])}
		r := &reading{src: src, span: sp, top: -1, toks: sql.Tokens(src, sp)}
		r.use(got, -len("SELECT "), root)
		r.measured(func(event) bool { return true })
		for _, e := range r.events {
			switch e.kind {
			case call:
				r.extent(e.at)
			case column:
				r.nameEnd(e.at)
			}
		}
	})
}
