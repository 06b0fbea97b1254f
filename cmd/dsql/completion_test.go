package main

import (
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func completionScript(t *testing.T, shell string) string {
	t.Helper()
	var out strings.Builder
	if code := Main([]string{"completion", shell}, nil, &out, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	return out.String()
}

func TestBashCompletion(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash to complete with")
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "my script.sql"), "")
	put(t, filepath.Join(dir, "x.sql"), "")
	put(t, filepath.Join(dir, "a dir", "y"), "")
	script := completionScript(t, "bash")
	for _, x := range []struct{ words, want []string }{ // the words before the cursor as bash splits them, and what the last can be
		{[]string{"dsql", "q"}, []string{"query"}},
		{[]string{"dsql", "run", "--d"}, []string{"--db", "--dry-run"}},
		{[]string{"dsql", "run", ""}, []string{"a dir", "my script.sql", "x.sql"}},
		{[]string{"dsql", "run", "--db", "my"}, []string{"my script.sql"}},
		{[]string{"dsql", "query", "SELECT 1", "--output", ""}, []string{"csv", "dot", "json", "jsonl", "junit", "markdown", "mermaid", "table"}},
		{[]string{"dsql", "query", "SELECT 1", "--output", "=", "m"}, []string{"markdown", "mermaid"}},
		{[]string{"dsql", "run", "--events", "="}, []string{"jsonl", "text"}},
		{[]string{"dsql", "query", "SELECT 1", "-o", "j"}, []string{"json", "jsonl", "junit"}},
		{[]string{"dsql", "-o", "csv", "comp"}, []string{"completion"}},
		{[]string{"dsql", "--col"}, []string{"--color"}},
		{[]string{"dsql", "completion", ""}, []string{"bash", "fish", "zsh"}},
		{[]string{"dsql", "init", ""}, []string{"a dir"}},
		{[]string{"dsql", "diff", ""}, nil},
	} {
		c := exec.Command(bash, append([]string{"--norc", "-c",
			script + "COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))\n_dsql\nfor r in \"${COMPREPLY[@]}\"; do echo \"$r\"; done", "bash"},
			x.words...)...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		got := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
		slices.Sort(got)
		if diff := cmp.Diff(x.want, got); diff != "" && len(x.want)+len(got) > 0 {
			t.Errorf("%q: %s", x.words, diff)
		}
	}
}

// fish prints what it would offer; zsh can only be asked to read the script.
func TestFishAndZshCompletion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "x.sql"), "")
	for _, shell := range []string{"fish", "zsh"} {
		put(t, filepath.Join(dir, shell), completionScript(t, shell))
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("no %s to read its script with", shell)
			continue
		}
		if out, err := exec.Command(path, "-n", filepath.Join(dir, shell)).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		if shell != "fish" {
			continue
		}
		for line, want := range map[string]string{"dsql q": "query", "dsql run --d": "--db --dry-run", "dsql run x": "x.sql",
			"dsql query 1 -o j": "json jsonl junit", "dsql run --db x": "x.sql", "dsql completion z": "zsh"} {
			c := exec.Command(path, "--no-config", "-c", `source fish; complete -C "`+line+`" | cut -f1 | string join " "; true`)
			c.Dir = dir
			if out, err := c.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != want {
				t.Errorf("%s: %s, want %s (%v)", line, out, want, err)
			}
		}
	}
	// Every command and flag is in every script.
	p, err := newParser(&cli{}, "", io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	m := describe(p)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		text := completionScript(t, shell)
		for _, c := range m.commands {
			for _, word := range append(long(m.all(c)...), c.name) {
				if word = strings.TrimPrefix(word, "--"); !strings.Contains(text, word) {
					t.Errorf("%s: no %s", shell, word)
				}
			}
		}
	}
}
