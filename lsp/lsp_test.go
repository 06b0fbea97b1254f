package lsp

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sqlfmt"
)

const uri = "file:///scripts/a.sql"

// opened is a server on which a text is open; it checks nothing.
func opened(t testing.TB, text, encoding string) *server {
	t.Helper()
	s := newServer(t.Context(), run.Language, nil)
	ask[initializeResult](t, s, "initialize", map[string]any{"capabilities": map[string]any{"general": map[string]any{
		"positionEncodings": []string{encoding}}}})
	ask[any](t, s, "textDocument/didOpen", map[string]any{"textDocument": documentItem{uri, 1, text}})
	return s
}

func ask[T any](t testing.TB, s *server, method string, params any) (out T) {
	t.Helper()
	b, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.answer(method, b)
	if err == nil {
		b, err = json.Marshal(got)
	}
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return out
}

func at(d *document, off int) documentParams {
	return documentParams{documentItem{URI: uri}, d.position(off)}
}

const script = `CREATE PARAMETER day DATE DEFAULT DATE '2026-01-01';
CREATE SOURCE s_in (id BIGINT, name VARCHAR, "the amount" DOUBLE) FROM FILES ('in/*.csv', format csv);
CREATE STREAM s RULES (SET name = trim(name), CONSTRAINT pos EXPECT ("the amount" > 0) ON VIOLATION DROP) AS SELECT *, $day AS day FROM s_in; -- 😀
CREATE JOURNAL j KEYS (id) SEQUENCE BY id FROM s;
CREATE TABLE t AS SELECT 1 AS a;
CREATE RULES house (SET name = lower(name));
`

// completions are what is offered at | behind the script: all of these, and none of those.
var completions = []struct{ text, want, not string }{
	{"|", "CREATE STREAM,RELEASE HOLD,SELECT", ""},
	{"cre|", "CREATE STREAM,CREATE TEST", "SELECT,REFRESH"},
	{"CREATE |", "STREAM,JOURNAL", "SELECT"},
	{"CREATE OR REPLACE ST|", "STREAM", "JOURNAL"},
	{"CREATE STREAM x |", "RULES,CHECKS,AS,FROM", "KEYS"},
	{"CREATE STREAM x RULES (SET a = 1) |", "CHECKS,AS,FROM", "RULES"},
	{"CREATE STREAM x RULES (|", "SET,CONSTRAINT,APPLY", "FROM"},
	{"CREATE STREAM x RULES (SET a = 1, |", "SET,CONSTRAINT,APPLY", "FROM"},
	{"CREATE STREAM x RULES (CONSTRAINT c EXPECT (a) |", "ON VIOLATION", "FROM"},
	{"CREATE STREAM x RULES (CONSTRAINT c EXPECT (a) ON |", "VIOLATION", "REJECT"},
	{"CREATE STREAM x RULES (CONSTRAINT c EXPECT (a) ON VIOLATION |", "REJECT,DROP", "FAILURE"},
	{"CREATE STREAM x RULES (SET |) FROM s_in", "id,name,the amount", "SELECT"},
	{"CREATE STREAM x FROM |", "s_in,s,j,t", "x,day"},
	{"CREATE STREAM x FROM s, |", "j", "RULES"},
	{"CREATE STREAM x RULES (APPLY |) FROM s", "house", "SET"},
	{"CREATE SOURCE q FROM FILES ('x', |", "format,header", "topic"},
	{"CREATE SOURCE q FROM FILES ('x', format csv, he|", "header", "format"},
	{"CREATE SOURCE q (a |", "INTEGER,VARCHAR", "FORMAT"},
	{"CREATE SOURCE q (a INTEGER |", "FROM,FROM KEY,FORMAT", "INTEGER"},
	{"CREATE JOURNAL k KEYS (|) FROM s_in", "id", "SEQUENCE BY"},
	{"CREATE JOURNAL k KEYS (id) |", "SEQUENCE BY,FROM", "KEYS"},
	{"CREATE JOURNAL k KEYS (id) SEQUENCE BY id |", "DELETE WHEN,FROM", "KEYS,SEQUENCE BY"},
	{"CREATE STREAM y AS |", "SELECT", "RULES"},
	{"CREATE STREAM y AS SELECT | FROM s_in", "id,name", "RULES"},
	{"CREATE STREAM y AS SELECT q.| FROM s_in q", "id,name,the amount", "SELECT"},
	{"CREATE STREAM y AS SELECT q.na| FROM s_in AS q", "name", "id"},
	{"SELECT * FROM |", "s,j,j_history,t", "RULES"},
	{"DROP STREAM |", "s", "j,t"},
	{"REFRESH |", "s,j", "day"},
	{"SELECT $|", "day", "s"},
	{"CREATE MODEL m FROM 'x' FORMAT |", "lightgbm,sklearn", ""},
	{"CREATE FUNCTION f(a DOUBLE) RETURNS |", "DOUBLE", "LANGUAGE"},
	{"CREATE STREAM x CHECKS (CHECK c EXPECT (count(*) > 1) ON |", "UNKNOWN,FAILURE", "REJECT"},
	{"CREATE SINK k INTO |", "", ""},
	{"SELECT 'CRE|", "", "CREATE STREAM"},
	{"-- CRE|", "", "CREATE STREAM"},
	{"/* CRE|", "", "CREATE STREAM"},
}

