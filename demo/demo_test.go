package demo_test

import (
	"os"
	"path/filepath"
	"testing"

	"dsql/demo"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	names, err := demo.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, n := range names {
		info, err := os.Stat(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if len(names) < 12 || size > 3<<20 {
		t.Errorf("%d files of %d bytes together", len(names), size)
	}
	if _, err := demo.Write(dir); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pipeline.sql"), []byte("-- mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := demo.Write(dir); err == nil {
		t.Error("overwrote a file that differs")
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "pipeline.sql")); string(b) != "-- mine" {
		t.Error("the user's file is gone")
	}
}
