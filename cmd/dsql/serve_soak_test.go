package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dsql/internal/quackclient"
	"dsql/internal/testcases"
)

const soakScript = `
CREATE SOURCE f (id BIGINT, n BIGINT, s VARCHAR) FROM FILES ('in/*.csv');
CREATE STREAM a FROM f;
CREATE STREAM b FROM f;
CREATE JOURNAL j KEYS (id) SEQUENCE BY n FROM f;
CREATE MODEL late FROM 'late.txt';
CREATE ENDPOINT both AS SELECT (SELECT count(*) FROM a) AS a, (SELECT count(*) FROM b) AS b, late(1.0, 1.0) AS p;
CREATE ENDPOINT one (id BIGINT) AS SELECT n, s FROM j WHERE id = $id;
CREATE ENDPOINT written (id BIGINT) LOG INTO asked SYNC AS SELECT $id AS id`

// soaked is a server under load.
type soaked struct {
	t       *testing.T
	dir     string
	url     string
	process *os.Process
	files   int
	answers atomic.Int64
}

const soakToken = "a-token"

// newSoaked makes the folder; load asks until ctx ends.
func newSoaked(t *testing.T) *soaked {
	x := &soaked{t: t, dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(x.dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(x.dir, "late.txt"), testcases.Stump(15, 1, 1))
	put(t, filepath.Join(x.dir, "late2.txt"), testcases.Stump(15, 2, 2))
	put(t, filepath.Join(x.dir, "tokens"), fmt.Sprintf("admin admin,all %x\n", sha256.Sum256([]byte(soakToken))))
	feed(t, x.dir, 0, 100)
	x.files = 1
	return x
}

func (x *soaked) start() (stop func() (int, string)) {
	x.t.Helper()
	x.url, x.process, stop = serveArgs(x.t, x.dir, soakScript, []string{"--follow", "--token-file", "tokens", "--log-format", "none"})
	return stop
}

// ask gives the body of an answer; an error where there is none. Only what is 200 is one.
func (x *soaked) ask(ctx context.Context, path, body string) (string, error) {
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, x.url+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+soakToken)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", path, res.StatusCode, b)
	}
	return string(b), err
}

// right asks each kind of question, and compares what comes with what must.
func (x *soaked) right(ctx context.Context, i int) error {
	x.answers.Add(1)
	switch i % 5 {
	case 0:
		var got struct{ Rows []struct{ A, B int64 } }
		body, err := x.ask(ctx, "/v1/endpoints/both", "")
		if err == nil {
			err = json.Unmarshal([]byte(body), &got)
		}
		if err == nil && (len(got.Rows) != 1 || got.Rows[0].A != got.Rows[0].B || got.Rows[0].A%100 != 0) {
			err = fmt.Errorf("a torn answer: %s", body)
		}
		return err
	case 1:
		body, err := x.ask(ctx, "/v1/models/late/predict", `{"dep_delay": 1}`)
		if one, two := `{"predictions":[1.0],"model":{"name":"late","version":1}}`, `{"predictions":[2.0],"model":{"name":"late","version":2}}`; err == nil &&
			strings.TrimSpace(body) != one && strings.TrimSpace(body) != two {
			err = fmt.Errorf("a wrong score: %s", body)
		}
		return err
	case 2:
		body, err := x.ask(ctx, fmt.Sprintf("/v1/endpoints/one?id=%d", i%100), "")
		if err == nil && !strings.Contains(body, fmt.Sprintf(`"s":"text %d of `, i%100)) {
			err = fmt.Errorf("the row of another key: %s", body)
		}
		return err
	case 3:
		body, err := x.ask(ctx, "/v1/query", `{"sql": "SELECT count(*) % 100 AS n FROM (FROM a UNION ALL FROM b)"}`)
		if err == nil && !strings.Contains(body, `"rows":[{"n":0}]`) {
			err = fmt.Errorf("a torn answer: %s", body)
		}
		return err
	}
	c, err := quackclient.Dial(ctx, x.url, soakToken) // a client that is new each time, and goes away in the middle
	if err != nil {
		return err
	}
	if _, err := c.Query(ctx, "SELECT i, i::VARCHAR AS s FROM range(100000000) t(i)"); err != nil && !strings.Contains(err.Error(), "[queue-full]") {
		return err
	}
	if i%2 == 0 {
		return c.Close(ctx)
	}
	return nil
}

func soakTime(t *testing.T, usual time.Duration) time.Duration {
	d, err := time.ParseDuration(os.Getenv("DSQL_SOAK"))
	if err != nil {
		return usual
	}
	t.Logf("for %s", d)
	return d
}

