package serve_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/serve"
	"dsql/sql"
)

// running is a server of a test.
type running struct {
	t    testing.TB
	url  string
	file string
	stop func() error // ends it, and says what Run returned
	log  *lines
}

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start serves a script in a folder.
func start(t testing.TB, dir, script string, change ...func(*serve.Options)) *running {
	t.Helper()
	stop := make(chan struct{})
	r := &running{t: t, log: &lines{}, file: filepath.Join(dir, "s.duckdb")}
	src := sql.NewSource("s.sql", script)
	src.Dir = dir
	at := make(chan net.Addr, 1)
	o := serve.Options{
		Options: program.Options{Language: run.Language, Scripts: []*sql.Source{src}, DB: filepath.Join(dir, "s.duckdb"), Dir: dir, Stop: stop,
			Events: func(e event.Event) {
				if q, ok := e.(event.Queried); ok {
					for q.Result.Next() {
					}
				}
			}},
		Listen: "127.0.0.1:0", Log: r.log, Grace: 10 * time.Second, Limits: serve.Default, Listening: func(a net.Addr) { at <- a }}
	if script == "" {
		o.Scripts = nil
	}
	for _, f := range change {
		f(&o)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve.Run(context.Background(), o) }()
	select {
	case a := <-at:
		r.url = "http://" + a.String()
	case err := <-ended:
		t.Fatalf("the server didn't start: %v", err)
	}
	r.stop = sync.OnceValue(func() error {
		close(stop)
		return <-ended
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("the server ended in: %v", err)
		}
	})
	return r
}

// ready waits until /readyz says so.
func (r *running) ready() *running {
	r.t.Helper()
	for range 3000 {
		if status, _, _ := r.get("/readyz"); status == http.StatusOK {
			return r
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, body, _ := r.get("/readyz")
	r.t.Fatalf("the server doesn't get ready: %s", body)
	return r
}

func (r *running) do(method, path, body string, header ...string) (int, string, http.Header) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Errorf("%s %s: %v", method, path, err)
		return 0, "", nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Errorf("%s %s: %v", method, path, err)
	}
	return res.StatusCode, string(b), res.Header
}

func (r *running) get(path string, header ...string) (int, string, http.Header) {
	return r.do(http.MethodGet, path, "", header...)
}

func (r *running) post(path, body string, header ...string) (int, string, http.Header) {
	return r.do(http.MethodPost, path, body, append([]string{"Content-Type", "application/json"}, header...)...)
}

// want asks and compares status and body.
func (r *running) want(status int, body string, method, path, send string, header ...string) {
	r.t.Helper()
	if method == http.MethodPost {
		header = append([]string{"Content-Type", "application/json"}, header...)
	}
	got, text, _ := r.do(method, path, send, header...)
	if got != status || strings.TrimSpace(text) != body {
		r.t.Errorf("%s %s %s:\n%d %s\nwant\n%d %s", method, path, send, got, text, status, body)
	}
}

func put(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-time.Hour) // what was changed a moment ago may still be written
	if err := os.Chtimes(name, then, then); err != nil {
		t.Fatal(err)
	}
}

