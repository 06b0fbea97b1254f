package serve_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dsql/serve"
)

// Endpoints in pairs: the first looks rows up by key, the second asks the same so that nothing can be looked up.
const lookups = `
	CREATE SOURCE events (id VARCHAR, part BIGINT, v INTEGER, op VARCHAR, seq BIGINT) FROM FILES ('in/*.csv');
	CREATE JOURNAL one KEYS (id) SEQUENCE BY seq DELETE WHEN op = 'd' COLUMNS * EXCEPT (op) FROM events;
	CREATE JOURNAL two KEYS (id, part) SEQUENCE BY seq DELETE WHEN op = 'd' COLUMNS * EXCEPT (op) FROM events;
	CREATE STREAM log FROM events;
	CREATE ENDPOINT one_row (id VARCHAR) AS SELECT * FROM one WHERE id = $id;
	CREATE ENDPOINT one_row_wide (id VARCHAR) AS SELECT * FROM one WHERE id || '' = $id;
	CREATE ENDPOINT two_row (id VARCHAR, part INTEGER) AS SELECT x.v, x.seq, 'a $id' AS t FROM main.two AS x WHERE x.part = $part AND $id = x.id AND v > 3;
	CREATE ENDPOINT two_row_wide (id VARCHAR, part INTEGER) AS SELECT x.v, x.seq, ` +
	`'a $id' AS t FROM two AS x WHERE x.part + 0 = $part AND $id = x.id || '' AND v > 3;
	CREATE ENDPOINT parts (id VARCHAR, part INTEGER DEFAULT 0) AS SELECT part, v, $part AS p FROM two WHERE id = $id ORDER BY part;
	CREATE ENDPOINT parts_wide (id VARCHAR, part INTEGER DEFAULT 0) AS SELECT part, v, $part AS p FROM two WHERE id || '' = $id ORDER BY part;
	CREATE ENDPOINT logged (id VARCHAR, part INTEGER) AS SELECT count(*) AS n, sum(v) AS s, max(_version) AS last, (SELECT v FROM one WHERE id = $id) AS v,
		(SELECT string_agg(id, ',' ORDER BY id) FROM one) AS ids FROM "log" WHERE id = $id AND part = $part;
	CREATE ENDPOINT logged_wide (id VARCHAR, part INTEGER) AS SELECT count(*) AS n, sum(v) AS s, max(_version) AS last, ` +
	`(SELECT v FROM one WHERE id || '' = $id) AS v,
		(SELECT string_agg(id, ',' ORDER BY id) FROM one) AS ids FROM log WHERE id || '' = $id AND part + 0 = $part;`

var lookupIDs = []string{"a", "A", "b", "ä", "a long one, with a comma and a tail", "a long one, with a comma and a tale", "", "x\"y", "c",
	"nobody"}

// lookedUp is a random feed of events, and what is asked of it.
type lookedUp struct {
	*running
	rnd *rand.Rand
	dir string
	seq int
}

func (l *lookedUp) feed() {
	var b strings.Builder
	b.WriteString("id,part,v,op,seq\n")
	for range 1 + l.rnd.IntN(40) {
		l.seq++
		id := lookupIDs[l.rnd.IntN(len(lookupIDs)-1)]
		op := "u"
		if l.rnd.IntN(5) == 0 {
			op = "d"
		}
		seq := l.seq
		if l.rnd.IntN(6) == 0 {
			seq -= l.rnd.IntN(l.seq)
		}
		fmt.Fprintf(&b, "%s,%d,%d,%s,%d\n", strconv.Quote(strings.ReplaceAll(id, `"`, "'")), l.rnd.IntN(3)-1, l.rnd.IntN(10), op, seq)
	}
	at := version(l.running)
	put(l.t, filepath.Join(l.dir, "new"), b.String())
	if err := os.Rename(filepath.Join(l.dir, "new"), filepath.Join(l.dir, "in", fmt.Sprintf("%06d.csv", l.seq))); err != nil {
		l.t.Error(err)
	}
	for until := time.Now().Add(time.Minute); version(l.running) == at && time.Now().Before(until); {
		time.Sleep(5 * time.Millisecond)
	}
}

