package torture

import (
	"fmt"
	"slices"
	"strings"

	"dsql/sql/code"
)

// verb is a statement that does something: its text, its meaning and how a random one is drawn, side by side. A new one is an entry of
// verbs, and nothing else.
type verb struct {
	feature string
	weight  int
	text    func(w *writer, v Verb) string
	play    func(m *Model, v Verb) error
	draw    func(g *gen, m *Model) (Verb, bool) // false: there is nothing for it
}

var verbs map[string]verb

func init() { // not in the declaration: what a verb means asks for verbs
	verbs = map[string]verb{
		"refresh": {feature: "part", weight: 2,
			text: func(w *writer, v Verb) string { return strings.TrimSpace("REFRESH " + w.names(v.Names)) },
			play: func(m *Model, v Verb) error { return m.refresh(v.Names) },
			draw: func(g *gen, m *Model) (Verb, bool) { return Verb{Names: []string{g.dest(m).Name}}, true }},
		"replay": {feature: "replay", weight: 3,
			text: func(w *writer, v Verb) string {
				return "REPLAY REJECTS FROM " + w.name(v.Name) + either(v.Rule != "", fmt.Sprintf(" WHERE rule = '%s'", v.Rule), "")
			},
			play: (*Model).replay,
			draw: func(g *gen, m *Model) (Verb, bool) {
				return Verb{Name: g.dest(m).Name, Rule: either(g.chance(.3), "c0", "")}, true
			}},
		"release": holdVerb("RELEASE HOLD "),
		"discard": holdVerb("DISCARD HOLD "),
		"rollback": {feature: "rollback", weight: 3,
			text: func(w *writer, v Verb) string {
				return fmt.Sprintf("ROLLBACK %s %s TO VERSION %d", w.kind(v.Name), w.name(v.Name), v.To)
			},
			play: (*Model).rollback,
			draw: func(g *gen, m *Model) (Verb, bool) {
				d := g.dest(m)
				from := m.dests[low(d.Name)].horizon
				return Verb{Name: d.Name, To: from + g.below(m.version-from+1)}, true
			}},
		"rebuild": {feature: "rebuild", weight: 2,
			text: func(w *writer, v Verb) string { return fmt.Sprintf("REBUILD %s %s", w.kind(v.Name), w.name(v.Name)) },
			play: (*Model).rebuild,
			draw: func(g *gen, m *Model) (Verb, bool) {
				return g.someDest(m, func(d *Dest) bool { return len(d.decl.Seq) > 0 })
			}},
		"from_source": {feature: "from_source", weight: 3,
			text: func(w *writer, v Verb) string {
				return fmt.Sprintf("REBUILD %s %s FROM SOURCE", w.kind(v.Name), w.name(v.Name))
			},
			play: (*Model).refill,
			draw: func(g *gen, m *Model) (Verb, bool) {
				return g.someDest(m, func(d *Dest) bool { return !m.cutTopic(d.decl) })
			}},
		"replay_source": {feature: "replay_source", weight: 2,
			text: func(w *writer, v Verb) string { return "REPLAY SOURCE " + w.name(v.Name) + " FROM EARLIEST" },
			play: (*Model).replaySource,
			draw: func(g *gen, m *Model) (Verb, bool) {
				s := filter(m.order, func(n string) bool { return m.sources[n] != nil && !m.sources[n].Snapshot })
				if len(s) == 0 {
					return Verb{}, false
				}
				return Verb{Name: m.sources[one(g, s)].Name}, true
			}},
		"vacuum": {feature: "vacuum", weight: 2,
			text: func(w *writer, v Verb) string { return fmt.Sprintf("VACUUM %s %s", w.kind(v.Name), w.name(v.Name)) },
			play: func(m *Model, v Verb) error { m.dests[low(v.Name)].horizon = m.version; return nil },
			draw: func(g *gen, m *Model) (Verb, bool) {
				return g.someDest(m, func(d *Dest) bool { return d.decl.Retain != "" })
			}},
		"anew": {feature: "rollup", weight: 2, // nothing that a rollup reads changes but by dsql
			text: func(w *writer, v Verb) string { return "REBUILD ROLLUP " + w.name(v.Name) },
			play: (*Model).recompute,
			draw: func(g *gen, m *Model) (Verb, bool) {
				if len(m.rollups) == 0 {
					return Verb{}, false
				}
				return Verb{Name: m.rollups[one(g, sortedKeys(m.rollups))].decl.Name}, true
			}},
		"erase": keyVerb("ERASE KEY", "FROM", 3, (*Model).erase, erasable),
		"admit": keyVerb("ADMIT KEY", "TO", 1, (*Model).admit, func(m *Model, x *Dest) []string { return sortedKeys(m.erased[low(x.decl.Name)]) }),
		"drop": {feature: "drop",
			text: func(w *writer, v Verb) string { return fmt.Sprintf("DROP %s %s", w.kind(v.Name), w.name(v.Name)) },
			play: func(m *Model, v Verb) error {
				if len(m.readers(v.Name)) > 0 {
					return errSkip
				}
				m.drop(v.Name)
				return nil
			}},
	}
}

