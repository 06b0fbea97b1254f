package quality

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"dsql/internal/testkit"

	"pgregory.net/rapid"
)

// Distinct values of a table are counted in bits where they lie close together: what comes out is count(DISTINCT).
func TestDistinct(t *testing.T) {
	t.Parallel()
	c := newWorld(t, "id BIGINT")
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.SampledFrom([]int64{math.MinInt64, -3, 0, math.MaxInt64 - 400, 1 << 40}).Draw(t, "low")
		width := rapid.SampledFrom([]int64{0, 1, 63, 64, 400}).Draw(t, "width")
		var values []string
		for range rapid.IntRange(0, 30).Draw(t, "rows") {
			if v := rapid.Int64Range(-1, width).Draw(t, "value"); v < 0 {
				values = append(values, "(NULL)")
			} else {
				values = append(values, fmt.Sprintf("('%d')", low+v))
			}
		}
		if rapid.Bool().Draw(t, "far") { // too far for bits
			values = append(values, fmt.Sprintf("('%d')", -1-low))
		}
		testkit.Exec(c.t, c.Conn, "TRUNCATE s")
		rows := ""
		if len(values) > 0 {
			rows = "VALUES " + strings.Join(values, ", ")
		}
		if _, err := c.batch("METRICS (one = is_unique(id) OVER TABLE, many = duplicate_ratio(id) OVER TABLE, share = distinct_ratio(id) OVER "+
			"TABLE, batch = distinct_ratio(id))", rows); err != nil {
			t.Fatal(err)
		}
		got := text(c.t, c.Conn, fmt.Sprintf("SELECT value FROM dsql.metrics WHERE version = %d ORDER BY rowid", c.version))
		want := text(c.t, c.Conn, `WITH d AS (SELECT count(id) AS n, count(DISTINCT id) AS d, count(*) AS r FROM new)
			FROM (SELECT CAST(CAST(n = d AS INTEGER) AS DOUBLE) FROM d) UNION ALL (SELECT (n - d)::DOUBLE / nullif(r, `+
			`0) FROM d) UNION ALL (SELECT d::DOUBLE / nullif(n, 0) FROM d) UNION ALL (SELECT d::DOUBLE / nullif(n, 0) FROM d)`)
		if got != want {
			t.Fatalf("%s\n%s\nwant\n%s", rows, got, want)
		}
	})
}