// compare asks both ways until they are of one state.
func (l *lookedUp) compare(name, query string) {
	ask := func(name string) (rows []string, tag string) {
		path := "/v1/endpoints/" + name + "?" + query
		status, body, h := l.get(path, "Authorization", "Bearer secret-all")
		var a struct{ Rows []json.RawMessage }
		if err := json.Unmarshal([]byte(body), &a); status != 200 || err != nil {
			l.t.Errorf("%s: %d %s", path, status, body)
		}
		for _, r := range a.Rows {
			rows = append(rows, string(r))
		}
		slices.Sort(rows)
		return rows, h.Get("ETag")
	}
	for until := time.Now().Add(time.Minute); time.Now().Before(until); {
		_, before := ask(name)
		wide, _ := ask(name + "_wide")
		rows, tag := ask(name)
		if before == "" || tag != before {
			continue
		}
		if !slices.Equal(rows, wide) {
			l.t.Errorf("%s?%s:\n%s\nwhere it is\n%s", name, query, rows, wide)
		}
		return
	}
	l.t.Errorf("%s is never asked in one state", name)
}

func (l *lookedUp) all() {
	for _, id := range lookupIDs {
		q := "id=" + url.QueryEscape(strings.ReplaceAll(id, `"`, "'"))
		l.compare("one_row", q)
		l.compare("parts", q)
		part := fmt.Sprint("&part=", l.rnd.IntN(3)-1)
		l.compare("two_row", q+part)
		l.compare("logged", q+part)
	}
}

// What is found by key is what the table has, whatever becomes of it meanwhile.
func TestLookups(t *testing.T) {
	t.Parallel()
	seeds := 3
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { t.Parallel(); tryLookups(t, uint64(seed)) })
	}
}

func tryLookups(t *testing.T, seed uint64) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := start(t, dir, lookups, func(o *serve.Options) { o.Follow, o.Tokens = true, adminToken(t) }).ready()
	l := &lookedUp{running: r, rnd: rand.New(rand.NewPCG(seed, 1)), dir: dir}
	over := make(chan struct{})
	var others sync.WaitGroup
	for i := range 2 { // they ask while things change
		others.Go(func() {
			o := &lookedUp{running: r, rnd: rand.New(rand.NewPCG(seed, uint64(i+2)))}
			for {
				select {
				case <-over:
					return
				default:
					o.all()
				}
			}
		})
	}
	exec := func(text string) {
		status, body, _ := r.post("/v1/exec", string(mustJSON(t, map[string]string{"sql": text})), "Authorization", "Bearer "+adminSecret)
		if status != 200 {
			t.Errorf("%s: %d %s", text, status, body)
		}
	}
	extra := 0
	steps := 25
	if testing.Short() {
		steps = 6
	}
	for range steps {
		switch l.rnd.IntN(10) {
		case 0:
			if v := version(r); v > 2 {
				exec(fmt.Sprintf("ROLLBACK %s TO VERSION %d", []string{"JOURNAL one", "JOURNAL two", "STREAM log"}[l.rnd.IntN(3)], v-1))
			}
		case 1:
			exec("REBUILD JOURNAL " + []string{"one", "two"}[l.rnd.IntN(2)])
		case 2:
			exec("CHECKPOINT")
		case 3:
			exec("DELETE FROM log WHERE v = " + fmt.Sprint(l.rnd.IntN(10)) + "; INSERT INTO log SELECT * FROM log LIMIT 3")
		case 4:
			exec(fmt.Sprintf(`CREATE OR REPLACE STREAM log AS SELECT * REPLACE (part::%s AS part) FROM events; REBUILD STREAM log FROM SOURCE`,
				[]string{"BIGINT", "INTEGER", "HUGEINT", "VARCHAR", "DOUBLE"}[l.rnd.IntN(5)]))
		case 5:
			extra++
			exec(fmt.Sprintf(`CREATE OR REPLACE JOURNAL one KEYS (id) SEQUENCE BY seq DELETE WHEN op = 'd' COLUMNS * EXCEPT (op)
				AS SELECT *, v + 1 AS e%d FROM events`, extra))
		default:
			l.feed()
		}
		l.all()
	}
	close(over)
	others.Wait()
	_, text, _ := r.get("/metrics", "Authorization", "Bearer secret-all")
	for _, way := range []string{"index", "kept"} {
		if count := `dsql_lookups_total{way="` + way + `"} `; !strings.Contains(text, count) || strings.Contains(text, count+"0") {
			t.Errorf("nothing was answered by way %s: %s", way, text)
		}
	}
}
