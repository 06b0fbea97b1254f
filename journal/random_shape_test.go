package journal

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

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
		types: map[string]string{"k": "BIGINT", "k2": "VARCHAR", "off": "INTEGER", "a": "VARCHAR", "v": "INTEGER", "d": "DOUBLE",
			"op": "VARCHAR"}}
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
	text := fmt.Sprintf("CREATE JOURNAL j KEYS (%s) SEQUENCE BY (%s) DELETE WHEN op = 'd'", strings.Join(s.keys, ", "),
		strings.Join(s.seq, ", "))
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
			e := event{all: true, del: true, keys: slices.Repeat([]string{null}, len(s.keys)), row: slices.Repeat([]string{null}, len(s.cols)),
				seq: []int{s.truncates[s.IntN(len(s.truncates))]}}
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
