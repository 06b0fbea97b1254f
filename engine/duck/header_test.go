package duck_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// duckdb.h repeats a part of DuckDB's header. Where the module cache has the driver's copy, each declaration must be the same.
func TestHeader(t *testing.T) {
	t.Parallel()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/duckdb/duckdb-go-bindings").Output()
	if err != nil {
		t.Skip("no go command to find the driver's header with: ", err)
	}
	theirs, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "include", "duckdb.h"))
	if err != nil {
		t.Skip("the driver's header isn't in the module cache: ", err)
	}
	ours, err := os.ReadFile("duckdb.h")
	if err != nil {
		t.Fatal(err)
	}
	want, have := declarations(string(theirs)), declarations(string(ours))
	if len(have) < 80 {
		t.Fatalf("only %d declarations found in duckdb.h", len(have))
	}
	for name, d := range have {
		if want[name] == "" {
			t.Errorf("DuckDB's header has no %s", name)
		} else if want[name] != d {
			t.Errorf("%s: DuckDB's header has %q, ours %q", name, want[name], d)
		}
	}
}

var (
	comments  = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	function  = regexp.MustCompile(`(?m)^([\w ]+?[ *]+)(duckdb_\w+)\(([^()]*)\);`)
	callback  = regexp.MustCompile(`typedef ([\w *]+?)\(\*(\w+)\)\(([^()]*)\);`)
	handle    = regexp.MustCompile(`typedef struct (_\w+) \{\s*void ?\*\s?internal_ptr;\s*\} ?\* ?(\w+);`)
	constants = regexp.MustCompile(`\b(DUCKDB_TYPE_\w+|DUCKDB_PENDING_\w+|DuckDB\w+) = (\d+)`)
	result    = regexp.MustCompile(`(?s)struct (?:duckdb_result )?\{([^{}]*deprecated_column_count[^{}]*)\}`)
	field     = regexp.MustCompile(`(\w+)\s*[;,]`)
)

// declarations are a header's functions, callbacks, handles and constants by name, without the names of parameters.
func declarations(h string) map[string]string {
	h = strings.ReplaceAll(comments.ReplaceAllString(h, ""), "DUCKDB_C_API ", "")
	h = regexp.MustCompile(`,\n\s+`).ReplaceAllString(h, ", ")
	out := map[string]string{}
	for _, re := range []*regexp.Regexp{function, callback} {
		for _, m := range re.FindAllStringSubmatch(h, -1) {
			var params []string
			for _, p := range strings.Split(m[3], ",") {
				params = append(params, bareType(p))
			}
			out[m[2]] = squeeze(m[1]) + "(" + strings.Join(params, ",") + ")"
		}
	}
	for _, m := range handle.FindAllStringSubmatch(h, -1) {
		out[m[2]] = "struct " + m[1]
	}
	for _, m := range constants.FindAllStringSubmatch(h, -1) {
		out[m[1]] = m[2]
	}
	for _, m := range result.FindAllStringSubmatch(h, -1) {
		var names []string
		for _, f := range field.FindAllStringSubmatch(m[1], -1) {
			names = append(names, f[1])
		}
		out["duckdb_result"] = strings.Join(names, " ")
	}
	return out
}

// bareType is a parameter without its name.
func bareType(p string) string {
	words := regexp.MustCompile(`\w+`).FindAllString(strings.ReplaceAll(p, "const ", ""), -1)
	if len(words) == 3 && words[0] == "struct" {
		words, p = words[1:], strings.Replace(p, "struct", "", 1)
	} else if words[0] == "struct" {
		return squeeze(strings.Replace(p, "struct", "", 1))
	}
	if len(words) == 2 {
		p = p[:strings.LastIndex(p, words[1])]
	}
	return squeeze(p)
}

func squeeze(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), " ", "") }
