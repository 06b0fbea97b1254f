package torture

import (
	"fmt"
	"slices"
	"strings"
)

// Rollups. The law that they are under needs no model of groups: at every version a rollup is what its query gives over all rows of its
// input, so it is held against that query, asked of the same file. What the model knows is when one makes a version: where it is new.

// Rollup is a rollup of the script.
type Rollup struct {
	decl   *Decl
	latest int // the version that wrote it last
	begun  bool
	anew   bool // by another query: its older versions go
	since  int
}

// wrote notes that a version wrote it.
func (r *Rollup) wrote(version int) {
	if r.anew {
		r.since = version
	}
	r.latest, r.begun, r.anew = version, true, false
}

// roll is the query of a rollup: {of} is what it reads. plain is the same query as DuckDB alone has it; "" where that is text.
type roll struct {
	text, plain string
	need        []string
}

const (
	minutes = "TIMESTAMP '2025-01-01' + to_minutes(t)"
	visits  = `SELECT id, w, count(*) AS n, max(b) AS hi FROM (
	SELECT *, CASE WHEN t IS NOT NULL THEN max(CASE WHEN o THEN ` + minutes + ` END) OVER (PARTITION BY id ORDER BY t) END AS w FROM (
	SELECT *, lag(t) OVER (PARTITION BY id ORDER BY t) IS NULL OR t > lag(t) OVER (PARTITION BY id ORDER BY t) + 2 AS o FROM {of}
	)) GROUP BY ALL`
)

// rolls are queries of rollups, of each way in which one is kept in step. A new one is an entry here.
var rolls = map[string]roll{
	"sums":    {text: "SELECT a, count(*) AS n, sum(b) AS s, min(b) AS lo, max(id) AS hi FROM {of} GROUP BY a", need: []string{"id", "a", "b"}},
	"means":   {text: "SELECT id, a, avg(b) AS m, count(b) AS n FROM {of} GROUP BY ALL", need: []string{"id", "a", "b"}},
	"some":    {text: "SELECT id, count(*) AS n, bool_or(b > 4) AS more FROM {of} WHERE b > 2 GROUP BY 1", need: []string{"id", "b"}},
	"medians": {text: "SELECT a, median(b) AS m, count(DISTINCT id) AS ids FROM {of} GROUP BY a", need: []string{"id", "a", "b"}},
	"lists":   {text: "SELECT id, string_agg(a, ',' ORDER BY a) AS l FROM {of} GROUP BY id HAVING count(*) > 1", need: []string{"id", "a"}},
	"sets":    {text: "SELECT a, b, GROUPING_ID(a, b) AS g, count(*) AS n FROM {of} GROUP BY CUBE (a, b)", need: []string{"a", "b"}},
	"windows": {text: "SELECT a, tumble(" + minutes + ", INTERVAL 4 MINUTE) AS w, count(*) AS n, sum(b) AS s FROM {of} GROUP BY ALL",
		plain: "SELECT a, time_bucket(INTERVAL 4 MINUTE, " + minutes + ") AS w, count(*) AS n, sum(b) AS s FROM {of} GROUP BY ALL",
		need:  []string{"a", "b", "t"}},
	"latest": {text: "SELECT tumble(" + minutes + ", INTERVAL 5 MINUTE, INTERVAL 1 MINUTE) AS w, max_by(a, (id, a)) AS a FROM {of} GROUP BY w",
		plain: "SELECT time_bucket(INTERVAL 5 MINUTE, " + minutes + ", INTERVAL 1 MINUTE) AS w, max_by(a, (id, a)) AS a FROM {of} GROUP BY w",
		need:  []string{"a", "id", "t"}},
	"visits": {text: "SELECT id, session(" + minutes + ", INTERVAL 2 MINUTE) AS w, count(*) AS n, max(b) AS hi FROM {of} GROUP BY ALL",
		plain: visits, need: []string{"id", "b", "t"}},
	"over": {text: "SELECT n, count(*) AS groups FROM {of} GROUP BY n", need: []string{"n"}},
}

// rowsOf are the columns of the rows of what a rollup may read: of a journal those of its state.
func (m *Model) rowsOf(name string) []string {
	n := low(name)
	if r := m.rollups[n]; r != nil {
		return either(strings.Contains(rolls[r.decl.Form].text, " AS n"), []string{"n"}, nil)
	}
	x := m.dests[n]
	if x.journal() {
		return slices.Concat(x.decl.Keys, x.stores)
	}
	return x.stores
}

