package worker

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/journal"
	"dsql/sql"
	"dsql/sql/code"
)

// Events come by bucket, each once, in order, and those of a key in the bucket that its text says; a column that the file doesn't have isn't
// there.
func TestEventsByBucket(t *testing.T) {
	t.Parallel()
	w := must(t, t.TempDir(), `CREATE SOURCE s (id BIGINT, k VARCHAR, v DOUBLE, at_time TIMESTAMP) FROM FILES ('in/*.csv', batch_rows 3000);
CREATE JOURNAL j KEYS (k, id) SEQUENCE BY at_time FROM s;
CREATE JOURNAL named KEYS (ID) SEQUENCE BY at_time RULES (CONSTRAINT c EXPECT (id % 2 = 0)) AS SELECT id, at_time FROM s;`)
	var data strings.Builder
	data.WriteString("id,k,at_time\n")
	for i := range 5000 {
		fmt.Fprintf(&data, "%d,k%d,2026-01-01 00:00:00\n", i%100, i%7)
	}
	data.WriteString(",none,2026-01-01 00:00:00\n")
	head := header{Task: "1", Source: "s", File: "in/1.csv"}
	all := serve(t, w, taskOf(t, head, []byte(data.String())))
	head.Buckets = 64
	got := serve(t, w, taskOf(t, head, []byte(data.String())))
	for name, keys := range map[string][]duck.Column{"j": {{Name: "k", Type: "VARCHAR"}, {Name: "id", Type: "BIGINT"}}, "named": {{Name: "ID", Type: "BIGINT"}}} {
		bucket, _, _ := journal.Bucket(keys, head.Buckets)
		var want, rows []string
		for _, of := range all.of("rows") {
			if of.Name != name {
				continue
			}
			sorted := arrowRows(t, of.body)
			buckets := asked(t, w.trial.Conn, duck.SQL("SELECT {b} FROM (SELECT CASE WHEN r[1] <> '(null)' THEN r[1]::BIGINT END AS id, r[2] AS k FROM "+
				"(SELECT string_split(u, '|') AS r FROM (SELECT unnest({rows}) AS u)))", duck.Args{"b": bucket, "rows": texts(sorted)}))
			for i := range sorted {
				sorted[i] = fmt.Sprintf("%03s ", buckets[i]) + sorted[i]
			}
			slices.SortStableFunc(sorted, func(a, b string) int { return strings.Compare(a[:3], b[:3]) })
			want = append(want, sorted...)
		}
		for _, r := range got.of("rows") {
			if r.Name != name {
				continue
			}
			for _, row := range arrowRows(t, r.body) {
				rows = append(rows, fmt.Sprintf("%03d ", *r.Bucket)+row)
			}
		}
		if !slices.Equal(rows, want) || len(rows) < 2500 {
			t.Errorf("%s: %d rows, and not these %d:\n%.300q\n%.300q", name, len(rows), len(want), rows, want)
		}
	}
	if r := got.of("rows")[0]; strings.Count(arrowRows(t, r.body)[0], "|") != 2 || strings.Join(r.Keys, " ") != "k id" {
		t.Errorf("with a column that isn't there: %+v %q", r.answer, arrowRows(t, r.body)[0])
	}
}

// texts are a list of literals.
func texts(rows []string) *duck.Query {
	return duck.SQL("[{l}]", duck.Args{"l": duck.Each(", ", rows, func(r string) *duck.Query { return duck.Lit(r) })})
}

