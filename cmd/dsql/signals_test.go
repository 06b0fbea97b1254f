package main

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// A command that doesn't work in batches ends at the first Ctrl-C, also in the middle of a result that would never end.
func TestInterruptQuery(t *testing.T) {
	t.Parallel()
	c := asCommand(t, t.TempDir(), "run", "--db", "x.duckdb", "-q", "-")
	c.Stdin = strings.NewReader("CREATE TABLE t (a INTEGER)")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	q := asCommand(t, c.Dir, "query", "-o", "csv", "SELECT i FROM range(100000000000) r(i)")
	var stderr strings.Builder
	q.Stderr = &stderr
	stdout, err := q.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	lines.Scan()
	if err := q.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	q.Wait()
	if code := q.ProcessState.ExitCode(); code != 130 ||
		stderr.String() != "error: interrupted: what was not committed is rolled back [interrupted]\n" {
		t.Errorf("exit code %d\n%s", code, stderr.String())
	}
}
