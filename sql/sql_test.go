package sql

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

func render(err error) string {
	if err == nil {
		return ""
	}
	var b strings.Builder
	for _, e := range err.(List) {
		e.Render(&b)
	}
	return b.String()
}

// stderr separates the script of a case from what is expected of it.
const stderr = "\n-- stderr --\n"

// Each file of testdata/errors is a script and its errors as the user sees them. A file holds several scripts where lines of
// four dashes stand between; control characters are written as their pictures, a broken byte as �.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, c := range strings.Split(string(data), "\n----\n") {
				script, _, _ := strings.Cut(strings.TrimSuffix(c, "\n"), stderr)
				text := strings.NewReplacer("␀", "\x00", "␛", "\x1b", "�", "\xff", "¶", "\r").Replace(script)
				_, err := Parse(NewSource("test.sql", text), testForms)
				if err == nil {
					t.Errorf("no error in: %s", script)
					continue
				}
				for _, e := range err.(List) {
					seen[e.Code.String()] = true
				}
				if !slices.ContainsFunc(err.(List), func(e *Error) bool { return e.Code.String() == name }) {
					t.Errorf("the error %s doesn't occur in: %s", name, script)
				}
				out = append(out, script+stderr+strings.TrimSuffix(render(err), "\n"))
			}
			got := strings.Join(out, "\n----\n") + "\n"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(string(data), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	for _, code := range codes(t) {
		if !seen[code] && !slices.Contains([]string{"script-too-large", "statement-too-long"}, code) { // those: TestLimitErrors
			t.Errorf("no case shows the error %s", code)
		}
	}
}

// codes are all error codes that this package's code names.
func codes(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:fail\([^"\n]*, |expected\(|elements\(|Code: )"([a-z0-9-]+)"`).FindAllStringSubmatch(string(text),
			-1) {
			out = append(out, m[1])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// DuckDB's own statements stay DuckDB's, whatever forms there are.
func TestCorpusIsDuckDBs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/corpus/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		src := NewSource(file, string(text))
		stmts, err := Parse(src, testForms)
		if err != nil {
			t.Error(render(err))
		}
		plain, err := Parse(src, nil)
		if err != nil || len(plain) != len(stmts) {
			t.Errorf("%s: %d statements, %d without forms: %v", file, len(stmts), len(plain), err)
		}
		for _, s := range stmts {
			if s.Decl != nil {
				t.Errorf("%s is taken for %s", s.Text(), s.Decl.Syntax.Title())
			}
		}
	}
}

// Every SQL block of the language page parses into the forms it shows.
func TestLanguagePage(t *testing.T) {
	t.Parallel()
	var got []string
	for i := 1; i <= 6; i++ {
		file := fmt.Sprintf("testdata/language/%d.sql", i)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		stmts, err := Parse(NewSource(file, string(text)), testForms)
		if err != nil {
			t.Error(render(err))
		}
		for _, s := range stmts {
			if s.Decl == nil {
				got = append(got, "DuckDB")
				continue
			}
			got = append(got, newForm(s.Decl.Syntax, true).String()+" "+s.Decl.Name)
		}
	}
	want := []string{
		"CONNECTION shop", "SOURCE flight_events", "SOURCE airports_in", "SOURCE customers_full",
		"STREAM flights", "RULES house_rules", "CHECKS house_checks",
		"JOURNAL planes_j", "JOURNAL customers",
		"MODEL late_risk", "DuckDB", "FUNCTION is_late", "FUNCTION haversine", "FUNCTION km", "MODEL churn", "EXPERIMENT rebooking",
		"SINK scores_out", "SINK lake", "ENDPOINT flight_risk",
		"MONITOR late_risk_health",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
