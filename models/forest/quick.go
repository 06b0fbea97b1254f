package forest

import (
	"math"
	"math/bits"
	"slices"
	"sort"
)

// The quantised scorer. A value is turned into its rank among the model's own thresholds for its feature, which loses
// nothing: x ≤ t holds when no more than rank(t) thresholds lie below x. Ranks are cut into columns of one byte, 255
// thresholds each at most, so that a tree's tests compare bytes, 16 to 64 rows at a time. A category becomes a byte of bits, one
// for each set that it could be in. Where NaN goes is part of the column: a feature whose nodes disagree has two.
//
// A tree of up to 256 leaves is then searched as QuickScorer does (Lucchese et al., 2015), bit-plane by bit-plane (see
// planes.h); larger ones are walked on the bytes. Leaves are added tree by tree, in the model's order and precision.
//
// The types below are those of kernel.h, field by field.

type ranking struct {
	x, from, n, steps uint32
	zero              uint32
	col, cols         uint32
}

type column struct {
	low     uint16
	missing uint8
}

type coding struct {
	x, from, n       uint32
	direct           uint32
	codes            uint32
	trim             uint32
	table, col, cols uint32
}

type entry struct {
	col  uint16
	than int8
	mask uint8
}

type quickTree struct {
	entry         uint32
	plane, planes uint32
	node          uint32
	value, leaves uint32
	output, width uint32
}

type plane struct{ numbers, bits uint16 }

// tables are a forest made ready for the kernels.
type tables struct {
	kind       Values
	rankings   []ranking
	columns    []column // those of codings are left zero
	codings    []coding
	thresholds []float64
	singles    []float64
	codes      []uint16
	bits       []uint8
	trees      []quickTree
	entries    []entry
	planes     []plane
	nodes      []uint64
	leafOf     []uint32
	values     []float64
	walked     bool
	few        int // up to so many rows a walk by rows is faster
}

const (
	bitsPer    = 7       // sets in a column: bytes are compared as signed numbers
	maxColumns = 1 << 15 // of a node that is walked
	maxRanks   = 1<<16 - 2
	maxTables  = 1 << 26 // bytes of all codings' tables
	maxDirect  = 1 << 16 // categories looked up by number
	maxPlanes  = 32
)

// test is where a node finds its byte: a number above than (a rank, with an offset of 128), or a bit of mask, goes right.
type test struct {
	col  uint16
	than int8
	mask uint8 // 0xff: a number
}

// tabulate makes the tables, nil for a forest that only the walk can do: one with linear leaves, thresholds that are no
// numbers, or too many of them. A column holds up to perByte thresholds; worth says whether a tree with so many entries
// is better searched by planes than walked.
func tabulate(f *Forest, used []int, perByte int, worth func(entries int) bool) *tables {
	for i := range f.Trees {
		if len(f.Trees[i].Linear) > 0 {
			return nil
		}
	}
	b := binned(f, used, perByte)
	if b == nil {
		return nil
	}
	b.worth = worth
	for i := range f.Trees {
		b.tree(i)
	}
	b.few = b.tileCost / max(1, b.walkCost)
	// Kernels read values for rows past the last one, by leaf numbers that mean nothing.
	b.values = append(b.values, make([]float64, TileRows)...)
	return &b.tables
}

// binned makes what turns values into bytes, and the tests of nodes on them.
func binned(f *Forest, used []int, perByte int) *tableBuilder {
	b := &tableBuilder{tables: tables{kind: f.Values}, f: f, at: map[int]uint32{}, perByte: perByte}
	for i, x := range used {
		b.at[x] = uint32(i)
	}
	if !b.collect() || !b.rank() || !b.encode() || len(b.columns) > maxColumns {
		return nil
	}
	return b
}

type scaleKey struct {
	feature int
	zero    bool
}

// scale gathers the nodes that compare one feature with thresholds.
type scale struct {
	scaleKey
	thresholds []float64
	nodes      []nodeRef
}

type bitKey struct {
	feature int
	equal   bool
}

// codes gathers the nodes that ask whether one feature is a category or value.
type codes struct {
	bitKey
	nodes []nodeRef
}

type nodeRef struct{ tree, node int }

