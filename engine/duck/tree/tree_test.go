package tree_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/internal/testkit"
)

// show writes a node and what is in it, a line each.
func show(b *strings.Builder, t *tree.Tree, n tree.Node, depth int) {
	what := ""
	switch n := n.(type) {
	case *tree.Select:
		what = fmt.Sprintf("list %d, from %T, groups %d all %v, modifiers %v, where %v having %v qualify %v, ctes %d", len(n.List), n.From,
			len(n.Groups), n.ByAll, n.Modifiers,
			n.Where != nil, n.Having != nil, n.Qualify != nil, len(n.CTEs))
	case *tree.SetOperation:
		what = fmt.Sprintf("%T %T by name %v recursive %v %v", n.Left, n.Right, n.ByName, n.Recursive, n.Modifiers)
	case *tree.Table:
		what = fmt.Sprintf("%d %q.%q %q cte %v shown %v", n.At, n.Schema, n.Name, n.Columns, t.CTE(n) != nil, n.Shown)
	case *tree.Join:
		what = fmt.Sprintf("%d %s %s condition %v", n.At, n.Type, n.Ref, n.Condition != nil)
	case *tree.Subquery:
		what = fmt.Sprintf("%d %q from %v child %T %T", n.At, n.Columns, n.InFrom, n.Child, n.Query)
	case *tree.Call:
		what = fmt.Sprintf("%d %s operator %v, arguments %d", n.At, n.Name, n.Operator, len(n.Args))
	case *tree.ColumnRef:
		what = fmt.Sprintf("%d %q", n.At, n.Path)
	case *tree.Star:
		what = fmt.Sprintf("%q columns %v exclude %q replace %q %d rename %v", n.Relation, n.Columns, n.Exclude, n.Replaced, len(n.Replace),
			n.Rename)
	case *tree.Constant:
		what = fmt.Sprintf("%q %v", n.Text, n.IsText)
	case *tree.Parameter:
		what = n.Name
	case *tree.Lambda:
		what = fmt.Sprintf("%q %T", n.Params, n.Body)
	case *tree.Window:
		what = fmt.Sprintf("%d %s by %d, in the order of %d, ahead %v", n.At, n.Name, len(n.Partitions), len(n.Orders), n.Ahead)
	case *tree.Other:
		what = fmt.Sprintf("%d %s %s", n.At, n.Class, n.Type)
	}
	fmt.Fprintf(b, "%s%s", strings.Repeat("  ", depth), strings.TrimSpace(strings.TrimPrefix(fmt.Sprintf("%T", n), "*tree.")+" "+what))
	if n.As() != "" {
		fmt.Fprintf(b, " as %q", n.As())
	}
	b.WriteString("\n")
	for _, p := range n.Parts() {
		show(b, t, p, depth+1)
	}
}

func open(t testing.TB) *duck.Conn { return testkit.Open(t, 1).Writer() }

func TestTree(t *testing.T) {
	t.Parallel()
	c := open(t)
	testkit.Golden(t, filepath.Join("testdata", "trees.txt"), func(query string) string {
		got, err := tree.Read(t.Context(), c, query)
		if err != nil {
			t.Fatal(query, err)
		}
		if got.Refused != "" {
			return "refused: " + got.Refused + "\n"
		}
		var b strings.Builder
		for _, n := range got.Queries {
			show(&b, got, n, 0)
		}
		return b.String()
	})
}

// What is no tree of DuckDB's is an error, or a tree with less in it.
func FuzzParse(f *testing.F) {
	c := open(f)
	cases, err := os.ReadFile(filepath.Join("testdata", "trees.txt"))
	if err != nil {
		f.Fatal(err)
	}
	for _, q := range strings.Split(string(cases), "\n") {
		var text string
		if _, err := c.Scan(f.Context(), duck.SQL("SELECT json_serialize_sql({q})::VARCHAR", duck.Args{"q": q}), &text); err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, text := range []string{`{"statements":[{"node":{"type":"SELECT_NODE","cte_map":{"map":[{},3,{"key":"a"}]},"from_table":{"type":"JOIN","left":7}}}]}`,
		`{"statements":[null,[],"a",{"node":null},{"class":"LAMBDA"},{"class":"COLUMN_REF","column_names":[]},{"type":"TABLE_FUNCTION"},` +
			`{"class":"STAR","rename_list":[1]}]}`,
		`{"error":true}`, `[]`, `{`, `{"statements":{}}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := tree.Parse(text, 1000)
		if err != nil {
			return
		}
		var b strings.Builder
		for _, n := range got.Queries {
			if n != nil {
				show(&b, got, n, 0)
			}
		}
	})
}
