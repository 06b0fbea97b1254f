package rules

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden checks what got says of each script in a file of "== name\nscript\n--\nwhat comes out".
func golden(t *testing.T, file string, got func(script string) string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cases := strings.Split("\n"+string(data), "\n== ")[1:]
	if len(cases) == 0 {
		t.Fatalf("%s has no cases", file)
	}
	for _, c := range cases {
		name, rest, _ := strings.Cut(strings.TrimSuffix(c, "\n")+"\n", "\n")
		script, want, _ := strings.Cut(rest, "--\n")
		is := got(strings.TrimSuffix(script, "\n"))
		out.WriteString("== " + name + "\n" + script + "--\n" + is)
		if d := cmp.Diff(want, is); d != "" && !*update {
			t.Errorf("%s: -want +got\n%s", name, d)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	c := bench(t)
	exec(t, c, `CREATE TABLE flights AS SELECT 1 AS flight_id, 'SAS' AS carrier, 2.5 AS dep_delay, TIMESTAMP '2026-01-01' AS seen_at, ['a'] AS tags, 'a@b.no' AS work_email`)
	golden(t, "testdata/errors.txt", func(script string) string {
		_, err := compile(t, c, script)
		if err == nil {
			return "no error\n"
		}
		return rendered(err)
	})
}
