package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dsql/engine/duck"
)

// layers lists what each package may import of the project, and who alone may import a library: DESIGN.md's one way.
var layers = map[string][]string{
	"sql":               {},
	"sqlfmt":            {"sql"},
	"engine/invariants": {},
	"engine/fault":      {"sql"},
	"engine/duck":       {"engine/fault", "engine/invariants", "sql"},
	"engine/kind":       {"engine/duck", "sql"},
	"engine/catalog":    {"engine/kind", "engine/duck", "sql"},
	"engine/watermark":  {"engine/kind", "engine/duck", "sql"},
	"rules":             {"engine", "sql"},
	"quality":           {"rules", "engine", "sql"},
	"connect":           {"engine", "sql"},
	// Below ingest carriers know formats, and no format a carrier.
	"ingest/jsontext":    {},
	"ingest/names":       {"sql"},
	"ingest/glob":        {"ingest/jsontext", "ingest/names"},
	"ingest/convert":     {"ingest/jsontext", "engine"},
	"ingest/schema":      {"ingest/convert", "ingest/jsontext", "ingest/names", "engine"},
	"ingest/registry":    {"ingest/schema", "connect", "engine", "sql"},
	"ingest/batch":       {"ingest/schema", "ingest/convert", "ingest/glob", "ingest/jsontext", "engine", "sql"},
	"ingest/format/json": {"ingest/batch", "ingest/schema", "ingest/convert", "ingest/jsontext", "engine"},
	"ingest/format/csv":  {"ingest/format/json", "ingest/batch", "ingest/convert", "ingest/jsontext", "ingest/names", "engine", "sql"},
	"ingest/format/debezium": {"ingest/format/avro", "ingest/format/proto", "ingest/format/json", "ingest/batch", "ingest/schema",
		"ingest/convert", "ingest/jsontext", "ingest/names", "engine"},
	"ingest/format/formattest": {"ingest/batch", "ingest/schema", "engine", "sql"},
	"ingest/format":            {"ingest/batch", "ingest/schema", "ingest/convert", "ingest/jsontext", "engine", "sql"},
	"ingest/objects":           {"ingest/format/json", "ingest/convert", "ingest/jsontext", "engine"},
	"ingest/lossless":          {"ingest/batch", "engine", "sql"},
	"ingest/declare":           {"ingest/batch", "ingest/names", "engine", "sql"},
	"ingest/files": {"ingest/declare", "ingest/lossless", "ingest/format", "ingest/batch", "ingest/glob", "ingest/names",
		"ingest/jsontext", "engine", "sql"},
	"ingest/kafka": {"ingest/declare", "ingest/registry", "ingest/format", "ingest/batch", "ingest/schema", "ingest/convert", "ingest/names",
		"ingest/jsontext",
		"connect", "engine", "sql"},
	"ingest":  {"ingest/files", "ingest/kafka", "ingest/declare", "engine", "sql"},
	"stream":  {"rules", "engine", "sql"},
	"journal": {"rules", "engine", "sql"},
	"rollup":  {"engine", "sql"},
	"pyfunc":  {"models/batch", "engine", "sql"},
	"python":  {}, // the wheel's part that Go hands to workers
	"models":  {"pyfunc", "python", "rules", "engine", "sql"},
	// Below models nothing knows of SQL or DuckDB: others may link it alone.
	"models/batch":    {},
	"models/document": {},
	"models/forest":   {"models/batch"},
	"models/onnx":     {"models/batch", "models/forest"},
	"models/ort":      {"models/batch", "models/onnx"},
	"models/model":    {"models/batch"},
	"models/booster":  {"models/batch", "models/model"},
	"models/lightgbm": {"models/batch", "models/booster", "models/document", "models/forest", "models/model"},
	"models/xgboost":  {"models/batch", "models/booster", "models/document", "models/forest", "models/model"},
	"models/catboost": {"models/batch", "models/booster", "models/document", "models/forest", "models/model"},
	"models/sklearn":  {"models/batch", "models/booster", "models/forest", "models/model"},
	"models/graph":    {"models/model", "models/onnx", "models/ort"},
	"models/load":     {"models/catboost", "models/document", "models/graph", "models/lightgbm", "models/model", "models/sklearn", "models/xgboost"},
	"models/stored":   {"models/batch", "models/graph", "models/lightgbm", "models/load", "models/model"},
	"extension":       {"models/model", "models/stored"}, // DuckDB loads it, and has itself
	"extension/file":  {},
	"extension/pack":  {},
	"sinks":           {"sinks/encode", "connect", "engine", "sql"},
	"sinks/encode":    {"engine"},
	"endpoint":        {"engine", "sql"},
	"watch":           {"quality", "models", "engine", "sql"},
	"pipeline/event":  {"engine", "sql"},
	"pipeline/params": {"engine", "sql"},
	"scripttest":      {"engine", "sql"},
	"pipeline/program": {"scripttest", "pipeline/params", "pipeline/event", "connect", "endpoint", "ingest", "sinks", "stream", "journal",
		"rollup",
		"quality", "models", "watch",
		"pyfunc", "rules", "engine", "sql"},
	"page":          {},
	"pipeline/view": {"page", "pipeline/program", "watch", "engine", "sql"},
	"pipeline/look": {"page", "pipeline/params", "pipeline/view", "pipeline/event", "pipeline/program", "connect", "ingest", "sinks", "stream",
		"journal",
		"quality", "models", "watch",
		"pyfunc", "rules", "engine", "sql"},
	"pipeline/run": {"pipeline/params", "pipeline/event", "pipeline/program", "pipeline/view", "pipeline/look", "connect", "ingest", "sinks",
		"stream", "journal",
		"quality",
		"models", "watch", "pyfunc", "rules", "engine", "sql"},
	"pipeline/merge":     {"pipeline/program", "engine", "sql"},
	"pipeline/test":      {"pipeline/event", "pipeline/params", "pipeline/program", "pipeline/run", "scripttest", "engine", "sql"},
	"lsp":                {"sqlfmt", "pipeline/program", "engine", "sql"},
	"worker":             {"pipeline/event", "pipeline/program", "pipeline/run", "stream", "journal", "quality", "engine", "sql"},
	"serve/quack":        {"engine", "sql"},
	"serve":              {"serve/quack", "page", "pipeline", "endpoint", "ingest", "models", "engine", "sql"},
	"bench":              {},
	"demo":               {"sql"},
	"internal":           {"serve/quack", "engine", "sql"}, // what tests share
	"internal/testcases": {},                               // for packages that are free of DuckDB too
	"internal/plural":    {},
	"internal/lazy":      {},
	"torture":            {"engine", "sql"},
	"cmd/dsql": {"lsp", "sqlfmt", "scripttest", "extension/file", "demo", "serve", "worker", "pipeline",
		"connect", "ingest", "sinks", "stream", "journal", "quality",
		"models", "watch", "pyfunc",
		"rules", "engine", "sql"},
}

