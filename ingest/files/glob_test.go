package files

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/format/formattest"
	"dsql/ingest/glob"
)

// found lists a pattern's files with their captures: "a/b.csv day=1 city=x". Their paths alone have the same.
func found(t rapidT, dir, text string) []string {
	t.Helper()
	p, err := glob.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	s := &Source{pattern: p}
	files, err := s.list(&kind.Env{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, f := range files {
		if again, ok := p.Captured(f.path); len(p.Captures) > 0 && (!ok || !maps.Equal(again, f.captures)) {
			t.Fatal(text, "captures", again, ok, "of", f.path, "and not", f.captures)
		}
		line := f.path
		for _, n := range p.Captures {
			line += " " + n + "=" + f.captures[n]
		}
		out = append(out, line)
	}
	return out
}

type rapidT interface {
	Helper()
	Fatal(...any)
}

func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		full := filepath.Join(dir, n)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	dir := tree(t, "in/a.csv", "in/b.csv", "in/.c.csv", "in/x/a.csv", "in/x/y/a.csv", "in/.git/a.csv", "in/w[1]*.csv", "in/été.csv",
		"in/2025-01-02_north_west.csv", "in/{day}.csv", "other/a.csv")
	for name, to := range map[string]string{"in/x/up": "..", "in/dangling.csv": "nowhere", "in/ring": "ring", "in/link.csv": "../other/a.csv",
		"in/there": "../other"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range []struct{ pattern, want string }{
		{"in/[ab].csv", "in/a.csv|in/b.csv"},
		{"in/[!a].csv", "in/b.csv"},
		{"./in//?.csv", "in/a.csv|in/b.csv"},
		{"in/.*.csv", "in/.c.csv"},
		{"in/*/a.csv", "in/there/a.csv|in/x/a.csv"},
		{"in/*/*/a.csv", "in/x/up/a.csv|in/x/y/a.csv"},
		{"**/a.csv", "in/a.csv|in/there/a.csv|in/x/a.csv|in/x/y/a.csv|other/a.csv"}, // in/x/up is in itself
		{"in/x/**", "in/x/a.csv|in/x/up/2025-01-02_north_west.csv|in/x/up/a.csv|in/x/up/b.csv|in/x/up/link.csv|in/x/up/there/a.csv|" +
			"in/x/up/w[1]*.csv|in/x/up/{day}.csv|in/x/up/été.csv|in/x/y/a.csv"},
		{`in/w[[]1]\*.csv`, "in/w[1]*.csv"},
		{`in/w\[1\]\*.csv`, "in/w[1]*.csv"},
		{"in/?t?.csv", "in/été.csv"},
		{`in/\{day}.csv`, "in/{day}.csv"},
		{"in/l*.csv", "in/link.csv"},
		{"in/d*.csv", ""},
		{"in/{day}_{place}.csv", "in/2025-01-02_north_west.csv day=2025-01-02_north place=west"},
		{"{top}/{name}.csv", "in/2025-01-02_north_west.csv top=in name=2025-01-02_north_west|in/a.csv top=in name=a|in/b.csv top=in " +
			"name=b|in/link.csv top=in name=link|in/w[1]*.csv top=in name=w[1]*|in/{day}.csv top=in name={day}|in/été.csv top=in " +
			"name=été|other/a.csv top=other name=a"},
		{"in/{d}/**/y/{f}.csv", "in/x/y/a.csv d=x f=a"},
		{"in/a.csv/*", ""},
	} {
		want := []string{}
		if k.want != "" {
			want = strings.Split(k.want, "|")
		}
		if diff := cmp.Diff(want, found(t, dir, k.pattern)); diff != "" {
			t.Errorf("%s: %s", k.pattern, diff)
		}
	}
	if got := found(t, "/nowhere", filepath.Join(dir, "in/a*.csv")); len(got) != 1 || !filepath.IsAbs(got[0]) {
		t.Errorf("an absolute pattern: %v", got)
	}
}

func TestPatternErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "is empty", "in/": "is a folder", "s3://b/*.csv": "files of this machine", "in/[ab": "is not closed", "in/[]": "is not closed",
		"in/{a,b}.csv":  "begins no {name}",
		"in/{a}{b}.csv": "nothing stands between {a} and {b}", "{a}/{A}.csv": "stands twice", "in/[z-a].csv": "goes backwards", "a\x00b": "NUL",
	} {
		if _, err := glob.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// Without hidden files and links a pattern finds what DuckDB's glob finds.
func TestPatternsAreDuckDBs(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	dir := tree(t, "a/b/x.csv", "a/b/xy.csv", "a/x.csv", "a/[x].csv", "b/ab/ba/x.csv", "b/x", "x.csv", "x-y.csv", "ab/x!.csv", "a/b/c/x.csv")
	part := rapid.SampledFrom([]string{"*", "**", "a", "b", "?", "a*", "*b*", "[ab]", "[a-x]", "[!a]*", "x.csv", "*.csv", "?.csv", "x[-!y]*",
		"[[]x].csv", "*.c?v", "[!-a]"})
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(part, 1, 4).Draw(t, "parts")
		if i := slices.Index(parts, "**"); i >= 0 { // DuckDB takes one of them only
			parts = append(parts[:i+1], slices.DeleteFunc(parts[i+1:], func(p string) bool { return p == "**" })...)
		}
		text := strings.Join(parts, "/")
		want, err := duck.Select(context.Background(), c, duck.SQL("SELECT file FROM glob({p})", duck.Args{"p": filepath.Join(dir, text)}),
			func(row func(...any) error) (s string, err error) {
				err = row(&s)
				return strings.TrimPrefix(s, dir+"/"), err
			})
		if err != nil {
			t.Fatal(err)
		}
		want = slices.DeleteFunc(want, func(n string) bool { // a folder, if the last part is a plain name
			info, err := os.Stat(filepath.Join(dir, n))
			return err != nil || info.IsDir()
		})
		slices.Sort(want)
		if want == nil {
			want = []string{}
		}
		p, err := glob.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Parts) == 0 { // it must be there, which is another test
			t.Skip()
		}
		if diff := cmp.Diff(slices.Compact(want), found(t, dir, text)); diff != "" {
			t.Fatalf("%s: %s", text, diff)
		}
	})
}
