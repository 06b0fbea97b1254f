package main

import (
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sourcegraph/jsonrpc2"
)

// editor is a client of the language server, over its standard input and output.
type editor struct {
	t    *testing.T
	conn *jsonrpc2.Conn
	told chan told // what the checks found
	c    *exec.Cmd
}

// told is what the server publishes of a document.
type told struct {
	Version     int
	Diagnostics []struct {
		Range    struct{ Start, End struct{ Line, Character int } }
		Severity int
		Code     string
		Message  string
	}
}

type stdio struct {
	io.Reader
	io.WriteCloser
}

func newEditor(t *testing.T, dir string, args ...string) *editor {
	t.Helper()
	e := &editor{t: t, told: make(chan told, 100), c: asCommand(t, dir, append([]string{"lsp"}, args...)...)}
	in, err := e.c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	e.c.Stderr = t.Output()
	if err := e.c.Start(); err != nil {
		t.Fatal(err)
	}
	e.conn = jsonrpc2.NewConn(t.Context(), jsonrpc2.NewBufferedStream(stdio{out, in}, jsonrpc2.VSCodeObjectCodec{}),
		jsonrpc2.HandlerWithError(func(_ context.Context, _ *jsonrpc2.Conn, r *jsonrpc2.Request) (any, error) {
			var x told
			err := json.Unmarshal(*r.Params, &x)
			e.told <- x
			return nil, err
		}))
	e.ask("initialize", map[string]any{"capabilities": map[string]any{}})
	e.tell("initialized", map[string]any{})
	return e
}

func (e *editor) ask(method string, params any) string {
	e.t.Helper()
	var out json.RawMessage
	if err := e.conn.Call(e.t.Context(), method, params, &out); err != nil {
		e.t.Fatalf("%s: %v", method, err)
	}
	return string(out)
}

func (e *editor) tell(method string, params any) {
	e.t.Helper()
	if err := e.conn.Notify(e.t.Context(), method, params); err != nil {
		e.t.Fatal(err)
	}
}

func (e *editor) at(path string, line, character int) map[string]any {
	return map[string]any{"textDocument": map[string]any{"uri": "file://" + path}, "position": map[string]any{"line": line, "character": character}}
}

func (e *editor) write(path string, version int, text string) {
	e.t.Helper()
	doc := map[string]any{"uri": "file://" + path, "version": version, "languageId": "sql"}
	if version == 1 {
		doc["text"] = text
		e.tell("textDocument/didOpen", map[string]any{"textDocument": doc})
		return
	}
	e.tell("textDocument/didChange", map[string]any{"textDocument": doc, "contentChanges": []map[string]any{{"text": text}}})
}

// found waits for what the check of a version found: line:column-line:column code, from 1 on.
func (e *editor) found(version int) (out []string) {
	e.t.Helper()
	for {
		select {
		case x := <-e.told:
			if x.Version != version {
				continue
			}
			for _, d := range x.Diagnostics {
				r := d.Range
				out = append(out, strings.Join([]string{
					count(int64(r.Start.Line + 1)), count(int64(r.Start.Character + 1)), count(int64(r.End.Line + 1)), count(int64(r.End.Character + 1)),
					d.Code, map[int]string{1: "error", 2: "warning"}[d.Severity]}, " "))
			}
			return out
		case <-e.t.Context().Done():
			e.t.Fatal("the server says nothing of the script")
		}
	}
}

// end closes the server as editors do.
func (e *editor) end() {
	e.t.Helper()
	e.ask("shutdown", nil)
	e.tell("exit", nil)
	if err := e.c.Wait(); err != nil {
		e.t.Error(err)
	}
}

