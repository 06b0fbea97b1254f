package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A server is asked as a file is: the same rows in all formats, the same errors at the same places.
func TestQueryRemote(t *testing.T) {
	t.Parallel()
	dir := quackFolder(t)
	url, stop := serveCommand(t, dir, quackScript, "DSQL_TOKEN=secret")
	ask := func(token string, args ...string) (int, string, string) {
		t.Helper()
		c := asCommand(t, dir, append([]string{"query"}, args...)...)
		if token != "" {
			c.Env = append(c.Env, "DSQL_TOKEN="+token)
		}
		var stdout, stderr strings.Builder
		c.Stdout, c.Stderr = &stdout, &stderr
		_ = c.Run()
		return c.ProcessState.ExitCode(), stdout.String(), stderr.String()
	}
	queries := []string{"FROM flights ORDER BY day", "FROM newest ORDER BY id", "SELECT * FROM late",
		`SELECT [1, 2] AS l, {'a': 'x', 'b': NULL} AS s, 'NaN'::DOUBLE AS n, 1.5::DECIMAL(9, 3) AS d, map {'k': 1} AS m, NULL AS z, ''  AS e, 'a"b,c' AS q, 1 AS a`,
		"FROM flights WHERE false", "EXPLAIN SELECT 1", "SELECT twice(21) AS n; SELECT 2 AS m -- and\n; ;"}
	got := map[string]string{}
	formats := []string{"table", "json", "jsonl", "csv", "markdown"}
	for _, q := range queries {
		for _, f := range formats {
			exit, out, said := ask("secret", "--url", url, "-o", f, q)
			if exit != 0 || said != "" {
				t.Errorf("%s as %s: exit code %d\n%s", q, f, exit, said)
			}
			got[f+q] = out
		}
	}
	exitThere, wrongThere, saidThere := ask("secret", "--url", url, "SELECT 1;\nSELECT 'ä', nope FROM flights")
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		token string
		args  []string
		exit  int
		said  string
	}{
		{"", []string{"--url", url, "--token-file", secret, "SELECT 1"}, 0, ""},
		{"", []string{"--url", url, "SELECT 1"}, 1, "error: this needs a token [no-token]\n  hint: "},
		{"guess", []string{"--url", url, "SELECT 1"}, 1, "[no-token]"},
		{"secret", []string{"--url", url, "DROP TABLE many"}, 2, "query:1:1: error: only SELECT and EXPLAIN"},
		{"secret", []string{"--url", url, "SELECT 1;\n FROM read_csv('/etc/passwd')"}, 2, "query:2:7: error: the table function read_csv"},
		{"secret", []string{"--url", url, "FROM range(1000001)", "-o", "csv"}, 1, "there are more rows: a server gives 1,000,000 at most"},
		{"secret", []string{"--url", url, "SELECT 'x'::INTEGER"}, 1, "[duckdb-conversion]"},
		{"secret", []string{"--url", url + "/nothing", "SELECT 1"}, 1, "[unknown-path]"},
		{"", []string{"--url", "http://127.0.0.1:1", "SELECT 1"}, 4, "can't be asked: "},
		{"", []string{"--url", "127.0.0.1:8080", "SELECT 1"}, 80, "is no address of a server"},
		{"", []string{"--url", url, "--db", "s.duckdb", "SELECT 1"}, 80, "two places"},
		{"", []string{"--url", url, "--token-file", "none", "SELECT 1"}, 4, "can't be read"},
	} {
		if exit, _, said := ask(c.token, c.args...); exit != c.exit || !strings.Contains(said, c.said) {
			t.Errorf("%v: exit code %d, want %d\n%s", c.args, exit, c.exit, said)
		}
	}
	stop()
	for _, q := range queries {
		for _, f := range formats {
			if exit, out, said := ask("", "-o", f, q); exit != 0 || out != got[f+q] {
				t.Errorf("%s as %s: exit code %d %s\nhere:\n%s\nthere:\n%s", q, f, exit, said, out, got[f+q])
			}
		}
	}
	if exit, wrong, said := ask("", "SELECT 1;\nSELECT 'ä', nope FROM flights"); exit != exitThere || wrong != wrongThere ||
		said != saidThere {
		t.Errorf("exit code %d\nhere:\n%s%s\nthere:\n%s%s", exit, wrong, said, wrongThere, saidThere)
	}
}
