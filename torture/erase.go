package torture

import (
	"slices"
	"strings"
)

// ERASE KEY and ADMIT KEY. A key is the texts of its values, as Row.line has it.

// erase takes a key out of a journal: in a version that what reads the journal takes, then out of all versions.
func (m *Model) erase(v Verb) error {
	n, key := low(v.Name), strings.Join(v.Key, keySep)
	x := m.dests[n]
	if x == nil || !x.journal() || len(v.Key) != len(x.decl.Keys) || m.badOf(x, key) {
		return errSkip
	}
	if err := m.commit(func(version int) error {
		x, before := m.dests[n], m.dests[n].open()
		a := Account{Version: version, Kind: x.decl.Kind, Name: n}
		m.left(n)[key] = true
		x.forget(key)
		x.changes[version] = difference(before, x.open(), x.names())
		a.count(x.changes[version])
		m.accounts = append(m.accounts, a)
		x.wrote(version)
		return nil
	}); err != nil {
		return err
	}
	readers := filter(m.reach([]string{n}, m.sorted()), func(r string) bool { return r != n })
	if err := m.catchUp(readers, nil); err != nil {
		return err // the history waits until they have taken that the key goes
	}
	x = m.dests[n]
	for _, p := range x.past {
		p.forget(key)
		p.newest = p.newestOf()
	}
	for version, changes := range x.changes {
		x.changes[version] = filter(changes, func(c Change) bool { return c.Row.line(x.decl.Keys) != key })
	}
	m.rejects = filter(m.rejects, func(r Reject) bool { return r.Dest != n || r.Data.line(x.decl.Keys) != key })
	for i, h := range m.holds {
		if h.dest == n && h.name != guardName {
			m.holds[i].rows = len(filter(m.rejects, func(r Reject) bool { return r.Hold == h.id }))
		}
	}
	return nil
}

// left are the keys that were erased from a journal, dropped or not.
func (m *Model) left(n string) map[string]bool {
	if m.erased[n] == nil {
		m.erased[n] = map[string]bool{}
	}
	return m.erased[n]
}

// forget takes a key out of a journal.
func (d *Dest) forget(key string) {
	delete(d.hist, key)
	delete(d.events, key)
	delete(d.deletes, key)
	d.clashes = filter(d.clashes, func(e event) bool { return e.key != key })
}

// newestOf is the newest sequence of what a feed has: where it goes back to this version, that is the newest accepted.
func (d *Dest) newestOf() []Value {
	var out []Value
	take := func(seq []Value) {
		if len(seq) > 0 && (out == nil || compare(seq[0], out[0]) > 0) {
			out = seq[:1]
		}
	}
	for _, events := range d.events {
		for _, e := range events {
			take(e.seq)
		}
	}
	for _, e := range d.deletes {
		take(e.seq)
	}
	for _, h := range d.hist {
		for _, s := range h {
			take(s.from)
		}
	}
	return out
}

// leave takes rows of erased keys out of a batch, behind its rules: they are dropped.
func (b *batch) leave(rows []Rec) []Rec {
	erased := b.m.erased[b.n]
	if len(erased) == 0 {
		return rows
	}
	out := filter(rows, func(r Rec) bool { return !erased[r.Row.line(b.x.decl.Keys)] })
	b.account.Dropped += len(rows) - len(out)
	return out
}

// unkept takes what the version rejected of erased keys out of dsql.rejects: that is dropped, too.
func (b *batch) unkept() {
	erased := b.m.erased[b.n]
	if len(erased) == 0 {
		return
	}
	kept := filter(b.m.rejects, func(r Reject) bool {
		return r.Dest != b.n || r.Version != b.version || !erased[r.Data.line(b.x.decl.Keys)]
	})
	gone := len(b.m.rejects) - len(kept)
	b.m.rejects = kept
	b.account.Rejected, b.account.Dropped = b.account.Rejected-gone, b.account.Dropped+gone
}

// badOf: a bad record of a journal's sources may be of the key, of which the model doesn't know what is understood.
func (m *Model) badOf(x *Dest, key string) bool {
	of := func(r Record) bool { return r.Bad != "" && r.Values.line(x.decl.Keys) == key }
	return slices.ContainsFunc(lowered(x.decl.From), func(f string) bool {
		return slices.ContainsFunc(m.files[f], func(file File) bool { return slices.ContainsFunc(file.Rows, of) }) ||
			slices.ContainsFunc(m.topics[f], func(p []Record) bool { return slices.ContainsFunc(p, of) })
	})
}

// keyVerb is a verb on a key of a journal.
func keyVerb(text, word string, weight int, play func(*Model, Verb) error, keys func(m *Model, x *Dest) []string) verb {
	return verb{feature: "erase", weight: weight, play: play,
		text: func(w *writer, v Verb) string {
			out := make([]string, len(v.Key))
			for i, s := range v.Key {
				out[i] = "'" + strings.ReplaceAll(s, "'", "''") + "'"
			}
			return text + " (" + strings.Join(out, ", ") + ") " + word + " JOURNAL " + w.name(v.Name)
		},
		draw: func(g *gen, m *Model) (Verb, bool) {
			v, there := g.someDest(m, func(d *Dest) bool { return d.journal() && len(keys(m, d)) > 0 })
			if !there {
				return v, false
			}
			v.Key = strings.Split(one(g, keys(m, m.dests[low(v.Name)])), keySep)
			return v, true
		}}
}

// erasable are keys of a journal, and one that it doesn't have.
func erasable(m *Model, x *Dest) []string {
	return filter(append(sortedKeys(x.hist), strings.Repeat("77"+keySep, len(x.decl.Keys)-1)+"77"),
		func(key string) bool { return !m.badOf(x, key) })
}

// admit takes rows of a key in again.
func (m *Model) admit(v Verb) error {
	delete(m.left(low(v.Name)), strings.Join(v.Key, keySep))
	return nil
}
