package serve_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dsql/internal/quackclient"
	"dsql/serve"
)

const endless = "SELECT i, i::VARCHAR AS s FROM range(100000000000) t(i)"

// Results are bounded in number, and those that are cancelled make room; in a transaction there is one at a time.
func TestQuackOpen(t *testing.T) {
	t.Parallel()
	r := serveFlights(t, func(o *serve.Options) { o.Limits.Quack.Seats = 3 })
	c := r.dial("")
	var open []*quackclient.Rows
	for range 3 {
		rows, err := c.Query(t.Context(), endless)
		if err != nil || !rows.More {
			t.Fatalf("%v", err)
		}
		open = append(open, rows)
	}
	began := time.Now()
	if rows, err := c.Query(t.Context(), endless); err == nil && time.Since(began) < 2*time.Second { // later one of them makes way
		t.Errorf("four results are open: %v", rows)
	} else if err != nil && !strings.Contains(err.Error(), "3 results are open already") {
		t.Error(err)
	}
	r.rows(c, "SELECT 1", "[[1]]") // which stays open no longer than it runs
	for _, rows := range open {
		if _, err := c.Send(t.Context(), rows.Cancels()); err != nil {
			t.Error(err)
		}
		if err := rows.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "the result is there no more") {
			t.Errorf("a result that was cancelled: %v", err)
		}
	}
	if _, err := c.Send(t.Context(), quackclient.Message{Kind: 12}); err != nil { // the fourth, where there is one
		t.Error(err)
	}
	r.becomes(0)
	r.rows(c, "BEGIN", "[]")
	r.fails(c, "BEGIN", "goes on already")
	r.rows(c, "SELECT count(*) FROM flights", "[[4]]")
	r.fails(c, "SELECT nope", "not found")
	r.rows(c, "SELECT count(*) FROM flights", "[[4]]") // an error of names ends no transaction
	first, err := c.Query(t.Context(), endless)
	if err != nil {
		t.Fatal(err)
	}
	r.rows(c, "SELECT 2", "[[2]]")
	if err := first.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "the result is there no more") {
		t.Errorf("a transaction has two results: %v", err)
	}
	r.fails(c, "SELECT 'x'::INTEGER", "conversion")
	r.fails(c, "SELECT 1", "hint: ROLLBACK") // as one of values does
	r.rows(c, "ROLLBACK", "[]")
	r.rows(c, "SELECT 1", "[[1]]")
	if r.open() != 0 {
		t.Error("something is open")
	}
}

// What nobody asks for is given up, and says so.
func TestQuackIdle(t *testing.T) {
	t.Parallel()
	r := serveFlights(t, func(o *serve.Options) { o.Limits.Quack.Idle = 50 * time.Millisecond })
	c := r.dial("")
	rows, err := c.Query(t.Context(), endless)
	if err != nil {
		t.Fatal(err)
	}
	r.becomes(0)
	if err := rows.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "nobody asked for its rows") {
		t.Errorf("a result that was given up: %v", err)
	}
	r.rows(c, "BEGIN", "[]")
	r.rows(c, "SELECT count(*) FROM flights", "[[4]]")
	r.becomes(0)
	r.fails(c, "SELECT 1", "hint: ROLLBACK")
	r.rows(c, "COMMIT", "[]")
	r.rows(c, "SELECT 1", "[[1]]")
	old := serveFlights(t, func(o *serve.Options) { o.Limits.Quack.Life = 50 * time.Millisecond })
	c = old.dial("")
	if rows, err = c.Query(t.Context(), endless); err != nil {
		t.Fatal(err)
	}
	for err == nil { // also what is read all the time
		err = rows.Fetch(t.Context())
	}
	if !strings.Contains(err.Error(), "it took too long") {
		t.Errorf("a result that is old: %v", err)
	}
}

