package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"dsql/internal/quackclient"
	"dsql/internal/testpython"
)

// serveCommand is `dsql serve` of a script, when it is ready; stop ends it by a signal, and gives its exit code and what it said.
func serveCommand(t *testing.T, dir, script string, env ...string) (url string, stop func() (int, string)) {
	t.Helper()
	url, _, stop = serveArgs(t, dir, script, nil, env...)
	return url, stop
}

// serveArgs is serveCommand with more arguments; it gives the process too.
func serveArgs(t *testing.T, dir, script string, args []string, env ...string) (url string, p *os.Process, stop func() (int, string)) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "s.sql"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	c := asCommand(t, dir, append([]string{"serve", "s.sql", "--listen", "127.0.0.1:0"}, args...)...)
	c.Env = append(c.Env, env...)
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if m := regexp.MustCompile(`serving .* on (http://\S+)`).FindStringSubmatch(lines.Text()); m != nil {
			url = m[1]
			break
		}
	}
	rest := make(chan string, 1)
	go func() { b, _ := io.ReadAll(stderr); rest <- string(b) }()
	ended := false
	stop = func() (int, string) {
		ended = true
		_ = c.Process.Signal(syscall.SIGTERM)
		said.WriteString(<-rest)
		_ = c.Wait()
		return c.ProcessState.ExitCode(), said.String()
	}
	t.Cleanup(func() {
		if !ended {
			if _, said := stop(); t.Failed() {
				t.Log(said)
			}
		}
	})
	if url == "" {
		t.Fatalf("it doesn't serve: %s", said.String())
	}
	until := time.Now().Add(time.Minute)
	for ; time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if res, err := http.Get(url + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return url, c.Process, stop
			}
		}
	}
	t.Fatal("it doesn't get ready")
	return "", nil, nil
}

const quackScript = `
CREATE SOURCE f (id VARCHAR, delay DOUBLE, day DATE) FROM FILES ('f.csv');
CREATE STREAM flights FROM f;
CREATE JOURNAL newest KEYS (id) SEQUENCE BY day FROM f;
CREATE VIEW late AS SELECT id, delay FROM flights WHERE delay > 10;
CREATE MACRO twice(x) AS x * 2;
CREATE TABLE many AS SELECT range AS i, range::VARCHAR AS s FROM range(300000)`

const quackRows = "id,delay,day\nA,1.5,2025-01-01\nB,,2025-01-02\nC,30,2025-01-03\nA,2.5,2025-01-04\n"

func quackFolder(t *testing.T) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f.csv"), []byte(quackRows), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// SIGTERM ends a server at once that has results and transactions open, and the file is whole.
func TestQuackSignal(t *testing.T) {
	t.Parallel()
	dir := quackFolder(t)
	url, stop := serveCommand(t, dir, quackScript)
	ctx := context.Background()
	c, err := quackclient.Dial(ctx, url, "")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if r, err := c.Query(ctx, "SELECT i, i::VARCHAR AS s FROM range(100000000000) t(i)"); err != nil || !r.More {
			t.Fatalf("%v", err)
		}
	}
	for _, sql := range []string{"BEGIN", "FROM many LIMIT 1"} {
		if _, err := c.All(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if code, said := stop(); code != 0 || strings.Contains(said, "panic") || time.Since(began) > 9*time.Second {
		t.Errorf("exit code %d after %s\n%s", code, time.Since(began), said)
	}
	q := asCommand(t, dir, "query", "--db", "s.duckdb", "-o", "csv", "SELECT count(*) AS n FROM many")
	if out, err := q.CombinedOutput(); err != nil || string(out) != "n\n300000\n" {
		t.Errorf("%v %s", err, out)
	}
}

// DuckDB's own client, and one that others wrote, get what they would of DuckDB itself.
func TestQuackClients(t *testing.T) {
	t.Parallel()
	python := testpython.NeedQuack(t)
	url, _ := serveCommand(t, quackFolder(t), quackScript, "DSQL_TOKEN=a-token-for-all")
	script, err := filepath.Abs("../../testdata/python/quack.py")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, script, url[strings.LastIndex(url, ":")+1:], "a-token-for-all").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
