package main

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every command has examples in its help, which can be run as they stand: the words in front of two blanks, by a shell.
func TestExamplesParse(t *testing.T) {
	t.Parallel()
	p, err := newParser(&cli{}, "", io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range describe(p).commands {
		var help strings.Builder
		Main([]string{c.name, "--help"}, nil, &help, io.Discard)
		if len(examples[c.name]) == 0 || !strings.Contains(help.String(), "\nExamples:\n  "+examples[c.name][0]) {
			t.Errorf("%s has no examples in its help: %s", c.name, help.String())
		}
		for _, e := range examples[c.name] {
			line, _, _ := strings.Cut(e, "   ")
			words, err := exec.Command("sh", "-c", `dsql() { printf '%s\n' "$@"; }; `+line).Output()
			if err != nil {
				t.Fatal(err)
			}
			args := strings.Split(strings.TrimSuffix(string(words), "\n"), "\n")
			if args[0] != c.name {
				t.Errorf("%s is an example of %s", line, c.name)
			}
			called, err := newParser(&cli{}, args[0], io.Discard, io.Discard)
			if err == nil {
				_, err = called.Parse(toFile(args))
			}
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

// The manual has every command and flag, and man shows it without a complaint.
func TestManual(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	if code := Main([]string{"help", "--man"}, nil, &page, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	p, err := newParser(&cli{}, "", io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	m := describe(p)
	for _, c := range m.commands {
		if !strings.Contains(page.String(), fmt.Sprintf(".SS \"dsql %s", c.name)) {
			t.Errorf("no %s", c.name)
		}
		for _, f := range append(c.flags, m.flags...) {
			if !strings.Contains(page.String(), roff("--"+f.name)) {
				t.Errorf("no --%s", f.name)
			}
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("no groff to show it with")
	}
	file := filepath.Join(t.TempDir(), "dsql.1")
	put(t, file, page.String())
	c := exec.Command(groff, "-man", "-Tascii", "-ww", "-z", file)
	if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}
