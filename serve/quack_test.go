package serve_test

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dsql/internal/quackclient"
	"dsql/serve"
	"dsql/serve/quack/wire"
)

// dial begins a session.
func (r *running) dial(token string) *quackclient.Client {
	r.t.Helper()
	c, err := quackclient.Dial(r.t.Context(), r.url, token)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// rows asks by quack, and compares as text.
func (r *running) rows(c *quackclient.Client, sql, want string) {
	r.t.Helper()
	got, err := c.All(r.t.Context(), sql)
	if err != nil || fmt.Sprint(got) != want {
		r.t.Errorf("%s: %v %v, want %s", sql, got, err, want)
	}
}

// fails asks for what is refused, by words of why.
func (r *running) fails(c *quackclient.Client, sql, why string) {
	r.t.Helper()
	var failed *quackclient.Failed
	if rows, err := c.All(r.t.Context(), sql); !errors.As(err, &failed) || !strings.Contains(failed.Text, why) {
		r.t.Errorf("%s: %v %v, want %q", sql, rows, err, why)
	}
}

// open is how many results and transactions are open.
func (r *running) open() int {
	_, body, _ := r.get("/metrics")
	_, rest, _ := strings.Cut(body, "\ndsql_quack_open ")
	n, err := strconv.Atoi(strings.SplitN(rest, "\n", 2)[0])
	if err != nil {
		r.t.Error(err)
	}
	return n
}

// becomes waits until as many are open.
func (r *running) becomes(open int) {
	r.t.Helper()
	for range 2000 {
		if r.open() == open {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.t.Fatalf("%d results are open, want %d", r.open(), open)
}

func TestQuack(t *testing.T) {
	t.Parallel()
	r := serveFlights(t)
	c := r.dial("")
	r.rows(c, "SELECT count(*), max(delay) FROM flights", "[[4 30]]")
	r.rows(c, "SELECT #1 FROM versions", "[[1]]") // a client leaves the schema out
	r.rows(c, "EXPLAIN SELECT 1 WHERE false", fmt.Sprint(r.explained(c)))
	r.rows(c, "SELECT 1 WHERE false", "[]")
	r.rows(c, "SELECT column_name FROM duckdb_columns() WHERE table_name = 'flights' AND column_index = 1", "[[id]]")
	r.rows(c, "SELECT count(*), sum(i) FROM (SELECT i FROM range(1000000) t(i))", "[[1000000 499999500000]]")
	got, err := c.All(t.Context(), "SELECT i FROM range(1000000) t(i)")
	if err != nil || len(got) != 1_000_000 || got[999_999][0] != int64(999_999) {
		t.Errorf("a million rows are %d: %v", len(got), err)
	}
	for _, x := range [][2]string{
		{"SELECT nope\nFROM flights",
			"query:1:8: error: referenced column \"nope\" not found in FROM clause [duckdb-binder]\n   1 | SELECT nope\n     |        ^^^^"},
		{"SELECT 1; SELECT 2", "one statement at a time [refused-sql]"}, {"", "there is no statement"},
		{"DROP TABLE flights", "only SELECT"}, {"CREATE TABLE x (a INTEGER)", "only SELECT"}, {"INSERT INTO flights VALUES (1)", "only SELECT"},
		{"FROM read_csv('/etc/passwd')", "hint: read tables that are there"}, {"COPY flights TO 'x'", "only SELECT"},
		{"SET threads = 1", "only SELECT"},
		{"ATTACH 'x' AS x", "only SELECT"}, {"FROM duckdb_secrets()", "isn't for requests"}, {"SELECT getenv('HOME')", "isn't for requests"},
		{"FROM checkpoint()", "isn't for requests"}, {"FROM query('SELECT 1')", "isn't for requests"},
		{"EXPLAIN ANALYZE SELECT 1", "only SELECT"},
		{"SELECT error('no')", "query:1:1: error: no [duckdb-invalid-input]"}, {"COMMIT", "no transaction goes on"},
		{"SELECT 'x'::INTEGER", "[duckdb-conversion]"},
		{"BEGIN; SELECT 1", "one statement at a time"},
		{"SELECT sum(i) / 0 FROM (SELECT 'x' || i::INTEGER AS i FROM range(3) t(i))", "query:1:8"},
	} {
		r.fails(c, x[0], x[1])
	}
	var failed *quackclient.Failed
	for what, m := range map[string]quackclient.Message{"version 2": quackclient.Connect("", 2, 3), "an append": {Kind: 9},
		"a kind":        {Kind: 77},
		"another field": {Kind: 3, Body: func(w *wire.Writer) { w.Field(5) }}, "nothing to fetch": {Kind: 7}} {
		if _, err := c.Send(t.Context(), m); !errors.As(err, &failed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := c.Post(t.Context(), []byte("nonsense")); !errors.As(err, &failed) {
		t.Errorf("nonsense: %v", err)
	}
	r.rows(c, "SELECT 1", "[[1]]")
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	r.fails(c, "SELECT 1", "there is no such connection")
	if status, _, h := r.do(http.MethodPost, "/quack", ""); status != 200 || h.Get("Content-Type") != "application/vnd.duckdb" {
		t.Errorf("an empty message: %d", status)
	}
	if !strings.Contains(r.log.String(), `"code":"refused-sql"`) || !strings.Contains(r.log.String(), `"version":1`) {
		t.Error("the log says nothing of what was refused, or of versions")
	}
}

// explained is what EXPLAIN gives, which is DuckDB's own.
func (r *running) explained(c *quackclient.Client) [][]any {
	rows, err := c.All(r.t.Context(), "EXPLAIN SELECT 1 WHERE false")
	if err != nil || len(rows) != 1 || rows[0][0] != "physical_plan" {
		r.t.Errorf("EXPLAIN: %v %v", rows, err)
	}
	return rows
}

// A client that attaches is given tables that it can make: without defaults, and without those that a journal is kept in.
func TestQuackCatalog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "f.csv"), flightRows)
	r := start(t, dir, `CREATE SOURCE f (id VARCHAR, delay DOUBLE, day DATE) FROM FILES ('f.csv'); CREATE STREAM flights FROM f;
		CREATE JOURNAL newest KEYS (id) SEQUENCE BY day FROM f; CREATE VIEW late AS FROM flights WHERE delay > 2; CREATE SEQUENCE ids;
		CREATE TABLE "odd ""x" (a INTEGER DEFAULT nextval('ids'), "b ""c" STRUCT("d e" ENUM('x', 'y''s'), f DECIMAL(5,2)[]) CHECK (a > 0), PRIMARY KEY (a));
		CREATE TABLE versions (mine INTEGER); CREATE TABLE x__now (a INTEGER);
		CREATE SCHEMA other; CREATE TABLE other.hidden (a INTEGER)`).ready()
	c := r.dial("")
	got, err := c.All(t.Context(),
		"\nSELECT schema_name, sql, 'table'\nFROM duckdb_tables()\nUNION ALL\nSELECT schema_name, view_name, 'view'\nFROM duckdb_views()\n\t")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, row := range got {
		all[strings.TrimSpace(fmt.Sprintln(row...))] = true
	}
	for _, want := range []string{`main CREATE TABLE "flights"("id" VARCHAR, "delay" DOUBLE, "day" DATE, "_version" BIGINT); table`,
		"main newest view", "main late view",
		"main newest_history view", `main CREATE TABLE "odd ""x"("a" INTEGER, "b ""c" STRUCT("d e" ENUM('x', 'y''s'), f DECIMAL(5,2)[])); table`,
		`main CREATE TABLE "versions"("mine" INTEGER); table`, `main CREATE TABLE "x__now"("a" INTEGER); table`} {
		if !all[want] {
			t.Errorf("%s isn't there", want)
		}
	}
	for row := range all {
		if strings.Contains(row, "newest__") || strings.Contains(row, "hidden") || strings.Contains(row, "DEFAULT") ||
			strings.HasPrefix(row, "dsql ") && strings.Contains(row, `"versions"`) {
			t.Errorf("%s is there", row)
		}
	}
	if t.Failed() {
		for row := range all {
			t.Log(row)
		}
	}
	r.rows(c, "SELECT count(*) FROM rejects", "[[0]]")
	r.rows(c, "FROM main.late", "[[C 30 20091 1] [A 2.5 20092 1]]")
}

// A token is needed where others are, and it must be for queries; without it nothing is told.
func TestQuackTokens(t *testing.T) {
	t.Parallel()
	tokens := adminToken(t)
	r := serveFlights(t, func(o *serve.Options) { o.Tokens = tokens })
	c := r.dial("secret-all")
	r.rows(c, "SELECT 1", "[[1]]")
	for token, why := range map[string]string{"": "no such token", "wrong": "no such token", adminSecret: "the token admin isn't for query"} {
		if _, err := quackclient.Dial(t.Context(), r.url, token); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v", token, err)
		}
	}
	c.Session = strings.Repeat("0", 32)
	r.fails(c, "SELECT 1", "there is no such connection")
	if log := r.log.String(); !strings.Contains(log, `"token":"DSQL_TOKEN"`) || strings.Contains(log, "secret-all") {
		t.Error("the log has not the token's name, or the token")
	}
}

// A transaction of a client sees one version, whatever commits meanwhile, and so does a statement.
func TestQuackWholeVersions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tokens := adminToken(t)
	r := start(t, dir, `CREATE TABLE a (n BIGINT); CREATE TABLE b (n BIGINT)`, func(o *serve.Options) { o.Tokens = tokens }).ready()
	stop := make(chan struct{})
	writing := make(chan struct{})
	go func() {
		defer close(writing)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if status, body, _ := r.post("/v1/exec",
				`{"sql":"BEGIN; INSERT INTO a SELECT i FROM range(5000) t(i); INSERT INTO b SELECT i FROM range(5000) t(i); COMMIT"}`,
				"Authorization", "Bearer "+adminSecret); status != 200 {
				t.Errorf("%d %s", status, body)
				return
			}
		}
	}()
	turns := 300
	if testing.Short() {
		turns = 40
	}
	seen := map[any]bool{}
	var mu sync.Mutex
	var readers sync.WaitGroup
	for range 3 {
		readers.Add(1)
		go func() {
			defer readers.Done()
			c := r.dial("secret-all")
			ask := func(sql string) any {
				rows, err := c.All(t.Context(), sql)
				if err != nil {
					t.Errorf("%s: %v", sql, err)
					return nil
				}
				if len(rows) != 1 {
					return int64(len(rows))
				}
				return rows[0][0]
			}
			for range turns {
				rows, err := c.All(t.Context(), "SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)")
				if err != nil || rows[0][0] != rows[0][1] {
					t.Errorf("a statement sees %v: %v", rows, err)
				}
				mu.Lock()
				seen[rows[0][0]] = true
				mu.Unlock()
				if _, err := c.All(t.Context(), "BEGIN TRANSACTION"); err != nil {
					t.Error(err)
				}
				x, y, z := ask("SELECT count(*) FROM a"), ask("SELECT count(*) FROM b"), ask("SELECT n FROM b LIMIT 20000")
				if n, _ := x.(int64); x != y || z != min(n, 20000) && n != 1 {
					t.Errorf("a transaction sees %v, %v and %v", x, y, z)
				}
				if _, err := c.All(t.Context(), "COMMIT"); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	readers.Wait()
	close(stop)
	<-writing
	if len(seen) < 3 {
		t.Errorf("only %d states were seen: nothing was tried", len(seen))
	}
}
