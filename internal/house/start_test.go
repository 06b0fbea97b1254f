package house

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestStart: what a package makes when it is loaded, every command waits for. Regular expressions are the worst of it, and mostly for
// errors; lazy.Regexp compiles them at their first use, so that they compile is seen here.
func TestStart(t *testing.T) {
	t.Parallel()
	set := token.NewFileSet()
	lazy := 0
	for _, f := range files(t) {
		if strings.HasSuffix(f.path, "_test.go") || !strings.Contains(f.text, "regexp.MustCompile") && !strings.Contains(f.text, "lazy.Regexp") {
			continue
		}
		for _, d := range f.parse(t, set).Decls {
			v, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			ast.Inspect(v, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncLit:
					return false
				case *ast.CallExpr:
					switch name(n.Fun) {
					case "regexp.MustCompile":
						if first := strings.Split(path.Dir(f.path), "/")[0]; first != "torture" && first != "internal" && first != "bench" {
							t.Errorf("%s compiles a regular expression at the start of every command: lazy.Regexp", set.Position(n.Pos()))
						}
					case "lazy.Regexp":
						lazy++
						if text, whole := constant(n.Args[0]); whole {
							if _, err := regexp.Compile(text); err != nil {
								t.Errorf("%s: %s", set.Position(n.Pos()), err)
							}
						}
					}
				}
				return true
			})
		}
	}
	if lazy < 30 {
		t.Errorf("only %d were looked at", lazy)
	}
}

// name is that of a function of another package.
func name(fun ast.Expr) string {
	if s, ok := fun.(*ast.SelectorExpr); ok {
		if p, ok := s.X.(*ast.Ident); ok {
			return p.Name + "." + s.Sel.Name
		}
	}
	return ""
}

// constant is the text of literals that are joined.
func constant(e ast.Expr) (text string, whole bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		x, a := constant(e.X)
		y, b := constant(e.Y)
		return x + y, a && b
	}
	return "", false
}
