package run_test

import (
	"os"
	"path/filepath"
	"testing"

	"dsql/engine/duck"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
)

// A batch that finds no memory is tried again where somebody makes room, and is taken once.
func TestMakeRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f.csv"), []byte("a\n1\n2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := program.Options{Language: run.Language, DB: filepath.Join(dir, "s.duckdb"), Dir: dir}
	src := sql.NewSource("s.sql", `CREATE SOURCE f (a BIGINT) FROM FILES ('f.csv');
		CREATE STREAM s AS SELECT a, (SELECT len(list(i || 'some text that is not short')) FROM range(1000000) r(i)) AS n FROM f`)
	src.Dir = dir
	o.Scripts = []*sql.Source{src}
	db, err := program.OpenWriter(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Writer().Limit(t.Context(), 50<<20, 0); err != nil {
		t.Fatal(err)
	}
	asked := 0
	o.MakeRoom = func(err error) bool {
		if asked++; !duck.IsOutOfMemory(err) {
			t.Errorf("room is wanted for: %v", err)
		}
		if asked == 1 {
			return true // but there is none
		}
		c, err := db.Reader(t.Context())
		if err != nil {
			t.Error(err)
		}
		return c.Limit(t.Context(), 4<<30, 0) == nil
	}
	committed := 0
	o.Events = func(e event.Event) {
		if _, ok := e.(event.BatchCommitted); ok {
			committed++
		}
	}
	if err := run.On(t.Context(), db, o); err != nil {
		t.Fatal(err)
	}
	n, err := db.Writer().Int(t.Context(), duck.SQL("SELECT sum(n) + count(*) FROM s"))
	if err != nil || n != 2_000_002 || asked != 2 || committed != 1 {
		t.Errorf("%d, %v; asked %d times, %d batches", n, err, asked, committed)
	}
}