// A bucket's file is one of dsql's: with the declaration, versions as they are given, rejects and accounts. What stands before is never
// written to, and a task done again gives the same.
func TestBuckets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := must(t, dir, `CREATE SOURCE s (id HUGEINT, u UUID, v VARCHAR, at_time TIMESTAMP, op VARCHAR) FROM FILES ('in/*.csv');
CREATE JOURNAL "My j"
  KEYS (id, u) -- what it is about
  SEQUENCE BY at_time
  RULES (CONSTRAINT c EXPECT (v <> ');'), SET op = lower(op))
  METRICS (n = count(*)) CHECKS (CHECK some EXPECT (count(*) > 100))
  DELETE WHEN op = 'd' COLUMNS * EXCEPT (op) REJECT LIMIT 0
  EXPECT COLUMNS (id HUGEINT, u UUID, b BIT, v VARCHAR, at_time TIMESTAMP)
  AS SELECT id, u, '0101'::BIT AS b, v, at_time, op FROM s;`)
	const max, u = "170141183460469231731687303715884105727", "eb5b0f1e-0000-4000-8000-00000000002a"
	give := func(text string) [][]byte {
		got := serve(t, w, taskOf(t, header{Task: "1", Source: "s", File: "in/1.csv", Buckets: 1}, []byte(text)))
		if len(got.of("end")) != 1 {
			t.Fatalf("%+v", got.of("error"))
		}
		return bodies(got, "My j", 0)
	}
	first := give("id,u,v,at_time,op\n" + max + "," + u + ",a,2026-01-01 00:00:00,\n" +
		"-" + max + "," + u + ",b,2026-01-01 00:00:00,\n,,no key,2026-01-01 00:00:00,\n")
	second := give("id,u,at_time,op\n" + max + "," + u + ",2026-01-02 00:00:00,\n-" + max + "," + u + ",2026-01-02 00:00:00,D\n")
	do := func(h header, bodies ...[]byte) results {
		h.Task, h.Journal = "b", "MY J"
		return serve(t, w, taskOf(t, h, bodies...))
	}
	one := do(header{To: "1.duckdb", Version: 7, Now: "2026-03-01T00:00:00Z"}, first...)
	if end := one.of("end"); len(end) != 1 || end[0].Version != 7 || end[0].Batches != 1 {
		t.Fatalf("%+v %+v", end, one.of("error"))
	}
	if r := one.rows(t, "rejects", ""); len(r) != 1 || !strings.Contains(r[0], "null_key") || !strings.Contains(r[0], "no key") {
		t.Errorf("%q", r)
	}
	if r := one.rows(t, "account", ""); len(r) != 2 || r[1] != "journal|My j|3|2|1|0|(null)|(null)" {
		t.Errorf("%q", r)
	}
	before, err := os.ReadFile(filepath.Join(dir, "1.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time over what the first has made
		two := do(header{From: "1.duckdb", To: "2.duckdb", Version: 9}, second...)
		if end := two.of("end"); len(end) != 1 || end[0].Version != 9 {
			t.Fatalf("%+v %+v", end, two.of("error"))
		}
		got := historyOf(t, filepath.Join(dir, "2.duckdb"), "My j")
		sameRows(t, "what the file lacks stays as it was", got, []string{
			max + "|" + u + "|0101|a|2026-01-02 00:00:00|2026-01-01 00:00:00|(null)",
			"-" + max + "|" + u + "|0101|b|2026-01-01 00:00:00|2026-01-01 00:00:00|2026-01-02 00:00:00"})
	}
	after, err := os.ReadFile(filepath.Join(dir, "1.duckdb"))
	if err != nil || !bytes.Equal(before, after) {
		t.Error("the file before was written to", err)
	}
	versions := do(header{From: "2.duckdb", To: "3.duckdb"}).of("end") // nothing is new
	if len(versions) != 1 || versions[0].Version != 9 {
		t.Errorf("%+v", versions)
	}
	both := slices.Concat(first, second)
	for _, c := range []struct {
		head   header
		bodies [][]byte
		says   string
	}{
		{header{To: "x.duckdb", Version: 7}, both, "which makes 2 versions"},
		{header{From: "2.duckdb", To: "x.duckdb", Version: 9}, second, "has version 9 already"},
		{header{From: "2.duckdb", To: "./2.duckdb"}, second, "and not the same"},
		{header{From: "gone.duckdb", To: "x.duckdb"}, second, "gone.duckdb can't be read"},
		{header{To: "no/x.duckdb"}, second, "no/x.duckdb can't be written"},
		{header{}, second, "which file it makes"},
		{header{To: "x.duckdb", Source: "s"}, second, "of both"},
		{header{To: "x.duckdb", Now: "noon"}, second, "now is no time"},
		{header{To: "x.duckdb"}, [][]byte{[]byte("no Arrow at all")}, "are no events of My j"},
		{header{To: "x.duckdb"}, [][]byte{first[0][:len(first[0])/2]}, "are no events of My j"},
		{header{From: "in", To: "x.duckdb"}, second, "in can't be read"},
	} {
		got := do(c.head, c.bodies...).of("error")
		if len(got) != 1 || !strings.Contains(got[0].Errors[0].Message, c.says) || got[0].Errors[0].Hint == "" {
			t.Errorf("%+v: %+v", c.head, got)
		}
	}
	got := serve(t, w, taskOf(t, header{Task: "x", Journal: "his", To: "x.duckdb"})).of("error")
	if len(got) != 1 || !strings.Contains(got[0].Errors[0].Message, "no journal his") {
		t.Errorf("%+v", got)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".dsql-*")); left != nil {
		t.Error("left behind", left)
	}
	if _, err := os.Stat(filepath.Join(dir, "x.duckdb")); err == nil {
		t.Error("a task that failed left its file")
	}
}

