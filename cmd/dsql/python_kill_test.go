//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dsql/internal/testpython"
)

// marked are the processes that have a mark in their environment and aren't dead, by what they are: dsql, or its Python.
func marked(mark string) map[string][]int {
	out := map[string][]int{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		env, err := os.ReadFile(dir + "/environ")
		if err != nil || !bytes.Contains(env, []byte(mark)) {
			continue
		}
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		what := "dsql"
		if args, err := os.ReadFile(dir + "/cmdline"); err == nil && bytes.Contains(args, []byte("import os, sys")) {
			what = "python"
		}
		out[what] = append(out[what], pid)
	}
	return out
}

// TestPythonKills ends dsql, its workers, or both, at random while a run follows a topic: nothing is lost or comes twice, and no process
// is left.
func TestPythonKills(t *testing.T) {
	t.Parallel()
	python := testpython.Need(t)
	dir := t.TempDir()
	broker := newPageBroker(t)
	const rows = 3000
	var records strings.Builder
	for i := range rows {
		fmt.Fprintf(&records, "{\"id\": %d}\n", i)
	}
	broker.fill("numbers", records.String())
	put(t, filepath.Join(dir, "s.sql"), broker.address(`CREATE CONNECTION k TO KAFKA (brokers 'localhost:9092');
CREATE FUNCTION twice(x BIGINT) RETURNS BIGINT LANGUAGE python AS $$
import time
def twice(x):
    time.sleep(0.0005)
    return 2 * x
$$;
CREATE SOURCE numbers (id BIGINT) FROM KAFKA (connection k, topic 'numbers', format json, start earliest, batch_rows 100);
CREATE STREAM doubled AS SELECT id, twice(id) AS y FROM numbers;`))
	mark := fmt.Sprintf("DSQL_TEST_MARK=%d-%d", os.Getpid(), rand.Int63())
	command := func(args ...string) *exec.Cmd {
		c := asCommand(t, dir, args...)
		c.Env = append(c.Env, "DSQL_PYTHON="+python, mark)
		return c
	}
	g := rand.New(rand.NewSource(11))
	kill := func(pids []int) {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	for range 4 {
		c := command("run", "--follow", "--db", "k.duckdb", "--events", "jsonl", "s.sql")
		events, err := c.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// Something was committed: that many versions later a worker is killed, and some behind that dsql.
		lines, versions := bufio.NewScanner(events), 0
		lines.Buffer(nil, 1<<20)
		first, second := 1+g.Intn(3), 4+g.Intn(3)
		late := time.AfterFunc(10*time.Second, func() { kill([]int{c.Process.Pid}) }) // all was taken, and no more versions come
		for lines.Scan() && versions < second {
			if !strings.Contains(lines.Text(), `"version":`) {
				continue
			}
			if versions++; versions == first {
				kill(marked(mark)["python"])
			}
		}
		if g.Intn(2) == 0 {
			kill(marked(mark)["python"])
		}
		kill([]int{c.Process.Pid})
		late.Stop()
		_ = c.Wait()
		gone(t, mark)
	}
	if out, err := command("run", "--db", "k.duckdb", "s.sql").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := command("query", "--db", "k.duckdb", "-o", "csv", "SELECT count(*), count(DISTINCT id), sum(y), sum(id) FROM doubled").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%d,%d,%d,%d", rows, rows, rows*(rows-1), rows*(rows-1)/2)
	if lines := strings.Fields(string(out)); !slices.Contains(lines, want) {
		t.Errorf("the stream has %s, want %s", out, want)
	}
	gone(t, mark)
}

// gone waits until no process with the mark is left.
func gone(t *testing.T, mark string) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); ; {
		left := marked(mark)
		if len(left) == 0 {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("processes are left: %v", left)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestPythonInterrupt: SIGINT ends a run in whose function a batch hangs, and the worker with it.
func TestPythonInterrupt(t *testing.T) {
	t.Parallel()
	python := testpython.Need(t)
	dir := t.TempDir()
	put(t, filepath.Join(dir, "s.sql"), `CREATE FUNCTION hangs(x INTEGER) RETURNS INTEGER LANGUAGE python AS $$
import time
def hangs(x):
    print('now', flush=True)
    time.sleep(600)
$$;
SELECT hangs(i::INTEGER) FROM range(3) t(i);`)
	mark := fmt.Sprintf("DSQL_TEST_MARK=%d-%d", os.Getpid(), rand.Int63())
	c := asCommand(t, dir, "run", "s.sql")
	c.Env = append(c.Env, "DSQL_PYTHON="+python, mark)
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if text := lines.Text(); strings.Contains(text, "hangs: now") || strings.Contains(text, "stopping after this batch") {
			_ = c.Process.Signal(syscall.SIGINT)
		}
	}
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	gone(t, mark)
}
