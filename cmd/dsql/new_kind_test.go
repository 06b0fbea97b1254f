package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A new kind of declaration is one file and one line in the list of kinds, as CONTRIBUTING.md has it: the patch is applied to a copy of
// the project, which is built and run.
func TestNewKind(t *testing.T) {
	t.Parallel()
	run := patched(t, "new_kind.patch")
	out := run("CREATE BANNER welcome TEXT 'ask first';\nSELECT text FROM welcome;\nSHOW BANNERS;\nDROP BANNER welcome;\n", nil)
	for _, want := range []string{"ask first", "declared banner welcome", "CREATE BANNER welcome TEXT 'ask first'", "dropped banner welcome"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// A new format is one folder and one line in the table of formats: files and topics are read in it, good records and bad ones.
func TestNewFormat(t *testing.T) {
	t.Parallel()
	run := patched(t, "new_format.patch")
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "people"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.DefaultProduceTopic("people"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), kgo.StringRecord("id:4\tname:Di"), kgo.StringRecord("id:y\tname:Ed")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	out := run(`CREATE SOURCE people (id BIGINT, name VARCHAR, born DATE) FROM FILES ('in/*.ltsv');
CREATE SOURCE more (id BIGINT, name VARCHAR, born DATE) FROM KAFKA (brokers '`+fake.ListenAddrs()[0]+`', topic 'people', format ltsv);
CREATE STREAM p FROM people, more;
REFRESH;
SELECT string_agg(concat_ws(' ', id, name, born), ', ' ORDER BY id) AS them FROM p;
SELECT string_agg(reason || ' ' || (data ->> 'name'), ', ' ORDER BY reason) AS bad FROM dsql.rejects;
`, map[string]string{"in/a.ltsv": "id:1\tname:Ada\tborn:1815-12-10\nid:x\tname:Bo\n\nid:3\tmore:1\tname:Cy\n"})
	for _, want := range []string{"1 Ada 1815-12-10, 3 Cy, 4 Di", `bad_record: id: "x" is no BIGINT Bo, bad_record: id: "y" is no BIGINT Ed`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// patched builds a copy of the project with a patch that changes two files, and gives what runs a script in it, beside files.
func patched(t *testing.T, name string) (run func(script string, files map[string]string) string) {
	t.Helper()
	patch, err := filepath.Abs("../../testdata/patches/" + name)
	if err != nil {
		t.Fatal(err)
	}
	tree, work := t.TempDir(), t.TempDir()
	entries, err := os.ReadDir("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); name[0] != '.' && !slices.Contains([]string{"bench", "bin", "docs", "testdata"}, name) {
			copyTree(t, filepath.Join("../..", name), filepath.Join(tree, name))
		}
	}
	in := func(dir, name string, args ...string) string {
		t.Helper()
		c := exec.Command(name, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(tree), "NO_COLOR=1")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	changed := in(tree, "git", "apply", "--numstat", "--apply", patch)
	if lines := strings.Count(changed, "\n"); lines != 2 {
		t.Errorf("the patch changes %d files:\n%s", lines, changed)
	}
	dsql := filepath.Join(work, "dsql")
	in(tree, "go", "build", "-trimpath", "-o", dsql, "./cmd/dsql") // what isn't changed was built before, in another folder
	return func(script string, files map[string]string) string {
		t.Helper()
		for name, text := range files {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(work, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(work, "s.sql"), []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
		return in(work, dsql, "run", "s.sql", "--db", "x.duckdb")
	}
}

// copyTree copies the files of a folder, or one file.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if info, err := os.Stat(from); err != nil {
		t.Fatal(err)
	} else if info.IsDir() {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
