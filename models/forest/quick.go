package forest

import (
	"math"
	"slices"
	"sort"
)

// The quantised scorer. A value is turned into its rank among the model's own thresholds for its feature, which loses
// nothing: x ≤ t holds when no more than rank(t) thresholds lie below x. Ranks are cut into columns of one byte, 255
// thresholds each at most, so that a tree's tests compare bytes, 16 to 64 rows at a time. A category becomes a byte of bits, one
// for each set that it could be in. Where NaN goes is part of the column: a feature whose nodes disagree has two.
//
// A tree of up to 256 leaves is then searched as QuickScorer does (Lucchese et al., 2015), bit-plane by bit-plane (see
// planes.h); larger ones are walked, on the ranks themselves: a row's lie side by side, two bytes a feature. Leaves
// are added tree by tree, in the model's order and precision.
//
// The types below are those of kernel.h, field by field.

type ranking struct {
	x, from, n, steps uint32
	zero              uint32
	col, cols         uint32
	wide              uint32 // 0: no tree that is walked looks at it; else its column there, counted from 1
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
	wide             uint32
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
	wides      int // columns of trees that are walked
	few        int // up to so many rows a walk by rows is faster
}

const (
	bitsPer    = 7 // sets in a column: bytes are compared as signed numbers
	maxColumns = 1 << 15
	maxWide    = 1 << 14 // columns, by the bits that a node has for them
	maxWalked  = 1 << 28 // nodes of a tree
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

// wide is a test of a tree that is walked: to the right goes who has more than limit, when it was shifted and raised.
type wide struct {
	col, limit uint16
	raise      uint8 // 1: a missing value, whose rank is the highest of all, comes to be 0 and goes left
	shift      uint8
}

// tabulate makes the tables, nil for a forest that only the walk can do: one with linear leaves, thresholds that are no
// numbers, or too many of them. A column holds up to perByte thresholds; worth says whether a tree with so many entries
// is better searched by planes than walked.
func tabulate(f *Forest, used []int, perByte int, worth func(entries int) bool) *tables {
	for i := range f.Trees {
		if len(f.Trees[i].Linear) > 0 || 2*len(f.Trees[i].Nodes) >= maxWalked {
			return nil
		}
	}
	b := binned(f, used, perByte, walked(f, worth))
	if b == nil || b.wides > maxWide {
		return nil
	}
	for i := range f.Trees {
		b.tree(i)
	}
	b.few = b.tileCost / max(1, b.walkCost)
	// Kernels read values for rows past the last one, by leaf numbers that mean nothing.
	b.values = append(b.values, make([]float64, TileRows)...)
	return &b.tables
}

// binned makes what turns values into bytes, and the tests of nodes on them. walks are the trees that are walked; nil: none.
func binned(f *Forest, used []int, perByte int, walks []bool) *tableBuilder {
	b := &tableBuilder{tables: tables{kind: f.Values}, f: f, at: map[int]uint32{}, perByte: perByte, walks: walks}
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
	onWide [][]wide // of trees that are walked

	perByte int
	walks   []bool
	// What a tile of few rows costs, and a row's walk, in about nanoseconds.
	tileCost, walkCost int
}

// collect goes through the nodes that can be reached.
func (b *tableBuilder) collect() bool {
	scales, coded := map[scaleKey]*scale{}, map[bitKey]*codes{}
	b.tests, b.onWide = make([][]test, len(b.f.Trees)), make([][]wide, len(b.f.Trees))
	var stack []int
	for i := range b.f.Trees {
		t := &b.f.Trees[i]
		if b.walked(i) {
			b.onWide[i] = make([]wide, len(t.Nodes))
		} else {
			b.tests[i] = make([]test, len(t.Nodes))
		}
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

func (b *tableBuilder) walked(tree int) bool { return b.walks != nil && b.walks[tree] }

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
		b.rankWide(s, &r)
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
		if b.walked(r.tree) {
			continue
		}
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
		if b.walked(r.tree) {
			continue
		}
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

// rankWide makes the tests of a scale in trees that are walked: the ranks are their column.
func (b *tableBuilder) rankWide(s *scale, g *ranking) {
	for _, r := range s.nodes {
		if !b.walked(r.tree) {
			continue
		}
		if g.wide == 0 {
			b.wides++
			g.wide = uint32(b.wides)
		}
		w := wide{col: uint16(g.wide - 1), limit: uint16(sort.SearchFloat64s(s.thresholds, b.node(r).Threshold))}
		if b.node(r).MissingLeft {
			w.limit, w.raise = w.limit+1, 1
		}
		b.onWide[r.tree][r.node] = w
	}
}
