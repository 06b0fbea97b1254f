package torture

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"dsql/sql/code"
)

// How new rows get to destinations: which batches there are, in which order.

// commit runs f as the transaction of a new version.
func (m *Model) commit(f func(v int) error) error {
	if m.stop > 0 && m.version >= m.stop {
		return errStop
	}
	before := m.state.clone()
	if err := f(m.version + 1); err != nil {
		m.state, m.skips = before, nil
		var e *exit
		if errors.As(err, &e) {
			m.verdicts = append(m.verdicts, e.verdicts...)
			if e.guard != nil {
				m.noteGuard(*e.guard)
			}
		}
		return err
	}
	m.version++
	for _, k := range m.skips {
		k.place = m.version
	}
	m.skips = nil
	m.inStep()
	m.sink()
	return nil
}

// sink hands new versions to the sinks.
func (m *Model) sink() {
	for _, k := range m.sinks {
		of := m.dests[low(k.decl.From[0])]
		for v := k.place + 1; v <= m.version; v++ {
			if rows := of.news(v-1, v, false); len(rows) > 0 {
				k.files[v] = nil
				for _, r := range rows {
					k.files[v] = append(k.files[v], r.only(m.columns(k.decl.From[0])))
				}
			}
		}
		k.place = m.version
	}
}

// news are the new rows that versions after from up to to hand on: a stream's rows, a journal's changes.
// What is deleted shows when to those that read it (dated), in columns that the journal is ordered by; to sinks it shows what it was.
func (d *Dest) news(from, to int, dated bool) []Row {
	var out []Row
	for _, s := range d.rows {
		if s.version > from && s.version <= to {
			out = append(out, s.row)
		}
	}
	for v := from + 1; v <= to && d.journal(); v++ {
		for _, c := range d.changes[v] {
			row := c.Row.with("change_type", c.Type)
			for i, s := range d.decl.sequence() {
				if dated && i < len(c.End) && has(d.cols, s) {
					row[s] = c.End[i]
				}
			}
			out = append(out, row)
		}
	}
	return out
}

// waiting are the stored inputs of a destination that have rows for it.
func (m *Model) waiting(n string) []string {
	x := m.dests[n]
	return filter(lowered(x.decl.From), func(f string) bool { return m.dests[f] != nil && m.dests[f].latest > x.place[f] })
}

func lowered(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = low(n)
	}
	return out
}

// stored takes what stored inputs have for a destination.
func (m *Model) stored(n string, v int) error { return m.storedBy(fresh, n, v) }

func (m *Model) storedBy(how way, n string, v int) error {
	if x := m.dests[n]; x.decl.Form == pairsForm && len(m.waiting(n)) > 0 {
		b := &batch{m: m, n: n, version: v, way: how}
		if err := b.through(m.met(x)); err != nil {
			return err
		}
		for _, f := range lowered(x.decl.From) {
			m.dests[n].place[f] = v
		}
		return nil
	}
	for _, f := range m.waiting(n) {
		of, x := m.dests[f], m.dests[n]
		var rows []Rec
		for _, r := range of.news(x.place[f], v, true) {
			rows = append(rows, Rec{Row: r.only(m.columns(f))})
		}
		b := &batch{m: m, n: n, version: v, way: how}
		if err := b.through(m.query(x.decl, rows)); err != nil {
			return err
		}
		m.dests[n].place[f] = v
	}
	return nil
}

// reach are the destinations of wanted that new rows of the first ones get to, in order.
func (m *Model) reach(first, wanted []string) []string {
	var out []string
	for _, n := range m.sorted() {
		if has(wanted, n) && (has(first, n) || slices.ContainsFunc(lowered(m.dests[n].decl.From), func(f string) bool { return has(out, f) })) {
			out = append(out, n)
		}
	}
	return out
}

// refresh brings destinations up to date, all of them without names.
func (m *Model) refresh(only []string) error {
	return m.bring(filter(m.sorted(), func(n string) bool { return len(only) == 0 || has(lowered(only), n) }))
}

func (m *Model) bring(wanted []string) error {
	left := m.inOrder(wanted)
	if err := m.catchUp(wanted, left); err != nil {
		return err
	}
	for len(left) > 0 {
		s := left[0]
		left = left[1:]
		if err := m.read(s, wanted, false); err != nil {
			return err
		}
		if err := m.catchUp(wanted, left); err != nil {
			return err
		}
	}
	return nil
}

