package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// turns are the arrows between files of a package that run back: what each of the two does needs the other.
var turns = []string{
	"ingest/batch: format.go → landing.go",      // a format makes decoders for a landing, which has a format
	"ingest/format/json: object.go → nested.go", // values are nested
}

// In each package of ingest there is an order of its files in which all that one needs of another stands below it: the code can be read
// from top to bottom.
func TestFilesReadDown(t *testing.T) {
	t.Parallel()
	seen := 0
	err := filepath.WalkDir("../../ingest", func(dir string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			if name, _ := filepath.Rel("../..", dir); name != "" {
				seen += readsDown(t, dir, filepath.ToSlash(name))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 300 {
		t.Errorf("%d arrows were found", seen)
	}
}

// readsDown takes away the files that need none of those that are left; what stays goes around in a ring. It says how many arrows there are.
func readsDown(t *testing.T, dir, name string) (arrows int) {
	t.Helper()
	needs := filesNeeded(t, dir)
	for from, to := range needs {
		for f := range to {
			if arrows++; slices.Contains(turns, name+": "+from+" → "+f) {
				delete(to, f)
			}
		}
	}
	for some := true; some; {
		some = false
		for f, to := range needs {
			if len(to) > 0 {
				continue
			}
			delete(needs, f)
			for _, others := range needs {
				delete(others, f)
			}
			some = true
		}
	}
	for f, to := range needs {
		for other, why := range to {
			t.Errorf("%s: %s needs %s (%s), which leads back to it", name, f, other, why)
		}
	}
	return arrows
}

// filesNeeded are the files of a package with those that each needs, and a name that it needs there. What comes from other packages isn't
// looked at.
func filesNeeded(t *testing.T, dir string) map[string]map[string]string {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{}
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, p, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		out[filepath.Base(p)] = map[string]string{}
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	conf := types.Config{Importer: nowhere{}, Error: func(error) {}, FakeImportC: true}
	pkg, _ := conf.Check(dir, fset, files, info) // complains of all that is imported
	file := func(p token.Pos) string { return filepath.Base(fset.Position(p).Filename) }
	for id, o := range info.Uses {
		v, isVar := o.(*types.Var)
		_, isImport := o.(*types.PkgName)
		if o.Pkg() != pkg || !o.Pos().IsValid() || isImport || isVar && !v.IsField() && v.Parent() != pkg.Scope() {
			continue
		}
		if from, to := file(id.Pos()), file(o.Pos()); from != to {
			out[from][to] = o.Name()
		}
	}
	return out
}

// nowhere has no packages.
type nowhere struct{}

func (nowhere) Import(string) (*types.Package, error) { return nil, errors.New("it isn't looked at") }
