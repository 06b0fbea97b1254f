package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dsql/engine/duck"
)

// slowRun starts a command that takes a file of many batches, each delayed a little before its commit, and returns when the first version
// is told.
func slowRun(t *testing.T, dir string, args ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	c := asCommand(t, dir, args...)
	c.Env = append(c.Env, "DSQL_FAULT=delay:before-commit:0")
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "version 1:") {
			return c, lines
		}
	}
	t.Fatal("no version was told")
	return nil, nil
}

func interruptDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "s.sql"),
		"CREATE SOURCE s (id INTEGER) FROM FILES ('in/*.csv', format csv, header true, batch_rows 10);\nCREATE STREAM t FROM s;\n")
	var rows strings.Builder
	rows.WriteString("id\n")
	for i := range 300 {
		fmt.Fprintln(&rows, i)
	}
	put(t, filepath.Join(dir, "in", "1.csv"), rows.String())
	return dir
}

func counts(t *testing.T, dir string) (rows, versions int64) {
	t.Helper()
	db, err := duck.Open(t.Context(), filepath.Join(dir, "s.duckdb"), duck.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Writer().Scan(t.Context(), duck.SQL("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM dsql.versions)"), &rows,
		&versions); err != nil {
		t.Fatal(err)
	}
	return rows, versions
}

// The first Ctrl-C lets the batch in hand be committed, the second rolls it back; the next run goes on where that one stopped. So it
// is with `dsql exec`.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		signals []os.Signal
		args    []string
	}{
		{[]os.Signal{os.Interrupt}, []string{"run", "s.sql"}},
		{[]os.Signal{syscall.SIGTERM}, []string{"run", "s.sql"}},
		{[]os.Signal{os.Interrupt, os.Interrupt}, []string{"run", "s.sql"}},
		{[]os.Signal{os.Interrupt}, []string{"exec"}},
	} {
		t.Run(fmt.Sprint(x.args[0], x.signals), func(t *testing.T) {
			t.Parallel()
			dir := interruptDir(t)
			if x.args[0] == "exec" { // on a file that is there
				first := asCommand(t, dir, "run", "--db", "s.duckdb", "-")
				first.Stdin = strings.NewReader("SELECT 1")
				if out, err := first.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				x.args = append(x.args, read(t, filepath.Join(dir, "s.sql"))+"REFRESH")
			}
			c, lines := slowRun(t, dir, x.args...)
			for i, s := range x.signals {
				if err := c.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				for i == 0 && lines.Scan() && !strings.HasPrefix(lines.Text(), "stopping after this batch") {
				}
			}
			for lines.Scan() {
			}
			if err := c.Wait(); c.ProcessState.ExitCode() != 130 {
				t.Errorf("exit code %d (%v)", c.ProcessState.ExitCode(), err)
			}
			rows, versions := counts(t, dir)
			if rows != 10*versions || rows == 0 || rows == 300 {
				t.Errorf("%d rows in %d versions", rows, versions)
			}
			if out, err := asCommand(t, dir, "run", "s.sql", "-q").CombinedOutput(); err != nil {
				t.Fatalf("the next run: %v\n%s", err, out)
			}
			if rows, _ := counts(t, dir); rows != 300 {
				t.Errorf("%d rows in the end", rows)
			}
		})
	}
}

// A script of 100 MB of garbage, and one with a NUL byte, are refused with a clear error and bounded memory.
func TestGarbage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "big.sql"), strings.Repeat("gar\x01b'age; $$ \"x /* (", 5<<20))
	put(t, filepath.Join(dir, "nul.sql"), "SELECT 1;\nSELECT 'a\x00b';\n")
	for script, want := range map[string]string{"big.sql": "[script-too-large]", "nul.sql": "nul.sql:2:10: error"} {
		c := asCommand(t, dir, "run", script)
		c.Env = append(c.Env, "DSQL_TEST_PEAK="+filepath.Join(dir, "status"))
		out, _ := c.CombinedOutput()
		if code := c.ProcessState.ExitCode(); code != 2 || !strings.Contains(string(out), want) {
			t.Errorf("%s: exit code %d\n%.500s", script, code, out)
		}
		_, peak, found := strings.Cut(read(t, filepath.Join(dir, "status")), "VmHWM:")
		var kb int
		if _, err := fmt.Sscan(peak, &kb); err != nil || !found || kb > 500<<10 {
			t.Errorf("%s took %d MB (%v)", script, kb>>10, err)
		}
	}
}
