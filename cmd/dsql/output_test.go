package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/sql"
)

// However a text is, CSV and JSON give it back, and a table keeps each row on its line.
func TestOutputRoundTrip(t *testing.T) {
	t.Parallel()
	db, err := duck.Open(t.Context(), "", duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	show := func(t *rapid.T, format string, q *duck.Query) string {
		r, err := db.Writer().Query(t.Context(), q, sql.Place{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var out bytes.Buffer
		s := &streams{out: &out, err: io.Discard, cli: &cli{everywhere: everywhere{Output: format}}}
		if err := s.show(r); err != nil || r.Err() != nil {
			t.Fatal(err, r.Err())
		}
		return out.String()
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("a,\"'\n\r\t |\\é日\x00\x1b\u0085🦆"))).Draw(t, "text")
		q := duck.SQL("SELECT 1 AS n, {text} AS {name} UNION ALL SELECT 2, NULL ORDER BY 1",
			duck.Args{"text": text, "name": duck.Ident("a \"b\",")})
		lines, err := csv.NewReader(strings.NewReader(show(t, "csv", q))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		crlf := strings.ReplaceAll(text, "\r\n", "\n") // csv.Reader makes LF of CRLF in quotes, too
		if diff := cmp.Diff([][]string{{"n", `a "b",`}, {"1", crlf}, {"2", ""}}, lines); diff != "" {
			t.Fatal(diff)
		}
		var rows []map[string]any
		if err := json.Unmarshal([]byte(show(t, "json", q)), &rows); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]map[string]any{{"n": 1.0, `a "b",`: text}, {"n": 2.0, `a "b",`: nil}}, rows); diff != "" {
			t.Fatal(diff)
		}
		for _, format := range []string{"table", "markdown", "jsonl"} {
			want := 4
			if format == "jsonl" {
				want = 2
			}
			if out := show(t, format, q); strings.Count(out, "\n") != want || format != "jsonl" && strings.ContainsAny(out, "\x00\x1b\r\u0085") {
				t.Fatalf("%s: %q", format, out)
			}
		}
	})
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		s    string
		max  int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"},
		{"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"}, {"e\u0301e\u0301e\u0301", 2, "e\u0301…"}, {"", 0, ""}} {
		if got := cut(x.s, x.max); got != x.want || width(got) > x.max {
			t.Errorf("cut(%q, %d) = %q, want %q", x.s, x.max, got, x.want)
		}
	}
}

// A table has the terminal's width: columns are cut, and where that isn't enough those in the middle are left out, no more than must be.
func TestFit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 200), 1, 30).Draw(t, "sizes")
		columns := rapid.IntRange(20, 200).Draw(t, "columns")
		got := append([]int{}, sizes...)
		from, to := fit(got, columns)
		all, sum, shown := 2*(len(got)-1), -2, 0
		for i, n := range got {
			if all += n; i < from || i >= to {
				sum += n + 2
				shown++
			}
			if n > sizes[i] || n < min(sizes[i], minSize) {
				t.Fatalf("%v becomes %v", sizes, got)
			}
		}
		if from < to {
			sum += 2 + width(gap)
		}
		switch {
		case sum > columns && shown > 1, from == 0 && to > 0 || shown == 0:
			t.Fatalf("%v becomes %v without [%d, %d), %d columns of %d", sizes, got, from, to, sum, columns)
		case all <= columns && from < to:
			t.Fatalf("%v fits and [%d, %d) is left out", got, from, to)
		}
	})
}

// The version is that of CHANGELOG.md's newest release.
func TestVersionIsInTheChangelog(t *testing.T) {
	t.Parallel()
	newest := regexp.MustCompile(`(?m)^## (\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)$`).FindStringSubmatch(read(t, "../../CHANGELOG.md"))
	if newest == nil || newest[1] != strings.TrimSpace(released) {
		t.Errorf("CHANGELOG.md has %v, VERSION is %s", newest, released)
	}
}

// duckDB, which the command prints without opening anything, is what is linked.
func TestVersion(t *testing.T) {
	t.Parallel()
	db, err := duck.Open(t.Context(), "", duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var linked string
	if _, err := db.Writer().Scan(t.Context(), duck.SQL("SELECT version()"), &linked); err != nil || linked != "v"+duckDB {
		t.Errorf("DuckDB %s is linked, %s is told (%v)", linked, duckDB, err)
	}
}