// catchUp gives destinations what stored tables have for them, one a version. What reads whole what a source that is left feeds waits.
func (m *Model) catchUp(wanted, left []string) error {
	m.sink()
	var wait []string
	for _, s := range left {
		wait = append(wait, m.beside(s, wanted, m.sorted())...)
	}
	for _, n := range m.sorted() {
		if needs := append(lowered(m.dests[n].decl.From), m.dests[n].decl.whole()...); slices.ContainsFunc(needs,
			func(x string) bool { return has(wait, x) }) {
			wait = append(wait, n)
		}
	}
	for _, n := range wanted {
		if has(wait, n) || len(m.waiting(n)) == 0 {
			continue
		}
		if err := m.commit(func(v int) error { return m.stored(n, v) }); err != nil {
			return err
		}
	}
	return m.begin()
}

// beside are those of some destinations that read whole what a source feeds, and aren't fed by it.
func (m *Model) beside(source string, wanted, among []string) []string {
	reach := m.reach(m.direct(source, wanted), wanted)
	return filter(among, func(n string) bool {
		return !has(reach, n) && slices.ContainsFunc(m.dests[n].decl.whole(), func(w string) bool { return has(reach, w) })
	})
}

// inOrder are the sources: what feeds what another's readers read whole goes first.
func (m *Model) inOrder(wanted []string) []string {
	all := filter(m.order, func(n string) bool { return m.sources[n] != nil && len(m.direct(n, wanted)) > 0 })
	var out, seen []string
	var visit func(s string)
	visit = func(s string) { // in a ring, of which the contract says nothing, the first is last
		if has(seen, s) {
			return
		}
		seen = append(seen, s)
		for _, a := range all {
			if a != s && m.goesBefore(a, s, wanted) {
				visit(a)
			}
		}
		out = append(out, s)
	}
	for _, s := range all {
		if len(m.beside(s, wanted, wanted)) > 0 {
			visit(s)
		}
	}
	for _, s := range all {
		visit(s)
	}
	return out
}

// goesBefore: what s feeds reads something whole that a feeds and s doesn't.
func (m *Model) goesBefore(a, s string, wanted []string) bool {
	first, then := m.reach(m.direct(a, wanted), wanted), m.reach(m.direct(s, wanted), wanted)
	return slices.ContainsFunc(then, func(n string) bool {
		return slices.ContainsFunc(m.dests[n].decl.whole(), func(w string) bool { return has(first, w) && !has(then, w) })
	})
}

func (m *Model) direct(source string, wanted []string) []string {
	return filter(wanted, func(n string) bool { return has(lowered(m.dests[n].decl.From), source) })
}

// unit is what a batch takes of a file: all of it, or as many records as batch_rows says.
type unit struct {
	file  File
	from  int // of Rows
	to    int
	whole bool
}

func (u unit) name() string { return fmt.Sprint(u.file.Path, "#", u.from) }

// units of a source, in the order in which they are read.
func (m *Model) units(source string) []unit {
	src := m.sources[source]
	files := slices.SortedFunc(slices.Values(m.files[source]), func(a, b File) int { return compare(a.Path, b.Path) })
	var out []unit
	for _, f := range files {
		step := either(src.BatchRows > 0, src.BatchRows, max(len(f.Rows), 1))
		for at := 0; at == 0 || at < len(f.Rows); at += step {
			out = append(out, unit{f, at, min(at+step, len(f.Rows)), step >= len(f.Rows)})
		}
	}
	return out
}

// batches puts units together as batch_files says. Files with other columns stand in a batch of their own.
func (m *Model) batches(source string, units []unit, alike func(a, b unit) bool) [][]unit {
	src := m.sources[source]
	var groups [][]unit
	for _, u := range units {
		if n := len(groups); n > 0 && len(groups[n-1]) < src.BatchFiles && alike(groups[n-1][0], u) {
			groups[n-1] = append(groups[n-1], u)
		} else {
			groups = append(groups, []unit{u})
		}
	}
	var out [][]unit
	for _, g := range groups {
		for i, u := range g {
			if n := len(out); i > 0 && (src.Format == "json" || slices.Equal(m.absent(src, out[n-1][0].file), m.absent(src, u.file))) {
				out[n-1] = append(out[n-1], u)
			} else {
				out = append(out, []unit{u})
			}
		}
	}
	return out
}

