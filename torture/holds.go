package torture

import (
	"slices"

	"dsql/sql/code"
)

// Hold is a row of dsql.holds: a batch that a check holds back, whose rows are among the rejects, or a load that a guard holds back in its
// source.
type Hold struct {
	id         int
	dest, name string
	rows       int
	day        Value
	file       string // of a guard's: the load that waits
	source     string
}

const guardName = "guard"

// keepHold writes down that a check holds the batch back. A batch without rows is something only where it is a whole load.
func (b *batch) keepHold(rows []Rec) {
	if len(rows) == 0 && (b.source == "" || !b.m.sources[b.source].Snapshot) {
		return
	}
	b.m.lastHold++
	b.m.holds = append(b.m.holds, Hold{id: b.m.lastHold, dest: b.n, name: b.held, rows: len(rows), day: b.day, source: b.source})
	for i := len(b.m.rejects) - len(rows); i < len(b.m.rejects); i++ {
		b.m.rejects[i].Hold = b.m.lastHold
	}
}

// guarded is why a load is held back: the run ends, and what waits is written down once.
func (b *batch) guarded() error {
	return &exit{code: code.ExitGate, why: guardName, guard: &Hold{dest: b.n, name: guardName, file: b.m.file, source: b.source}}
}

// noteGuard writes a guard's hold down, behind the batch that it stopped.
func (m *Model) noteGuard(h Hold) {
	if slices.ContainsFunc(m.holds, func(x Hold) bool { return x.dest == h.dest && x.file == h.file && x.name == guardName }) {
		return
	}
	m.unguard(h.dest, h.source)
	m.lastHold++
	h.id = m.lastHold
	m.holds = append(m.holds, h)
}

func (m *Model) unguard(dest, source string) {
	m.holds = filter(m.holds, func(x Hold) bool { return x.name != guardName || x.dest != dest || x.source != source })
}

func (m *Model) endHold(id int) {
	m.holds = filter(m.holds, func(x Hold) bool { return x.id != id })
}

// decided says that somebody has decided about the load in hand.
func (b *batch) decided() bool {
	h := b.m.decision
	return h != nil && h.dest == b.n && h.file == b.m.file && b.way == fresh
}

// decide is RELEASE HOLD and DISCARD HOLD.
func (m *Model) decide(v Verb) error {
	n := low(v.Name)
	for _, h := range slices.Clone(m.holds) {
		if h.dest != n {
			continue
		}
		if err := m.decideOne(n, h, v.Do == "discard"); err != nil {
			return err
		}
	}
	return nil
}

func (m *Model) decideOne(n string, h Hold, discard bool) error {
	if h.name == guardName {
		m.decision, m.discards = &h, discard
		err := m.refresh([]string{n})
		m.decision = nil
		if err == nil {
			m.unguard(n, h.source)
		}
		return err
	}
	return m.commit(func(version int) error {
		b := &batch{m: m, n: n, x: m.dests[n], version: version, source: h.source, way: released, day: h.day, hold: &h}
		var rows []Rec
		for i, r := range m.rejects {
			if r.Hold == h.id && !r.Settled {
				m.rejects[i].Settled = true
				rows = append(rows, m.back(n, r.Rec))
			}
		}
		m.endHold(h.id)
		if discard {
			m.accounts = append(m.accounts, Account{Version: version, Kind: b.x.decl.Kind, Name: n, In: len(rows), Dropped: len(rows)})
			b.x.wrote(version)
		} else if err := b.through(rows); err != nil {
			return err
		}
		return m.handOn(fresh, n, version)
	})
}