func TestCompletion(t *testing.T) {
	for _, c := range completions {
		before, after, _ := strings.Cut(c.text, "|")
		text := script + before + after
		s := opened(t, text, "utf-8")
		d := s.docs[uri]
		off := len(script) + len(before)
		var labels []string
		for _, i := range ask[completionList](t, s, "textDocument/completion", at(d, off)).Items {
			labels = append(labels, i.Label)
			if i.Label == "the amount" && i.TextEdit.NewText != `"the amount"` {
				t.Errorf("%s: the name is put as %s", c.text, i.TextEdit.NewText)
			}
			if end := d.offset(i.TextEdit.Range.End); end != off || d.offset(i.TextEdit.Range.Start) > off {
				t.Errorf("%s: %v is replaced", c.text, i.TextEdit.Range)
			}
		}
		for _, want := range strings.Split(c.want, ",") {
			if want != "" && !slices.Contains(labels, want) {
				t.Errorf("%s: no %s in %v", c.text, want, labels)
			}
		}
		for _, not := range strings.Split(c.not, ",") {
			if not != "" && slices.Contains(labels, not) {
				t.Errorf("%s: %s is offered", c.text, not)
			}
		}
	}
}

// looks are places in the script (in the first brackets), what is shown there, and where the definition is.
var looks = []struct{ place, hover, definition string }{
	{"STREAM s [RULES] (", "RULES (SET …", ""},
	{"[CREATE] STREAM s RULES", "An append-only table", ""},
	{"[CONSTRAINT] pos", "```sql\nCONSTRAINT name EXPECT", ""},
	{"ON VIOLATION [DROP]", "REJECT (default)", ""},
	{"'in/*.csv', [format] csv", "`format`: csv, json", ""},
	{"AS day FROM [s_in];", `| the amount | DOUBLE |`, "SOURCE [s_in] ("},
	{"$[day] AS", "CREATE PARAMETER day", "PARAMETER [day] DATE"},
	{"= trim([name])", "", "BIGINT, [name] VARCHAR"},
	{"FROM [J_HISTORY] h", "CREATE JOURNAL j", "JOURNAL [j] KEYS"},
	{"'[s].pos'", "", ""},
	{"s.[pos] AS", "CREATE STREAM s", "CONSTRAINT [pos] EXPECT"},
	{"JOIN [t] USING", "CREATE TABLE t", "TABLE [t] AS"},
}

const lookedAt = script + "SELECT s.pos AS p, 's.pos' FROM J_HISTORY h JOIN t USING (id);\n"

// place is where the brackets of a part of the text are.
func place(t *testing.T, text, part string) sql.Span {
	t.Helper()
	before, rest, _ := strings.Cut(part, "[")
	word, after, _ := strings.Cut(rest, "]")
	i := strings.Index(text, before+word+after)
	if i < 0 {
		t.Fatalf("%s isn't there", part)
	}
	return sql.Span{Start: i + len(before), End: i + len(before) + len(word)}
}