// rollup draws a new one, false where there is nothing for it.
func (g *gen) rollup(m *Model) (Decl, bool) {
	var of []string
	for _, n := range m.order {
		if m.dests[n] != nil || m.rollups[n] != nil {
			of = append(of, n)
		}
	}
	if len(of) == 0 {
		return Decl{}, false
	}
	n := one(g, of)
	can := m.can(n)
	if len(can) == 0 {
		return Decl{}, false
	}
	return Decl{Kind: "rollup", Name: g.next("r"), From: []string{m.decl(n).Name}, Form: one(g, can)}, true
}

// rolled is a rollup with another query, that what reads it can go on with.
func (g *gen) rolled(m *Model) Decl {
	d := *m.rollups[one(g, sortedKeys(m.rollups))].decl
	if can := m.can(d.From[0]); len(m.readers(d.Name)) == 0 && len(can) > 0 {
		d.Form = one(g, can)
	}
	return d
}

// can are the queries that fit over the rows of what a rollup reads.
func (m *Model) can(of string) []string {
	return filter(sortedKeys(rolls), func(r string) bool {
		return !slices.ContainsFunc(rolls[r].need, func(c string) bool { return !has(m.rowsOf(of), c) })
	})
}

// recompute is REBUILD ROLLUP: what waits for it comes first, and then it is what it was.
func (m *Model) recompute(v Verb) error {
	r := m.rollups[low(v.Name)]
	of := low(r.decl.From[0])
	for m.rollups[of] != nil {
		of = low(m.rollups[of].decl.From[0])
	}
	if err := m.bring(m.needed([]string{of})); err != nil {
		return err
	}
	return m.commit(func(version int) error {
		r.wrote(version)
		return nil
	})
}

func (w *writer) rollup(d *Decl) string {
	return fmt.Sprintf("CREATE ROLLUP %s AS %s;\n", w.name(d.Name), strings.ReplaceAll(rolls[d.Form].text, "{of}", "STREAM "+w.name(d.From[0])))
}

// written is the version that wrote a destination or rollup last.
func (m *Model) written(n string) int {
	if r := m.rollups[n]; r != nil {
		return r.latest
	}
	return m.dests[n].latest
}

// inStep lets rollups follow what a version wrote, in that version.
func (m *Model) inStep() {
	for _, n := range m.order {
		if r := m.rollups[n]; r != nil && m.written(low(r.decl.From[0])) == m.version {
			r.wrote(m.version)
		}
	}
}

// begin computes new rollups of what is there, each in a version.
func (m *Model) begin() error {
	for _, n := range m.order {
		r := m.rollups[n]
		if r == nil || r.begun || m.written(low(r.decl.From[0])) == 0 {
			continue
		}
		m.Tally["rollups that began behind their input"]++
		if err := m.commit(func(int) error { return nil }); err != nil {
			return err
		}
		r.wrote(m.version)
		m.inStep()
	}
	return nil
}

// rollups are held against their queries: now, and at a version of before.
func (l *look) rollups(bool) error {
	for _, n := range l.m.order {
		r := l.m.rollups[n]
		if r == nil || !r.begun {
			continue
		}
		if err := l.lawful(r, r.decl.Name, r.decl.From[0]); err != nil {
			return err
		}
		of := r.decl.From[0]
		x := l.m.dests[low(of)]
		if x == nil || len(l.m.erased[low(of)]) > 0 { // what was erased is in no version of the journal
			continue
		}
		v := max(l.version(x), x.born+1, r.since)
		if v > l.m.version {
			continue
		}
		if err := l.lawful(r, fmt.Sprintf("%s_at(%d)", r.decl.Name, v), fmt.Sprintf("%s_at(%d)", of, v)); err != nil {
			return err
		}
	}
	return nil
}

// lawful asks for the rows of a rollup that its query doesn't give, and the other way round.
func (l *look) lawful(r *Rollup, is, of string) error {
	x := rolls[r.decl.Form]
	l.m.Tally["rollups that were compared: "+r.decl.Form]++
	plain := strings.ReplaceAll(either(x.plain != "", x.plain, x.text), "{of}", of)
	return l.ask("rollup", fmt.Sprintf("SELECT * FROM ((FROM %[1]s EXCEPT ALL (%[2]s)) UNION ALL ((%[2]s) EXCEPT ALL FROM %[1]s))", is, plain), &table{})
}
