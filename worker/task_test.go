package worker

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"path/filepath"
	"strings"
	"testing"

	"dsql/internal/testcases"
	"dsql/sql"
	"dsql/sql/code"
)

const simple = ofFiles + `CREATE STREAM d RULES (CONSTRAINT c EXPECT (id < 100) ON VIOLATION FAIL, CONSTRAINT few EXPECT (id < 50) ON VIOLATION WARN)
  AS SELECT id, k, now()::TIMESTAMP AS seen FROM s;`

// A task that goes wrong says so, and the next one is done.
func TestTasksGoWrong(t *testing.T) {
	t.Parallel()
	w := must(t, t.TempDir(), simple)
	good := taskOf(t, header{Task: "good", Source: "S", File: "in/1.csv", Now: "2026-02-03T04:05:06Z"}, []byte("id,k\n1,a\n60,b\n"))
	for _, c := range []struct {
		head any
		data string
		says string
	}{
		{header{Task: "x", Source: "none", File: "in/1.csv"}, "id\n1\n", "the plan has no source none"},
		{header{Task: "x", Source: "s"}, "id\n1\n", "a task names no file"},
		{header{Task: "x", Source: "s", File: "in/1.json"}, "{}", "is none of s"},
		{header{Task: "x", Source: "s", File: "in/1.csv", Byte: 5}, "1\n", "doesn't say which line"},
		{header{Task: "x", Source: "s", File: "in/1.csv", Byte: 5, Line: 2}, "1\n", "the beginning of the file isn't there"},
		{header{Task: "x", Source: "s", File: "in/1.csv", Byte: -5, Line: 2}, "1\n", "begins at byte -5"},
		{header{Task: "x", Source: "s", File: "in/1.csv", Path: "in/gone.csv"}, "", "in/gone.csv can't be read"},
		{header{Task: "x", Source: "s", File: "in/1.csv", Buckets: 1<<28 + 1}, "id\n1\n", "into 268435457 buckets"},
		{header{Task: "x", Source: "s", File: "in/1.csv", Now: "noon"}, "id\n1\n", "now is no time"},
		{header{Task: "x", Source: "s", File: "in/1.csv", Modified: "noon"}, "id\n1\n", "modified is no time"},
		{map[string]any{"task": "x", "source": "s", "bytes": 3}, "id\n1\n", `unknown field "bytes"`},
		{header{Task: "x", Source: "s", File: "in/1.csv"}, "id,k\n100,a\n", "c"},
	} {
		got := serve(t, w, taskOf(t, c.head, []byte(c.data)), good)
		failed := got.of("error")
		if len(failed) != 1 || failed[0].Task != "x" || !strings.Contains(failed[0].Errors[0].Message, c.says) || failed[0].Errors[0].Hint == "" {
			t.Errorf("%+v: %+v", c.head, failed)
		}
		rows := got.rows(t, "rows", "d")
		if len(rows) != 2 || rows[0] != "1|a|2026-02-03T04:05:06Z" && rows[0] != "1|a|2026-02-03 04:05:06" {
			t.Errorf("behind %+v: %q", c.head, rows)
		}
		if end := got.of("end"); len(end) != 1 || len(end[0].Warnings) == 0 {
			t.Errorf("behind %+v: %+v", c.head, end)
		}
	}
}

// What is no message ends the process with an error, holds no more memory than it says, and never hangs.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	w := must(t, t.TempDir(), simple)
	length := func(n uint32, rest string) []byte { return append(binary.LittleEndian.AppendUint32(nil, n), rest...) }
	head := taskOf(t, header{Task: "x", Source: "s", File: "in/1.csv"}, []byte("id\n1\n"))
	for name, in := range map[string][]byte{
		"a long header":   length(1<<31, "{"),
		"an empty header": length(0, ""),
		"half a length":   {1, 0},
		"half a header":   length(50, "{}"),
		"no end":          head[:len(head)-4],
		"half a frame":    head[:len(head)-6],
		"a long frame":    append(head[:len(head)-4:len(head)-4], length(mostFrame+1, "x")...),
	} {
		var out bytes.Buffer
		err := w.Serve(context.Background(), bytes.NewReader(in), &out)
		if !sql.HasCode(err, code.BadTask) {
			t.Errorf("%s: %v", name, err)
		}
	}
	random := rand.New(rand.NewSource(3))
	for range 300 { // any bytes: an error, or answers
		in := bytes.Clone(head)
		for range 1 + random.Intn(4) {
			in[random.Intn(len(in))] = byte(random.Intn(256))
		}
		if err := w.Serve(context.Background(), bytes.NewReader(in), io.Discard); err != nil && !sql.HasCode(err, code.BadTask) {
			t.Fatalf("%q: %v", in, err)
		}
	}
	if rows := serve(t, w, head).rows(t, "rows", "d"); len(rows) != 1 {
		t.Errorf("afterwards: %q", rows)
	}
}