// A request sees one version: two tables that a batch writes agree, in one statement and in several, and the header names that version.
func TestWholeVersions(t *testing.T) {
	dir := t.TempDir()
	requests := 10_000
	if testing.Short() {
		requests = 300
	}
	r := start(t, dir, `
		CREATE SOURCE f (id BIGINT) FROM FILES ('in/*.csv');
		CREATE STREAM a FROM f;
		CREATE STREAM b FROM f;
		CREATE ENDPOINT both AS SELECT (SELECT count(*) FROM a) AS a, (SELECT count(*) FROM b) AS b, (SELECT max(_version) FROM a) AS v;
		CREATE ENDPOINT one (t VARCHAR) AS SELECT CASE $t WHEN 'a' THEN (SELECT count(*) FROM a) ELSE (SELECT count(*) FROM b) END AS n ORDER BY 1;`,
		func(o *serve.Options) { o.Follow = true }).ready()
	var left atomic.Int64
	left.Store(int64(requests))
	versions := sync.Map{}
	seen := func() (n int) {
		versions.Range(func(any, any) bool { n++; return true })
		return n
	}
	until := time.Now().Add(time.Minute)
	more := func() bool { return left.Load() > 0 || seen() < 5 && time.Now().Before(until) } // files settle before they are taken
	feeding := make(chan struct{})
	go func() {
		defer close(feeding)
		for i := 0; more(); i++ { // a folder of files comes at once: each is a version
			in := filepath.Join(dir, fmt.Sprint("new", i))
			if err := os.Mkdir(in, 0o755); err != nil {
				t.Error(err)
				return
			}
			for j := range 20 {
				put(t, filepath.Join(in, fmt.Sprintf("%03d.csv", j)), fmt.Sprintf("id\n%d\n%d\n", i, j))
			}
			if i == 0 {
				if err := os.Rename(in, filepath.Join(dir, "in")); err != nil {
					t.Error(err)
				}
			} else {
				files, _ := os.ReadDir(in)
				for _, f := range files {
					if err := os.Rename(filepath.Join(in, f.Name()), filepath.Join(dir, "in", fmt.Sprint(i, "_", f.Name()))); err != nil {
						t.Error(err)
					}
				}
			}
			at := version(r)
			for more() && version(r) == at {
				time.Sleep(20 * time.Millisecond)
			}
		}
	}()
	var readers sync.WaitGroup
	for range 4 {
		readers.Add(1)
		go func() {
			defer readers.Done()
			for left.Add(-1) >= 0 || more() {
				compare(t, r, &versions)
			}
		}()
	}
	readers.Wait()
	<-feeding
	if n := seen(); n < 5 {
		t.Errorf("only %d versions were seen: nothing was tried", n)
	}
}

func version(r *running) int64 {
	_, _, h := r.get("/v1/status", "Authorization", "Bearer secret-all")
	v, err := strconv.ParseInt(h.Get("dsql-version"), 10, 64)
	if err != nil {
		r.t.Error(err)
	}
	return v
}

// compare asks both ways once.
func compare(t *testing.T, r *running, versions *sync.Map) {
	var both struct {
		Rows []struct {
			A, B int64
			V    *int64
		}
		Version int64
	}
	status, body, h := r.get("/v1/endpoints/both")
	if err := json.Unmarshal([]byte(body), &both); err != nil || status != 200 {
		t.Errorf("%d %s: %v", status, body, err)
		return
	}
	x := both.Rows[0]
	versions.Store(both.Version, true)
	if x.A != x.B || x.A != 2*both.Version || x.V != nil && *x.V != both.Version || h.Get("dsql-version") != fmt.Sprint(both.Version) {
		t.Errorf("a torn answer: %s, version %s", body, h.Get("dsql-version"))
	}
	var pair []struct{ Rows []struct{ N int64 } }
	status, body, h = r.post("/v1/endpoints/one", `[{"t":"a"},{"t":"b"}]`)
	if err := json.Unmarshal([]byte(body), &pair); err != nil || status != 200 {
		t.Errorf("%d %s: %v", status, body, err)
		return
	}
	if a, b := pair[0].Rows[0].N, pair[1].Rows[0].N; a != b || fmt.Sprint(a/2) != h.Get("dsql-version") {
		t.Errorf("a torn array: %s, version %s", body, h.Get("dsql-version"))
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func optionsOf(t *testing.T, script string) program.Options {
	dir := t.TempDir()
	return program.Options{Language: run.Language, Scripts: []*sql.Source{sql.NewSource("s.sql", script)}, DB: filepath.Join(dir, "s.duckdb"),
		Dir: dir}
}

const adminSecret = "secret-admin"

// adminToken are two tokens: secret-all for everything but admin, and adminSecret for that.
func adminToken(t testing.TB) []serve.Token {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tokens")
	hash := sha256.Sum256([]byte(adminSecret))
	put(t, file, fmt.Sprintf("admin admin %x\n", hash))
	tokens, err := serve.ReadTokens(file, "secret-all")
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}
