package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// A journal's batch is killed at each of its fault points, first pass and last, and run again: the file must be the same as that of an
// undisturbed run in every table. The feed takes an event in order, late ones, a conflict, deletes and repeats; the loads change, lack
// and bring keys, so that every way of writing is passed.
func TestJournalKilled(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ name, script string }{
		{"feed", `CREATE SOURCE s (id INTEGER, op VARCHAR, v VARCHAR, note VARCHAR, ts TIMESTAMP) FROM FILES ('in/*.csv', format csv);
CREATE JOURNAL j KEYS (id) SEQUENCE BY ts DELETE WHEN op = 'd' COLUMNS (v, note) TRACK (v) FROM s;`},
		{"loads", `CREATE SOURCE s (id INTEGER, v VARCHAR, day DATE) FROM FILES ('loads/{day}.csv', format csv, mode snapshot);
CREATE JOURNAL j KEYS (id) SNAPSHOT AT day COLUMNS (v) ON MISSING CLOSE IF REMOVED < 90 PERCENT FROM s;`},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			dir := newJournal(t, x.script)
			log := filepath.Join(dir, "points.log")
			if err := runJournal(t, dir, "DSQL_FAULT_LOG="+log); err != nil {
				t.Fatal(err)
			}
			want, passes := contents(t, filepath.Join(dir, "j.duckdb")), passed(t, log)
			if n := passes["journal-inserted"]; n < 3 {
				t.Fatalf("the journal wrote %d times: %v", n, passes)
			}
			for name, n := range passes {
				for _, k := range map[bool][]int{true: {1}, false: {1, n}}[n == 1] {
					t.Run(fmt.Sprintf("%s-%d", name, k), func(t *testing.T) {
						t.Parallel()
						dir := newJournal(t, x.script)
						if err := runJournal(t, dir, fmt.Sprintf("DSQL_FAULT=kill:%s:%d", name, k)); err == nil {
							t.Fatal("the run was not killed")
						}
						if err := runJournal(t, dir); err != nil {
							t.Fatalf("after the crash: %v", err)
						}
						sameContents(t, want, filepath.Join(dir, "j.duckdb"))
					})
				}
			}
		})
	}
}

func newJournal(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"j.sql": script,
		"in/1.csv": "id,op,v,note,ts\n1,i,a,x,2025-01-01 00:00:00\n1,u,b,x,2025-01-05 00:00:00\n2,i,a,x,2025-01-01 " +
			"00:00:00\n3,i,a,x,2025-01-02 00:00:00\n",
		"in/2.csv": "id,op,v,note,ts\n1,u,c,y,2025-01-03 00:00:00\n1,u,b,x,2025-01-05 00:00:00\n2,d,,,2025-01-06 00:00:00\n3,u,a,y,2025-01-04 " +
			"00:00:00\n4,d,,,2025-01-01 00:00:00\n",
		"in/3.csv": "id,op,v,note,ts\n1,u,Z,y,2025-01-03 00:00:00\n2,u,late,,2025-01-03 00:00:00\n3,u,b,z,2025-01-08 " +
			"00:00:00\n,u,b,z,2025-01-08 00:00:00\n",

		"loads/2025-01-01.csv": "id,v\n1,a\n2,b\n3,c\n",
		"loads/2025-01-02.csv": "id,v\n1,A\n3,c\n4,d\n4,e\n",
		"loads/2025-01-03.csv": "id,v\n1,A\n2,b\n4,d\n5,\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func runJournal(t *testing.T, dir string, env ...string) error {
	t.Helper()
	c := asCommand(t, dir, "run", "j.sql")
	c.Env = append(c.Env, env...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("%w\n%s", err, stderr.String())
	}
	return nil
}