func holdVerb(text string) verb {
	return verb{feature: "hold", weight: 3, text: func(w *writer, v Verb) string { return text + w.name(v.Name) }, play: (*Model).decide,
		draw: func(g *gen, m *Model) (Verb, bool) {
			if len(m.holds) > 0 && g.chance(.85) {
				return Verb{Name: m.dests[one(g, m.holds).dest].decl.Name}, true
			}
			return Verb{Name: g.dest(m).Name}, g.chance(.3)
		}}
}

func (w *writer) verb(v Verb) string { return verbs[v.Do].text(w, v) + ";\n" }

func (w *writer) kind(name string) string { return strings.ToUpper(w.m.decl(name).Kind) }

// replay sends rejects of a destination through its chain again.
func (m *Model) replay(v Verb) error {
	n := low(v.Name)
	pick := func(r Reject) bool {
		return r.Dest == n && !r.Settled && r.Hold == 0 && (v.Rule == "" || r.Rule == v.Rule)
	}
	if !slices.ContainsFunc(m.rejects, pick) {
		return nil
	}
	if d := m.dests[n]; d.journal() && len(d.decl.Seq) == 0 {
		return &exit{code: code.ExitFailed, why: "rejects of loads are no loads"}
	}
	return m.commit(func(version int) error {
		var rows []Rec
		for i, r := range m.rejects {
			if pick(r) {
				m.rejects[i].Settled = true
				rows = append(rows, m.back(n, r.Rec))
			}
		}
		b := &batch{m: m, n: n, version: version, way: replayed}
		if err := b.through(rows); err != nil {
			return err
		}
		return m.handOn(replayed, n, version)
	})
}

// handOn takes what a destination wrote to those that read it: of a replay it is one for them, too.
func (m *Model) handOn(how way, n string, version int) error {
	for _, r := range m.reach([]string{n}, m.sorted()) {
		if r != n {
			if err := m.storedBy(how, r, version); err != nil {
				return err
			}
		}
	}
	return nil
}

// rollback makes a destination what it was at a version.
func (m *Model) rollback(v Verb) error {
	n := low(v.Name)
	if v.To > m.version || v.To < m.dests[n].horizon {
		return errSkip
	}
	return m.commit(func(version int) error {
		x := m.dests[n]
		old, before, a := x.at(v.To).clone(), x.open(), Account{Version: version, Kind: x.decl.Kind, Name: n}
		x.changes[version] = nil
		if !x.journal() {
			a.Removed, a.Added = len(apart(x.rowsOf(x.cols, true).rows, old.rowsOf(x.cols, true).rows)),
				len(apart(old.rowsOf(x.cols, true).rows, x.rowsOf(x.cols, true).rows))
			x.rows, x.unsure = old.rows, append(x.unsure, gap{v.To, version})
		} else {
			x.hist, x.events, x.deletes, x.clashes, x.newest, x.load = old.hist, old.events, old.deletes, old.clashes, old.newest, old.load
			x.changes[version] = difference(before, x.open(), x.names())
			a.count(x.changes[version])
		}
		m.accounts = append(m.accounts, a)
		x.wrote(version)
		return nil
	})
}

// rebuild computes a journal from the events that it remembers.
func (m *Model) rebuild(v Verb) error {
	return m.commit(func(version int) error {
		x := m.dests[low(v.Name)]
		before, a := x.open(), Account{Version: version, Kind: x.decl.Kind, Name: low(v.Name)}
		for key, events := range x.events {
			x.hist[key] = nil
			for _, e := range events {
				x.step(e, x.stores)
			}
		}
		x.changes[version] = x.since(before)
		a.count(x.changes[version])
		m.accounts = append(m.accounts, a)
		x.wrote(version)
		return nil
	})
}

// replaySource reads a source again: journals absorb what they have seen, streams take only what they haven't.
func (m *Model) replaySource(v Verb) error {
	s := low(v.Name)
	again := filter(m.direct(s, m.sorted()), func(n string) bool { return m.dests[n].journal() })
	if len(again) > 0 {
		if err := m.read(s, m.reach(again, m.sorted()), true); err != nil {
			return err
		}
	}
	return m.read(s, m.sorted(), false)
}
