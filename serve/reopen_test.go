package serve_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dsql/serve"
)

// A file that DuckDB gives up is opened again, whoever meets that first, and what was committed is there.
func TestInvalidated(t *testing.T) {
	t.Parallel()
	r := serveFlights(t, func(o *serve.Options) { o.Tokens = adminToken(t) })
	auth := []string{"Authorization", "Bearer secret-all"}
	for _, text := range []string{"CREATE TABLE kept AS SELECT 42 AS a; SET disabled_filesystems = 'LocalFileSystem'; CHECKPOINT", // which fails, and is fatal
		"CREATE TABLE kept_too AS SELECT 43 AS a; SET disabled_filesystems = 'LocalFileSystem'; CHECKPOINT"} {
		status, body, _ := r.post("/v1/exec", string(mustJSON(t, map[string]string{"sql": text})), "Authorization", "Bearer "+adminSecret)
		if status == 200 {
			t.Fatalf("nothing went wrong: %s", body)
		}
		t.Log(body)
		for until := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			status, body, _ := r.get("/v1/endpoints/counted", auth...)
			if status == 200 && strings.Contains(body, `"rows":[{"n":4}]`) {
				break
			}
			if time.Now().After(until) {
				t.Fatalf("the file isn't opened again: %d %s", status, body)
			}
		}
	}
	r.want(200, `{"columns":[{"name":"a","type":"INTEGER"}],"rows":[{"a":42}],"version":1,"truncated":false}`, "POST", "/v1/query",
		`{"sql":"FROM kept"}`, auth...)
	if status, body, _ := r.post("/v1/exec", `{"sql":"CREATE TABLE after AS SELECT 1"}`, "Authorization", "Bearer "+adminSecret); status != 200 {
		t.Errorf("nothing can be written: %s", body)
	}
}

// A token file that has changed holds within seconds; one that is wrong changes nothing.
func TestTokensAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tokens")
	write := func(text string) {
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	first, one, err := serve.NewToken("first", []string{"status"})
	if err != nil {
		t.Fatal(err)
	}
	second, two, err := serve.NewToken("second", []string{"status"})
	if err != nil {
		t.Fatal(err)
	}
	write(one)
	read := func() ([]serve.Token, error) { return serve.ReadTokens(file, "") }
	tokens, err := read()
	if err != nil {
		t.Fatal(err)
	}
	r := serveFlights(t, func(o *serve.Options) { o.Tokens, o.ReadTokens = tokens, read })
	becomes := func(token string, want int) {
		t.Helper()
		for until := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			status, body, _ := r.get("/v1/status", "Authorization", "Bearer "+token)
			if status == want {
				return
			}
			if time.Now().After(until) {
				t.Fatalf("%d %s, want %d", status, body, want)
			}
		}
	}
	becomes(first, 200)
	write(two)
	becomes(second, 200)
	becomes(first, 401)
	write("nonsense")
	time.Sleep(serve.FreshFor) // nothing is to happen
	becomes(second, 200)
	write("# nobody\n")
	becomes(second, 401)
	if status, _, _ := r.get("/v1/status"); status != 401 {
		t.Errorf("without a token in the file anybody may ask: %d", status)
	}
}