// Answers that can't be written end the process.
func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	w := must(t, t.TempDir(), simple)
	err := w.Serve(context.Background(), bytes.NewReader(taskOf(t, header{Task: "x", Source: "s", File: "in/1.csv"}, []byte("id\n1\n"))), full{})
	if err == nil || !strings.Contains(err.Error(), "no room") {
		t.Error(err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("no room") }

// Arrays are cut between elements, what is packed comes whole, and a piece larger than a batch is several.
func TestPiecesOfForms(t *testing.T) {
	t.Parallel()
	w := must(t, t.TempDir(), `CREATE SOURCE s (id BIGINT, day VARCHAR) FROM FILES ('in/{day}/*', format json, batch_rows 3);
CREATE STREAM d AS SELECT id, day, _meta.file AS file, _meta.line AS line FROM s;`)
	array := "[\n{\"id\": 1},\n{\"id\": 2},\n{\"id\": 3}\n]\n"
	at := int64(strings.Index(array, ",\n{\"id\": 2"))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(strings.Repeat("{\"id\": 7}\n", 10)))
	_ = z.Close()
	for _, c := range []struct {
		head    header
		data    string
		rows    []string
		batches int
	}{
		{header{File: "in/mon/a.json", More: true}, array[:at], []string{"1|mon|in/mon/a.json|2"}, 1},
		{header{File: "in/mon/a.json", Byte: at, Line: 2, Head: []byte(array[:5])}, array[at:],
			[]string{"2|mon|in/mon/a.json|3", "3|mon|in/mon/a.json|4"}, 1},
		{header{File: "in/tue/a.gz"}, packed.String(), nil, 4},
		{header{File: "in/tue/empty.json"}, "", []string{}, 1},
	} {
		c.head.Task, c.head.Source = "1", "s"
		got := serve(t, w, taskOf(t, c.head, []byte(c.data)))
		rows, end := got.rows(t, "rows", "d"), got.of("end")
		if len(end) != 1 || end[0].Batches != c.batches {
			t.Fatalf("%s: %+v %+v", c.head.File, end, got.of("error"))
		}
		if c.rows == nil && len(rows) != 10 || c.rows != nil && strings.Join(rows, "\n") != strings.Join(c.rows, "\n") {
			t.Errorf("%s: %q", c.head.File, rows)
		}
	}
	got := serve(t, w, taskOf(t, header{Task: "1", Source: "s", File: "in/tue/a.gz", Byte: 3, Line: 1, Head: packed.Bytes()[:3]}, packed.Bytes()))
	if e := got.of("error"); len(e) != 1 || !strings.Contains(e[0].Errors[0].Message, "is compressed") {
		t.Errorf("%+v", e)
	}
}

// The plan says which file of a model is meant.
func TestOtherModel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "late.txt"), testcases.Stump(15, -1, 1))
	script := ofFiles + "CREATE MODEL late FROM 'late.txt';\nCREATE STREAM d AS SELECT late(id, id) AS risk FROM s;"
	w := must(t, dir, script)
	got := serve(t, w, taskOf(t, header{Task: "1", Source: "s", File: "in/1.csv"}, []byte("id\n10\n20\n")))
	if rows := got.rows(t, "rows", "d"); strings.Join(rows, " ") != "-1 1" {
		t.Errorf("%q %+v", rows, got.of("error"))
	}
	text, err := json.Marshal(w.plan.Told)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "late.txt"), testcases.Stump(16, -1, 1))
	if _, err := Open(context.Background(), Options{Plan: "plan.json", Text: text, Dir: dir}); !sql.HasCode(err, code.BadPlan) {
		t.Error(err)
	}
	for _, bad := range []string{"", "[]", `{"form": 2}`, `{"form": 1, "script": 3}`} {
		if _, err := Open(context.Background(), Options{Plan: "plan.json", Text: []byte(bad)}); !sql.HasCode(err, code.BadPlan) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
