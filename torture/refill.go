package torture

import (
	"errors"
	"slices"
)

// refill empties a destination and fills it from all that its inputs still have, in one version. What waits comes first, as it does in any
// run, so that those who read it miss nothing.
func (m *Model) refill(v Verb) error {
	n := low(v.Name)
	if err := m.bringFor(n); err != nil {
		return err
	}
	err := m.commit(func(version int) error {
		x := m.dests[n]
		before, accounts := x.open(), len(m.accounts)
		m.settle(n)
		x.rows, x.hist, x.events, x.deletes = nil, map[string][]span{}, map[string][]event{}, map[string]event{}
		x.clashes, x.newest, x.load = nil, nil, nil
		x.taken, x.offs, x.changes[version] = map[string]bool{}, map[string]map[int]int{}, nil
		x.unsure = append(x.unsure, gap{0, version})
		for _, f := range lowered(x.decl.From) {
			if x.decl.Form == pairsForm {
				x.place[f] = 0
				continue
			}
			if err := m.refillFrom(n, f, version); err != nil {
				return err
			}
		}
		if x.decl.Form == pairsForm {
			if err := m.stored(n, version); err != nil {
				return err
			}
			x = m.dests[n]
		}
		if len(m.accounts) == accounts {
			m.accounts = append(m.accounts, Account{Version: version, Kind: x.decl.Kind, Name: n})
		}
		if x.journal() {
			x.changes[version] = x.since(before)
		} else {
			m.unread(n, version)
		}
		x.wrote(version)
		return nil
	})
	var e *exit
	if errors.As(err, &e) {
		m.holds = filter(m.holds, func(h Hold) bool { return e.guard == nil || h.id != m.lastHold })
	}
	return err
}

// bringFor takes what waits for a destination, for those that read it, and for what any of these need.
func (m *Model) bringFor(n string) error {
	return m.bring(m.needed(m.reach([]string{n}, m.sorted())))
}

// needed are destinations and what any of these need, in order.
func (m *Model) needed(wanted []string) []string {
	for _, x := range slices.Backward(m.sorted()) {
		if has(wanted, x) {
			for _, w := range append(lowered(m.dests[x].decl.From), m.dests[x].decl.whole()...) {
				if m.dests[w] != nil && !has(wanted, w) {
					wanted = append(wanted, w)
				}
			}
		}
	}
	return filter(m.sorted(), func(x string) bool { return has(wanted, x) })
}

// unread moves those that read a stream past a version: its rows are new ones to nobody.
func (m *Model) unread(n string, version int) {
	for _, r := range m.dests {
		if has(lowered(r.decl.From), n) {
			r.place[n] = version
		}
	}
	for _, k := range m.sinks {
		if low(k.decl.From[0]) == n {
			m.skips = append(m.skips, k)
		}
	}
}

func (m *Model) refillFrom(n, from string, version int) error {
	src := m.sources[from]
	if src == nil {
		m.dests[n].place[from] = 0
		return m.stored(n, version)
	}
	through := func(rows []Rec, bad []Place) error {
		m.sourceAccount(src, rows, bad, version)
		b := &batch{m: m, n: n, version: version, source: from, day: m.day}
		return b.through(m.query(m.dests[n].decl, rows))
	}
	if src.Partitions > 0 {
		if src.BatchRows > 0 {
			return errSkip // the file doesn't say which batches there were
		}
		return m.refillTopic(n, from, through)
	}
	for _, g := range m.batches(from, m.units(from), func(a, b unit) bool { return true }) {
		if g[0].file.Broken {
			if err := m.setAside(from); err != nil {
				return err
			}
			continue
		}
		m.day, m.file = dayOf(g[0].file), g[0].file.Path
		if err := through(m.records(src, g)); err != nil {
			return err
		}
		for _, u := range g {
			m.dests[n].taken[u.name()] = true
		}
	}
	return nil
}

// refillTopic takes what others have of a topic in one batch, and what nobody has in another.
func (m *Model) refillTopic(n, from string, through func([]Rec, []Place) error) error {
	old, rest, ends := offsets{}, offsets{}, m.ends(from)
	for p, end := range ends {
		front := 0
		for name, x := range m.dests {
			if name != n && has(lowered(x.decl.From), from) {
				front = max(front, x.offset(from, p))
			}
		}
		if old[p] = [2]int{0, front}; front < end {
			rest[p] = [2]int{front, end}
		}
	}
	m.day, m.file = nil, ""
	for _, cut := range []offsets{old, rest} {
		rows, bad := m.messages(from, cut)
		if len(rows)+len(bad) == 0 {
			continue
		}
		if err := through(rows, bad); err != nil {
			return err
		}
	}
	m.dests[n].offs[from] = ends
	return nil
}

// cutTopic says that a declaration reads a topic in batches that the file says nothing of when it is rebuilt.
func (m *Model) cutTopic(d *Decl) bool {
	return len(filter(lowered(d.From), func(f string) bool {
		return m.sources[f] != nil && m.sources[f].Partitions > 0 && m.sources[f].BatchRows > 0
	})) > 0
}
