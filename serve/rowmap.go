package serve

import (
	"slices"

	"dsql/engine/duck"
)

// rowMap finds rowids by key: open addressing, 16 bytes a slot, nothing that the garbage collector looks at. Where a key has one row at
// most (unique) a row takes the place of the one before; else a key has up to rowsOfKey.
type rowMap struct {
	slots  []slot
	used   int
	unique bool
	full   int // keys that have more rows
}

// slot is a row of a key: its hash, and above the rowid (one more, so that 0 is free) the key's tag.
type slot struct{ hash, row uint64 }

const (
	rowBits = 40
	rowMask = 1<<rowBits - 1
	tooMany = rowMask // in place of a rowid: the key has more rows than are kept
	// rowsOfKey is how many rows of a key are read one by one: each is a scan of its own.
	rowsOfKey = 8
	// mostKeys is how many rows a table may have: the map of so many takes two gigabytes.
	mostKeys = 100_000_000
)

func newRowMap(unique bool) *rowMap { return &rowMap{unique: unique, slots: make([]slot, 1<<10)} }

// put adds a row; of one that is unique the row with the highest rowid counts.
func (m *rowMap) put(k duck.Key, rowid int64) {
	if (m.used+1)*4 > len(m.slots)*3 {
		m.grow()
	}
	mask := uint64(len(m.slots) - 1)
	last, n := (*slot)(nil), 0
	for i := k.Hash & mask; ; i = (i + 1) & mask {
		s := &m.slots[i]
		switch {
		case s.row == 0:
			if n == rowsOfKey {
				m.full++
				last.row |= tooMany
				return
			}
			*s = slot{k.Hash, uint64(k.Tag)<<rowBits | uint64(rowid+1)}
			m.used++
			return
		case s.hash != k.Hash || uint32(s.row>>rowBits) != k.Tag:
			continue
		case m.unique:
			s.row = max(s.row, uint64(k.Tag)<<rowBits|uint64(rowid+1))
			return
		}
		if last, n = s, n+1; s.row&rowMask == tooMany {
			return
		}
	}
}

// grow makes room.
func (m *rowMap) grow() {
	old := m.slots
	m.slots = make([]slot, 2*len(old))
	mask := uint64(len(m.slots) - 1)
	for _, s := range old {
		if s.row == 0 {
			continue
		}
		i := s.hash & mask
		for m.slots[i].row != 0 {
			i = (i + 1) & mask
		}
		m.slots[i] = s
	}
}

// get gives the rowids of a key, in order; ok is false where they aren't all there.
func (m *rowMap) get(k duck.Key) (to []int64, ok bool) {
	mask := uint64(len(m.slots) - 1)
	for i := k.Hash & mask; ; i = (i + 1) & mask {
		switch s := m.slots[i]; {
		case s.row == 0:
			slices.Sort(to)
			return slices.Compact(to), true
		case s.hash != k.Hash || uint32(s.row>>rowBits) != k.Tag:
		case s.row&rowMask == tooMany:
			return to, false
		default:
			to = append(to, int64(s.row&rowMask)-1)
		}
	}
}
