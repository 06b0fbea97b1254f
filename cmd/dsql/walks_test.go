package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var walkLine = regexp.MustCompile("(?m)^ *- `([^`]+)`$")

// The walks in DESIGN.md are those of the code: each function is there, and → leads to one that is called where it starts.
func TestWalks(t *testing.T) {
	t.Parallel()
	_, text, ok := strings.Cut(read(t, "../../DESIGN.md"), "## Three walks\n")
	if !ok {
		t.Fatal("DESIGN.md has no walks")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	funcs := map[string]map[string]bool{} // "run.runner.write" → what its body calls, by name
	for _, dir := range []string{"ingest/files", "ingest/kafka", "ingest/batch", "ingest/convert", "ingest/format/csv", "ingest/format/json",
		"pipeline/run", "rules", "quality", "stream", "journal"} {
		functionsOf(t, dir, funcs)
	}
	seen := 0
	for _, m := range walkLine.FindAllStringSubmatch(text, -1) {
		stations := strings.Split(m[1], " → ")
		for i, s := range stations {
			if seen++; funcs[s] == nil {
				t.Errorf("there is no function %s", s)
				continue
			}
			if name := s[strings.LastIndex(s, ".")+1:]; i > 0 && funcs[stations[i-1]] != nil && !funcs[stations[i-1]][name] {
				t.Errorf("%s doesn't call %s", stations[i-1], s)
			}
		}
	}
	if seen < 30 {
		t.Errorf("the walks have %d stations", seen)
	}
}

func functionsOf(t *testing.T, dir string, funcs map[string]map[string]bool) {
	t.Helper()
	entries, err := os.ReadDir("../../" + dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", dir, e.Name()), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := fn.Name.Name
			if fn.Recv != nil {
				typ := fn.Recv.List[0].Type
				if star, ok := typ.(*ast.StarExpr); ok {
					typ = star.X
				}
				if id, ok := typ.(*ast.Ident); ok {
					name = id.Name + "." + name
				}
			}
			calls := map[string]bool{}
			ast.Inspect(fn, func(n ast.Node) bool {
				if c, ok := n.(*ast.CallExpr); ok {
					switch f := c.Fun.(type) {
					case *ast.Ident:
						calls[f.Name] = true
					case *ast.SelectorExpr:
						calls[f.Sel.Name] = true
					}
				}
				return true
			})
			funcs[f.Name.Name+"."+name] = calls
		}
	}
}
