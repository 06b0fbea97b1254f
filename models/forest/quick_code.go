package forest

import (
	"math/bits"
	"slices"
)

// Of the tables of quick.go those of categories and single values.

// encode makes a coding and its tables of all nodes that ask for categories or single values of a feature.
func (b *tableBuilder) encode() bool {
	for _, s := range b.coded {
		known := b.known(s)
		if len(known)+2 > maxRanks {
			return false
		}
		k := coding{x: b.at[s.feature], n: uint32(len(known)), codes: uint32(len(known) + 2), table: uint32(len(b.bits)),
			col: uint32(len(b.columns))}
		if !s.equal {
			k.trim = 1
		}
		if n := len(known); !s.equal && (n == 0 || known[n-1] < maxDirect) {
			k.direct, k.from, k.n = 1, uint32(len(b.codes)), 0
			if n > 0 {
				k.n = uint32(known[n-1]) + 1
			}
			b.codes = append(b.codes, make([]uint16, k.n)...)
			for i, v := range known {
				b.codes[k.from+uint32(v)] = uint16(i + 1)
			}
		} else {
			k.from = uint32(len(b.singles))
			b.singles = append(b.singles, known...)
		}
		if !b.encodeColumns(s, &k, known) {
			return false
		}
		b.codings = append(b.codings, k)
	}
	return true
}

// known lists the categories or values that nodes name, ascending.
func (b *tableBuilder) known(s *codes) []float64 {
	var out []float64
	seen := make([]uint64, maxDirect/64) // categories that are not high: many sets name the same
	for _, r := range s.nodes {
		if d := b.node(r); s.equal {
			out = append(out, d.Threshold+0) // -0 is 0
		} else {
			for c := range b.f.Sets[d.Set].All() {
				if c >= maxDirect {
					out = append(out, float64(c))
				} else {
					seen[c/64] |= 1 << (c % 64)
				}
			}
		}
	}
	for i, w := range seen {
		for ; w != 0; w &= w - 1 {
			out = append(out, float64(i*64+bits.TrailingZeros64(w)))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// encodeColumns gives every different set a bit: it is set for the codes that go right.
func (b *tableBuilder) encodeColumns(s *codes, k *coding, known []float64) bool {
	type key struct {
		set  string
		left bool
	}
	code := func(v float64) int {
		if k.direct != 0 {
			return int(b.codes[int(k.from)+int(v)])
		}
		i, _ := slices.BinarySearch(known, v)
		return i + 1
	}
	numbers := map[key]int{}
	var onWide []nodeRef
	for _, r := range s.nodes {
		d := b.node(r)
		id := key{left: d.MissingLeft}
		if s.equal {
			id.set = string(floatKey(d.Threshold + 0))
		} else {
			id.set = b.f.Sets[d.Set].key()
		}
		bit, ok := numbers[id]
		if !ok {
			bit = len(numbers)
			numbers[id] = bit
			if bit%bitsPer == 0 {
				if len(b.bits)+int(k.codes) > maxTables {
					return false
				}
				b.bits = append(b.bits, make([]uint8, k.codes)...)
				b.columns = append(b.columns, column{})
				k.cols++
			}
			table := b.bits[int(k.table)+bit/bitsPer*int(k.codes):][:k.codes]
			mark := uint8(1) << (bit % bitsPer)
			for i := range table {
				table[i] |= mark
			}
			if s.equal {
				table[code(d.Threshold+0)] &^= mark
			} else {
				for c := range b.f.Sets[d.Set].All() {
					table[code(float64(c))] &^= mark
				}
			}
			if d.MissingLeft {
				table[k.codes-1] &^= mark
			}
		}
		if int(k.col)+bit/bitsPer >= maxColumns {
			return false
		}
		if b.walked(r.tree) {
			onWide = append(onWide, r)
			b.onWide[r.tree][r.node] = wide{col: uint16(bit / bitsPer), limit: 1<<15 - 1, shift: uint8(15 - bit%bitsPer)}
		} else {
			b.tests[r.tree][r.node] = test{col: uint16(int(k.col) + bit/bitsPer), mask: 1 << (bit % bitsPer)}
		}
	}
	if onWide != nil { // all its columns are there, too
		for _, r := range onWide {
			b.onWide[r.tree][r.node].col += uint16(b.wides)
		}
		k.wide = uint32(b.wides + 1)
		b.wides += int(k.cols)
	}
	return b.wides <= maxWide
}
