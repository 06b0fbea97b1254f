package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/internal/testpython"
	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// docs/errors.md is made of sql/code, which alone can make a code: each stands there once, and something has it. UPDATE=1 writes the page.
func TestErrorCodesAreDocumented(t *testing.T) {
	t.Parallel()
	if *update {
		if err := os.WriteFile("../../docs/errors.md", []byte(code.Page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, "../../docs/errors.md") != code.Page() {
		t.Error("docs/errors.md differs from sql/code; run: UPDATE=1 go test ./cmd/dsql -run TestErrorCodesAreDocumented")
	}
	files, err := exec.Command("git", "-C", "../..", "ls-files", "*.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	var declared strings.Builder
	used := map[string]bool{"DuckDBNotImplemented": true} // by OfDuckDB
	word := regexp.MustCompile(`\bcode\.(\w+)`)
	for _, f := range strings.Fields(string(files)) {
		if strings.HasPrefix(f, "sql/code/") {
			declared.WriteString(read(t, "../../"+f))
		} else if strings.HasSuffix(f, "_test.go") {
			continue
		}
		for _, m := range word.FindAllStringSubmatch(read(t, "../../"+f), -1) {
			used[m[1]] = true
		}
	}
	codes := regexp.MustCompile(`(?m)^\t(\w+) += \w+\.(?:add|like)\("([a-z0-9-]+)"`).FindAllStringSubmatch(declared.String(), -1)
	seen := map[string]bool{}
	for _, c := range codes {
		if !used[c[1]] {
			t.Errorf("code.%s is used nowhere", c[1])
		}
		if seen[c[2]] {
			t.Errorf("two codes are %s", c[2])
		}
		seen[c[2]] = true
	}
	if len(codes) < 150 {
		t.Errorf("only %d codes found: has the way they are written changed?", len(codes))
	}
}

// docs/reference.md is what the syntax table says. UPDATE=1 writes it.
func TestReference(t *testing.T) {
	t.Parallel()
	want := sql.Reference(run.Language.Forms)
	if *update {
		if err := os.WriteFile("../../docs/reference.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, "../../docs/reference.md") != want {
		t.Error("docs/reference.md differs from the syntax table; run: UPDATE=1 go test ./cmd/dsql -run TestReference")
	}
}

var pageBlock = regexp.MustCompile("(?ms)^(?:<!-- ([^\n]*?) -->\n)?```([a-z]*)\n(.*?)^```$")

// Every page is a session in a folder of its own: each sql block runs by `dsql run`, one after the other on one file. A comment
// above a block says what else it is: "file NAME" writes it, "append NAME" adds it to that, "topic NAME" fills a topic (a record a line,
// the key before a tab), "output" is what the block before printed, "tells" are lines of what it said on stderr (… is anything), "fails
// CODE" is a block that must fail, "fragment" is no whole statement. A block of sh that begins with dsql is commands on that file.
// UPDATE=1 writes outputs.
func TestPagesRun(t *testing.T) {
	t.Parallel()
	pages, err := exec.Command("git", "-C", "../..", "ls-files", "README.md", "docs/*.md").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range strings.Fields(string(pages)) {
		if page == "docs/reference.md" { // its examples run in pipeline's TestKinds
			continue
		}
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			text, env := read(t, "../../"+page), os.Environ()
			if page == "docs/python.md" || strings.Contains(text, "LANGUAGE python") && page != "docs/errors.md" {
				env = append(env, "DSQL_PYTHON="+testpython.Need(t))
			}
			dir := t.TempDir()
			var stdout, stderr string
			var broker *pageBroker
			updated := pageBlock.ReplaceAllStringFunc(text, func(block string) string {
				m := pageBlock.FindStringSubmatch(block)
				note, lang, body := m[1], m[2], m[3]
				kind, arg, _ := strings.Cut(note, " ")
				switch {
				case kind == "file":
					put(t, filepath.Join(dir, arg), body)
				case kind == "append":
					put(t, filepath.Join(dir, arg), read(t, filepath.Join(dir, arg))+body)
				case kind == "topic":
					if broker == nil {
						broker = newPageBroker(t)
					}
					broker.fill(arg, body)
				case kind == "output": // "prints" is what a block of Python did: python/tests/test_page.py
					if body != stdout {
						if !*update {
							t.Errorf("the output differs:\n%s\nwant\n%s", stdout, body)
							return block
						}
						return "<!-- output -->\n```" + lang + "\n" + stdout + "```"
					}
				case kind == "tells":
					for line := range strings.Lines(body) {
						said := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSuffix(line, "\n")), "…", ".*")
						if !regexp.MustCompile("(?m)^" + said + "$").MatchString(stderr) {
							t.Errorf("%s is not in\n%s", line, stderr)
						}
					}
				case lang == "sql" && kind != "fragment":
					put(t, filepath.Join(dir, "page.sql"), broker.address(body))
					c := asCommand(t, dir, "run", "page.sql", "--quiet")
					c.Env = append(c.Env, env...)
					stdout, stderr = runBlock(t, c, body, kind, arg)
				case lang == "sh" && strings.HasPrefix(body, "dsql "):
					c := exec.Command("bash", "-ec", `dsql() { "$DSQL" "$@"; }`+"\n"+body)
					c.Dir, c.Env = dir, append(env, "DSQL_TEST_AS_COMMAND=1", "DSQL="+os.Args[0])
					stdout, stderr = runBlock(t, c, body, kind, arg)
				}
				return block
			})
			if updated != text {
				if err := os.WriteFile("../../"+page, []byte(updated), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// pageBroker is what a page means by localhost:9092, and by the schema registry at localhost:8081.
type pageBroker struct {
	t        *testing.T
	fake     *kfake.Cluster
	registry *srfake.Registry
	cl       *kgo.Client
}

func newPageBroker(t *testing.T) *pageBroker {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	r := srfake.New()
	t.Cleanup(r.Close)
	return &pageBroker{t, c, r, cl}
}

func (b *pageBroker) fill(topic, body string) {
	if b.fake.TopicInfo(topic) == nil {
		if err := b.fake.CreateTopic(topic, 1, nil); err != nil {
			b.t.Fatal(err)
		}
	}
	for line := range strings.Lines(body) {
		r := &kgo.Record{Topic: topic}
		key, value, keyed := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if keyed {
			r.Key = []byte(key)
		} else {
			value = key
		}
		if value != "" {
			r.Value = []byte(value)
		}
		if err := b.cl.ProduceSync(context.Background(), r).FirstErr(); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *pageBroker) address(body string) string {
	if b == nil {
		return body
	}
	return strings.NewReplacer("localhost:9092", b.fake.ListenAddrs()[0], "http://localhost:8081", b.registry.URL()).Replace(body)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func runBlock(t *testing.T, c *exec.Cmd, body, kind, arg string) (stdout, stderr string) {
	t.Helper()
	var out, errw strings.Builder
	c.Stdout, c.Stderr = &out, &errw
	err := c.Run()
	if fails := kind == "fails"; fails != (err != nil) || fails && !strings.Contains(errw.String(), "["+arg+"]") {
		t.Errorf("%v\n%s\n%s", err, errw.String(), body)
	}
	return out.String(), errw.String()
}

var tableRow = regexp.MustCompile("(?m)^(?:### (dsql\\.[a-z_]+)$|\\| `([a-z_]+)` \\| ([A-Z\\[\\]]+) \\|)")

// docs/tables.md has the tables and views of a new file, with their columns in order.
func TestTablesAreDocumented(t *testing.T) {
	t.Parallel()
	var got []string
	table := ""
	for _, m := range tableRow.FindAllStringSubmatch(read(t, "../../docs/tables.md"), -1) {
		if m[1] != "" {
			table = m[1]
		} else {
			got = append(got, table+" "+m[2]+" "+m[3])
		}
	}
	slices.SortStableFunc(got, func(a, b string) int { return strings.Compare(strings.Fields(a)[0], strings.Fields(b)[0]) })
	db, err := duck.Open(t.Context(), "", duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := catalog.Migrate(t.Context(), db.Writer()); err != nil {
		t.Fatal(err)
	}
	want, err := duck.Select(t.Context(), db.Writer(), duck.SQL(`SELECT 'dsql.' || table_name || ' ' || column_name || ' ' || regexp_replace(data_type, '\(.*', '')
		FROM duckdb_columns() WHERE schema_name = 'dsql' ORDER BY 'dsql.' || table_name, column_index`),
		func(row func(...any) error) (s string, err error) { return s, row(&s) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Every command and flag stands in docs/cli.md.
func TestCommandsAreDocumented(t *testing.T) {
	t.Parallel()
	doc := read(t, "../../docs/cli.md")
	p, err := newParser(&cli{}, "", os.Stdout, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	m := describe(p)
	for _, c := range append(m.commands, command{flags: m.flags}) {
		if !strings.Contains(doc, "`dsql "+c.name) {
			t.Errorf("the command %s is not there", c.name)
		}
		for _, f := range c.flags {
			if f.name != "help" && !strings.Contains(doc, "--"+f.name) {
				t.Errorf("the flag --%s of %s is not there", f.name, c.name)
			}
		}
	}
}
