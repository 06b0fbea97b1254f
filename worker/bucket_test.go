package worker

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/journal"
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
