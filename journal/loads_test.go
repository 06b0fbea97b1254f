package journal

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"dsql/engine/kind"
)

// loads is the reference for snapshots: the history after some loads of the whole table.
type loads struct {
	tracked       []bool
	keep, current bool
	last          int // the time of the last load
	open          map[string]version
	closed        []version
}

func (m *loads) clone() *loads {
	c := *m
	c.open, c.closed = maps.Clone(m.open), slices.Clone(m.closed)
	return &c
}

// take applies a load: rows are a key and its values each.
func (m *loads) take(at int, rows []event, absent []bool) map[string]int {
	rejected := map[string]int{}
	if at <= m.last {
		if len(rows) > 0 {
			rejected["too_late"] = len(rows)
		}
		return rejected
	}
	m.last = at
	now, twice := map[string][]string{}, map[string]bool{}
	for _, r := range rows {
		if slices.Contains(r.keys, null) {
			rejected["null_key"]++
		} else if old, ok := now[r.key()]; ok && !slices.Equal(old, r.row) {
			twice[r.key()] = true
		} else {
			now[r.key()] = r.row
		}
	}
	for _, r := range rows {
		if twice[r.key()] {
			rejected["duplicate_key"]++
			delete(now, r.key())
		}
	}
	end := func(k string) {
		v := m.open[k]
		if v.to = []int{at}; !m.current {
			m.closed = append(m.closed, v)
		}
		delete(m.open, k)
	}
	for k := range m.open {
		if _, ok := now[k]; !ok && !twice[k] && !m.keep {
			end(k)
		}
	}
	for k, row := range now {
		row = slices.Clone(row)
		old, had := m.open[k]
		same := had
		for i := range row {
			if absent[i] {
				if row[i] = null; had {
					row[i] = old.row[i]
				}
			}
			same = same && (!m.tracked[i] || row[i] == old.row[i])
		}
		if same {
			old.row = row
			m.open[k] = old
			continue
		}
		if had {
			end(k)
		}
		m.open[k] = version{key: k, row: row, from: []int{at}}
	}
	return rejected
}

func (m *loads) history() []version {
	return slices.Concat(m.closed, slices.Collect(maps.Values(m.open)))
}

// TestRandomLoads compares snapshot journals with the model, as TestRandom does for feeds.
func TestRandomLoads(t *testing.T) {
	t.Parallel()
	journals := 60
	if os.Getenv("DSQL_LONG") != "" {
		journals = 1000
	}
	if testing.Short() {
		journals = 10
	}
	for i := range journals {
		seed := uint64(i + 1)
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runLoads(t, seed) })
	}
}

