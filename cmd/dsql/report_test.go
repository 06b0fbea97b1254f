package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dsql/engine/duck"
)

// runIn is the command in a folder; it must succeed.
func runIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	c := asCommand(t, dir, args...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("dsql %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

var element = regexp.MustCompile(`<(script|img|iframe|object|embed|base|form|link|meta)\b[^>]*`)

// Names, values, tags and payloads that would be markup, turn texts round, or have ten megabytes: a report shows them and nothing more.
func TestReportOfHostileTexts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const evil = `<script>alert(1)</script><img src=x onerror=alert(2)>'"&amp;` + "\u202e\u2066\u200b"
	name := strings.ReplaceAll(evil, `"`, `""`)
	put(t, filepath.Join(dir, "late.txt"), read(t, "../../demo/files/models/late.txt"))
	put(t, filepath.Join(dir, "s.sql"), fmt.Sprintf(`CREATE SOURCE f (id BIGINT, "%[1]s" VARCHAR, x DOUBLE) FROM FILES ('in/*.jsonl', format json);
CREATE MODEL "m%[1]s" FROM 'late.txt' TAGS ("%[1]s" '%[2]s');
CREATE JOURNAL "%[1]s" KEYS (id) SEQUENCE BY id
  RULES (CONSTRAINT "%[1]s" EXPECT (id > 0) ON VIOLATION REJECT)
  METRICS ("%[1]s" = avg(x), "t" = max("%[1]s"))
  CHECKS (CHECK "%[1]s" EXPECT (count(*) > 100 AND '%[2]s' <> '') ON FAILURE WARN)
  FROM f;
`, name, strings.ReplaceAll(evil, "'", "''")))
	var rows strings.Builder
	for i, id := range []int{1, 2, -3} {
		fmt.Fprintf(&rows, "{\"id\": %d, %q: %q, \"x\": %d}\n", id, evil, evil+strings.Repeat("y", 1000), i)
	}
	rows.WriteString(`{"id": "` + evil + `", "x": ` + strings.Repeat("<b>", 3_500_000) + "}\n") // 10 MB, and no JSON
	rows.WriteString(`{"id": ` + strings.Repeat("9", 5_000_000) + "}\n\xff\xfe<script>\x00\x01\n")
	put(t, filepath.Join(dir, "in", "1.jsonl"), rows.String())
	c := asCommand(t, dir, "run", "s.sql", "-q")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	runIn(t, dir, "report", "-o", "r.html")
	runIn(t, dir, "report", "--select", evil, "--key", "1", "-o", "k.html")
	for _, file := range []string{"r.html", "k.html"} {
		html := read(t, filepath.Join(dir, file))
		if len(html) > 1<<20 {
			t.Errorf("%s has %d bytes", file, len(html))
		}
		for _, e := range element.FindAllString(html, -1) {
			if !strings.HasPrefix(e, "<meta ") {
				t.Errorf("%s: %s", file, e)
			}
		}
		if strings.ContainsAny(html, "\u202e\u2066\u200b\x00\x01") {
			t.Errorf("%s has characters that turn texts round, or can't be seen", file)
		}
		if !strings.Contains(html, "&lt;script&gt;alert(1)") || !strings.Contains(html, `<b class="ctl">202E</b>`) {
			t.Errorf("%s: the texts aren't there", file)
		}
	}
	if html := read(t, filepath.Join(dir, "r.html")); !strings.Contains(html, "MB, the beginning") {
		t.Error("the size of the payload isn't told")
	}
}

// bigFile is a file of a stream with so many versions, metrics and checks.
func bigFile(t *testing.T, versions, metrics, checks int) string {
	t.Helper()
	dir := t.TempDir()
	var m strings.Builder
	for i := range metrics {
		fmt.Fprintf(&m, "%sm%d = count(*) + %d", map[bool]string{true: "", false: ", "}[i == 0], i, i)
	}
	put(t, filepath.Join(dir, "s.sql"),
		"CREATE SOURCE f (id BIGINT) FROM FILES ('in/*.csv', format csv);\nCREATE STREAM big METRICS ("+m.String()+") FROM f;\nREFRESH;")
	put(t, filepath.Join(dir, "in", "1.csv"), "1\n2\n")
	runIn(t, dir, "run", "s.sql", "-q")
	file := filepath.Join(dir, "s.duckdb")
	db, err := duck.Open(t.Context(), file, duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := duck.Args{"versions": versions, "metrics": metrics, "checks": checks}
	for _, q := range []*duck.Query{
		duck.SQL("INSERT INTO dsql.versions SELECT i, TIMESTAMP '2026-01-01' + INTERVAL 1 HOUR * i FROM range(2, {versions} + 1) r(i)", a),
		duck.SQL("INSERT INTO dsql.version_rows SELECT i, k, n, 100, 99, 0, 0, 0, 0, 1, 0, 0, 0, 'in/' || i || '.csv' FROM range(2, "+
			"{versions} + 1) r(i), (VALUES ('source', 'f'), ('stream', 'big')) v(k, n)", a),
		duck.SQL("INSERT INTO dsql.metrics SELECT 'big', 'm' || m, i, now()::TIMESTAMP, CASE WHEN i % 17 > 0 THEN sin(i / 9.0) * m * 2 + "+
			"random() END, NULL FROM range(2, {versions} + 1) r(i), range({metrics}) s(m)", a),
		duck.SQL("INSERT INTO dsql.checks SELECT 'big', 'c' || c, i, now()::TIMESTAMP, i, NULL, CASE WHEN i % 97 = 0 THEN 'warn' ELSE 'pass' "+
			"END, 0 FROM range(1, {versions} + 1) r(i), range({checks}) s(c)", a),
	} {
		if err := db.Writer().Run(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// A thousand versions of two hundred metrics are thinned: what is drawn stays small, and keeps what was extreme.
func TestReportOfManyVersions(t *testing.T) {
	t.Parallel()
	file := bigFile(t, 1000, 200, 20)
	dir := filepath.Dir(file)
	runIn(t, dir, "report", "--select", "big", "-o", "r.html")
	if keep := os.Getenv("KEEP_BIG"); keep != "" { // to be served and measured
		if b, err := os.ReadFile(file); err != nil || os.WriteFile(keep, b, 0o644) != nil {
			t.Fatal(err)
		}
	}
	html := read(t, filepath.Join(dir, "r.html"))
	if len(html) > 600<<10 {
		t.Errorf("%d bytes", len(html))
	}
	if n := strings.Count(html, `<polyline class="ln"`); n < 24 {
		t.Errorf("%d lines", n)
	}
	if !strings.Contains(html, "24 of 200") {
		t.Error("it isn't said that there are more metrics")
	}
	want := runIn(t, dir, "query", "--db", file, "-o", "csv", "SELECT max(value) AS n FROM dsql.metrics WHERE metric = 'm7'")
	var most float64
	if _, err := fmt.Sscanf(want, "n\n%f", &most); err != nil {
		t.Fatalf("%q: %v", want, err)
	}
	m := regexp.MustCompile(`aria-label="m7 over 1,000 versions: [^"]*most ([\d.]+) in`).FindStringSubmatch(html)
	if m == nil || m[1] != fmt.Sprintf("%.1f", most) {
		t.Errorf("the most of m7 is %v, want %.1f", m, most)
	}
}

// What needs a look is a function of the file: each kind of it, and how it is told, the worst first.
func TestFindings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "late.txt"), read(t, "../../demo/files/models/late.txt"))
	put(t, filepath.Join(dir, "s.sql"), `CREATE SOURCE f (id BIGINT, dep_delay DOUBLE, distance DOUBLE, hour DOUBLE, weekday DOUBLE, `+
		`wind_speed DOUBLE, precip DOUBLE, visib DOUBLE)
  FROM FILES ('in/*.csv', format csv, header true);
CREATE MODEL late FROM 'late.txt';
CREATE STREAM s CHECKS (CHECK odd EXPECT (count(*) > 99) ON FAILURE WARN, CHECK fine EXPECT (count(*) > 0) ON FAILURE WARN) AS
  SELECT *, late(dep_delay, distance, hour, weekday, wind_speed, precip, visib) AS risk FROM f;
CREATE STREAM h CHECKS (CHECK many EXPECT (count(*) > 99) ON FAILURE HOLD) AS SELECT id FROM f;
CREATE SINK out INTO FILES ('out', format csv) FROM s;
CREATE MONITOR health ON MODEL late FROM s PREDICTION risk;
CREATE ALERT few ON METRIC health.missing_score > 0.5 TO COMMAND 'cat > /dev/null';
`)
	put(t, filepath.Join(dir, "in", "1.csv"), "id,dep_delay,distance,hour,weekday,wind_speed,precip,visib\n1,1,2,3,4,5,6,7\n")
	if out, err := asCommand(t, dir, "run", "s.sql", "-q").CombinedOutput(); err != nil && !strings.Contains(string(out), "held back") {
		t.Fatalf("%v:\n%s", err, out)
	}
	db, err := duck.Open(t.Context(), filepath.Join(dir, "s.duckdb"), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Forty days of versions, the last of them a month ago; scores rank as they did, then worse; an input drifts, another always did.
	for _, q := range []string{
		`UPDATE dsql.versions SET committed_at = now()::TIMESTAMP - INTERVAL 70 DAY`,
		`INSERT INTO dsql.versions SELECT i, now()::TIMESTAMP - INTERVAL 1 DAY * (70 - i) FROM range(2, 42) r(i)`,
		`INSERT INTO dsql.version_rows SELECT i, k, n, 500, 500, 0, 0, 0, 0, 0, 0, 0, 0, '' FROM range(2, 42) r(i), (VALUES ('source', 'f'), ` +
			`('stream', 's')) v(k, n)`,
		`INSERT INTO dsql.metrics SELECT 'health', 'auc', i, now()::TIMESTAMP, 0.9 - CASE WHEN i > 33 THEN 0.2 ELSE 0 END + (i % 3) / 100, ` +
			`NULL FROM range(2, 42) r(i)`,
		`INSERT INTO dsql.metrics SELECT 'health', 'psi_distance', i, now()::TIMESTAMP, CASE WHEN i > 33 THEN 3 ELSE 0.1 END, NULL FROM range(2, 42) r(i)`,
		`INSERT INTO dsql.metrics SELECT 'health', 'psi_weekday', i, now()::TIMESTAMP, 18 + i % 2, NULL FROM range(2, 42) r(i)`,
		`INSERT INTO dsql.metrics SELECT 'health', 'psi_hour', i, now()::TIMESTAMP, CASE WHEN i = 41 THEN 9 ELSE 0.01 END, NULL FROM range(2, 42) r(i)`,
		`INSERT INTO dsql.checks SELECT 's', 'fine', i, now()::TIMESTAMP, 1, NULL, CASE WHEN i = 30 THEN 'warn' ELSE 'pass' END, NULL FROM range(2, 42) r(i)`,
		`INSERT INTO dsql.checks SELECT 's', 'odd', i, now()::TIMESTAMP, i, NULL, CASE WHEN i > 35 THEN 'warn' ELSE 'pass' END, NULL FROM range(2, 42) r(i)`,
		`INSERT INTO dsql.checks SELECT 'gone', 'odd', 5, now()::TIMESTAMP, 1, NULL, 'fail', NULL`,
		`INSERT INTO dsql.stopped_sinks VALUES ('out')`,
		`INSERT INTO dsql.files SELECT 'f', 's', 'in/9.csv', 1, now()::TIMESTAMP, NULL, 0, 1, false, 1, 'it is no CSV'`,
		`INSERT INTO dsql.alerts SELECT 'few', 'firing', now()::TIMESTAMP, NULL, 1, NULL, 'x-few-1', '{"object": "health.missing_score", ` +
			`"text": "few firing: health.missing_score is 0.9"}', false`,
	} {
		if err := db.Writer().Run(t.Context(), duck.Text(q)); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	status := runIn(t, dir, "status", "-o", "json")
	rows := regexp.MustCompile(`"object":"([^"]*)","what needs a look":"((?:[^"\\]|\\.)*)","note":"([^"]*)"`).FindAllStringSubmatch(status, -1)
	want := [][3]string{
		{"h.many", "holds a batch back: 1 rows wait", "RELEASE HOLD h"},
		{"out", "has stopped", "RESUME SINK out"},
		{"f", "has files that can't be read: 1", "in/9.csv: it is no CSV"},
		{"health.auc", "is worse than it was: 0.710", "usually above 0.900 · since v34"},
		{"health.distance", "drifts: PSI: 3", "usually below 0.200 · since v34"},
		{"f", "is silent: nothing since", "usually every 24"},
		{"health.missing_score", "firing: health.missing_score is 0.9", "alert few"},
		{"s.odd", "warns: measured 41, expected count(*) > 99", "6 versions"},
	}
	if len(rows) != len(want) {
		t.Fatalf("%d findings, want %d:\n%s", len(rows), len(want), status[:min(len(status), 3000)])
	}
	for i, w := range want {
		if rows[i][1] != w[0] || !strings.HasPrefix(rows[i][2], w[1]) || !strings.Contains(rows[i][3], w[2]) {
			t.Errorf("%q, want %q", rows[i][1:], w)
		}
	}
}
