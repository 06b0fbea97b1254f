package sqlfmt_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"dsql/internal/testkit"
	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sqlfmt"
)

func format(text string) (string, error) {
	return sqlfmt.Format(sql.NewSource("f", text), run.Language.Forms)
}

func TestGolden(t *testing.T) {
	testkit.Golden(t, "testdata/style.txt", func(script string) string {
		out, err := format(script)
		if err != nil {
			return testkit.Rendered(err)
		}
		return strings.TrimSuffix(out, "\n") + "\n"
	})
}

// comments are those of a script, in their order.
func comments(src *sql.Source) (out []string) {
	at := 0
	add := func(to int) {
		for _, c := range sql.Comments(src, sql.Span{Start: at, End: to}) {
			out = append(out, c.Of(src))
		}
	}
	for _, t := range sql.Tokens(src, sql.Span{End: len(src.Text)}) {
		add(t.Span.Start)
		at = t.Span.End
	}
	add(len(src.Text))
	return out
}

// holds checks what is promised of any script: the tokens are the same, but for the case of words, and so are the comments; DuckDB's
// statements are the same byte for byte; and what was laid out is left as it is.
func holds(t *testing.T, text string) {
	t.Helper()
	out, err := format(text)
	src := sql.NewSource("f", text)
	stmts, perr := sql.Parse(src, run.Language.Forms)
	if (err == nil) != (perr == nil) {
		t.Fatalf("laid out: %v, parsed: %v", err, perr)
	}
	if err != nil {
		return
	}
	made := sql.NewSource("f", out)
	again, err := sql.Parse(made, run.Language.Forms)
	if err != nil {
		t.Fatalf("%s\n%s", testkit.Rendered(err), out)
	}
	tokens := func(src *sql.Source) string {
		return strings.ReplaceAll(sql.Fingerprint(src.Text+"\nx"), "\r", "")
	}
	if was, is := tokens(src), tokens(made); was != is {
		t.Fatalf("tokens differ: %s\n%s", cmp.Diff(was, is), out)
	}
	if d := cmp.Diff(comments(src), comments(made)); d != "" {
		t.Fatalf("comments differ: %s\n%s", d, out)
	}
	own := false
	for i, st := range stmts {
		own = own || st.Decl != nil
		if st.Decl == nil && st.Text() != again[i].Text() {
			t.Fatalf("%q became %q", st.Text(), again[i].Text())
		}
	}
	if !own && out != text {
		t.Fatalf("nothing here is dsql's, and it became %q", out)
	}
	if twice, err := format(out); err != nil || twice != out {
		t.Fatalf("not what it was (%v): -once +twice\n%s", err, cmp.Diff(out, twice))
	}
}

var block = regexp.MustCompile("(?ms)^```sql\n(.*?)^```$")

// scripts are those of tests and pages.
func scripts(t testing.TB) map[string]string {
	t.Helper()
	files, err := exec.Command("git", "-C", "..", "ls-files", "*.sql", "*.txtar", "*.md").Output()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, name := range strings.Fields(string(files)) {
		b, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		switch text := string(b); {
		case strings.HasSuffix(name, ".sql"):
			out[name] = text
		case strings.HasSuffix(name, ".txtar"):
			for _, f := range txtar.Parse(b).Files {
				if strings.HasSuffix(f.Name, ".sql") {
					out[name+"/"+f.Name] = string(f.Data)
				}
			}
		default:
			for _, m := range block.FindAllStringSubmatch(text, -1) {
				out[name+": "+m[1][:min(40, len(m[1]))]] = m[1]
			}
		}
	}
	return out
}

func TestScripts(t *testing.T) {
	all, read := scripts(t), 0
	for name, text := range all {
		if _, err := format(text); err == nil {
			read++
		}
		t.Run(name, func(t *testing.T) { holds(t, text) })
	}
	if read < 400 {
		t.Errorf("%d scripts were found, and %d laid out", len(all), read)
	}
}

// pieces are put between the tokens of what is laid out: a comment may stand anywhere.
var pieces = []string{" ", "\n", "\n\n", " -- a\n", "\n-- b\n", " /* c */ ", "\n/* d\n d */", "\t", "\r\n", " -- a\n-- b\n", "/* e */\n"}

// seeds are scripts that together have every clause that some script has.
func seeds(f *testing.F) (out []string) {
	var all []string
	for _, text := range scripts(f) {
		all = append(all, text)
	}
	slices.SortFunc(all, func(a, b string) int {
		if d := len(a) - len(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	seen := map[string]bool{}
	for _, text := range all {
		stmts, err := sql.Parse(sql.NewSource("f", text), run.Language.Forms)
		news := false
		for _, st := range stmts {
			if st.Decl == nil || err != nil {
				continue
			}
			for clause := range st.Decl.Args {
				key := st.Decl.Syntax.Title() + " " + clause
				news = news || !seen[key]
				seen[key] = true
			}
		}
		if news {
			out = append(out, text)
		}
	}
	return out
}

func FuzzFormat(f *testing.F) {
	for i, text := range seeds(f) {
		f.Add(text, uint64(i))
	}
	f.Fuzz(func(t *testing.T, text string, where uint64) {
		holds(t, text)
		src := sql.NewSource("f", text)
		var b strings.Builder
		at := 0
		for _, tok := range sql.Tokens(src, sql.Span{End: len(text)}) {
			b.WriteString(text[at:tok.Span.Start])
			if where = where*6364136223846793005 + 1442695040888963407; where>>60 < 3 && at > 0 {
				b.WriteString(pieces[where>>40%uint64(len(pieces))])
			}
			b.WriteString(tok.Span.Of(src))
			at = tok.Span.End
		}
		holds(t, b.String()+text[at:])
	})
}
