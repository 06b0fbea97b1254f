package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const boundsScript = `
CREATE TABLE big AS SELECT range AS i, range % 1000 AS g, md5(range::VARCHAR) AS s, repeat(md5((-range)::VARCHAR), 6) AS wide FROM range(600000);
CREATE SOURCE f (id BIGINT, n BIGINT, s VARCHAR) FROM FILES ('in/*.csv');
CREATE STREAM a METRICS (rows = count(*)) FROM f;
CREATE JOURNAL j KEYS (id) SEQUENCE BY n FROM f;
CREATE ENDPOINT rows AS SELECT (SELECT count(*) FROM a) AS a, (SELECT count(DISTINCT id) FROM j) AS j`

// greedy are queries that take as much as they get: of what goes to temporary files, of what can't, and of what DuckDB doesn't count.
var greedy = []string{
	"SELECT count(*) FROM range(100000000) a, range(100000000) b",
	"WITH RECURSIVE r AS (SELECT 1 AS i, 'x' AS s UNION ALL SELECT i + 1, s || md5(i::VARCHAR) FROM r) SELECT max(length(s)) FROM r",
	"WITH RECURSIVE r AS (SELECT i, s FROM big UNION SELECT i + 1, md5(s) FROM r) SELECT count(*) FROM r",
	"SELECT count(*) FROM (SELECT i, s, wide, g, x, count(*) AS n FROM big, range(20) t(x) GROUP BY ALL)",
	"SELECT count(*), max(n) FROM (SELECT s || x AS k, count(*) AS n FROM big, range(50) t(x) GROUP BY 1)",
	"SELECT length(l::VARCHAR) FROM (SELECT list(wide) AS l FROM big, range(100))",
	"SELECT g, list(s || x) AS l FROM big, range(1000) t(x) GROUP BY g",
	"SELECT length(string_agg(wide, ',')) FROM big, range(1000)",
	"SELECT x, string_agg(wide, ',' ORDER BY s) FROM big, range(100) t(x) GROUP BY x",
	"SELECT quantile_cont(hash(s || x), [0.1, 0.5]) FROM big, range(100) t(x)",
	"SELECT g, x % 100, mode(s || x), median(i * x) FROM big, range(1000) t(x) GROUP BY ALL",
	"SELECT max(rn) FROM (SELECT row_number() OVER (ORDER BY wide || x) AS rn FROM big, range(30) t(x))",
	"SELECT max(n) FROM (SELECT count(DISTINCT s || x) OVER (PARTITION BY g ORDER BY wide) AS n FROM big, range(20) t(x))",
	"FROM (SELECT *, wide || s AS w2 FROM big, range(30) t(x)) ORDER BY w2 DESC, x",
	"SELECT * FROM big a JOIN big b ON a.g = b.g ORDER BY a.wide, b.s LIMIT 100000",
	"SELECT count(*) FROM big a JOIN (SELECT s || x AS k, wide FROM big, range(50) t(x)) b ON a.s || '1' = b.k",
	"SELECT length(repeat(s, 30000000)) FROM big",
	"SELECT max(length(repeat(wide, 100000) || repeat(s, 100000))) FROM big",
	"SELECT max(len(list_resize([i], 100000000))) FROM big",
	"SELECT max(len(range(100000000 + i))) FROM big",
	"SELECT max(length(lpad(s, 2000000000, 'abc'))) FROM big",
	"SELECT len(list_transform(range(300000000), lambda x: x + 1))",
	"SELECT s, histogram(s || x) FROM big, range(1000) t(x) GROUP BY s",
}