var owners = map[string]string{
	"github.com/duckdb/":         "engine/duck",
	"github.com/expr-lang/":      "rules",
	"github.com/alecthomas/kong": "cmd/dsql",
	"github.com/sourcegraph/":    "lsp",
}

func TestImportsGoOneWay(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "dsql/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); seen++ {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, "dsql/")
		layer := name
		for layers[layer] == nil && strings.Contains(layer, "/") { // models/forest stands in the layer models
			layer = layer[:strings.LastIndex(layer, "/")]
		}
		allowed, ok := layers[layer]
		if !ok {
			t.Errorf("%s stands in no layer: add it to the table, and to DESIGN.md", name)
		}
		for _, imp := range p.Imports {
			if rest, own := strings.CutPrefix(imp, "dsql/"); own && !inLayer(rest, layer, allowed) {
				t.Errorf("%s imports %s, which is not below it", name, rest)
			}
			for lib, owner := range owners {
				if strings.HasPrefix(imp, lib) && layer != owner {
					t.Errorf("%s imports %s, which only %s may", name, imp, owner)
				}
			}
		}
	}
	if seen < len(layers)-2 {
		t.Errorf("go list showed %d packages only", seen)
	}
}

func inLayer(imp, own string, allowed []string) bool {
	for _, a := range append(allowed, own, "internal/lazy", "internal/plural") { // these know nothing
		if imp == a || strings.HasPrefix(imp, a+"/") {
			return true
		}
	}
	return false
}

// TestTimesAreUTC sees that SQL takes the time from duck.Now alone: any other spelling of it follows the session's TimeZone, or may.
func TestTimesAreUTC(t *testing.T) {
	t.Parallel()
	now := regexp.MustCompile("(?i)[\"`(, " +
		"{=]now\\(\\)|current_timestamp|localtimestamp|get_current_time|transaction_timestamp|today\\(\\)|current_date")
	if !now.MatchString(duck.Now.String()) {
		t.Fatal("the pattern doesn't find what it looks for")
	}
	err := filepath.WalkDir("../..", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") ||
			strings.HasSuffix(name, "engine/duck/time.go") || strings.HasSuffix(name, "engine/duck/clock.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for i, line := range strings.Split(string(text), "\n") {
			if code, _, _ := strings.Cut(line, "//"); now.MatchString(code) {
				t.Errorf("%s:%d: take the time from duck.Now: %s", name, i+1, strings.TrimSpace(line))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
