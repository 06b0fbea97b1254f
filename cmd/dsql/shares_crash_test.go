package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dsql/engine/duck"
)

const sharedScript = `CREATE SOURCE orders_in (id BIGINT, customer VARCHAR, amount DOUBLE) FROM FILES ('in/*.csv', format csv);
CREATE STREAM orders
  RULES (CONSTRAINT some EXPECT (amount > 3) ON VIOLATION REJECT, CONSTRAINT few EXPECT (amount < 60) ON VIOLATION DROP)
  METRICS (revenue = sum(amount)) CHECKS (CHECK some EXPECT (count(*) > 0)) FROM orders_in;
CREATE STREAM large AS SELECT id, amount FROM STREAM orders WHERE amount > 20;
CREATE SINK lake INTO FILES ('lake', format csv) FROM large;
CREATE SOURCE planes_in (plane VARCHAR, op VARCHAR, seats INTEGER, happened TIMESTAMP) FROM FILES ('ev/*.csv', format csv);
CREATE JOURNAL planes KEYS (plane) SEQUENCE BY happened DELETE WHEN op = 'd' COLUMNS (seats) FROM planes_in;
CREATE STREAM changes AS SELECT plane, seats, change_type FROM STREAM planes;
`

// sharedFolder has the script and its files: dirty records, late events, deletes.
func sharedFolder(t *testing.T) string {
	t.Helper()
	dir, x := t.TempDir(), uint32(1)
	next := func(n uint32) uint32 { x = x*1664525 + 1013904223; return x >> 8 % 97 % n }
	for f := range 5 {
		orders, events := "id,customer,amount\n", "plane,op,seats,happened\n"
		for i := range 40 {
			amount := fmt.Sprint(float64(i) * 1.75)
			if i%13 == 4 {
				amount = "many"
			}
			orders += fmt.Sprintf("%d,c%d,%s\n", f*40+i, i%5, amount)
			op, seats := "u", fmt.Sprint(next(200))
			if next(5) == 0 {
				op = "d"
			}
			if i%17 == 3 {
				seats = "none"
			}
			events += fmt.Sprintf("N%d,%s,%s,2025-01-%02d %02d:%02d:00\n", next(12), op, seats, 1+next(28), next(24), i)
		}
		for name, text := range map[string]string{fmt.Sprintf("in/%d.csv", f): orders, fmt.Sprintf("ev/%d.csv", f): events} {
			path, before := filepath.Join(dir, name), time.Now().Add(-time.Hour)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, before, before); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "s.sql"), []byte(sharedScript), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// sharedRows are what matters of files together: rows, histories, changes, rejects, the sums of accounts; and what the sink wrote.
func sharedRows(t *testing.T, dir string, files ...string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for i, f := range files {
		db, err := duck.Open(t.Context(), filepath.Join(dir, f), duck.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(what, q string) {
			rows, err := duck.Select(t.Context(), db.Writer(), duck.SQL("SELECT (r)::VARCHAR FROM ({q}) r", duck.Args{"q": duck.Text(q)}),
				func(row func(...any) error) (s string, err error) { return s, row(&s) })
			if err != nil {
				t.Fatal(err)
			}
			out[what] = append(out[what], rows...)
		}
		for _, stream := range []string{"orders", "large"} {
			ask(stream, "SELECT * EXCLUDE (_version) FROM "+stream)
		}
		ask("state", "FROM planes")
		ask("history", "FROM planes_history")
		ask("rejects", "SELECT destination, source, reason, meta, payload, data FROM dsql.rejects WHERE destination IS NOT NULL OR source = 'orders_in'")
		if i == 0 { // each file has those of a source that feeds a journal
			ask("bad events", "SELECT reason, meta, payload FROM dsql.rejects WHERE source = 'planes_in' AND destination IS NULL")
		}
		if n, err := db.Writer().Int(t.Context(), duck.SQL("SELECT count(*) FROM dsql.version_rows WHERE rows_in <> coalesce(written, 0) + "+
			"coalesce(rejected, 0) + coalesce(dropped, 0) + coalesce(bad, 0) + coalesce(skipped, 0)")); err != nil || n > 0 {
			t.Errorf("%s: %d accounts don't close (%v)", f, n, err)
		}
		var sum string
		if _, err := db.Writer().Scan(t.Context(), duck.SQL("SELECT format('{} {} {}', sum(rows_in), sum(written), sum(dropped)) FROM dsql.version_rows "+
			"WHERE name = 'orders'"), &sum); err != nil {
			t.Fatal(err)
		}
		var in, written, dropped int
		if _, err := fmt.Sscan(sum, &in, &written, &dropped); err != nil {
			t.Fatal(err)
		}
		if len(out["account"]) == 0 {
			out["account"] = []string{"0 0 0"}
		}
		var a, b, c int
		_, _ = fmt.Sscan(out["account"][0], &a, &b, &c)
		out["account"][0] = fmt.Sprint(a+in, b+written, c+dropped)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	lake, _ := filepath.Glob(filepath.Join(dir, "lake", "*.csv"))
	for _, f := range lake {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out["lake"] = append(out["lake"], strings.Split(strings.TrimSpace(string(text)), "\n")[1:]...)
	}
	for _, rows := range out {
		slices.Sort(rows)
	}
	return out
}

func sameShared(t *testing.T, got, want map[string][]string) {
	t.Helper()
	for what, rows := range want {
		if !slices.Equal(got[what], rows) {
			t.Errorf("%s: %d rows, want %d:\n%.800s\nwant\n%.800s", what, len(got[what]), len(rows), strings.Join(got[what], "\n"), strings.Join(rows, "\n"))
		}
	}
}

// Several processes give together what one gives; and so they do when one of them is killed, at any point, and started again.
func TestSharesAreKilled(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	run := func(dir string, env []string, args ...string) error {
		c := asCommand(t, dir, append([]string{"run", "s.sql", "-q"}, args...)...)
		c.Env = append(c.Env, env...)
		out, err := c.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	}
	if err := run(dir, nil); err != nil {
		t.Fatal(err)
	}
	want := sharedRows(t, dir, "s.duckdb")
	if len(want["history"]) < 50 || len(want["rejects"]) < 10 || len(want["lake"]) < 50 {
		t.Fatalf("too little comes of it: %d, %d, %d", len(want["history"]), len(want["rejects"]), len(want["lake"]))
	}
	shares := []string{"s.1-of-2.duckdb", "s.2-of-2.duckdb"}
	dir = sharedFolder(t)
	log := filepath.Join(dir, "points.log")
	if err := run(dir, []string{"DSQL_FAULT_LOG=" + log}, "--share=1/2"); err != nil {
		t.Fatal(err)
	}
	points := passed(t, log)
	if len(points) < 8 {
		t.Fatalf("only %d fault points were passed: %v", len(points), points)
	}
	for name, passes := range points {
		ks := []int{1, passes/2 + 1, passes}
		if testing.Short() {
			ks = ks[1:2]
		}
		for _, k := range slices.Compact(ks) {
			t.Run(fmt.Sprintf("%s-%d", name, k), func(t *testing.T) {
				t.Parallel()
				dir := sharedFolder(t)
				err := run(dir, []string{fmt.Sprintf("DSQL_FAULT=kill:%s:%d", name, k)}, "--share=1/2")
				if err == nil || !strings.Contains(err.Error(), "killed") {
					t.Fatalf("the share was not killed: %v", err)
				}
				if err := run(dir, nil, "--workers=2"); err != nil {
					t.Fatalf("after the crash: %v", err)
				}
				sameShared(t, sharedRows(t, dir, shares...), want)
				if out, err := asCommand(t, dir, "merge", "--db=one.duckdb", shares[1], shares[0]).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				sameShared(t, sharedRows(t, dir, "one.duckdb"), want)
			})
		}
	}
}

// A process whose parent is gone, or which is told to stop, ends behind its batch: nothing is left of it, and the next run goes on.
func TestSharesEndWithTheirParent(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{os.Kill, os.Interrupt} {
		dir := sharedFolder(t)
		c := asCommand(t, dir, "run", "s.sql", "--workers=2", "--follow", "--events=jsonl")
		told, err := c.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		seen, buf := "", make([]byte, 4096)
		for !strings.Contains(seen, `{"share":1,"event":"version"`) || !strings.Contains(seen, `{"share":2,"event":"version"`) {
			n, err := told.Read(buf)
			if seen += string(buf[:n]); err != nil {
				t.Fatalf("%v\n%s", err, seen)
			}
		}
		if err := c.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		for { // a file has one writer: a run finds it free when its process has ended
			out, err := asCommand(t, dir, "run", "s.sql", "--workers=2", "-q").CombinedOutput()
			if err == nil {
				break
			}
			if e, ok := err.(*exec.ExitError); !ok || !strings.Contains(string(out), "[file-locked]") {
				t.Fatalf("%v %v\n%s", e, err, out)
			}
		}
		if err := os.RemoveAll(filepath.Join(dir, "lake")); err != nil {
			t.Fatal(err)
		}
		want := asCommand(t, dir, "run", "s.sql", "-q", "--db=one.duckdb")
		if out, err := want.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		got := sharedRows(t, dir, "s.1-of-2.duckdb", "s.2-of-2.duckdb")
		one := sharedRows(t, dir, "one.duckdb")
		delete(one, "lake")
		sameShared(t, got, one)
	}
}

// A merged file shows at each version what the shares showed then, and goes on as one that took all by itself: late events, replays, rollbacks.
func TestMergedGoesOn(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	do := func(args ...string) string {
		t.Helper()
		out, err := asCommand(t, dir, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	more := filepath.Join(t.TempDir(), "more") // the last files come behind the merge
	for _, of := range []string{"in", "ev"} {
		if err := os.MkdirAll(filepath.Join(more, of), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, f := range []string{"3.csv", "4.csv"} {
			if err := os.Rename(filepath.Join(dir, of, f), filepath.Join(more, of, f)); err != nil {
				t.Fatal(err)
			}
		}
	}
	do("run", "s.sql", "--workers=3", "-q")
	files := []string{"s.1-of-3.duckdb", "s.2-of-3.duckdb", "s.3-of-3.duckdb"}
	do(append([]string{"merge", "--db=one.duckdb"}, files...)...)
	t.Run("versions", func(t *testing.T) { sameVersions(t, dir, files, "one.duckdb") })
	if err := os.RemoveAll(filepath.Join(dir, "lake")); err != nil {
		t.Fatal(err)
	}
	do("run", "s.sql", "-q", "--db=alone.duckdb")
	for _, of := range []string{"in", "ev"} {
		for _, f := range []string{"3.csv", "4.csv"} {
			if err := os.Rename(filepath.Join(more, of, f), filepath.Join(dir, of, f)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, db := range []string{"one.duckdb", "alone.duckdb"} {
		do("run", "s.sql", "-q", "--db="+db)
	}
	without := func(rows map[string][]string) map[string][]string { delete(rows, "lake"); return rows }
	sameShared(t, without(sharedRows(t, dir, "one.duckdb")), without(sharedRows(t, dir, "alone.duckdb")))
	for _, db := range []string{"one.duckdb", "alone.duckdb"} {
		do("exec", "--db="+db, "ROLLBACK JOURNAL planes TO VERSION 1", "-q")
	}
	db, err := duck.Open(t.Context(), filepath.Join(dir, "one.duckdb"), duck.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n, err := db.Writer().Int(t.Context(), duck.SQL("SELECT count(*) FROM (FROM planes EXCEPT ALL FROM planes_at(1))")); err != nil || n > 0 {
		t.Errorf("%d rows differ from those of the version that the journal was turned back to (%v)", n, err)
	}
	if out := do("rejects", "--db=one.duckdb"); !strings.Contains(out, "bad_record") {
		t.Errorf("rejects are %s", out)
	}
}

// sameVersions holds a merged file's journal at each version against the shares at the times when that was committed.
func sameVersions(t *testing.T, dir string, shares []string, merged string) {
	t.Helper()
	open := func(f string) *duck.Conn { // by itself: macros of a file that is attached read the tables of the other
		db, err := duck.Open(t.Context(), filepath.Join(dir, f), duck.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db.Writer()
	}
	one, seen := open(merged), 0
	var parts []*duck.Conn
	for _, f := range shares {
		parts = append(parts, open(f))
	}
	texts := func(c *duck.Conn, q *duck.Query) []string {
		rows, err := duck.Select(t.Context(), c, q, func(row func(...any) error) (s string, err error) { return s, row(&s) })
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	all := texts(one, duck.SQL("SELECT committed_at::VARCHAR FROM dsql.versions ORDER BY version"))
	for i, committed := range all {
		var want []string
		for _, c := range parts {
			v, err := c.Int(t.Context(), duck.SQL("SELECT coalesce(max(version), 0) FROM dsql.versions WHERE committed_at <= {t}::TIMESTAMP",
				duck.Args{"t": committed}))
			if err != nil {
				t.Fatal(err)
			}
			if v > 0 {
				want = append(want, texts(c, duck.SQL("SELECT (p)::VARCHAR FROM planes_at({v}) p", duck.Args{"v": v}))...)
			}
		}
		got := texts(one, duck.SQL("SELECT (p)::VARCHAR FROM planes_at({v}) p", duck.Args{"v": int64(i + 1)}))
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("version %d: %v, and the shares showed %v", i+1, got, want)
		}
		seen += len(got)
	}
	if len(all) < 10 || seen < 20 {
		t.Errorf("%d rows of %d versions were compared", seen, len(all))
	}
}
