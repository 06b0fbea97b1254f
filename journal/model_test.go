package journal

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The reference: what a journal means, as naive as it can be. All values are text as DuckDB casts them; null is NULL.

const null = `\N`

// event is a row of a feed. Its sequence is one or two whole numbers; shape.point says how they are written.
type event struct {
	keys   []string
	seq    []int // nil: NULL
	del    bool
	row    []string
	absent []bool // columns that the event's file doesn't have
	all    bool   // a TRUNCATE: a delete of every key
}

func (e event) key() string { return strings.Join(e.keys, "|") }

func (e event) image() string { return fmt.Sprint(e.del, e.row) }

// version is a row of the history.
type version struct {
	key      string
	row      []string
	from, to []int // to nil: open
}

// model is a feed's accepted events, and those rejected as conflicts.
type model struct {
	tracked   []bool
	ignored   []bool
	lateness  int // 0: unlimited
	current   bool
	accepted  map[string][]event // by key, in order of arrival
	conflicts map[string][]event
	truncates []event
}

func (m *model) clone() *model {
	c := *m
	c.accepted, c.conflicts = map[string][]event{}, map[string][]event{}
	c.truncates = slices.Clone(m.truncates)
	for k, l := range m.accepted {
		c.accepted[k] = slices.Clone(l)
	}
	for k, l := range m.conflicts {
		c.conflicts[k] = slices.Clone(l)
	}
	return &c
}

// take applies a batch in order of arrival and returns how many of it were rejected, by code.
func (m *model) take(batch []event) map[string]int {
	rejected := map[string]int{}
	for _, e := range batch {
		k := e.key()
		same := func(o event) bool { return slices.Equal(o.seq, e.seq) && o.image() == e.image() }
		newest, known := 0, false
		if m.lateness > 0 {
			newest, known = m.newest()
		}
		switch {
		case e.all && e.seq == nil:
			rejected["null_sequence"]++
		case e.all && slices.ContainsFunc(m.truncates, same):
		case e.all && known && e.seq[0] < newest-m.lateness:
			rejected["too_late"]++
		case e.all:
			m.truncates = append(m.truncates, e)
		case slices.Contains(e.keys, null):
			rejected["null_key"]++
		case e.seq == nil:
			rejected["null_sequence"]++
		case slices.ContainsFunc(m.accepted[k], same), slices.ContainsFunc(m.conflicts[k], same):
		case known && e.seq[0] < newest-m.lateness:
			rejected["too_late"]++
		case slices.ContainsFunc(m.accepted[k], func(o event) bool { return slices.Equal(o.seq, e.seq) }):
			rejected["sequence_conflict"]++
			m.conflicts[k] = append(m.conflicts[k], e)
		default:
			m.accepted[k] = append(m.accepted[k], e)
		}
	}
	return rejected
}

func (m *model) newest() (newest int, known bool) {
	for _, l := range append(slices.Collect(maps.Values(m.accepted)), m.truncates) {
		for _, e := range l {
			if !known || e.seq[0] > newest {
				newest, known = e.seq[0], true
			}
		}
	}
	return newest, known
}

// history folds the events of each key by sequence.
func (m *model) history() []version {
	var out []version
	for k, l := range m.accepted {
		l = append(slices.Clone(l), m.truncates...)
		slices.SortFunc(l, func(a, b event) int { return slices.Compare(a.seq, b.seq) })
		var cur *version
		end := func(at []int) {
			if cur != nil && !m.current {
				cur.to = at
				out = append(out, *cur)
			}
			cur = nil
		}
		for _, e := range l {
			if e.del {
				end(e.seq)
				continue
			}
			row := slices.Clone(e.row)
			same := cur != nil
			for i := range row {
				if e.absent[i] || m.ignored[i] && row[i] == null {
					if row[i] = null; cur != nil {
						row[i] = cur.row[i]
					}
				}
				same = same && (!m.tracked[i] || row[i] == cur.row[i])
			}
			if same && !m.current {
				cur.row = row
				continue
			}
			end(e.seq)
			cur = &version{key: k, row: row, from: e.seq}
		}
		if cur != nil {
			out = append(out, *cur)
		}
	}
	slices.SortFunc(out, func(a, b version) int {
		return cmp.Or(cmp.Compare(a.key, b.key), slices.Compare(a.from, b.from))
	})
	return out
}

// open are the open rows by key, as text.
func open(history []version) map[string]string {
	out := map[string]string{}
	for _, v := range history {
		if v.to == nil {
			out[v.key] = strings.Join(append([]string{v.key}, v.row...), "|")
		}
	}
	return out
}

// changes compares two states: change_type|_version|row.
func changes(old, now map[string]string, version int64) []string {
	var out []string
	add := func(kind, row string) { out = append(out, fmt.Sprintf("%s|%d|%s", kind, version, row)) }
	for _, k := range slices.Sorted(maps.Keys(old)) {
		switch row, ok := now[k]; {
		case !ok:
			add("delete", old[k])
		case row != old[k]:
			add("update_before", old[k])
			add("update_after", row)
		}
	}
	for k, row := range now {
		if _, ok := old[k]; !ok {
			add("insert", row)
		}
	}
	return out
}