// read takes a source to its end. again: its readers take what they had once more.
func (m *Model) read(source string, wanted []string, again bool) error {
	if m.sources[source].Partitions > 0 {
		return m.readTopic(source, wanted, again)
	}
	direct := m.direct(source, wanted)
	had := func(u unit) bool {
		return slices.ContainsFunc(slices.Collect(maps.Keys(m.dests)),
			func(n string) bool { return has(lowered(m.dests[n].decl.From), source) && m.dests[n].taken[u.name()] })
	}
	part := map[string]bool{} // files of which something is still to be taken
	for _, u := range m.units(source) {
		part[u.file.Path] = part[u.file.Path] || !had(u)
	}
	need := func(u unit) []string {
		if again {
			return either(part[u.file.Path], nil, direct)
		}
		return filter(direct, func(n string) bool { return !m.dests[n].taken[u.name()] })
	}
	units := filter(m.units(source), func(u unit) bool { return len(need(u)) > 0 })
	for _, g := range m.batches(source, units, func(a, b unit) bool { return slices.Equal(need(a), need(b)) && had(a) == had(b) }) {
		to := need(g[0])
		if g[0].file.Broken {
			if err := m.setAside(source); err != nil {
				return err
			}
			continue
		}
		if err := m.meets(source, g); err != nil {
			return err
		}
		if err := m.commit(func(v int) error { return m.arrive(source, g, to, wanted, v, again) }); err != nil || m.single {
			return err
		}
	}
	return nil
}

// setAside passes over a file that can't be read, or ends the run.
func (m *Model) setAside(source string) error {
	if m.sources[source].BadFile == "FAIL" {
		return &exit{code: code.ExitUnreachable, why: "a file can't be read"}
	}
	m.aside = true
	m.Tally["files that can't be read"]++
	return nil
}

// arrive is a batch of files.
func (m *Model) arrive(source string, g []unit, to, wanted []string, v int, again bool) error {
	src := m.sources[source]
	rows, bad := m.records(src, g)
	m.day, m.file = dayOf(g[0].file), g[0].file.Path
	m.Tally["batches of files"]++
	return m.arrived(source, rows, bad, to, wanted, v, func(x *Dest) {
		for _, u := range g {
			x.taken[u.name()] = x.taken[u.name()] || !again
		}
	})
}

// arrived takes the records of a batch; took notes in a destination that it has them.
func (m *Model) arrived(source string, rows []Rec, bad []Place, to, wanted []string, v int, took func(*Dest)) error {
	src := m.sources[source]
	if src.Bad == "FAIL" && len(bad) > 0 {
		return &exit{code: code.ExitGate, why: "bad record"}
	}
	m.sourceAccount(src, rows, bad, v)
	for _, n := range m.reach(to, wanted) {
		if !has(to, n) {
			if err := m.stored(n, v); err != nil {
				return err
			}
			continue
		}
		b := &batch{m: m, n: n, version: v, source: source, day: m.day}
		if err := b.through(m.query(m.dests[n].decl, rows)); err != nil {
			return err
		}
		took(m.dests[n])
	}
	return nil
}

// sourceAccount accounts for the records of a batch, and keeps the bad ones.
func (m *Model) sourceAccount(src *Decl, rows []Rec, bad []Place, v int) {
	a := Account{Version: v, Kind: "source", Name: low(src.Name), In: len(rows) + len(bad), Written: len(rows)}
	if src.Bad == "SKIP" {
		a.Dropped = len(bad)
	} else {
		a.Rejected = len(bad)
		m.keepBad(low(src.Name), bad, v)
	}
	m.accounts = append(m.accounts, a)
}

// keepBad puts bad records into dsql.rejects, but for those that stand there.
func (m *Model) keepBad(source string, bad []Place, v int) {
	for _, at := range bad {
		kept := slices.ContainsFunc(m.rejects, func(r Reject) bool { return r.Dest == "" && r.Source == source && r.At == at })
		if !kept {
			m.rejects = append(m.rejects, Reject{Source: source, From: source, Code: "bad_record", At: at, Version: v})
		}
	}
}
