package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"dsql/pipeline"
	"dsql/sql"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var codeInSource = regexp.MustCompile(`(?:Code: +|\.Code(?:, e\.Msg)?(?:, e\.Hint)? = |fail\((?:[^,"()]+, )?)"([a-z]+(?:-[a-z]+)*)"`)

// Every error code that stands in the source has its paragraph in docs/errors.md.
func TestErrorCodesAreDocumented(t *testing.T) {
	t.Parallel()
	doc := read(t, "../../docs/errors.md")
	files, err := exec.Command("git", "-C", "../..", "ls-files", "*.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range strings.Fields(string(files)) {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		for _, m := range codeInSource.FindAllStringSubmatch(read(t, "../../"+f), -1) {
			seen++
			if !strings.Contains(doc, "**`"+m[1]+"`**") {
				t.Errorf("%s: the code %s is not in docs/errors.md", f, m[1])
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d codes found: has the way they are written changed?", seen)
	}
}

// docs/reference.md is what the syntax table says. UPDATE=1 writes it.
func TestReference(t *testing.T) {
	t.Parallel()
	want := sql.Reference(pipeline.Syntaxes())
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("../../docs/reference.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, "../../docs/reference.md") != want {
		t.Error("docs/reference.md differs from the syntax table; run: UPDATE=1 go test ./cmd/dsql -run TestReference")
	}
}