// A client that goes away while a statement runs, or while it reads, leaves nothing that runs on.
func TestQuackGone(t *testing.T) {
	t.Parallel()
	r := serveFlights(t, func(o *serve.Options) { o.Limits.Time = 4 * time.Second })
	c := r.dial("")
	const forever = "SELECT count(*) FROM range(100000000) a, range(100000000) b"
	r.fails(c, forever, "the answer took too long [time-limit]")
	for range 4 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if _, err := c.All(ctx, forever); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		cancel()
	}
	running := make(chan error, 1)
	go func() { _, err := c.All(t.Context(), forever); running <- err }()
	for done := false; !done; { // others of the session are cancelled by name, what runs by none
		if _, err := c.Send(t.Context(), quackclient.Message{Kind: 12}); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-running:
			if done = true; err == nil || !strings.Contains(err.Error(), "cancelled") {
				t.Errorf("a statement that was cancelled: %v", err)
			}
		case <-time.After(20 * time.Millisecond):
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	rows, err := c.Query(ctx, endless)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := rows.Fetch(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if cancel(); r.open() != 1 {
		t.Error("a result that is read part by part isn't open")
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	r.becomes(0)
	r.want(200, `{"columns":[{"name":"n","type":"BIGINT"}],"rows":[{"n":4}],"version":1,"truncated":false}`, "POST", "/v1/query",
		`{"sql":"SELECT count(*) AS n FROM flights"}`)
}

// Sessions are cheap, and one that nobody uses makes way.
func TestQuackSessions(t *testing.T) {
	t.Parallel()
	r := serveFlights(t, func(o *serve.Options) { o.Limits.Quack.Sessions = 1000 })
	first := r.dial("")
	var clients []*quackclient.Client
	for range 999 {
		clients = append(clients, r.dial(""))
	}
	var failed atomic.Int64
	var asking sync.WaitGroup
	for i := range 20 {
		asking.Add(1)
		go func() {
			defer asking.Done()
			for j := i; j < len(clients); j += 20 {
				if rows, err := clients[j].All(t.Context(), "SELECT count(*) FROM flights"); err != nil ||
					!reflect.DeepEqual(rows, [][]any{{int64(4)}}) {
					failed.Add(1)
					t.Log(rows, err)
				}
			}
		}()
	}
	asking.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d of 1,000 sessions failed", failed.Load())
	}
	r.rows(r.dial(""), "SELECT 1", "[[1]]")
	r.fails(first, "SELECT 1", "there is no such connection")
}

// Results that are open keep nothing from its end: neither the server nor the file that is opened again.
func TestQuackEnds(t *testing.T) {
	t.Parallel()
	r := serveFlights(t)
	c := r.dial("")
	var open []*quackclient.Rows
	for range 5 {
		rows, err := c.Query(t.Context(), endless)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, rows)
	}
	r.rows(c, "BEGIN", "[]")
	r.rows(c, "SELECT 1", "[[1]]")
	fetching := make(chan error, 1)
	go func() {
		for {
			if err := open[0].Fetch(t.Context()); err != nil {
				fetching <- err
				return
			}
			open[0].Rows = nil
		}
	}()
	began := time.Now()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the server took %s to end", took)
	}
	<-fetching
	if _, err := os.Stat(filepath.Join(filepath.Dir(r.file), "s.duckdb.wal")); err == nil {
		t.Error("the file wasn't closed")
	}
}

// An answer is given again only while it would be the same.
func TestQuackKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "f.csv"), flightRows)
	put(t, filepath.Join(dir, "out1.csv"), "a\n1\n")
	tokens := adminToken(t)
	r := start(t, dir, flights+`; CREATE VIEW outside AS FROM read_csv('out*.csv'); CREATE TABLE t (a INTEGER); CREATE MACRO m() AS 1`,
		func(o *serve.Options) { o.Tokens = tokens }).ready()
	c := r.dial("secret-all")
	exec := func(sql string) {
		t.Helper()
		if status, body, _ := r.post("/v1/exec", string(mustJSON(t, map[string]string{"sql": sql})), "Authorization",
			"Bearer "+adminSecret); status != 200 {
			t.Fatalf("%s: %d %s", sql, status, body)
		}
	}
	first := func(sql string) any {
		t.Helper()
		rows, err := c.All(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		return rows[0][0]
	}
	for i := range 5 {
		exec(fmt.Sprintf("INSERT INTO t VALUES (%d); CREATE OR REPLACE MACRO m() AS %d", i, i))
		put(t, filepath.Join(dir, fmt.Sprintf("out%d.csv", i+1)), "a\n1\n")
		for range 4 {
			r.rows(c, "SELECT count(*) FROM t", fmt.Sprintf("[[%d]]", i+1))
			r.rows(c, "SELECT max(a) FROM t WHERE a <= "+fmt.Sprint(i), fmt.Sprintf("[[%d]]", i))
			r.rows(c, "SELECT m()", fmt.Sprintf("[[%d]]", i))
			r.rows(c, "SELECT count(*) FROM outside", fmt.Sprintf("[[%d]]", i+1))
		}
	}
	for _, sql := range []string{"SELECT random()", "SELECT now()", "SELECT uuid()", "SELECT current_timestamp"} {
		seen := map[any]bool{}
		for range 4 {
			seen[fmt.Sprint(first(sql))] = true
		}
		if len(seen) != 4 {
			t.Errorf("%s gives the same again", sql)
		}
	}
	r.rows(c, "BEGIN", "[]")
	r.rows(c, "SELECT count(*) FROM t", "[[5]]")
	exec("INSERT INTO t VALUES (7)")
	for range 4 {
		r.rows(r.dial("secret-all"), "SELECT count(*) FROM t", "[[6]]")
	}
	r.rows(c, "SELECT count(*) FROM t", "[[5]]") // the transaction's own state
	r.rows(c, "COMMIT", "[]")
	r.rows(c, "SELECT count(*) FROM t", "[[6]]")
	for _, name := range []string{"'/etc/passwd'", "'f.csv'", "'x'"} { // which differs from a right one by a text
		r.rows(c, "SELECT count(*) FROM t WHERE 'a' = 'b'", "[[0]]")
		r.fails(c, "SELECT count(*) FROM "+name+" WHERE 'a' = 'b'", "")
	}
}
