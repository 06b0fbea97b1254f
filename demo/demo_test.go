package demo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dsql/demo"
	"dsql/sql"
	"dsql/sql/code"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	count, size := map[string]int{}, int64(0)
	err := fs.WalkDir(demo.Files(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		count[filepath.ToSlash(filepath.Dir(name))+"/*"+filepath.Ext(name)]++
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"./*.sql": 2, "./*.md": 1, "./*.csv": 1, "in/flights/*.jsonl": 8, "in/planes/*.csv": 5, "in/weather/*.parquet": 1,
		"models/*.txt": 1}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Error(diff)
	}
	if size > 2_500_000 {
		t.Errorf("%d bytes are too many for a repository of 6 MB", size)
	}
}

// The files and expected.json are of one making.
func TestExpected(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Files   map[string]struct{ Records int }
		Answers map[string]string
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if len(want.Files) != 13 || len(want.Answers) < 20 {
		t.Errorf("%d files, %d answers", len(want.Files), len(want.Answers))
	}
	for name, f := range want.Files {
		path, header := "in/flights/"+name, 0
		if filepath.Ext(name) == ".csv" {
			path, header = "in/planes/"+name, 1
		}
		data, err := fs.ReadFile(demo.Files(), path)
		if err != nil {
			t.Fatal(err)
		}
		records := -header
		for line := range bytes.Lines(data) {
			if len(bytes.TrimSpace(line)) > 0 {
				records++
			}
		}
		if records != f.Records {
			t.Errorf("%s has %d records, expected.json says %d: run make/make.py", name, records, f.Records)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	names, err := demo.Write(demo.Files(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		want, err := fs.ReadFile(demo.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		if have, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s: not written as it is (%v)", name, err)
		}
	}

	// A second time writes what is missing and touches nothing else.
	script, model := filepath.Join(dir, "pipeline.sql"), filepath.Join(dir, "models", "late.txt")
	old := time.Date(2013, 7, 8, 0, 0, 0, 0, time.UTC)
	if err := errors.Join(os.Chtimes(script, old, old), os.Remove(model)); err != nil {
		t.Fatal(err)
	}
	again, err := demo.Write(demo.Files(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(names, again); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(script); err != nil || !info.ModTime().Equal(old) {
		t.Errorf("a file that was the same was written again (%v)", err)
	}
	if _, err := os.Stat(model); err != nil {
		t.Error(err)
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]struct {
		code code.Code
		make func(dir string) error
	}{
		"a file that differs": {code.FileExists, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "pipeline.sql"), []byte("-- mine"), 0o644)
		}},
		"a folder where a file goes": {code.NoRights, func(dir string) error { return os.Mkdir(filepath.Join(dir, "pipeline.sql"), 0o755) }},
		"a file where a folder goes": {code.NoRights, func(dir string) error { return os.WriteFile(filepath.Join(dir, "models"), nil, 0o644) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := spoil.make(dir); err != nil {
				t.Fatal(err)
			}
			_, err := demo.Write(demo.Files(), dir)
			var e *sql.Error
			if !errors.As(err, &e) || e.Code != spoil.code || e.Hint == "" {
				t.Errorf("%v, want the code %s with a hint", err, spoil.code)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("%d entries: something was written (%v)", len(left), err)
			}
		})
	}
}
