package serve_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dsql/engine/duck"
	"dsql/serve"
)

// withThousandVersions serves a stream of 1,000 versions with 100 rows, 200 metrics and 20 checks each.
func withThousandVersions(b *testing.B, also string) *running {
	dir := b.TempDir()
	mkdir(b, filepath.Join(dir, "in"))
	put(b, filepath.Join(dir, "in", "1.csv"), "id\n1\n2\n")
	var metrics, checks strings.Builder
	for i := range 200 {
		fmt.Fprintf(&metrics, ", m%d = count(*) + %d", i, i)
	}
	for i := range 20 {
		fmt.Fprintf(&checks, ", CHECK c%d EXPECT (count(*) > %d) ON FAILURE WARN", i, i)
	}
	script := "CREATE SOURCE f (id BIGINT) FROM FILES ('in/*.csv', format csv);\nCREATE STREAM big\n  METRICS (" + metrics.String()[2:] +
		")\n" +
		"  CHECKS (" + checks.String()[2:] + ")\n  FROM f;\n" + also
	r := start(b, dir, script+"REFRESH;").ready()
	if err := r.stop(); err != nil {
		b.Fatal(err)
	}
	db, err := duck.Open(b.Context(), r.file, duck.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range []string{
		"INSERT INTO dsql.versions SELECT i, TIMESTAMP '2026-01-01' + INTERVAL 1 HOUR * i FROM range(2, 1001) r(i)",
		"INSERT INTO dsql.version_rows SELECT i, k, n, 100, 99, 0, 0, 0, 0, 1, 0, 0, 0, 'in/' || i || '.csv' FROM range(2, 1001) r(i), " +
			"(VALUES ('source', 'f'), ('stream', 'big')) v(k, n)",
		"INSERT INTO dsql.metrics SELECT 'big', 'm' || m, i, now()::TIMESTAMP, CASE WHEN i % 17 > 0 THEN sin(i / 9.0) * m * 2 + random() END, " +
			"NULL FROM range(2, 1001) r(i), range(200) s(m)",
		"INSERT INTO dsql.checks SELECT 'big', 'c' || c, i, now()::TIMESTAMP, i, NULL, CASE WHEN i % 97 = 0 THEN 'warn' ELSE 'pass' END, 0 " +
			"FROM range(2, 1001) r(i), range(20) s(c)",
		"INSERT INTO big BY NAME SELECT i * 100 + k AS id, i AS _version FROM range(2, 1001) r(i), range(100) s(k)",
	} {
		if err := db.Writer().Run(b.Context(), duck.Text(q)); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	return start(b, dir, script, func(o *serve.Options) { o.Limits.Time, o.Tokens = time.Minute, adminToken(b) }).ready()
}

// BenchmarkPage is what a page of such a stream takes: another state of the file than the one before, another view of the same state, and
// the same view again. The processor's time counts: beside a busy machine it is the steadier measure.
func BenchmarkPage(b *testing.B) {
	r := withThousandVersions(b, "")
	commit := func() {
		if status, body, _ := r.post("/v1/exec", `{"sql":"CREATE OR REPLACE TABLE moved AS SELECT 1 AS x"}`, "Authorization",
			"Bearer "+adminSecret); status != 200 {
			b.Fatal(body)
		}
	}
	for _, kind := range []struct {
		name, path string
		before     func(i int)
	}{
		{"front, new state", "/", func(int) { commit() }},
		{"object, new state", "/o/big", func(int) { commit() }},
		{"object", "/o/big?m=m%d", nil},
		{"version, new state", "/o/big?v=500", func(int) { commit() }},
		{"version", "/o/big?v=%d", nil},
		{"again", "/o/big", nil},
	} {
		b.Run(kind.name, func(b *testing.B) {
			var used, clock time.Duration
			size := 0
			for i := range b.N {
				path := kind.path
				if strings.Contains(path, "%d") {
					path = fmt.Sprintf(path, i%90+2)
					if i%90 == 0 {
						commit()
						r.get("/o/big", "Authorization", "Bearer secret-all")
					}
				}
				if kind.before != nil {
					kind.before(i)
				}
				from, at := processor(b), time.Now()
				status, body, _ := r.get(path, "Authorization", "Bearer secret-all")
				used, clock, size = used+processor(b)-from, clock+time.Since(at), len(body)
				if status != 200 || !strings.Contains(body, "</html>") {
					b.Fatalf("%s: %d", path, status)
				}
			}
			b.ReportMetric(used.Seconds()*1e3/float64(b.N), "cpu-ms/op")
			b.ReportMetric(clock.Seconds()*1e3/float64(b.N), "ms/op")
			b.ReportMetric(float64(size)/1e3, "kB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkSplit is what a front page takes after each of 40 commits where an experiment has a million exposures, which take long to count.
func BenchmarkSplit(b *testing.B) {
	r := withThousandVersions(b, `CREATE OR REPLACE TABLE exposed AS SELECT i AS unit, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END AS variant,
			TIMESTAMP '2026-01-01' + INTERVAL (i) SECOND AS seen_at FROM range(1_000_000) t(i);
		CREATE EXPERIMENT x VARIANTS (a 1, b 1) EXPOSURES (SELECT unit, variant, seen_at FROM exposed);`)
	var used time.Duration
	for range 40 {
		if status, body, _ := r.post("/v1/exec", `{"sql":"CREATE OR REPLACE TABLE moved AS SELECT 1 AS x"}`, "Authorization",
			"Bearer "+adminSecret); status != 200 {
			b.Fatal(body)
		}
		from := processor(b)
		if status, body, _ := r.get("/", "Authorization", "Bearer secret-all"); status != 200 || !strings.Contains(body, "</html>") {
			b.Fatal(status)
		}
		used += processor(b) - from
	}
	b.ReportMetric(used.Seconds()*1e3/40, "cpu-ms/page")
	b.ReportMetric(0, "ns/op")
}

// processor is the time that this process has used one.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
