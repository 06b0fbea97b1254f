package journal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"dsql/engine"
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

// shape is the declaration of a random journal.
type shape struct {
	*rand.Rand
	keys, seq  []string
	cols       []string
	types      map[string]string
	own        bool // the sequence is stored, untracked
	ofSeq      string
	span       int
	withRow    bool
	redeclared bool
	later      bool   // the column d isn't there yet
	truncates  []int  // first parts of the sequences that TRUNCATEs have, and no other event
	base       string // the declaration up to COLUMNS
	without    []string
	rest       string // behind TRACK and IGNORE NULL UPDATES
	m          *model
}

func (s *shape) chance(p float64) bool { return s.Float64() < p }

func newShape(seed uint64) (*shape, string) {
	s := &shape{Rand: rand.New(rand.NewPCG(seed, 7)), keys: []string{"k"}, seq: []string{"ts"}, cols: []string{"a", "v", "d"},
		types: map[string]string{"k": "BIGINT", "k2": "VARCHAR", "off": "INTEGER", "a": "VARCHAR", "v": "INTEGER", "d": "DOUBLE", "op": "VARCHAR"}}
	s.m = &model{accepted: map[string][]event{}, conflicts: map[string][]event{}}
	s.ofSeq = []string{"BIGINT", "TIMESTAMP", "VARCHAR", "DATE", "DOUBLE"}[s.IntN(5)]
	s.types["ts"] = s.ofSeq
	s.span = []int{6, 12, 30, 100}[s.IntN(4)]
	s.withRow = s.chance(.5)
	s.m.current = s.chance(.2)
	if s.chance(.3) {
		s.keys = append(s.keys, "k2")
	}
	if s.chance(.3) {
		s.seq = append(s.seq, "off")
	}
	text := fmt.Sprintf("CREATE JOURNAL j KEYS (%s) SEQUENCE BY (%s) DELETE WHEN op = 'd'", strings.Join(s.keys, ", "), strings.Join(s.seq, ", "))
	if s.m.current {
		text += " STORED AS SCD TYPE 1"
	}
	without := []string{"op"}
	if s.own = s.chance(.4); s.own {
		s.cols = append(s.cols, "ts")
	} else {
		without = append(without, "ts")
	}
	if len(s.seq) < 2 {
		without = append(without, "off")
	} else {
		without = append(without, "off")
	}
	if len(s.keys) < 2 {
		without = append(without, "k2")
	}
	s.base, s.without = text, without
	s.later = !s.own && !s.m.current && s.chance(.3)
	if !s.m.current && s.chance(.3) && s.ofSeq != "VARCHAR" {
		s.m.lateness = s.span / 2
		text = " LATENESS "
		if s.ofSeq == "TIMESTAMP" || s.ofSeq == "DATE" {
			text += fmt.Sprintf("INTERVAL %d DAYS", s.m.lateness)
		} else {
			text += fmt.Sprint(s.m.lateness)
		}
		s.rest = text
	}
	if s.chance(.4) {
		for range 1 + s.IntN(3) {
			s.truncates = append(s.truncates, 1+s.IntN(s.span))
		}
	}
	return s, s.declaration(s.m)
}

// declaration has other TRACK and IGNORE NULL UPDATES each time, which the model is told of.
func (s *shape) declaration(m *model) string {
	without, tracked, ignored := s.without, []string{"a", "v", "d"}, []string{}
	some := func(names ...string) (out []string) {
		for _, n := range names {
			if !s.later || n != "d" {
				out = append(out, n)
			}
		}
		return out
	}
	if s.later {
		without = append(slices.Clone(without), "d")
	}
	text := s.base + fmt.Sprintf(" COLUMNS * EXCEPT (%s)", strings.Join(without, ", "))
	if s.chance(.5) {
		tracked = some([][]string{{"a"}, {"a", "v"}, {"v", "d"}}[s.IntN(3)]...)
		text += fmt.Sprintf(" TRACK (%s)", strings.Join(tracked, ", "))
	}
	if s.chance(.4) {
		if ignored = s.cols; s.chance(.5) {
			ignored = some("a", "d")
			text += fmt.Sprintf(" IGNORE NULL UPDATES ON (%s)", strings.Join(ignored, ", "))
		} else {
			text += " IGNORE NULL UPDATES"
		}
	}
	m.tracked, m.ignored = make([]bool, len(s.cols)), make([]bool, len(s.cols))
	for i, c := range s.cols {
		m.tracked[i], m.ignored[i] = slices.Contains(tracked, c), slices.Contains(ignored, c)
	}
	return text + s.rest + " FROM ev"
}

