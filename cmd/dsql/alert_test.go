package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// receiver is who is told: it answers with the codes that it is given, and 200 when there are none left.
type receiver struct {
	sync.Mutex
	codes  []int
	told   []string // id and state of what it took
	failed []string // ids of what it refused
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.Lock()
	defer r.Unlock()
	var m struct{ ID, State, Text string }
	body, err := io.ReadAll(req.Body)
	if err != nil || json.Unmarshal(body, &m) != nil || m.ID != req.Header.Get("Idempotency-Key") || m.Text == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if len(r.codes) > 0 {
		code := r.codes[0]
		r.codes = r.codes[1:]
		if code != http.StatusOK {
			r.failed = append(r.failed, m.ID)
			w.WriteHeader(code)
			return
		}
	}
	r.told = append(r.told, m.ID+" "+m.State)
}

// states are what was told, without the ids.
func (r *receiver) states() (out []string) {
	r.Lock()
	defer r.Unlock()
	for _, t := range r.told {
		_, state, _ := strings.Cut(t, " ")
		out = append(out, state)
	}
	return out
}

type alertBench struct {
	t   *testing.T
	dir string
	url string
}

// run takes one more file, of one row (the check warns) or of two.
func (b *alertBench) run(name string, rows int, env ...string) error {
	text := "id\n" + strings.Repeat("1\n", rows)
	if rows > 0 {
		if err := os.WriteFile(filepath.Join(b.dir, "in", name), []byte(text), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(b.t.Context(), os.Args[0], "run", "p.sql", "--quiet")
	cmd.Dir, cmd.Env = b.dir, append(append(os.Environ(), "DSQL_TEST_AS_COMMAND=1", "TELL="+b.url), env...)
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), b.url) {
		b.t.Errorf("the address stands in what is said: %s", out)
	}
	return err
}

func newAlertBench(t *testing.T, r *receiver) *alertBench {
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	b := &alertBench{t: t, dir: t.TempDir(), url: s.URL + "/secret"}
	put(t, filepath.Join(b.dir, "in", "0.csv"), "id\n1\n1\n")
	put(t, filepath.Join(b.dir, "p.sql"), `CREATE SOURCE r (id INTEGER) FROM FILES ('in/*.csv', format csv, header true);
CREATE STREAM rows CHECKS (CHECK some EXPECT (count(*) > 1) ON FAILURE WARN) FROM r;
CREATE ALERT few ON CHECK rows.some TO WEBHOOK env('TELL');`)
	return b
}

// A change of state is told once, after as many tries as it takes, and by the same id.
func TestAlertIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := &receiver{codes: []int{500, 503}}
	b := newAlertBench(t, r)
	for _, f := range []struct {
		name string
		rows int
	}{{"1.csv", 1}, {"2.csv", 1}, {"3.csv", 2}, {"", 0}} {
		if err := b.run(f.name, f.rows); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.states(); !slices.Equal(got, []string{"firing", "resolved"}) {
		t.Errorf("told: %v", got)
	}
	if len(r.failed) != 2 || r.failed[0] != r.failed[1] || !strings.HasPrefix(r.told[0], r.failed[0]+" ") {
		t.Errorf("refused %v, told %v", r.failed, r.told)
	}
}

// What nobody takes waits in the file, and doesn't stop the run.
func TestAlertWaits(t *testing.T) {
	t.Parallel()
	r := &receiver{codes: []int{500, 500, 500}}
	b := newAlertBench(t, r)
	for range 2 {
		if err := b.run("1.csv", 1); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.states(); !slices.Equal(got, []string{"firing"}) {
		t.Errorf("told: %v, refused %v", got, r.failed)
	}
}

// A crash at any point loses nothing: at most the same message comes again, with the same id.
func TestAlertCrash(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"alert-before-note", "alert-sent"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			r := &receiver{}
			b := newAlertBench(t, r)
			if err := b.run("1.csv", 1, "DSQL_FAULT=kill:"+point+":1"); err == nil {
				t.Fatal("it was not killed")
			}
			if err := b.run("", 0); err != nil {
				t.Fatal(err)
			}
			told := slices.Compact(r.told)
			if len(told) != 1 || !strings.HasSuffix(told[0], " firing") {
				t.Errorf("told: %v", r.told)
			}
			if point == "alert-sent" && len(r.told) != 2 {
				t.Errorf("told once: the point was not passed behind the sending: %v", r.told)
			}
		})
	}
}
