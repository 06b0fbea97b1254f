package serve_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"
)

const arrowType = "application/vnd.apache.arrow.stream"

// inArrow reads an answer: its columns with their types, and how many rows it has, with the last one.
func inArrow(t *testing.T, body string) (columns, last string, rows int64) {
	t.Helper()
	r, err := ipc.NewReader(bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatalf("%v: %.300s", err, body)
	}
	defer r.Release()
	var names, values []string
	for _, f := range r.Schema().Fields() {
		names = append(names, f.Name+" "+f.Type.String())
	}
	for r.Next() {
		batch := r.RecordBatch()
		rows += batch.NumRows()
		values = nil
		for _, c := range batch.Columns() {
			values = append(values, c.ValueStr(c.Len()-1))
		}
	}
	if r.Err() != nil {
		t.Error(r.Err())
	}
	return strings.Join(names, ", "), strings.Join(values, " | "), rows
}

// Answers in Arrow have all types, any number of batches, and a column row where an array was asked.
func TestArrow(t *testing.T) {
	t.Parallel()
	r := start(t, t.TempDir(), `
		CREATE ENDPOINT types (n INTEGER DEFAULT 2) AS SELECT (i % 100)::TINYINT AS a, i::UBIGINT AS b, i::HUGEINT AS c, i::UHUGEINT AS d,
			i / 2 AS e, i::DECIMAL(10, 2) AS f, 'x' || i AS g,
			DATE '2024-01-01' AS h, '12:00:00+02'::TIMETZ AS i, TIMESTAMP '2024-01-01 00:00:00' AS j, TIMESTAMPTZ '2024-01-01 00:00:00+02' AS k,
			INTERVAL 3 DAY AS l, '6f2b9e3a-1111-4222-8333-444455556666'::UUID AS m, [i, NULL] AS n, {'a': i} AS o, map {'k': i} AS p,
			CASE WHEN i % 2 = 0 THEN 'b' ELSE 'a' END::ENUM('a', 'b') AS q, '101'::BIT AS r, '{"a": 1}'::JSON AS s, NULL AS t FROM range($n) r(i);
		CREATE ENDPOINT ordered (n INTEGER) AS SELECT i FROM range($n) r(i) ORDER BY i;
		CREATE ENDPOINT plain (n INTEGER) AS SELECT i FROM range(10) r(i) WHERE i < $n`).ready()
	accept := []string{"Accept", arrowType + ", application/json;q=0.5"}
	for _, n := range []int64{0, 1, 5000} {
		status, body, h := r.get(fmt.Sprint("/v1/endpoints/types?n=", n), accept...)
		columns, last, rows := inArrow(t, body)
		want := "a int8, b uint64, c decimal(38, 0), d utf8, e float64, f decimal(10, 2), g utf8, h date32, i utf8, j timestamp[us], " +
			"k timestamp[us, tz=UTC], l month_day_nano_interval, m utf8, n list<l: int64, nullable>, o struct<a: int64>, p map<utf8, int64, " +
			"items_nullable>, " +
			"q dictionary<values=utf8, indices=uint8, ordered=false>, r utf8, s utf8, t int32"
		if status != 200 || h.Get("Content-Type") != arrowType || columns != want || rows != n {
			t.Errorf("%d %s: %d rows of %s", status, h.Get("Content-Type"), rows, columns)
		}
		if n == 1 && last != `0 | 0 | 0 | 0 | 0 | 0 | x0 | 2024-01-01 | 12:00:00+02 | 2024-01-01T00:00:00Z | 2023-12-31T22:00:00Z | `+
			`{"months":0,"days":3,"nanoseconds":0} | 6f2b9e3a-1111-4222-8333-444455556666 | [0,null] | {"a":0} | [{"key":"k","value":0}] | `+
			`b | 101 | {"a": 1} | (null)` {
			t.Errorf("the values: %s", last)
		}
	}
	for _, name := range []string{"ordered", "plain"} {
		_, body, _ := r.post("/v1/endpoints/"+name, `[{"n": 1}, {"n": 0}, {"n": 3}]`, accept...)
		if columns, last, rows := inArrow(t, body); columns != "row int64, i int64" || rows != 4 || name == "ordered" && last != "2 | 2" {
			t.Errorf("%s: %d rows of %s, %s", name, rows, columns, last)
		}
	}
	_, body, _ := r.post("/v1/query", `{"sql": "FROM range(10000)", "limit": 3000}`, accept...)
	if columns, _, rows := inArrow(t, body); columns != "range int64" || rows != 3000 {
		t.Errorf("%d rows of %s", rows, columns)
	}
	if status, body, _ := r.post("/v1/query", `{"sql": "SELECT error('no')"}`, accept...); status != 422 || !strings.HasPrefix(body, "{") {
		t.Errorf("an error is %d %s", status, body)
	}
}