// first is the text of the sequence's first column.
func (s *shape) first(n int) string {
	switch s.ofSeq {
	case "TIMESTAMP":
		return time.Date(2025, 1, n, 0, 0, 0, 0, time.UTC).Format(time.DateTime)
	case "DATE":
		return time.Date(2025, 1, n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	case "VARCHAR":
		return fmt.Sprintf("t%03d", n)
	case "DOUBLE":
		return fmt.Sprintf("%d.0", n)
	}
	return fmt.Sprint(n)
}

// point is the text of a sequence; nil is open.
func (s *shape) point(seq []int) []string {
	out := make([]string, len(s.seq))
	for i := range out {
		switch {
		case seq == nil:
			out[i] = null
		case i == 0:
			out[i] = s.first(seq[0])
		default:
			out[i] = fmt.Sprint(seq[i])
		}
	}
	return out
}

// event makes a random one of key k. In a journal of the state now an event's image depends on its key and sequence alone: such
// a journal finds conflicts with the latest event only.
func (s *shape) event(k int) event {
	r := s.Rand
	e := event{keys: []string{fmt.Sprint(k)}, seq: []int{1 + s.IntN(s.span)}, absent: make([]bool, len(s.cols))}
	for slices.Contains(s.truncates, e.seq[0]) {
		e.seq[0] = 1 + s.IntN(s.span)
	}
	if len(s.keys) > 1 {
		e.keys = []string{fmt.Sprint(k / 2), "xy"[k%2 : k%2+1]}
	}
	if len(s.seq) > 1 {
		e.seq = append(e.seq, s.IntN(3))
	}
	if s.m.current {
		h := uint64(k)*1000 + uint64(e.seq[0])*10
		if len(e.seq) > 1 {
			h += uint64(e.seq[1])
		}
		r = rand.New(rand.NewPCG(h, 3))
	}
	e.del = r.IntN(5) == 0
	e.row = []string{[]string{null, "", "A", "B"}[r.IntN(4)], []string{null, "1", "2"}[r.IntN(3)], []string{null, "0.5", "nan"}[r.IntN(3)]}
	if e.del && r.IntN(3) > 0 {
		e.row = []string{null, null, null}
	}
	if s.own {
		e.row = append(e.row, s.first(e.seq[0]))
	}
	return e
}

// batches are those of the events, and of the TRUNCATEs anywhere between them.
func (s *shape) batches() [][]event {
	out := s.events()
	for range len(s.truncates) * 2 {
		var b []event
		for range 1 + s.IntN(2) {
			e := event{all: true, del: true, keys: slices.Repeat([]string{null}, len(s.keys)), row: slices.Repeat([]string{null}, len(s.cols)), seq: []int{s.truncates[s.IntN(len(s.truncates))]}}
			if len(s.seq) > 1 {
				e.seq = append(e.seq, 1)
			}
			if s.chance(.05) {
				e.seq = nil
			}
			b = append(b, e)
		}
		out = slices.Insert(out, s.IntN(len(out)+1), b)
	}
	return out
}

// events are all events in some order, cut anywhere, with repeats, replays and early arrivals.
func (s *shape) events() [][]event {
	var all []event
	for k := range keysPerJournal {
		for range 1 + s.IntN(14) {
			all = append(all, s.event(k))
		}
	}
	order := s.Perm(len(all))
	if s.chance(.5) {
		out := s.drip(all, order)
		if s.chance(.5) { // all of it again: what is remembered tells repeats from news
			out = append(out, slices.Clone(all))
		}
		return out
	}
	n := 1 + s.IntN(8)
	out := make([][]event, n)
	inOrder := s.Float64()
	rank := make([]int, len(all))
	for i := range rank {
		if rank[i] = s.IntN(s.span) * 10; s.chance(inOrder) {
			rank[i] = all[i].seq[0]*10 + all[i].seq[len(all[i].seq)-1]%3
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return rank[a] - rank[b] })
	for i, at := range order {
		out[i*n/len(order)] = append(out[i*n/len(order)], all[at])
	}
	for i := range out {
		for range []int{0, 0, 3, 20}[s.IntN(4)] {
			out[i] = append(out[i], all[s.IntN(len(all))])
		}
		if s.chance(.5) {
			s.Shuffle(len(out[i]), func(a, b int) { out[i][a], out[i][b] = out[i][b], out[i][a] })
		}
		if s.chance(.3) {
			noKey, noSeq := all[s.IntN(len(all))], all[s.IntN(len(all))]
			noKey.keys = slices.Repeat([]string{null}, len(s.keys))
			noSeq.seq, noSeq.row = nil, slices.Clone(noSeq.row)
			out[i] = append(out[i], noKey, noSeq)
		}
	}
	if s.chance(.4) {
		out = slices.Insert(out, 1+s.IntN(n), out[0])
	}
	return out
}

// drip are batches in order at first, with one event a key each or several; some events come at the end, late.
func (s *shape) drip(all []event, order []int) [][]event {
	slices.SortStableFunc(order, func(a, b int) int { return slices.Compare(all[a].seq, all[b].seq) })
	n, single, held, seen := 2+s.IntN(7), s.chance(.5), s.Float64()*.3, map[string]int{}
	if single {
		n = 14
	}
	out := make([][]event, n+1+s.IntN(2))
	for i, at := range order {
		k := i * n / len(order)
		if single {
			k = seen[all[at].key()]
			seen[all[at].key()]++
		}
		if s.chance(held) {
			k = n + s.IntN(len(out)-n)
		}
		out[k] = append(out[k], all[at])
	}
	return slices.DeleteFunc(out, func(b []event) bool { return len(b) == 0 })
}

// forget makes a batch of a file that lacks a column, or of which the journal doesn't take one yet.
func (s *shape) forget(batch []event) ([]event, string) {
	if len(batch) > 0 && batch[0].all {
		return batch, ""
	}
	if s.later {
		batch, _ = lacking(batch, 2)
	}
	if s.m.current || !s.chance(.15) {
		return batch, ""
	}
	c := s.IntN(3)
	return lacking(batch, c, s.cols[c])
}

func lacking(batch []event, c int, name ...string) ([]event, string) {
	out := make([]event, len(batch))
	for i, e := range batch {
		e.row, e.absent = slices.Clone(e.row), slices.Clone(e.absent)
		e.row[c], e.absent[c] = null, true
		out[i] = e
	}
	return out, strings.Join(name, "")
}

// table is a query that gives a batch.
func (s *shape) table(batch []event) string {
	names := slices.Concat(s.keys, s.seq, s.cols[:3], []string{"op"})
	var rows []string
	order := s.Perm(len(batch))
	if !s.withRow {
		slices.Sort(order)
	}
	for _, i := range order {
		e := batch[i]
		op := "u"
		if e.del {
			op = "d"
		}
		values := slices.Concat(e.keys, s.point(e.seq), e.row[:3], []string{op})
		for j, v := range values {
			if values[j] = "NULL"; v != null {
				values[j] = "'" + v + "'"
			}
		}
		rows = append(rows, fmt.Sprintf("(%d, %s)", i*3, strings.Join(values, ", ")))
	}
	var cols []string
	if s.withRow {
		cols = append(cols, "_row::BIGINT AS _row")
	}
	for _, n := range names {
		cols = append(cols, fmt.Sprintf("%s::%s AS %s", n, s.types[n], n))
	}
	for n, typ := range map[string]string{"k2": "VARCHAR", "off": "INTEGER"} {
		if !slices.Contains(names, n) {
			cols = append(cols, fmt.Sprintf("NULL::%s AS %s", typ, n))
		}
	}
	if len(rows) == 0 {
		rows = []string{"(0" + strings.Repeat(", NULL", len(names)) + ")"}
		return fmt.Sprintf("SELECT %s FROM (VALUES %s) x(_row, %s) WHERE false", strings.Join(cols, ", "), rows[0], strings.Join(names, ", "))
	}
	return fmt.Sprintf("SELECT %s FROM (VALUES %s) x(_row, %s)", strings.Join(cols, ", "), strings.Join(rows, ", "), strings.Join(names, ", "))
}

// lines are a history as text.
func (s *shape) lines(history []version) []string {
	var out []string
	for _, v := range history {
		row := v.row
		if s.later {
			row = row[:2]
		}
		out = append(out, strings.Join(slices.Concat([]string{v.key}, row, s.point(v.from), s.point(v.to)), "|"))
	}
	slices.Sort(out)
	return out
}

func runRandom(t *testing.T, seed uint64) {
	s, text := newShape(seed)
	path := ""
	if s.chance(.25) {
		path = t.TempDir() + "/j.duckdb"
	}
	b := newBench(t, path)
	var decl []string
	for _, c := range slices.Concat([]string{"k", "k2", "off"}, s.cols[:3], []string{"ts", "op"}) {
		decl = append(decl, c+" "+s.types[c])
	}
	b.mustDeclare(text, strings.Join(decl, ", "))
	vectors := []int64{0, 1000}[s.IntN(2)]
	b.j.maxVectors = vectors
	models, histories := []*model{s.m.clone()}, [][]version{nil}
	oldest := int64(0)
	last := func() *model { return models[len(models)-1] }
	done := func(m *model) {
		models, histories = append(models, m), append(histories, m.history())
		b.history(s, histories[b.version])
	}
	fail := func() {
		if t.Failed() {
			t.Fatalf("seed %d: %s", seed, text)
		}
	}
	// The history by the declaration of now: what is recomputed is what all events give by it.
	rebuild := func(m *model) {
		if _, err := b.step(b.j.Rebuild); err != nil {
			t.Fatal(err)
		}
		done(m)
	}
	redeclare := func() {
		s.redeclared = true
		m := last().clone()
		text = s.declaration(m)
		b.mustDeclare(text, strings.Join(decl, ", "))
		b.j.maxVectors = vectors
		rebuild(m)
	}
	for _, batch := range s.batches() {
		if b.version > 0 && !s.m.current && s.chance(.12) {
			s.later = s.later && s.chance(.5)
			redeclare()
			fail()
		}
		if b.version > max(oldest, 1) && s.chance(.15) {
			to := oldest + s.Int64N(b.version-oldest)
			b.rollback(s, max(to, 1), histories)
			now, m := last(), models[max(to, 1)].clone()
			done(m)
			if m = m.clone(); fmt.Sprint(m.tracked, m.ignored) != fmt.Sprint(now.tracked, now.ignored) {
				m.tracked, m.ignored = now.tracked, now.ignored
				rebuild(m)
			}
			fail()
			continue
		}
		if path != "" && s.chance(.3) {
			b.close()
			b.openFile(path)
		}
		m := last().clone()
		batch, absent := s.forget(batch)
		want := m.take(batch)
		got := b.mustWrite(s.table(batch), func(a *engine.Accepted) {
			if a.HasRow = s.withRow; len(batch) > 0 && batch[0].all {
				a.HasRow, a.Input = false, &engine.Input{Truncate: true}
			}
			if absent != "" {
				a.Absent = []string{absent}
			}
		})
		done(m)
		b.rejected(want)
		b.counted(got, len(batch), want, histories[b.version-1], histories[b.version])
		fail()
		if s.chance(.1) {
			if s.chance(.5) && b.version > 2 {
				oldest = max(oldest, 1+s.Int64N(b.version))
			}
			b.vacuum(oldest)
		}
	}
	if s.later {
		s.later = false
		redeclare()
	}
	for v := max(oldest, 1); v <= b.version; v++ {
		b.at(s, v, histories[v])
	}
	b.between(s, max(oldest, 1), histories)
	b.asOf(s, histories[b.version])
	b.remembers(s, last())
	if b.rebuilds(s, histories[b.version]); t.Failed() {
		t.Fatalf("seed %d: %s", seed, text)
	}
}

// remembers checks that rows and name__mem together tell each accepted event, once.
func (b *bench) remembers(s *shape, m *model) {
	b.t.Helper()
	if m.current || len(m.truncates) > 0 { // which are deletes of some keys
		return
	}
	n := 0
	for _, l := range m.accepted {
		n += len(l)
	}
	d, _, err := b.j.stored(b.t.Context(), &engine.Tx{Conn: b.c})
	if err != nil {
		b.t.Fatal(err)
	}
	l := b.j.layout(d)
	a := l.words.With(engine.Args{"raw": engine.SQL("")})
	if l.Raw {
		a["raw"] = engine.SQL("WHERE _raw = 1")
	}
	q := engine.SQL(`WITH r AS (SELECT * FROM {now} WHERE _v_to = 0 UNION ALL BY NAME SELECT * FROM {past} WHERE _v_to = 0),
		m AS (FROM {mem} WHERE _v_to = 0 AND _kind IN ('N', 'E', 'D')),
		e AS (SELECT {keys}, {from} FROM r {raw} UNION ALL SELECT {keys}, {seq} FROM m
			UNION ALL SELECT {h.keys}, {h.to} FROM r h ANTI JOIN r n ON {all h.keys = n.keys} AND {all h.to = n.from}
				ANTI JOIN (FROM m WHERE _kind = 'D') d ON {all h.keys = d.keys} AND {all h.to = d.seq} WHERE h.{to1} IS NOT NULL)
		SELECT count(*), count(DISTINCT e) FROM e`, a)
	b.equal(q.String(), []string{fmt.Sprintf("%d|%d", n, n)})
}

// history compares j_history.
func (b *bench) history(s *shape, want []version) {
	b.t.Helper()
	b.equal("SELECT * FROM j_history", s.lines(want))
}

// at compares what is read back at a version.
func (b *bench) at(s *shape, v int64, want []version) {
	b.t.Helper()
	b.equal(fmt.Sprintf("SELECT * FROM j_history_at(%d)", v), s.lines(want))
	b.bitemporal(v)
	var state []string
	for _, x := range want {
		if x.to == nil {
			state = append(state, strings.Join(slices.Concat([]string{x.key}, x.row, s.point(x.from)), "|"))
		}
	}
	b.equal(fmt.Sprintf("SELECT * FROM j_at(%d)", v), state)
	if v == b.version {
		b.equal("SELECT * FROM j", state)
	}
}

// between compares the changes and the difference of two versions, both ways round.
func (b *bench) between(s *shape, oldest int64, histories [][]version) {
	b.t.Helper()
	lo := oldest + s.Int64N(b.version-oldest+1)
	hi := lo + s.Int64N(b.version-lo+1)
	var want []string
	for v := lo + 1; v <= hi; v++ {
		want = append(want, changes(open(histories[v-1]), open(histories[v]), v)...)
	}
	b.equal(fmt.Sprintf("SELECT * FROM j_changes(%d, %d)", lo, hi), want)
	b.equal(fmt.Sprintf("SELECT * FROM j_diff(%d, %d)", lo, hi), changes(open(histories[lo]), open(histories[hi]), hi))
	b.equal(fmt.Sprintf("SELECT * FROM j_diff(%d, %d)", hi, lo), changes(open(histories[hi]), open(histories[lo]), lo))
}

// asOf compares the state at times.
func (b *bench) asOf(s *shape, history []version) {
	b.t.Helper()
	if s.m.current {
		return
	}
	for _, at := range []int{1, 3, s.span} {
		var want []string
		for _, x := range history {
			if x.from[0] <= at && (x.to == nil || x.to[0] > at) {
				want = append(want, strings.Join(slices.Concat([]string{x.key}, x.row, s.point(x.from)), "|"))
			}
		}
		b.equal(fmt.Sprintf("SELECT * FROM j_as_of('%s'::%s)", s.first(at), s.ofSeq), want)
	}
}

func (b *bench) rollback(s *shape, to int64, histories [][]version) {
	b.t.Helper()
	got, err := b.step(func(ctx context.Context, tx *engine.Tx, v int64) (engine.Counts, error) {
		return b.j.Rollback(ctx, tx, to, v)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.counted(got, 0, nil, histories[b.version-1], histories[to])
}

func (b *bench) vacuum(oldest int64) {
	b.t.Helper()
	ctx := b.t.Context()
	if err := b.c.Update(ctx, func(tx *engine.Tx) error { _, err := b.j.Vacuum(ctx, tx, oldest); return err }); err != nil {
		b.t.Fatal(err)
	}
}

// rebuilds computes the journal anew from what it remembers, which changes nothing.
func (b *bench) rebuilds(s *shape, history []version) {
	b.t.Helper()
	if !s.chance(.3) {
		return
	}
	got, err := b.step(b.j.Rebuild)
	if err != nil {
		b.t.Fatal(err)
	}
	v := b.version
	if got != (engine.Counts{}) {
		b.t.Errorf("a rebuild changed %+v", got)
	}
	b.history(s, history)
	if s.redeclared { // what is remembered from other clauses may be written anew, once
		return
	}
	if n := b.count(fmt.Sprintf("SELECT count(*) FROM (SELECT _v_from, _v_to FROM j__now UNION ALL SELECT _v_from, _v_to FROM j__past UNION ALL SELECT _v_from, _v_to FROM j__mem) WHERE _v_from = %d OR _v_to = %d", v, v)); n != "0" {
		b.t.Errorf("a rebuild wrote %s rows", n)
	}
}

// rejected compares the reject codes of the last version.
func (b *bench) rejected(want map[string]int) {
	b.t.Helper()
	var lines []string
	for code, n := range want {
		lines = append(lines, fmt.Sprintf("%s|%d", code, n))
	}
	b.equal(fmt.Sprintf("SELECT split_part(reason, ':', 1), count(*) FROM dsql.rejects WHERE version = %d GROUP BY 1", b.version), lines)
}

// counted compares a version's counts with what it did to the state.
func (b *bench) counted(got engine.Counts, rows int, rejected map[string]int, before, after []version) {
	b.t.Helper()
	var want engine.Counts
	for _, n := range rejected {
		want.Rejected += int64(n)
	}
	want.Written = int64(rows) - want.Rejected
	for _, c := range changes(open(before), open(after), 0) {
		switch kind, _, _ := strings.Cut(c, "|"); kind {
		case "insert":
			want.Added++
		case "delete":
			want.Removed++
		case "update_after":
			want.Changed++
		}
	}
	if want.Unchanged = got.Unchanged; got.Unchanged < 0 || got.Unchanged > got.Written {
		want.Unchanged = -1
	}
	same := func(v version) string { return fmt.Sprint(v) }
	if rows > 0 && slices.EqualFunc(before, after, func(a, b version) bool { return same(a) == same(b) }) {
		want.Unchanged = want.Written
	}
	if got != want {
		b.t.Errorf("version %d: counts %+v, want %+v", b.version, got, want)
	}
}

// equal compares a query's rows with lines.
func (b *bench) equal(query string, want []string) {
	b.t.Helper()
	got := b.rows(query)
	slices.Sort(want)
	if slices.Equal(got, want) {
		return
	}
	missing := slices.DeleteFunc(slices.Clone(want), func(r string) bool { return slices.Contains(got, r) })
	extra := slices.DeleteFunc(slices.Clone(got), func(r string) bool { return slices.Contains(want, r) })
	b.t.Errorf("%s\nversion %d: %d rows, want %d\nmissing: %.800v\nextra: %.800v", query, b.version, len(got), len(want), missing, extra)
}
