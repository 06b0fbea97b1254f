package house

import (
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// words are those that stand in braces in an SQL text: its placeholders, and what its templates name.
func words(text string) map[string]bool {
	out := map[string]bool{}
	depth := 0
	for i := 0; i < len(text); {
		switch text[i] {
		case '{':
			depth++
		case '}':
			depth--
		default:
			if w := word.FindString(text[i:]); w != "" {
				if depth > 0 {
					out[w] = true
				}
				i += len(w)
				continue
			}
		}
		i++
	}
	return out
}

var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*`)

// TestArguments sees that SQL has a use for each of its arguments. (One that a placeholder lacks panics where the text is filled.) Those that
// a call is given on the spot stand in its own text, those that a function keeps for several in one of these, and those that go further
// in one of the package's.
func TestArguments(t *testing.T) {
	t.Parallel()
	trees, set := map[string][]*ast.File{}, token.NewFileSet()
	for _, f := range files(t) {
		trees[path.Dir(f.path)] = append(trees[path.Dir(f.path)], f.parse(t, set))
	}
	given := 0
	for dir, of := range trees {
		p := newPackage(t, dir, of)
		unused := func(of map[string]token.Pos, in map[string]bool, where string) {
			for key, at := range of {
				given++
				if !in[key] {
					t.Errorf("%s: no text of %s has {%s}", set.Position(at), where, key)
				}
			}
		}
		for _, tree := range of {
			ast.Inspect(tree, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if text, known := p.text(n); known {
						for _, a := range n.Args[1:] {
							unused(keys(a), words(text), "the call")
						}
					}
				case *ast.FuncDecl:
					p.kept(n, func(args map[string]token.Pos, in map[string]bool) { unused(args, in, n.Name.Name) })
				case ast.Expr:
					unused(keys(n), p.words, dir)
				}
				return true
			})
		}
	}
	if given < 1000 {
		t.Errorf("only %d arguments found: has the way they are written changed?", given)
	}
}

// kept finds variables of a function that are arguments of its own texts and of nothing else.
func (p *sqlPackage) kept(fn *ast.FuncDecl, found func(map[string]token.Pos, map[string]bool)) {
	args, in := map[string]map[string]token.Pos{}, map[string]map[string]bool{}
	uses, own := map[string]int{}, map[string]int{} // how often it is named, and how often so that it goes no further
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if name, ok := n.Lhs[0].(*ast.Ident); ok && len(n.Rhs) == 1 && keys(n.Rhs[0]) != nil {
				if args[name.Name] != nil { // two of one name
					own[name.Name] = -1 << 20
				}
				args[name.Name] = keys(n.Rhs[0])
				own[name.Name]++
			}
		case *ast.IndexExpr:
			if name, ok := n.X.(*ast.Ident); ok {
				own[name.Name]++
			}
		case *ast.CallExpr:
			text, known := p.text(n)
			for i := 1; known && i < len(n.Args); i++ {
				if name, ok := n.Args[i].(*ast.Ident); ok {
					own[name.Name]++
					if in[name.Name] == nil {
						in[name.Name] = map[string]bool{}
					}
					maps.Copy(in[name.Name], words(text))
				}
			}
		case *ast.Ident:
			uses[n.Name]++
		}
		return true
	})
	for name, a := range args {
		if uses[name] == own[name] {
			found(a, in[name])
		}
	}
}

// text is that of a call of SQL, where it stands in the package.
func (p *sqlPackage) text(call *ast.CallExpr) (string, bool) {
	if !isSQL(call.Fun) || len(call.Args) < 2 {
		return "", false
	}
	return p.constant(call.Args[0])
}

// sqlPackage is what the texts of a package say.
type sqlPackage struct {
	consts map[string]ast.Expr
	words  map[string]bool // in braces, anywhere in it
}

func newPackage(t *testing.T, dir string, trees []*ast.File) *sqlPackage {
	t.Helper()
	p := &sqlPackage{map[string]ast.Expr{}, map[string]bool{}}
	take := func(text string) {
		for w := range words(text) {
			p.words[w] = true
		}
	}
	for _, tree := range trees {
		ast.Inspect(tree, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value)
				take(text)
			}
			return true
		})
		for _, d := range tree.Decls {
			if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.CONST {
				p.declared(d)
			}
		}
	}
	embedded, err := filepath.Glob(filepath.Join("../..", dir, "*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range embedded {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		take(string(text))
	}
	return p
}

// declared takes the package's constants.
func (p *sqlPackage) declared(d *ast.GenDecl) {
	for _, s := range d.Specs {
		if v, ok := s.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
			for i, name := range v.Names {
				p.consts[name.Name] = v.Values[i]
			}
		}
	}
}

// constant is the text of an expression, and whether all of it stands in the package.
func (p *sqlPackage) constant(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		a, ok := p.constant(e.X)
		b, too := p.constant(e.Y)
		return a + b, ok && too
	case *ast.ParenExpr:
		return p.constant(e.X)
	case *ast.Ident:
		if c := p.consts[e.Name]; c != nil {
			return p.constant(c)
		}
	}
	return "", false
}

// isSQL: duck.SQL, or SQL in duck itself.
func isSQL(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "SQL"
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		return ok && x.Name == "duck" && e.Sel.Name == "SQL"
	}
	return false
}

// keys are those of a literal of duck.Args.
func keys(e ast.Expr) map[string]token.Pos {
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	switch of := lit.Type.(type) {
	case *ast.Ident:
		ok = of.Name == "Args"
	case *ast.SelectorExpr:
		ok = of.Sel.Name == "Args"
	default:
		ok = false
	}
	if !ok {
		return nil
	}
	out := map[string]token.Pos{}
	for _, el := range lit.Elts {
		if kv, ok := el.(*ast.KeyValueExpr); ok {
			if k, ok := kv.Key.(*ast.BasicLit); ok {
				name, _ := strconv.Unquote(k.Value)
				out[name] = k.Pos()
			}
		}
	}
	return out
}
