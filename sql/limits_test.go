package sql

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Any text ends in time and memory that are in proportion to its size: an error where there is too much of something.
func TestLimits(t *testing.T) {
	if testing.Short() {
		t.Skip("reads texts of 24 MB")
	}
	full := func(s string) string { return strings.Repeat(s, 24<<20/len(s)) }
	for _, c := range []struct{ name, text, code string }{
		{"a script of 100 MB", strings.Repeat("SELECT 1;\n", 10<<20), "script-too-large"},
		{"words", full("abc "), ""},
		{"empty statements", full(";"), ""},
		{"short statements", full("a;"), "script-too-large"},
		{"slips", full("CRAETE STRAEM x;\n"), "script-too-large"},
		{"unknown statements", full("abcdefgh foo bar;"), "script-too-large"},
		{"line feeds", full("\n"), ""},
		{"one line of errors", full("CREATE STREAM ,;"), "expected-name"},
		{"declarations", full("CREATE STREAM a FROM b;"), "script-too-large"},
		{"a long declaration", "CREATE STREAM a AS " + full("x "), "statement-too-long"},
		{"open brackets", "CREATE STREAM a AS " + strings.Repeat("(", maxTokens-5), "unbalanced"},
		{"nested brackets", "CREATE STREAM a\nRULES " + strings.Repeat("(", maxTokens/2-5) + strings.Repeat(")", maxTokens/2-5), "expected-item"},
		{"many options", "CREATE SOURCE a FROM KAFKA (" + strings.Repeat("topic 'a', ", maxTokens/3-5) + "x)", "duplicate-option"},
		{"many bad items", "CREATE STREAM a RULES (" + strings.Repeat("x,\n", maxTokens/2-5) + ") FROM a", "expected-item"},
		{"many clauses", "CREATE JOURNAL a " + strings.Repeat("SNAPSHOT ", maxTokens-5), "duplicate-clause"},
		{"unknown clauses", "CREATE JOURNAL a\n" + strings.Repeat("x ", maxTokens-5), "unknown-clause"},
		{"an open string", "SELECT '" + full("''"), "unterminated"},
		{"open comments", full("/*"), "unterminated"},
		{"dollars", full("$a$b"), ""},
		{"dollar words", full("$a "), ""},
		{"a long slip", "CREATE " + full("STREAM") + " x", ""},
		{"a long name", "DROP STREAM " + full("a") + " b", "expected-end"},
		{"dots", "CREATE STREAM " + strings.Repeat("a.", maxTokens/2-5) + "b FROM x", "qualified-name"},
		{"a long string", "CREATE MODEL m FROM E'" + full("\\n") + "'", ""},
		{"cases", "CREATE STREAM a AS SELECT " + strings.Repeat("CASE ", maxTokens-7), ""},
	} {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := Parse(NewSource("test.sql", c.text), testForms)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		code := ""
		if err != nil {
			code = err.(List)[0].Code.String()
		}
		if err != nil {
			for _, e := range err.(List) {
				if e.Code.String() == c.code {
					code = c.code
				}
			}
			if n := len(render(err)); n > 20_000 {
				t.Errorf("%s: %d bytes of errors", c.name, n)
			}
			_ = err.Error()
		}
		if code != c.code {
			t.Errorf("%s: error %q, want %q", c.name, code, c.code)
		}
		mb := (after.TotalAlloc - before.TotalAlloc) >> 20
		t.Logf("%-22s %6d ms %5d MB", c.name, took.Milliseconds(), mb)
		if took > 10*time.Second || mb > 512 {
			t.Errorf("%s: %v and %d MB", c.name, took, mb)
		}
	}
}

// The errors of what doesn't fit into a golden file.
func TestLimitErrors(t *testing.T) {
	t.Parallel()
	_, err := Parse(NewSource("big.sql", strings.Repeat("SELECT 1;\n", maxScript/10+1)), nil)
	got := render(err)
	_, err = Parse(NewSource("long.sql", "CREATE STREAM a AS "+strings.Repeat("x\n", maxTokens)), testForms)
	got += render(err)
	want := fmt.Sprintf(`big.sql:1:1: error: the script has 64 MB; a script can't have more than 64 [script-too-large]
   1 | SELECT 1;
     | ^
  hint: load data with COPY or CREATE SOURCE
long.sql:1:1: error: STREAM has more than %d words and signs [statement-too-long]
   1 | CREATE STREAM a AS x
     | ^^^^^^^^^^^^^
  hint: split it, or load data with COPY
`, maxTokens)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