// A server under load of all kinds, with rows that come in and a model that changes each second, gives no wrong answer, and grows in nothing.
func TestServeSoak(t *testing.T) {
	last := soakTime(t, 10*time.Second)
	x := newSoaked(t)
	stop := x.start()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := x.ask(ctx, "/v1/exec", `{"sql": "CREATE MODEL late FROM 'late2.txt'"}`); err != nil {
		t.Fatal(err)
	}
	over := time.Now().Add(last)
	var asking sync.WaitGroup
	for k := range 4 {
		asking.Add(1)
		go func() {
			defer asking.Done()
			for i := k; time.Now().Before(over); i++ {
				if err := x.right(ctx, i); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	seen := map[string][]float64{}
	for i := 0; time.Now().Before(over); i++ {
		if i%10 == 0 {
			if _, err := x.ask(ctx, "/v1/exec", fmt.Sprintf(`{"sql": "ALTER MODEL late USE VERSION %d"}`, 1+i/10%2)); err != nil {
				t.Error(err)
			}
			body, err := x.ask(ctx, "/metrics", "")
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^(go_goroutines|process_open_fds|process_resident_memory_bytes) (\S+)`).FindAllStringSubmatch(body, -1) {
				n, _ := strconv.ParseFloat(m[2], 64)
				seen[m[1]] = append(seen[m[1]], n)
			}
		}
		if i%5 == 0 {
			feed(t, x.dir, x.files, 100)
			x.files++
		}
		time.Sleep(100 * time.Millisecond)
	}
	asking.Wait()
	t.Log(x.answers.Load(), "answers,", x.files, "files")
	for name, of := range map[string]struct{ factor, spare float64 }{"go_goroutines": {1.2, 40}, "process_open_fds": {1.2, 40},
		"process_resident_memory_bytes": {1.2, 100 << 20}} {
		n := len(seen[name])
		if n < 4 {
			continue // not for systems without /proc, or so slow
		}
		early, late := median(seen[name][n/4:n/2]), median(seen[name][3*n/4:])
		t.Logf("%s: %.0f, then %.0f", name, early, late)
		if late > early*of.factor+of.spare {
			t.Errorf("%s grows: %v", name, seen[name])
		}
	}
	if exit, said := stop(); exit != 0 {
		t.Errorf("exit code %d\n%s", exit, said)
	}
}

func median(of []float64) float64 {
	of = slices.Sorted(slices.Values(of))
	return of[len(of)/2]
}

// What was answered with LOG INTO SYNC is written, and what a batch wrote is whole, wherever the server is killed.
func TestServeKilled(t *testing.T) {
	kills := 3
	if os.Getenv("DSQL_SOAK") != "" {
		kills = 20
	}
	x := newSoaked(t)
	var answered []int64
	id := int64(0)
	for n := range kills + 1 {
		stop := x.start()
		logged := x.logged()
		for _, a := range answered {
			if !logged[a] {
				t.Errorf("after %d kills the answer %d isn't written", n, a)
			}
		}
		x.takes(int64(100 * x.files))
		if n == kills {
			t.Logf("%d answers of %d kills, %d files", len(answered), kills, x.files)
			stop()
			return
		}
		answered = append(answered, x.until(&id, time.Duration(200+137*n%700)*time.Millisecond)...)
		stop()
		feed(t, x.dir, x.files, 100)
		x.files++
	}
}

// takes waits until so many rows are there, each time the same of all tables.
func (x *soaked) takes(rows int64) {
	x.t.Helper()
	for until := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		body, err := x.ask(x.t.Context(), "/v1/endpoints/both", "")
		var got struct{ Rows []struct{ A, B int64 } }
		if err == nil {
			err = json.Unmarshal([]byte(body), &got)
		}
		if err != nil || got.Rows[0].A != got.Rows[0].B || got.Rows[0].A%100 != 0 || got.Rows[0].A > rows {
			x.t.Fatalf("%s, at most %d: %v", body, rows, err)
		}
		if got.Rows[0].A == rows {
			return
		}
		if time.Now().After(until) {
			x.t.Fatalf("%s, want %d", body, rows)
		}
	}
}

// logged are the ids of the answers that are in the log.
func (x *soaked) logged() map[int64]bool {
	x.t.Helper()
	body, err := x.ask(x.t.Context(), "/v1/query", `{"sql": "SELECT CAST(request ->> 'id' AS BIGINT) AS id FROM asked", "limit": 1000000}`)
	var got struct{ Rows []struct{ ID int64 } }
	if err == nil {
		err = json.NewDecoder(bytes.NewReader([]byte(body))).Decode(&got)
	}
	if err != nil {
		x.t.Fatal(err)
	}
	out := map[int64]bool{}
	for _, r := range got.Rows {
		out[r.ID] = true
	}
	return out
}

// until asks until the server is killed, after so long, and gives the ids that were answered.
func (x *soaked) until(id *int64, d time.Duration) (out []int64) {
	defer time.AfterFunc(d, func() { _ = x.process.Kill() }).Stop()
	for {
		*id++
		if _, err := x.ask(x.t.Context(), "/v1/endpoints/written", fmt.Sprintf(`{"id": %d}`, *id)); err != nil {
			return out
		}
		if out = append(out, *id); *id%20 == 0 {
			feed(x.t, x.dir, x.files, 100)
			x.files++
		}
	}
}
