package main

import (
	"io"
	"os"
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

// completionFolder is a folder with scripts and a file, and an environment in which dsql is this program.
func completionFolder(t *testing.T) (dir string, env []string) {
	t.Helper()
	dir = t.TempDir()
	put(t, filepath.Join(dir, "my script.sql"), "CREATE SOURCE legs_in (id INTEGER) FROM FILES ('x.csv');\nCREATE STREAM legs FROM legs_in;\n"+
		"CREATE JOURNAL planes KEYS (id) SEQUENCE BY id FROM legs_in;\nCREATE TEST some GIVEN legs_in AS (VALUES (1)) EXPECT (FROM legs) AS")
	put(t, filepath.Join(dir, "x.sql"), "CREATE STREAM other FROM legs_in;")
	put(t, filepath.Join(dir, "data.csv"), "id\n1\n")
	put(t, filepath.Join(dir, "a dir", "y"), "")
	bin := t.TempDir()
	put(t, filepath.Join(bin, "dsql"), "#!/bin/sh\nDSQL_TEST_AS_COMMAND=1 exec '"+os.Args[0]+"' \"$@\"\n")
	if err := os.Chmod(filepath.Join(bin, "dsql"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, run := range [][]string{{"run", "-q", "x.sql", "--db", "file.duckdb"}} {
		put(t, filepath.Join(dir, "x.sql"), "CREATE SOURCE stored_in (id INTEGER) FROM FILES ('data.csv');\nCREATE STREAM stored FROM stored_in;")
		if out, err := asCommand(t, dir, run...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return dir, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
}

// completed are words behind dsql, the last of which is completed, and what it can become.
var completed = []struct{ words, want []string }{
	{[]string{"q"}, []string{"query"}},
	{[]string{"run", "--d"}, []string{"--db", "--dry-run"}},
	{[]string{"run", ""}, []string{"a dir", "my script.sql", "x.sql"}},
	{[]string{"run", "x.sql", "m"}, []string{"my script.sql"}},
	{[]string{"run", "--db", "f"}, []string{"file.duckdb"}},
	{[]string{"query", "SELECT 1", "--output", ""}, []string{"csv", "json", "jsonl", "markdown", "table"}},
	{[]string{"query", "SELECT 1", "-o", "j"}, []string{"json", "jsonl"}},
	{[]string{"test", "x.sql", "-o", ""}, []string{"json", "junit", "table"}},
	{[]string{"graph", "x.sql", "-o", "d"}, []string{"dot"}},
	{[]string{"report", "-o", "d"}, []string{"data.csv"}},
	{[]string{"-o", "csv", "comp"}, []string{"completion"}},
	{[]string{"--col"}, []string{"--color"}},
	{[]string{"completion", ""}, []string{"bash", "fish", "zsh"}},
	{[]string{"completion", "zsh", ""}, nil},
	{[]string{"init", ""}, []string{"a dir"}},
	{[]string{"diff", ""}, []string{"legs", "planes", "stored"}},
	{[]string{"diff", "legs", ""}, nil},
	{[]string{"history", "p"}, []string{"planes"}},
	{[]string{"explain", "x"}, []string{"x.sql"}},
	{[]string{"explain", "x.sql", ""}, []string{"stored", "stored_in"}},
	{[]string{"explain", "my script.sql", "p"}, []string{"planes"}},
	{[]string{"test", "my script.sql", "--only", ""}, []string{"some"}},
	{[]string{"checks", "--db", "file.duckdb", "s"}, []string{"stored"}},
	{[]string{"check", "my script.sql", "--select", "l"}, []string{"legs", "legs_in"}},
	{[]string{"help", "CREATE J"}, []string{"CREATE JOURNAL"}},
}

func TestBashCompletion(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash to complete with")
	}
	dir, env := completionFolder(t)
	script := completionScript(t, "bash")
	split := []struct{ words, want []string }{ // as bash splits words at =
		{[]string{"query", "SELECT 1", "--output", "=", "m"}, []string{"markdown"}},
		{[]string{"run", "--events", "="}, []string{"jsonl", "text"}},
	}
	for _, x := range append(split, completed...) {
		c := exec.Command(bash, append([]string{"--norc", "-c",
			script + "COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))\n_dsql\nfor r in \"${COMPREPLY[@]}\"; do echo \"$r\"; done", "bash", "dsql"},
			x.words...)...)
		c.Dir, c.Env = dir, env
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

// fish prints what it would offer.
func TestFishCompletion(t *testing.T) {
	t.Parallel()
	fish, err := exec.LookPath("fish")
	if err != nil {
		t.Skip("no fish to complete with")
	}
	dir, env := completionFolder(t)
	put(t, filepath.Join(dir, "y", "fish"), completionScript(t, "fish"))
	for _, x := range append([]struct{ words, want []string }{{[]string{"query", "--output=m"}, []string{"--output=markdown"}}}, completed...) {
		if x.words[0] == "help" || x.words[0] == "init" { // it offers folders of CDPATH too
			continue
		}
		line := "dsql"
		for i, w := range x.words {
			if i < len(x.words)-1 {
				w = strings.ReplaceAll(w, " ", `\ `)
			}
			line += " " + w
		}
		c := exec.Command(fish, "--no-config", "-c", `source y/fish; complete -C "$LINE" | cut -f1; true`)
		c.Dir, c.Env = dir, append(env, "LINE="+line, "HOME="+t.TempDir())
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		got := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
		for i := range got {
			got[i] = strings.TrimSuffix(got[i], "/")
		}
		got = slices.DeleteFunc(got, func(s string) bool { return s == "y" })
		slices.Sort(got)
		if diff := cmp.Diff(x.want, got); diff != "" && len(x.want)+len(got) > 0 {
			t.Errorf("%s: %s", line, diff)
		}
	}
}

// Every command and flag is offered, with what it does.
func TestCompletionIsWhole(t *testing.T) {
	t.Parallel()
	p, err := newParser(&cli{}, "", io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	offered := func(words ...string) string {
		var out strings.Builder
		if code := Main(append([]string{"__complete"}, words...), nil, &out, io.Discard); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		return "\n" + out.String()
	}
	m := describe(p)
	for _, c := range m.commands {
		if !strings.Contains(offered(""), "\n"+c.name+"\t"+c.help) {
			t.Errorf("no %s in %s", c.name, offered(""))
		}
		flags := offered(c.name, "-")
		for _, f := range m.all(c) {
			if !strings.Contains(flags, "\n--"+f.name+"\t") {
				t.Errorf("%s: no --%s in %s", c.name, f.name, flags)
			}
		}
	}
}
