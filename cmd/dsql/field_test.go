package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestField runs the cases of testdata/field/AREA/NAME: what people reported of tools like this one, or met with it, each with what is
// right.
//
//	source.txt   what happened, and why the right answer is right
//	s.sql        the script (or s1.sql, s2.sql …: one after the other on the same file), its inputs beside it
//	topics.jsonl topics of a cluster, whose address is in $BROKERS, and their records (see fieldTopic)
//	steps.sh     where there is one it runs instead, with the command as $DSQL
//	ask.sql      a query on the file afterwards; want.csv is what it must give (or ask1.sql, want1.csv …)
//	cmd          arguments of one more command on the file; want_out is what it must print
//	exit         the exit code of the last script, where it isn't 0; one before it may close a gate (3)
//	stderr_has   texts that its stderr must have, one a line
func TestField(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("../../testdata/field/*/*/source.txt")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, c := range cases {
		dir := filepath.Dir(c)
		t.Run(filepath.Base(filepath.Dir(dir))+"/"+filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			fieldCase(t, dir)
		})
	}
}

func fieldCase(t *testing.T, dir string) {
	work := t.TempDir()
	if err := os.CopyFS(work, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	settled := time.Now().Add(-time.Hour) // no file is one that is still being written
	if err := filepath.WalkDir(work, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(name, settled, settled))
	}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"want*.csv", "source.txt"} { // no input of a case
		files, _ := filepath.Glob(filepath.Join(work, name))
		for _, f := range files {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	var stderr string
	env := append(os.Environ(), fieldBrokers(t, dir)...)
	run := func(name string, args ...string) (int, string) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = work, append(env, "DSQL_TEST_AS_COMMAND=1", "DSQL="+os.Args[0])
		var out, told bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &told
		err := cmd.Run()
		var e *exec.ExitError
		if err != nil && !errors.As(err, &e) {
			t.Fatal(err)
		}
		stderr = told.String()
		return cmd.ProcessState.ExitCode(), out.String()
	}
	want := 0
	if text := fieldText(t, work, "exit"); text != "" {
		var err error
		if want, err = strconv.Atoi(strings.TrimSpace(text)); err != nil {
			t.Fatal(err)
		}
	}
	if fieldText(t, work, "steps.sh") != "" {
		if code, _ := run("bash", "steps.sh"); code != want {
			t.Fatalf("steps.sh: exit code %d, want %d: %s", code, want, stderr)
		}
	} else {
		scripts, _ := filepath.Glob(filepath.Join(work, "s*.sql"))
		for i, s := range scripts {
			code, _ := run(os.Args[0], "run", filepath.Base(s), "--db", "x.duckdb", "--quiet")
			if last := i == len(scripts)-1; last && code != want || !last && code != 0 && code != 3 {
				t.Fatalf("%s: exit code %d, want %d: %s", filepath.Base(s), code, want, stderr)
			}
		}
	}
	for _, has := range strings.Split(fieldText(t, work, "stderr_has"), "\n") {
		if !strings.Contains(stderr, has) {
			t.Errorf("stderr lacks %q: %s", has, stderr)
		}
	}
	asks, _ := filepath.Glob(filepath.Join(work, "ask*.sql"))
	for _, ask := range asks {
		name := strings.Replace(strings.Replace(filepath.Base(ask), "ask", "want", 1), ".sql", ".csv", 1)
		code, out := run(os.Args[0], "query", "--db", "x.duckdb", "--output", "csv", fieldText(t, work, filepath.Base(ask)))
		if wanted := fieldText(t, dir, name); wanted == "" && code == 0 ||
			wanted != "" && (code != 0 || strings.TrimSpace(out) != strings.TrimSpace(wanted)) {
			t.Errorf("%s gives (exit code %d)\n%s%s\nwant\n%s", filepath.Base(ask), code, out, stderr, wanted)
		}
	}
	if args := fieldText(t, work, "cmd"); args != "" {
		code, out := run("bash", "-c", `"$DSQL" `+args)
		if wanted := fieldText(t, work, "want_out"); code != 0 || wanted != "" && strings.TrimSpace(out) != strings.TrimSpace(wanted) {
			t.Errorf("%s gives (exit code %d)\n%s%s\nwant\n%s", args, code, out, stderr, wanted)
		}
	}
}

// fieldText is a file of a case, "" where there is none.
func fieldText(t *testing.T, dir, name string) string {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}
