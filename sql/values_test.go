package sql

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each file of testdata/values is a script and what Parse understood of it.
func TestValues(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/values/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	const sep = "\n-- parsed --\n"
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		script, _, _ := strings.Cut(strings.TrimSuffix(string(data), "\n"), sep)
		src := NewSource("test.sql", script)
		stmts, err := Parse(src, testForms)
		if err != nil {
			t.Errorf("%s: %s", file, render(err))
		}
		var b strings.Builder
		for _, s := range stmts {
			if s.Decl == nil {
				fmt.Fprintf(&b, "duckdb: %s\n", s.Text())
				continue
			}
			if s.Decl.Span != s.Span {
				t.Errorf("%s: the declaration is %v, the statement %v", file, s.Decl.Span, s.Span)
			}
			dump(&b, src, s.Decl, "")
		}
		got := script + sep + b.String()
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if diff := cmp.Diff(string(data), got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", file, diff)
		}
	}
}

func dump(b *strings.Builder, src *Source, d *Decl, indent string) {
	fmt.Fprintf(b, "%s%s", indent, strings.Join(newForm(d.Syntax, indent == "").words, " "))
	for _, f := range []struct {
		set  bool
		text string
	}{{d.OrReplace, "or-replace"}, {d.IfNotExists, "if-not-exists"}, {d.IfExists, "if-exists"},
		{d.Name != "", fmt.Sprintf("name=%q", d.Name)}} {
		if f.set {
			fmt.Fprintf(b, " %s", f.text)
		}
	}
	fmt.Fprintf(b, " at «%s»\n", d.NameAt.Of(src))
	for _, k := range slices.Sorted(maps.Keys(d.Args)) {
		dumpValue(b, src, k, d.Args[k], indent+"  ")
	}
}

func dumpValue(b *strings.Builder, src *Source, key string, v *Value, indent string) {
	fmt.Fprintf(b, "%s%s: «%s» «%s»", indent, key, v.Keyword.Of(src), v.Span.Of(src))
	for _, f := range []struct {
		set  bool
		text string
	}{{v.Text != "", fmt.Sprintf("text=%q", v.Text)}, {v.Int != 0, fmt.Sprintf("int=%d", v.Int)},
		{v.Number != 0, fmt.Sprintf("number=%g", v.Number)},
		{v.Star, "star"}, {v.Regex, "regex"}, {v.Expr, "expr"}, {len(v.Names) > 0, "names=" + names(src, v.Names)}} {
		if f.set {
			fmt.Fprintf(b, " %s", f.text)
		}
	}
	for _, e := range v.Exprs {
		fmt.Fprintf(b, " e«%s»", e.Of(src))
	}
	b.WriteString("\n")
	for _, o := range v.Options {
		fmt.Fprintf(b, "%s  %s «%s»: %s %s %q names=%s «%s»\n", indent, o.Name, o.At.Of(src),
			[]string{"string", "number", "word", "env", "none", "list"}[o.Kind], o.Type, o.Text, names(src, o.Names), o.Value.Of(src))
	}
	for _, c := range v.Columns {
		fmt.Fprintf(b, "%s  %s (%s) «%s»\n", indent, c.Name.Text, c.Type, c.At.Of(src))
		for _, k := range slices.Sorted(maps.Keys(c.Args)) {
			dumpValue(b, src, k, c.Args[k], indent+"    ")
		}
	}
	for _, d := range v.Items {
		dump(b, src, d, indent+"  ")
	}
}

func names(src *Source, list []Name) string {
	var out []string
	for _, n := range list {
		out = append(out, fmt.Sprintf("%q«%s»%d", n.Text, n.Span.Of(src), len(n.Parts(src))))
	}
	return "[" + strings.Join(out, " ") + "]"
}