// An editor is told of the errors of check under the same text, in the folder and with the profile of the script; it is offered words,
// names and columns; and the file of the script stays free.
func TestLanguageServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "a b.sql")
	script := "CREATE PARAMETER day DATE;\nCREATE SOURCE s FROM FILES ('in/*.csv', format csv);\nCREATE STREAM t AS SELECT *, $day AS day FROM s;\n" +
		"CREATE TABLE x AS FROM 'in/1.csv';\nSELECT * FROM t;\n"
	put(t, path, script)
	put(t, filepath.Join(dir, "sub", "in", "1.csv"), "id,name\n1,Ada\n")
	put(t, filepath.Join(dir, "dsql.toml"), "[profile.dev]\nset = { day = 2026-01-01, other = 1 }\n")
	e := newEditor(t, "/", "--profile", "dev")
	e.write(path, 1, script)
	if got := e.found(1); len(got) > 0 {
		t.Errorf("%q", got)
	}
	lines := strings.Count(script, "\n")
	wrong := script + "CREATE STREAM é RULES (SET nme = 1) FROM s;\nCREATE STREAM z AS SELECT nothing FROM s;\n"
	e.write(path, 2, wrong)
	want := []string{"6 28 6 31 unknown-column error", "7 27 7 34 duckdb-binder error"}
	put(t, path, wrong)
	out, _ := asCommand(t, filepath.Join(dir, "sub"), "check", "a b.sql", "--profile", "dev").CombinedOutput()
	for _, w := range want {
		f := strings.Fields(w)
		if !strings.Contains(string(out), "a b.sql:"+f[0]+":"+f[1]+": error: ") || !strings.Contains(string(out), "["+f[4]+"]") {
			t.Errorf("dsql check doesn't find %s: %s", w, out)
		}
	}
	if diff := cmp.Diff(want, e.found(2)); diff != "" {
		t.Error(diff)
	}
	for _, x := range []struct {
		text, method    string
		character       int
		contains, never string
	}{
		{"CREATE STREAM y AS SELECT n FROM t", "completion", 27, `"label":"name"`, `"label":"id"`},
		{"CREATE STREAM y AS SELECT coun FROM t", "completion", 30, `"label":"count"`, `"label":"sum"`},
		{"CREATE STREAM y FROM t", "hover", 21, "| name | VARCHAR |", ""},
		{"CREATE STREAM y FROM t", "definition", 21, `"start":{"line":2,"character":14}`, ""},
		{"create stream y from t;", "formatting", 0, `"newText":"CREATE STREAM y FROM t;\n"`, "CREATE SOURCE"},
	} {
		e.write(path, 3, script+x.text)
		if got := e.ask("textDocument/"+x.method, e.at(path, lines, x.character)); !strings.Contains(got, x.contains) ||
			x.never != "" && strings.Contains(got, x.never) {
			t.Errorf("%s of %s: %s", x.method, x.text, got)
		}
	}

	// Another run has the file: what it may have is a warning, and nothing waits for it.
	put(t, path, script)
	if out, err := asCommand(t, filepath.Join(dir, "sub"), "run", "a b.sql", "--profile", "dev", "-q").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	e.write(path, 4, script+"CREATE STREAM z AS SELECT * FROM s, made_before;\n")
	if diff := cmp.Diff([]string{"6 37 6 48 duckdb-catalog warning"}, e.found(4)); diff != "" {
		t.Error(diff)
	}
	e.end()
}

// On a script of a thousand statements an answer takes milliseconds, while checks that take seconds are begun and ended behind it.
func TestLanguageServerIsQuick(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "s.sql")
	one := "CREATE SOURCE sN (id BIGINT, name VARCHAR, amount DOUBLE) FROM FILES ('in/sN/*.csv', format csv);\n" +
		"CREATE STREAM tN RULES (SET name = trim(name), CONSTRAINT c EXPECT (amount > 0) ON VIOLATION DROP) AS SELECT * FROM sN WHERE id > N;\n"
	var b strings.Builder
	for i := range 500 {
		b.WriteString(strings.ReplaceAll(one, "N", count(int64(i))))
	}
	e := newEditor(t, dir)
	e.write(path, 1, b.String())
	var took []time.Duration
	for i := range 8 {
		if i%4 == 3 {
			time.Sleep(250 * time.Millisecond) // a check has begun: that it is slow is what this is about
		}
		began := time.Now()
		e.write(path, i+2, b.String()+"SELECT "+strings.Repeat("a", i)+" FROM t7")
		e.ask("textDocument/completion", e.at(path, 1000, 7+i))
		e.ask("textDocument/hover", e.at(path, 999, 9))
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Log(took)
	if median := took[len(took)/2]; median > 100*time.Millisecond { // two answers; the machine has other work
		t.Errorf("an edit with its two answers takes %v", median)
	}
	e.end()
}