type tableBuilder struct {
	tables
	f      *Forest
	at     map[int]uint32 // feature → column of values
	scales []*scale
	coded  []*codes
	tests  [][]test // by tree and node

	perByte int
	worth   func(entries int) bool
	// What a tile of few rows costs, and a row's walk, in about nanoseconds.
	tileCost, walkCost int
}

// collect goes through the nodes that can be reached.
func (b *tableBuilder) collect() bool {
	scales, coded := map[scaleKey]*scale{}, map[bitKey]*codes{}
	b.tests = make([][]test, len(b.f.Trees))
	var stack []int
	for i := range b.f.Trees {
		t := &b.f.Trees[i]
		b.tests[i] = make([]test, len(t.Nodes))
		stack = stack[:0]
		if len(t.Nodes) > 0 {
			stack = append(stack, 0)
		}
		for len(stack) > 0 {
			n := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			d := &t.Nodes[n]
			for _, c := range [...]int{d.Left, d.Right} {
				if c >= 0 {
					stack = append(stack, c)
				}
			}
			if d.Test != AtMost {
				k := bitKey{d.Feature, d.Test == Equal}
				if coded[k] == nil {
					coded[k] = &codes{bitKey: k}
					b.coded = append(b.coded, coded[k])
				}
				coded[k].nodes = append(coded[k].nodes, nodeRef{i, n})
				continue
			}
			if math.IsNaN(d.Threshold) {
				return false
			}
			k := scaleKey{d.Feature, d.ZeroMissing}
			if scales[k] == nil {
				scales[k] = &scale{scaleKey: k}
				b.scales = append(b.scales, scales[k])
			}
			scales[k].thresholds = append(scales[k].thresholds, d.Threshold)
			scales[k].nodes = append(scales[k].nodes, nodeRef{i, n})
		}
	}
	return true
}

func (b *tableBuilder) node(r nodeRef) *Node { return &b.f.Trees[r.tree].Nodes[r.node] }

// rank makes a ranking and its columns of every scale.
func (b *tableBuilder) rank() bool {
	for _, s := range b.scales {
		slices.Sort(s.thresholds)
		s.thresholds = slices.Compact(s.thresholds)
		n := len(s.thresholds)
		if n > maxRanks {
			return false
		}
		r := ranking{x: b.at[s.feature], from: uint32(len(b.thresholds)), n: uint32(n), steps: 1, col: uint32(len(b.columns))}
		if s.zero {
			r.zero = 1
		}
		for r.steps <= r.n {
			r.steps *= 2
		}
		b.thresholds = append(b.thresholds, s.thresholds...)
		for range int(r.steps) - 1 - n { // the search looks at these, and passes none
			b.thresholds = append(b.thresholds, math.Inf(1))
		}
		b.rankColumns(s)
		r.cols = uint32(len(b.columns)) - r.col
		b.rankings = append(b.rankings, r)
	}
	return true
}

// rankColumns makes a scale's columns. A missing value has a rank of its own if all nodes agree to one: those where it
// goes left must not have lower thresholds than those where it goes right. Else each direction has its columns.
func (b *tableBuilder) rankColumns(s *scale) {
	rankOf := func(r nodeRef) int { return sort.SearchFloat64s(s.thresholds, b.node(r).Threshold) }
	left, right := len(s.thresholds), -1 // the lowest rank where it goes left, the highest where it goes right
	for _, r := range s.nodes {
		if k := rankOf(r); b.node(r).MissingLeft {
			left = min(left, k)
		} else {
			right = max(right, k)
		}
	}
	agreed := right < left
	type key struct {
		part int
		left bool
	}
	cols := map[key]uint16{}
	for _, r := range s.nodes {
		k := rankOf(r)
		c := key{k / b.perByte, !agreed && b.node(r).MissingLeft}
		col, ok := cols[c]
		if !ok {
			col = uint16(len(b.columns))
			cols[c] = col
			low := c.part * b.perByte
			missing := b.perByte
			switch {
			case agreed:
				missing = min(max(right+1-low, 0), b.perByte)
			case c.left:
				missing = 0
			}
			b.columns = append(b.columns, column{low: uint16(low), missing: uint8(missing)})
		}
		b.tests[r.tree][r.node] = test{col: col, than: int8(k%b.perByte - 128), mask: 0xff}
	}
}

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
		b.tests[r.tree][r.node] = test{col: uint16(int(k.col) + bit/bitsPer), mask: 1 << (bit % bitsPer)}
	}
	return true
}