// Strangers who take all they get don't touch the writer: each batch commits at once, each of them is told what is wrong, and the process
// stays within bounds.
func TestServeBounds(t *testing.T) {
	dir := t.TempDir()
	seconds, files, rows := 20, 0, 5000
	if testing.Short() {
		seconds = 8
	}
	if v, _ := strconv.Atoi(os.Getenv("DSQL_BOUNDS_SECONDS")); v > 0 {
		seconds = v
	}
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	feed(t, dir, files, rows)
	files++
	url, process, stop := serveArgs(t, dir, boundsScript,
		[]string{"--follow", "--memory-limit", "400MB", "--temp-limit", "1GB", "--timeout", "10s",
			"--log-format", "none"})
	base := resident(t, process.Pid)
	over := time.Now().Add(time.Duration(seconds) * time.Second)
	var asking sync.WaitGroup
	told := &tally{n: map[string]int{}}
	for k := range 4 {
		asking.Add(1)
		go func() {
			defer asking.Done()
			for i := k * len(greedy) / 4; time.Now().Before(over); i++ {
				told.add(askGreedily(t, url, greedy[i%len(greedy)]))
			}
		}()
	}
	for ; time.Now().Before(over); time.Sleep(100 * time.Millisecond) {
		feed(t, dir, files, rows)
		if files++; resident(t, process.Pid) > 4<<30 { // before the machine has none left
			_ = process.Kill()
			t.Fatal("the process took more than 4 GB")
		}
	}
	asking.Wait()
	t.Log(told.n, files)
	want := fmt.Sprintf(`"rows":[{"a":%d,"j":%d}]`, files*rows, rows)
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		body := get(t, url+"/v1/endpoints/rows")
		if strings.Contains(body, want) {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("%s, want %s", body, want)
		}
	}
	t.Log(regexp.MustCompile(`(?m)^dsql_(queries_stopped|versions).*`).FindAllString(get(t, url+"/metrics"), -1))
	peak := resident(t, process.Pid)
	if t.Logf("the process took %d MB, %d before", peak>>20, base>>20); peak > base+1000<<20 {
		t.Error("it took too much")
	}
	exit, said := stop()
	t.Log(said)
	for line := range strings.Lines(said) {
		if strings.Contains(line, "committed before the error") ||
			strings.Contains(line, "warning: ") && !strings.Contains(line, "the writer found no memory") {
			t.Errorf("a batch failed: %s", line)
		}
	}
	if exit != 0 {
		t.Errorf("exit code %d", exit)
	}
}

// tally counts what was told.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (l *tally) add(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n[what]++
}

// askGreedily asks once, and gives the status with its code: an answer, or an error that says why there is none.
func askGreedily(t *testing.T, url, q string) string {
	body, err := json.Marshal(map[string]any{"sql": q, "limit": 1_000_000})
	if err != nil {
		t.Error(err)
	}
	began := time.Now()
	res, err := http.Post(url+"/v1/query", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Errorf("%s: %v", q, err)
		return "none"
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	what := fmt.Sprint(res.StatusCode, " ", codeOf(b))
	if known := map[int]bool{200: true, 422: true, 429: true, 503: true, 504: true}; !known[res.StatusCode] ||
		res.StatusCode != 200 && codeOf(b) == "" {
		t.Errorf("%s: %s %.300s", q, what, b)
	}
	t.Logf("%-24s %6.1f s %10d bytes %v  %s", what, time.Since(began).Seconds(), len(b), err, q)
	return what
}

// feed adds a file with so many rows.
func feed(t *testing.T, dir string, n, rows int) {
	t.Helper()
	var b strings.Builder
	b.WriteString("id,n,s\n")
	for i := range rows {
		fmt.Fprintf(&b, "%d,%d,text %d of %d\n", i, n, i, n)
	}
	name := filepath.Join(dir, fmt.Sprintf("%06d.csv", n))
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-time.Hour) // what was changed a moment ago may still be written
	if err := os.Chtimes(name, then, then); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name, filepath.Join(dir, "in", filepath.Base(name))); err != nil {
		t.Fatal(err)
	}
}

func codeOf(body []byte) string {
	var p struct{ Code string }
	_ = json.Unmarshal(body, &p)
	return p.Code
}

// resident is the most memory that a process had.
func resident(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil && runtime.GOOS != "linux" {
		t.Skip("only Linux tells the most memory that a process had")
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("no VmHWM of %d: %v", pid, err)
	}
	n, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return n << 10
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