func TestHoverAndDefinition(t *testing.T) {
	for _, encoding := range []string{"utf-8", "utf-16"} {
		s := opened(t, "-- 😀\n/* 😀 */ "+lookedAt, encoding)
		d := s.docs[uri]
		for _, l := range looks {
			from := place(t, d.src.Text, l.place)
			h := ask[hover](t, s, "textDocument/hover", at(d, from.Start+1))
			if got := h.Contents.Value; !strings.Contains(got, l.hover) || l.hover == "" && got != "" {
				t.Errorf("%s: %q", l.place, got)
			}
			if l.hover != "" && h.Range != d.span(from) {
				t.Errorf("%s: the word is %v", l.place, h.Range)
			}
			to := ask[location](t, s, "textDocument/definition", at(d, from.End))
			if l.definition == "" && to != (location{}) || l.definition != "" && to != (location{uri, d.span(place(t, d.src.Text, l.definition))}) {
				t.Errorf("%s is defined at %v", l.place, to)
			}
		}
	}
}

// holds asks all there is to ask at a place of a text.
func holds(t *testing.T, text string, where int, encoding string) {
	t.Helper()
	s := opened(t, text, encoding)
	d := s.docs[uri]
	off := d.offset(position{where >> 8 % 64, where % 256})
	if off < 0 || off > len(text) || d.offset(d.position(off)) != off {
		t.Fatalf("%d is %v", off, d.position(off))
	}
	for _, off := range []int{off, where % (len(text) + 1)} {
		p := at(d, off)
		for _, i := range ask[completionList](t, s, "textDocument/completion", p).Items {
			if r := i.TextEdit.Range; d.offset(r.Start) > d.offset(r.End) || i.Label == "" {
				t.Fatalf("%+v", i)
			}
		}
		ask[*hover](t, s, "textDocument/hover", p)
		if l := ask[*location](t, s, "textDocument/definition", p); l != nil && d.offset(l.Range.Start) >= d.offset(l.Range.End) {
			t.Fatalf("defined at %v", l)
		}
	}
	want, err := sqlfmt.Format(d.src, run.Language.Forms)
	if err != nil {
		want = text
	}
	if got := applied(d, ask[[]textEdit](t, s, "textDocument/formatting", at(d, 0))); got != want {
		t.Fatalf("%q is laid out as %q, not %q", text, got, want)
	}
}

func applied(d *document, edits []textEdit) string {
	text := d.src.Text
	for _, e := range edits {
		text = text[:d.offset(e.Range.Start)] + e.NewText + text[d.offset(e.Range.End):]
	}
	return text
}

// Whatever stands in a script, and wherever the cursor is, the server answers; and whatever it is asked, it doesn't go wrong.
func FuzzServer(f *testing.F) {
	for i, c := range completions {
		f.Add(script+strings.ReplaceAll(c.text, "|", ""), len(script)+i, "textDocument/hover", `{"position":{"line":-1}}`)
	}
	f.Add("é😀\r\nCREATE\rSTREAM s FROM t", 5, "textDocument/didChange", `{"contentChanges":[{"text":"x"}]}`)
	f.Fuzz(func(t *testing.T, text string, where int, method, params string) {
		text = strings.ToValidUTF8(text, "") // JSON has no other
		holds(t, text, where&0x7fffffff, []string{"utf-8", "utf-16"}[where&1])
		s := opened(t, text, "utf-16")
		params = strings.Replace(params, "{", fmt.Sprintf(`{"textDocument":{"uri":%q},`, uri), 1)
		for _, m := range []string{method, "textDocument/didChange", "textDocument/completion", "initialize"} {
			if _, err := s.answer(m, []byte(params)); err != nil && strings.Contains(err.Error(), "went wrong") {
				t.Fatal(err)
			}
		}
	})
}

// DuckDB's functions are asked for until a check has told them; what was parsed behind an edit is what answers need.
func TestFunctionsAreAskedForOnce(t *testing.T) {
	s := opened(t, script, "utf-16")
	var asked []bool
	s.checker = func(ctx context.Context, path string, functions bool) *exec.Cmd {
		asked = append(asked, functions)
		return exec.CommandContext(ctx, "printf", `{"functions":["abs"]}`)
	}
	d := s.docs[uri]
	for range 2 {
		found := s.check(t.Context(), d.src)
		s.mu.Lock()
		s.take(d, found)
		s.mu.Unlock()
	}
	if !slices.Equal(asked, []bool{true, false}) || !slices.Equal(s.functions, []string{"abs"}) {
		t.Errorf("asked %v, and it has %q", asked, s.functions)
	}
	s.warm(d)
	n := len(s.parsed)
	if n == 0 || len(s.statements(d)) != n || len(s.parsed) != n {
		t.Errorf("%d statements are warm, then %d, of %d", n, len(s.parsed), len(s.statements(d)))
	}
}