func runLoads(t *testing.T, seed uint64) {
	s := &shape{Rand: rand.New(rand.NewPCG(seed, 11)), keys: []string{"k"}, seq: []string{"at"}, cols: []string{"a", "v", "d"},
		ofSeq: "TIMESTAMP", span: 20, m: &model{}}
	m := &loads{keep: s.chance(.2), current: s.chance(.2), open: map[string]version{}, tracked: []bool{true, true, true}}
	s.m.current = m.current
	text := "CREATE JOURNAL j KEYS (k) SNAPSHOT AT loaded COLUMNS * EXCEPT (loaded) IF REMOVED < 101 PERCENT"
	if m.keep {
		text = "CREATE JOURNAL j KEYS (k) SNAPSHOT AT loaded COLUMNS * EXCEPT (loaded) ON MISSING KEEP"
	}
	if s.chance(.4) {
		text += " TRACK (a, d)"
		m.tracked[1] = false
	}
	if m.current {
		text += " STORED AS SCD TYPE 1"
	}
	b := newBench(t, "")
	shapes := "k BIGINT, a VARCHAR, v INTEGER, d DOUBLE, loaded TIMESTAMP"
	b.mustDeclare(text+" FROM ev", shapes)
	b.j.maxVectors = []int64{0, 1000}[s.IntN(2)]
	models, histories := []*loads{m}, [][]version{nil}
	oldest, at := int64(0), 0
	table := map[string][]string{}
	for range 2 + s.IntN(10) {
		if b.version > max(oldest, 1) && s.chance(.15) {
			to := max(oldest, 1) + s.Int64N(b.version-max(oldest, 1))
			b.rollback(s, to, histories)
			models, histories = append(models, models[to].clone()), append(histories, histories[to])
			b.history(s, histories[b.version])
			continue
		}
		if at++; at > 1 && s.chance(.1) {
			at--
		}
		for k := range 40 {
			key := fmt.Sprint(k)
			switch old, had := table[key]; {
			case s.chance(.3):
				delete(table, key)
			case !had || s.chance(.3):
				table[key] = []string{[]string{null, "", "A", "B"}[s.IntN(4)], []string{null, "1", "2"}[s.IntN(3)], []string{null, "0.5",
					"nan"}[s.IntN(3)]}
			case s.chance(.2):
				table[key] = slices.Clone(old)
				table[key][1] = "7"
			}
		}
		if s.chance(.1) {
			table = map[string][]string{}
		}
		var rows []event
		for _, k := range slices.Sorted(maps.Keys(table)) {
			for range 1 + s.IntN(5)/4 {
				rows = append(rows, event{keys: []string{k}, row: table[k]})
			}
			if s.chance(.03) {
				rows = append(rows, event{keys: []string{k}, row: []string{"Z", "9", null}})
			}
		}
		if s.chance(.2) {
			rows = append(rows, event{keys: []string{null}, row: []string{"A", null, null}})
		}
		absent, missing := make([]bool, 3), []string(nil)
		if s.chance(.15) {
			c := s.IntN(3)
			absent[c], missing = true, []string{s.cols[c]}
			for i := range rows {
				rows[i].row = slices.Clone(rows[i].row)
				rows[i].row[c] = null
			}
		}
		m := models[len(models)-1].clone()
		want := m.take(at, rows, absent)
		got := b.mustWrite(loadQuery(s, rows, at), func(a *kind.Accepted) {
			a.Absent = missing
			a.Input = &kind.Input{Source: "ev", Snapshot: true, Captures: map[string]string{"loaded": s.first(at)}}
		})
		models, histories = append(models, m), append(histories, m.history())
		b.history(s, histories[b.version])
		b.rejected(want)
		b.counted(got, len(rows), want, histories[b.version-1], histories[b.version])
		if changed := got.Added + got.Changed; got.Written > 0 && got.Unchanged != got.Written-changed {
			t.Errorf("counts don't close: %+v", got)
		}
		if s.chance(.15) {
			if s.chance(.5) && b.version > 2 {
				oldest = max(oldest, 1+s.Int64N(b.version))
			}
			b.vacuum(oldest)
		}
		if t.Failed() {
			t.Fatalf("seed %d: %s", seed, text)
		}
	}
	for v := max(oldest, 1); v <= b.version; v++ {
		b.at(s, v, histories[v])
	}
	b.between(s, max(oldest, 1), histories)
	b.asOf(s, histories[b.version])
	if b.rebuilds(s, histories[b.version]); t.Failed() {
		t.Fatalf("seed %d: %s", seed, text)
	}
}

func loadQuery(s *shape, rows []event, at int) string {
	lines := []string{"(NULL, NULL, NULL, NULL, false)"}
	for _, r := range rows {
		values := slices.Concat(r.keys, r.row)
		for i, v := range values {
			if values[i] = "NULL"; v != null {
				values[i] = "'" + v + "'"
			}
		}
		lines = append(lines, "("+strings.Join(values, ", ")+", true)")
	}
	return fmt.Sprintf("SELECT k::BIGINT AS k, a::VARCHAR AS a, v::INTEGER AS v, d::DOUBLE AS d, TIMESTAMP '%s' AS loaded FROM "+
		"(VALUES %s) x(k, a, v, d, is_row) WHERE is_row", s.first(at), strings.Join(lines, ", "))
}
