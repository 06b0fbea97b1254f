package sql

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"dsql/sql/code"
)

func seeds(f *testing.F) {
	for _, pattern := range []string{"testdata/language/*.sql", "testdata/errors/*.txt", "testdata/values/*.txt"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds in %s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			script, _, _ := strings.Cut(string(text), "\n-- ")
			f.Add(script)
		}
	}
	for _, p := range pieces {
		f.Add(p)
	}
}

func FuzzLex(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		checkTokens(t, text)
		Fingerprint(text)
	})
}

// Parse never panics; statements are in order and together hold every token but semicolons; declarations are where their
// statements are; every error has a place, a code and a caret.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		src := NewSource("f", text)
		stmts, err := Parse(src, testForms)
		if err != nil {
			for _, e := range err.(List) {
				var b strings.Builder
				e.Render(&b)
				if e.Code == (code.Code{}) || e.Span.Start > e.Span.End || e.Span.End > len(text) || !strings.Contains(b.String(), "^") ||
					!utf8.ValidString(b.String()) {
					t.Fatalf("%+v: %s", e, b.String())
				}
			}
		}
		if err != nil && len(stmts) == 0 {
			return // refused as a whole
		}
		outlined, _ := Outline(src, testForms)
		for _, s := range outlined {
			if s.Decl != nil && s.Decl.Part != nil {
				checkPart(t, *s.Decl.Part, s.Span)
			}
		}
		n := 0
		last := 0
		for _, s := range stmts {
			if s.Span.Start < last {
				t.Fatalf("%v begins before %d", s.Span, last)
			}
			last = s.Span.End
			n += len(Tokens(src, s.Span))
			if s.Decl != nil {
				checkDecl(t, s.Decl, s.Span)
			}
		}
		for _, tok := range Tokens(src, Span{0, len(text)}) {
			if tok.Kind != Semi {
				n--
			}
		}
		if n != 0 {
			t.Fatalf("%d tokens too many", n)
		}
	})
}

// checkDecl: all places of a declaration lie within it.
func checkDecl(t *testing.T, d *Decl, in Span) {
	check := func(sp Span) {
		if sp.Start < in.Start || sp.End > in.End || sp.Start > sp.End {
			t.Fatalf("%v is outside of %v", sp, in)
		}
	}
	check(d.Span)
	check(d.NameAt)
	for _, v := range d.Args {
		checkValue(t, v, check, in)
	}
}

func checkValue(t *testing.T, v *Value, check func(Span), in Span) {
	check(v.Span)
	check(v.Keyword)
	for _, e := range v.Exprs {
		check(e)
	}
	for _, n := range v.Names {
		check(n.Span)
	}
	for _, o := range v.Options {
		check(o.At)
		check(o.Value)
	}
	for _, c := range v.Columns {
		check(c.Name.Span)
		check(c.At)
		for _, a := range c.Args {
			checkValue(t, a, check, in)
		}
	}
	for _, i := range v.Items {
		checkDecl(t, i, in)
	}
}

// checkPart: parts stand in each other, one after the other.
func checkPart(t *testing.T, p Part, in Span) {
	t.Helper()
	if p.Span.Start < in.Start || p.Span.End > in.End || p.Span.Start >= p.Span.End {
		t.Fatalf("the part %+v doesn't stand in %v", p, in)
	}
	for _, x := range p.Parts {
		checkPart(t, x, Span{in.Start, p.Span.End})
		in.Start = x.Span.End
	}
}
