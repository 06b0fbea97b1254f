package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/engine/duck"
)

// Files that older dsqls wrote (testdata/old: j.sql over in/, by a build of each layout that there was) go on as if this one had
// written them: with new input, as they were declared and declared otherwise, with replays, rollbacks and rebuilds.
func TestOldFiles(t *testing.T) {
	t.Parallel()
	const old = "../../testdata/old"
	input := map[string]string{
		"in/planes_3.csv":        "tailnum,seats,op,known\nN1,11,u,2024-01-02\nN4,40,i,2024-01-04\nN3,-5,i,2024-01-04\nN1,13,u,2024-01-05\n",
		"in/load_2024-01-03.csv": "id,name\n1,Ada L.\n4,Dee\n",
	}
	changed := strings.NewReplacer("seats > 0", "seats > -3", "count(*) < 4", "count(*) < 5") // what a newer script says
	steps := []string{"REPLAY REJECTS FROM planes", "REPLAY REJECTS FROM seen", "ROLLBACK JOURNAL people TO VERSION 2",
		"REBUILD JOURNAL planes", "REBUILD JOURNAL people", "REPLAY SOURCE planes_in FROM EARLIEST",
		"REBUILD JOURNAL planes FROM SOURCE", "REBUILD STREAM seen FROM SOURCE"}
	queries := []string{"FROM planes_history", "FROM people_history", "FROM seen", "FROM moves", "FROM planes_changes(0, 4)",
		"FROM planes_history_at(2)", "FROM planes_history_at(4)", "FROM people_diff(1, 4)", "FROM people_as_of('2024-01-02')",
		"SELECT * EXCLUDE (checked_at) FROM dsql.checks", "SELECT * EXCLUDE (recorded_at) FROM dsql.metrics", "FROM dsql.version_rows",
		"SELECT is_big(5), is_big(500), trial('7')",
		"SELECT destination, source, rule, reason, meta.file, meta.line, payload, data, version, replayed_at IS NULL FROM dsql.rejects"}
	place := func(t *testing.T, dir, name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// life takes a file through all of it, and shows it after each part.
	life := func(t *testing.T, begin func(dir string)) (states [][]string) {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(old)); err != nil {
			t.Fatal(err)
		}
		begin(dir)
		run := func() {
			t.Helper()
			if err := runJournal(t, dir); err != nil {
				t.Fatal(err)
			}
			states = append(states, answers(t, filepath.Join(dir, "j.duckdb"), queries))
		}
		run()
		for name, text := range input {
			place(t, dir, name, text)
		}
		run()
		script, err := os.ReadFile(filepath.Join(dir, "j.sql"))
		if err != nil {
			t.Fatal(err)
		}
		text := changed.Replace(string(script))
		for _, s := range steps {
			place(t, dir, "j.sql", text+s+";\n")
			run()
		}
		return states
	}
	want := life(t, func(string) {})
	for _, name := range []string{"first", "second", "respelt"} { // respelt: the second, as scripts made it that spelt names otherwise
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := life(t, func(dir string) {
				unpackOld(t, dir, strings.Replace(name, "respelt", "second", 1))
				if name == "respelt" {
					respellNames(t, filepath.Join(dir, "j.duckdb"))
				}
			})
			for i := range want {
				after := append([]string{"nothing", "new input"}, steps...)[i]
				for k, q := range queries {
					if diff := cmp.Diff(want[i][k], got[i][k]); diff != "" {
						t.Errorf("%s, after %s:\n%s", q, after, diff)
					}
				}
			}
		})
	}
}

// A run that is killed after any commit of those that bring a file up to date leaves one that the next run goes on with.
func TestOldFilesKilled(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"first", "second"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for k := 1; k < 12; k++ { // there are some ten of them
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS("../../testdata/old")); err != nil {
					t.Fatal(err)
				}
				unpackOld(t, dir, name)
				if err := runJournal(t, dir, fmt.Sprintf("DSQL_FAULT=kill:after-commit:%d", k)); err == nil {
					t.Fatal("the run was not killed")
				}
				if err := runJournal(t, dir); err != nil {
					t.Errorf("killed after commit %d: %v", k, err)
				}
			}
		})
	}
}

// unpackOld makes j.duckdb an older file.
func unpackOld(t *testing.T, dir, name string) {
	t.Helper()
	in, err := os.Open(filepath.Join(dir, name+".duckdb.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "j.duckdb"), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// respellNames writes names in another case into an older file's tables, and some places under a second spelling beside.
func respellNames(t *testing.T, path string) {
	t.Helper()
	db, err := duck.Open(t.Context(), path, duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Writer().Run(t.Context(),
		duck.SQL("INSERT INTO dsql.places SELECT upper(destination), input, 0 FROM dsql.places"),
		duck.SQL("INSERT INTO dsql.files SELECT * REPLACE (upper(source) AS source, 0 AS next_byte, false AS done) FROM dsql.files"),
		duck.SQL("UPDATE dsql.version_rows SET name = upper(name)"), duck.SQL("UPDATE dsql.rejects SET destination = upper(destination)"),
		duck.SQL("UPDATE dsql.metrics SET destination = upper(destination)"),
		duck.SQL("UPDATE dsql.checks SET destination = upper(destination)")); err != nil {
		t.Fatal(err)
	}
}

// answers are the rows of queries, in an order of their own.
func answers(t *testing.T, path string, queries []string) (out []string) {
	t.Helper()
	db, err := duck.Open(t.Context(), path, duck.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range queries {
		var rows string
		if _, err := db.Writer().Scan(context.Background(),
			duck.SQL("SELECT coalesce(string_agg(x::VARCHAR, chr(10) ORDER BY x::VARCHAR), '') FROM ({q}) x", duck.Args{"q": duck.Text(q)}),
			&rows); err != nil {
			t.Fatal(q, err)
		}
		out = append(out, rows)
	}
	return out
}
