package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const rollScript = `
CREATE SOURCE ev (id BIGINT, k BIGINT) FROM FILES ('in/*.csv', format csv);
CREATE STREAM s FROM ev;
CREATE JOURNAL j KEYS (k) SEQUENCE BY id FROM ev;
CREATE SINK a INTO FILES ('a', format csv, roll (rows 5)) FROM s;
CREATE SINK b INTO FILES ('b', format csv, partition_by (k), roll (rows 7, interval '1 hour')) FROM s;
CREATE SINK c INTO FILES ('c', format json, roll (bytes 1_000_000)) FROM j;
`

// Nine files of two rows.
func rollDir(t *testing.T) string {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "s.sql"), rollScript)
	for i := 1; i <= 9; i++ {
		put(t, filepath.Join(dir, "in", fmt.Sprintf("%d.csv", i)), fmt.Sprintf("id,k\n%d,1\n%d,2\n", 2*i, 2*i+1))
	}
	return dir
}

// rolled is what stands in a folder: names, and the lines of each file.
func rolled(t *testing.T, dir, folder string) string {
	t.Helper()
	var out []string
	paths, _ := filepath.Glob(filepath.Join(dir, folder, "*"))
	more, _ := filepath.Glob(filepath.Join(dir, folder, "*", "*"))
	for _, p := range append(paths, more...) {
		text, err := os.ReadFile(p)
		if err != nil {
			continue // a folder
		}
		name, _ := filepath.Rel(filepath.Join(dir, folder), p)
		out = append(out, fmt.Sprintf("%s: %s", name, strings.Join(strings.Fields(string(text)), " ")))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// Versions that wait become one file when there are enough, and the rest when the run ends.
func TestSinkRolls(t *testing.T) {
	t.Parallel()
	dir := rollDir(t)
	runs(t, dir)
	for folder, want := range map[string]string{
		"a": "v00000003-0.csv: id,k 2,1 3,2 4,1 5,2 6,1 7,2\nv00000006-0.csv: id,k 8,1 9,2 10,1 11,2 12,1 13,2\n" +
			"v00000009-0.csv: id,k 14,1 15,2 16,1 17,2 18,1 19,2",
		"b": "k=1/v00000004-0.csv: id 2 4 6 8\nk=1/v00000008-0.csv: id 10 12 14 16\nk=1/v00000009-0.csv: id 18\n" +
			"k=2/v00000004-0.csv: id 3 5 7 9\nk=2/v00000008-0.csv: id 11 13 15 17\nk=2/v00000009-0.csv: id 19",
	} {
		if got := rolled(t, dir, folder); got != want {
			t.Errorf("%s has\n%s\nwant\n%s", folder, got, want)
		}
	}
	text := rolled(t, dir, "c")
	if n := strings.Count(text, "update_before"); n != 16 || !strings.HasPrefix(text, "v00000009-0.json: ") || strings.Contains(text, "\n") {
		t.Errorf("%d changes in\n%s", n, text)
	}
	put(t, filepath.Join(dir, "in", "99.csv"), "id,k\n99,1\n")
	put(t, filepath.Join(dir, "s.sql"), strings.Replace(rollScript, ", roll (rows 5)", "", 1))
	runs(t, dir)
	if got := rolled(t, dir, "a"); !strings.HasSuffix(got, "\nv00000010-0.csv: id,k 99,1") {
		t.Errorf("without roll a has\n%s", got)
	}
}

// Killed at any point, also where the next run would roll at another version: the folders are those of a run that nothing disturbed, but
// for where the killed run ended.
func TestSinkRollCrashes(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"kill:sink-staged:1", "kill:sink-renamed:2", "kill:sink-renamed:3", "kill:sink-written:2",
		"kill:sink-before-place:1", "error:sink-before-place:3"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			dir := rollDir(t)
			c := asCommand(t, dir, "run", "s.sql", "--quiet")
			c.Env = append(c.Env, "DSQL_FAULT="+fault)
			if c.Run() == nil {
				t.Fatal("the run was not stopped")
			}
			put(t, filepath.Join(dir, "s.sql"),
				strings.NewReplacer("rows 5", "rows 3", ", roll (rows 7, interval '1 hour')", "").Replace(rollScript))
			runs(t, dir)
			ask := asking(t, dir)
			for _, folder := range []string{"a/*.csv", "b/*/*.csv"} {
				if got := ask("SELECT count(*), count(DISTINCT id), min(id), max(id) FROM read_csv('" + folder + "')"); got != "18|18|2|19" {
					t.Errorf("%s has %s", folder, got)
				}
			}
			if got := ask("SELECT count(*), count(*) FILTER (change_type = 'insert') FROM read_json('c/*.json')"); got != "34|2" {
				t.Errorf("c has %s", got)
			}
		})
	}
}

// A run that follows makes a file when the oldest version has waited for long enough, and another when it is asked to end.
func TestSinkRollFollows(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(`
CREATE SOURCE ev (id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}', batch_rows 1);
CREATE STREAM s FROM ev;
CREATE SINK a INTO FILES ('a', format csv, roll (rows 4, interval '1s')) FROM s;
`)
	k.put(`{"id":1}`, `{"id":2}`, `{"id":3}`, `{"id":4}`, `{"id":5}`)
	f := k.follow()
	f.sees(`"event":"sink"`, 2) // four rows, and one that has waited
	k.put(`{"id":6}`)
	f.sees(`"event":"version"`, 6)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	if got, want := rolled(t, k.dir, "a"), "v00000004-0.csv: id 1 2 3 4\nv00000005-0.csv: id 5\nv00000006-0.csv: id 6"; got != want {
		t.Errorf("the folder has\n%s\nwant\n%s", got, want)
	}
}

// Rows that are written again leave what a killed run had begun as it is: the next run ends it.
func TestSinkRollCrashAndReplay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const script = `
CREATE SOURCE ev (id BIGINT, k VARCHAR) FROM FILES ('in/*.csv', format csv);
CREATE STREAM s FROM ev;
CREATE SINK a INTO FILES ('a', format csv, partition_by (k), roll (rows 100)) ON ROW ERROR REJECT FROM s;
`
	put(t, filepath.Join(dir, "s.sql"), script)
	put(t, filepath.Join(dir, "in", "1.csv"), "id,k\n1,a\n2,"+strings.Repeat("x", 300)+"\n")
	runs(t, dir)
	put(t, filepath.Join(dir, "in", "2.csv"), "id,k\n3,a\n4,b\n")
	put(t, filepath.Join(dir, "in", "3.csv"), "id,k\n5,c\n6,c\n")
	c := asCommand(t, dir, "run", "s.sql", "--quiet")
	c.Env = append(c.Env, "DSQL_FAULT=kill:sink-written:1")
	if c.Run() == nil {
		t.Fatal("the run was not stopped")
	}
	if out, err := asCommand(t, dir, "exec", "--db", "s.duckdb", "REPLAY REJECTS FROM a").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	put(t, filepath.Join(dir, "s.sql"), strings.Replace(script, "rows 100", "rows 1", 1))
	runs(t, dir)
	if got := asking(t, dir)("SELECT count(*), count(DISTINCT id) FROM read_csv('a/*/*.csv')"); got != "5|5" {
		t.Errorf("rows, ids: %s", got)
	}
}
