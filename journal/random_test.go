package journal

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"dsql/engine/kind"
)

// TestRandom compares journals with the model, which is naive. A journal has many keys, and each key is a history of its own: shapes,
// orders of arrival, batches, replays, rollbacks and restarts are random, and every version is read again at the end. Each run of the
// tests takes 10,400 histories, with -short too; DSQL_LONG=1 takes a hundred times as many.
func TestRandom(t *testing.T) {
	t.Parallel()
	journals := 40
	if os.Getenv("DSQL_LONG") != "" {
		journals *= 100
	}
	for i := range journals {
		seed := uint64(i + 1)
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runRandom(t, seed) })
	}
	if n := journals * keysPerJournal; n < 10_000 {
		t.Errorf("%d random histories; 10,000 are the least that finds what has gone wrong before", n)
	}
}

const keysPerJournal = 260

// trial is one random journal: what the model says of each version, and the version from which on the journal can be read.
type trial struct {
	*bench
	*shape
	models    []*model
	histories [][]version
	oldest    int64
	columns   string
	vectors   int64
}

func (r *trial) last() *model { return r.models[len(r.models)-1] }

// done takes what the model says of the version that was made, and compares it.
func (r *trial) done(m *model) {
	r.models, r.histories = append(r.models, m), append(r.histories, m.history())
	r.history(r.shape, r.histories[r.version])
}

// recompute: the history by the declaration of now is what all events give by it.
func (r *trial) recompute(m *model) {
	if _, err := r.step(r.j.Rebuild); err != nil {
		r.t.Fatal(err)
	}
	r.done(m)
}

func (r *trial) declare(text string) {
	r.mustDeclare(text, r.columns)
	r.j.maxVectors = r.vectors
}

func (r *trial) redeclare() string {
	r.redeclared = true
	m := r.last().clone()
	text := r.declaration(m)
	r.declare(text)
	r.recompute(m)
	return text
}

// back rolls back to some version.
func (r *trial) back() {
	to := max(r.oldest+r.Int64N(r.version-r.oldest), 1)
	r.rollback(r.shape, to, r.histories)
	now, m := r.last(), r.models[to].clone()
	r.done(m)
	if m = m.clone(); fmt.Sprint(m.tracked, m.ignored) != fmt.Sprint(now.tracked, now.ignored) {
		m.tracked, m.ignored = now.tracked, now.ignored
		r.recompute(m)
	}
}

// deliver takes a batch into both.
func (r *trial) deliver(batch []event) {
	m := r.last().clone()
	batch, absent := r.forget(batch)
	want := m.take(batch)
	got := r.mustWrite(r.table(batch), func(a *kind.Accepted) {
		if a.HasRow = r.withRow; len(batch) > 0 && batch[0].all {
			a.HasRow, a.Input = false, &kind.Input{Truncate: true}
		}
		if absent != "" {
			a.Absent = []string{absent}
		}
	})
	r.done(m)
	r.rejected(want)
	r.counted(got, len(batch), want, r.histories[r.version-1], r.histories[r.version])
}

func runRandom(t *testing.T, seed uint64) {
	s, text := newShape(seed)
	path := ""
	if s.chance(.25) {
		path = t.TempDir() + "/j.duckdb"
	}
	var decl []string
	for _, c := range slices.Concat([]string{"k", "k2", "off"}, s.cols[:3], []string{"ts", "op"}) {
		decl = append(decl, c+" "+s.types[c])
	}
	r := &trial{bench: newBench(t, path), shape: s, columns: strings.Join(decl, ", ")}
	r.models, r.histories = []*model{s.m.clone()}, [][]version{nil}
	r.mustDeclare(text, r.columns)
	r.vectors = []int64{0, 1000}[s.IntN(2)]
	r.j.maxVectors = r.vectors
	fail := func() {
		if t.Failed() {
			t.Fatalf("seed %d: %s", seed, text)
		}
	}
	for _, batch := range s.batches() {
		if r.version > 0 && !s.m.current && s.chance(.12) {
			s.later = s.later && s.chance(.5)
			text = r.redeclare()
			fail()
		}
		if r.version > max(r.oldest, 1) && s.chance(.15) {
			r.back()
			fail()
			continue
		}
		if path != "" && s.chance(.3) {
			r.close()
			r.openFile(path)
		}
		r.deliver(batch)
		fail()
		if s.chance(.1) {
			if s.chance(.5) && r.version > 2 {
				r.oldest = max(r.oldest, 1+s.Int64N(r.version))
			}
			r.vacuum(r.oldest)
		}
	}
	if s.later {
		s.later = false
		text = r.redeclare()
	}
	for v := max(r.oldest, 1); v <= r.version; v++ {
		r.at(s, v, r.histories[v])
	}
	r.between(s, max(r.oldest, 1), r.histories)
	r.asOf(s, r.histories[r.version])
	r.remembers(s, r.last())
	r.rebuilds(s, r.histories[r.version])
	fail()
}
