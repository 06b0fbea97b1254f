package sql

import (
	"os"
	"strings"
	"testing"

	"dsql/sql/code"

	"github.com/google/go-cmp/cmp"
)

func TestReference(t *testing.T) {
	t.Parallel()
	const file = "testdata/reference.md"
	got := Reference(testForms)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What an excerpt shows of lines that a terminal would show otherwise.
func TestExcerpt(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("abcdefghi ", 40)
	for _, c := range []struct{ name, text, at, want string }{
		{"tab", "\tSELECT\tx", "x", "   1 |     SELECT    x\n     |               ^\n"},
		{"wide", "日本 🦆 e\u0301 x", "x", "   1 | 日本 🦆 e\u0301 x\n     |           ^\n"},
		{"wide span", "a 日本 b", "日本", "   1 | a 日本 b\n     |   ^^^^\n"},
		{"control", "a \x00\x1b[31m\x7f\u0085\u202e\ufeff x\r", "x", "   1 | a ␀␛[31m␡��� x\n     |              ^\n"},
		{"broken", "caf\xe9\xff x", "x", "   1 | caf�� x\n     |       ^\n"},
		{"second line", "a\r\nbc x\r\nd", "x", "   2 | bc x\n     |    ^\n"},
		{"span of lines", "a (b\nc)", "(b\nc)", "   1 | a (b\n     |   ^^\n"},
		{"long", long + "HERE" + long, "HERE", "   1 | …" + long[:100] + "HERE" + long[:60] + "…\n     | " + strings.Repeat(" ", 101) + "^^^^\n"},
		{"long span", "x " + long, long, "   1 | x " + long[:60] + "…" + "\n     |   " + strings.Repeat("^", 61) + "\n"},
	} {
		src := NewSource("f", c.text)
		start := strings.Index(c.text, c.at)
		var b strings.Builder
		excerpt(&b, src, Span{start, start + len(c.at)})
		if diff := cmp.Diff(c.want, b.String()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, diff)
		}
	}
	for _, sp := range []Span{{-3, 99}, {4, 4}, {99, 100}} { // never outside
		var b strings.Builder
		excerpt(&b, NewSource("f", "abcd"), sp)
		if !strings.HasPrefix(b.String(), "   1 | abcd\n     | ") {
			t.Errorf("%v: %s", sp, b.String())
		}
	}
}

func TestErrorList(t *testing.T) {
	t.Parallel()
	src := NewSource("f.sql", strings.Repeat("x\n", 30))
	var l List
	if l.Err() != nil {
		t.Error("an empty list is an error")
	}
	for i := 29; i >= 0; i-- {
		l = append(l, Place{src, Span{2 * i, 2*i + 1}}.Errorf(code.BadChoice, "late"),
			Place{src, Span{2 * i, 2 * i}}.Errorf(code.BadChoice, "m").WithExit(code.ExitGate))
	}
	got := l.Err().(List)
	if len(got) != 20 || got[0].Span.Start != 0 || got[19].Span.Start != 38 || got[0].Msg != "late" {
		t.Errorf("%d errors, from %v", len(got), got[0])
	}
	if s := got.Error(); s != "f.sql:1:1: late (and 19 more errors)" {
		t.Error(s)
	}
	if s := got[:1].Error(); s != "f.sql:1:1: late" || got[0].ExitCode() != code.ExitScript || l[1].ExitCode() != code.ExitGate {
		t.Error(s)
	}
	var b strings.Builder
	Errorf(code.NoFile, "it isn't there").WithHint("look").Render(&b)
	if want := "error: it isn't there [no-file]\n  hint: look\n"; b.String() != want {
		t.Error(b.String())
	}
}

// A thousand statements, most of dsql's own, are parsed in well under 50 ms.
func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	for _, f := range []string{"1", "2", "3", "4", "5"} {
		s, err := os.ReadFile("testdata/language/" + f + ".sql")
		if err != nil {
			b.Fatal(err)
		}
		text.Write(s)
	}
	one := text.String()
	stmts, err := Parse(NewSource("", one), testForms)
	if err != nil {
		b.Fatal(err)
	}
	src := NewSource("", strings.Repeat(one, 1000/len(stmts)+1))
	b.SetBytes(int64(len(src.Text)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		stmts, _ := Parse(src, testForms)
		n = len(stmts)
	}
	b.ReportMetric(float64(n), "statements")
}
