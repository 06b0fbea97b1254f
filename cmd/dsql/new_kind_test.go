package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A new kind of declaration is one file and one line in the list of kinds, as CONTRIBUTING.md has it: the patch is applied to a copy of
// the project, which is built and run.
func TestNewKind(t *testing.T) {
	t.Parallel()
	patch, err := filepath.Abs("../../testdata/patches/new_kind.patch")
	if err != nil {
		t.Fatal(err)
	}
	tree, work := t.TempDir(), t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "cmd", "connect", "demo", "endpoint", "engine", "ingest", "internal", "journal", "models", "pipeline", "quality",
		"rules", "serve", "sinks", "sql", "stream", "torture"} {
		copyTree(t, filepath.Join("../..", name), filepath.Join(tree, name))
	}
	in := func(dir, name string, args ...string) string {
		t.Helper()
		c := exec.Command(name, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(tree), "NO_COLOR=1")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	changed := in(tree, "git", "apply", "--numstat", "--apply", patch)
	if lines := strings.Count(changed, "\n"); lines != 2 {
		t.Errorf("the patch changes %d files:\n%s", lines, changed)
	}
	dsql := filepath.Join(work, "dsql")
	in(tree, "go", "build", "-o", dsql, "./cmd/dsql")
	script := "CREATE NOTE welcome TEXT 'ask first';\nSELECT text FROM welcome;\nSHOW NOTES;\nDROP NOTE welcome;\n"
	if err := os.WriteFile(filepath.Join(work, "s.sql"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	out := in(work, dsql, "run", "s.sql", "--db", "x.duckdb")
	for _, want := range []string{"ask first", "declared note welcome", "CREATE NOTE welcome TEXT 'ask first'", "dropped note welcome"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// copyTree copies the files of a folder, or one file.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if info, err := os.Stat(from); err != nil {
		t.Fatal(err)
	} else if info.IsDir() {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