// Events whose values were damaged on their way do no harm, and the next task is done.
func TestHostileEvents(t *testing.T) {
	t.Parallel()
	w := must(t, t.TempDir(), `CREATE SOURCE s (id BIGINT, v VARCHAR, l INTEGER[], d STRUCT(a DATE, b BOOLEAN), at_time TIMESTAMP)
  FROM FILES ('in/*.json', format json);
CREATE JOURNAL j KEYS (id) SEQUENCE BY at_time FROM s;`)
	body := bodies(serve(t, w, taskOf(t, header{Task: "1", Source: "s", File: "in/1.json", Buckets: 1},
		[]byte(strings.Repeat(`{"id": 1, "v": "text", "l": [1, null], "d": {"a": "2026-01-01", "b": true}, "at_time": "2026-01-01 00:00:00"}`+"\n", 5)))), "j", 0)[0]
	random := rand.New(rand.NewSource(5))
	db, err := duck.Open(context.Background(), "", duck.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	taken, values := 0, 8+int(binary.LittleEndian.Uint32(body[4:])) // behind the schema
	for range 500 {
		in := bytes.Clone(body)
		for range 1 + random.Intn(3) {
			in[values+random.Intn(len(in)-values)] = byte(random.Intn(256))
		}
		if err := db.Writer().Run(context.Background(), duck.SQL(
			"CREATE OR REPLACE TEMP TABLE t (id BIGINT, v VARCHAR, l INTEGER[], d STRUCT(a DATE, b BOOLEAN), at_time TIMESTAMP)")); err != nil {
			t.Fatal(err)
		}
		r, err := duck.NewArrowReader(bytes.NewReader(in))
		if err != nil {
			continue
		}
		if _, err := r.Append(context.Background(), db.Writer(), "t"); err == nil {
			taken++
		}
		r.Close()
	}
	if taken == 0 || taken == 500 {
		t.Errorf("%d were taken", taken)
	}
	got := serve(t, w, taskOf(t, header{Task: "x", Journal: "j", To: "x.duckdb"}, body[:len(body)-9], []byte{1}),
		taskOf(t, header{Task: "y", Journal: "j", To: "y.duckdb"}, body))
	if end := got.of("end"); len(end) != 1 || end[0].Task != "y" {
		t.Errorf("%+v %+v", end, got.of("error"))
	}
	half := taskOf(t, header{Journal: "j", To: "z.duckdb"}, body)[:300]
	if err := w.Serve(context.Background(), bytes.NewReader(half), io.Discard); !sql.HasCode(err, code.BadTask) {
		t.Error(err)
	}
}
