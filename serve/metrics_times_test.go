package serve_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// How far event time has come is on the page of a rollup, and what Prometheus is told.
func TestEventTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "in1.csv"), "ts\n2025-01-01 08:10:00\n2025-01-01 10:00:00\n")
	put(t, filepath.Join(dir, "in2.csv"), "ts\n2025-01-01 08:20:00\n2025-01-01 08:30:00\n")
	put(t, filepath.Join(dir, "none1.csv"), "ts\n")
	r := start(t, dir, `CREATE SOURCE i (ts TIMESTAMP) FROM FILES ('in*.csv', batch_files 1);
		CREATE SOURCE none (ts TIMESTAMP) FROM FILES ('none*.csv');
		CREATE STREAM s FROM i;
		CREATE STREAM mixed FROM i, none;
		CREATE ROLLUP hours LATENESS INTERVAL 30 MINUTES AS SELECT tumble(ts, INTERVAL 1 HOUR) AS w, count(*) AS n FROM STREAM s GROUP BY ALL;
		CREATE ROLLUP waits LATENESS INTERVAL 0 MINUTES AS SELECT tumble(ts, INTERVAL 1 HOUR) AS w, count(*) AS n FROM STREAM mixed GROUP BY ALL;
		REFRESH`).ready()
	_, body, _ := r.get("/metrics")
	for _, want := range []string{`dsql_watermark_seconds{destination="hours",input="s"} 1.7357256e+09`,
		`dsql_closed_seconds{destination="hours",input="s"} 1.7357238e+09`,
		`dsql_event_time_seconds{destination="hours",input="s",partition="",source="i",topic=""} 1.7357256e+09`,
		`dsql_late_rows_total{destination="hours"} 2`, `dsql_late_rows_total{destination="waits"} 0`} {
		if !strings.Contains(body, "\n"+want+"\n") {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if strings.Contains(body, `dsql_watermark_seconds{destination="waits"`) {
		t.Error("there is a watermark where a source gave no row")
	}
	for path, want := range map[string][]string{"/o/hours": {"watermark", "2025-01-01 10:00:00", "closed up to", "2025-01-01 09:30:00"},
		"/o/waits": {"watermark", "–", "held back by", "none"}} {
		_, body, _ := r.get(path)
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s: without %s", path, w)
			}
		}
	}
}
