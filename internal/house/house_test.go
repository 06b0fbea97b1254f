package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// file is one of the project's Go files.
type file struct {
	path string // from the project's root
	text string
}

// files are those that git knows.
func files(t *testing.T) (out []file) {
	t.Helper()
	names, err := exec.Command("git", "-C", "../..", "ls-files", "*.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(names)) {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if os.IsNotExist(err) { // taken away, and not committed
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, file{name, string(text)})
	}
	if len(out) < 400 {
		t.Fatalf("only %d files", len(out))
	}
	return out
}

// parse gives the file's tree.
func (f file) parse(t *testing.T, set *token.FileSet) *ast.File {
	t.Helper()
	tree, err := parser.ParseFile(set, f.path, f.text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
