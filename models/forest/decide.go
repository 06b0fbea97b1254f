package forest

import (
	"fmt"
	"math"
	bits64 "math/bits"
	"slices"

	"dsql/models/batch"
)

// decider tells for each node of a tree which rows of a tile go left: a bit a row. What leaves and contributions are made of.
type decider struct {
	used  []int
	trees []decidedTree
	walk  *walker
	bins  binner    // nil: nodes look at the values
	tests [][]entry // by tree
}

// decidedTree has its nodes in preorder, as the walker has them.
type decidedTree struct {
	nodes         []decidedNode
	leaves        []float64
	output, width int
	depth, points int // see contributions
}

type decidedNode struct {
	slot  uint32     // index into the used features
	child [2]int32   // left and right; ^leaf
	share [2]float64 // see contributions
	was   int32      // its number in the forest
}

// words of bits are a node's.
const words = TileRows / 64

// binner finds the bytes of values, and the bits of tests.
type binner interface {
	scratch(s *quickScratch, outputs int)
	// bin finds the bytes of a tile's values.
	bin(x []float64, rows int, s *quickScratch)
	// bits are those of the rows that go left, of each test.
	bits(tests []entry, s *quickScratch, bits []uint64)
}

// decided is what one call needs.
type decided struct {
	x     []float64
	quick quickScratch
	bits  []uint64
	rows  int
}

func newDecider(f *Forest, s *Scorer) *decider {
	d := &decider{used: s.used, walk: &s.walk}
	slot := make(map[int]uint32, len(s.used))
	for i, x := range s.used {
		slot[x] = uint32(i)
	}
	var b *tableBuilder
	if slices.Contains(nativeKernels(), s.kernel) {
		if b = binned(f, s.used, 255, nil); b != nil {
			d.bins = newBinner(&b.tables, s.kernel)
		}
	}
	for i := range f.Trees {
		t := &f.Trees[i]
		order, at := t.preorder()
		own := decidedTree{nodes: make([]decidedNode, len(order)), output: t.Output, width: t.Width, leaves: t.Leaves}
		var tests []entry
		for k, n := range order {
			own.nodes[k] = decidedNode{slot: slot[t.Nodes[n].Feature], was: int32(n)}
			for side, c := range [...]int{t.Nodes[n].Left, t.Nodes[n].Right} {
				if c >= 0 {
					c = at[c]
				}
				own.nodes[k].child[side] = int32(c)
			}
			if d.bins != nil {
				x := b.tests[i][n]
				tests = append(tests, entry(x))
			}
		}
		d.trees, d.tests = append(d.trees, own), append(d.tests, tests)
	}
	return d
}

// preorder lists the nodes that can be reached, each before its children and the left ones first, and where each stands in the list.
func (t *Tree) preorder() (order, at []int) {
	if len(t.Nodes) == 0 {
		return nil, nil
	}
	at = make([]int, len(t.Nodes))
	stack := []int{0}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		at[n] = len(order)
		order = append(order, n)
		for _, c := range [...]int{t.Nodes[n].Right, t.Nodes[n].Left} {
			if c >= 0 {
				stack = append(stack, c)
			}
		}
	}
	return order, at
}

func (d *decider) room() decided {
	most := 0
	for i := range d.trees {
		most = max(most, len(d.trees[i].nodes))
	}
	w := decided{x: make([]float64, max(1, len(d.used))*TileRows), bits: make([]uint64, most*words)}
	if d.bins != nil {
		d.bins.scratch(&w.quick, 0)
	}
	return w
}

// tile takes rows in.
func (d *decider) tile(w *decided, cols []batch.Column, from, rows int) {
	w.rows = rows
	for i, f := range d.used {
		x := w.x[i*TileRows:][:rows]
		cols[f].Numbers(from, x)
		if d.bins == nil {
			d.walk.values.prepare(x)
		}
	}
	if d.bins != nil {
		d.bins.bin(w.x, rows, &w.quick)
	}
}

// bits are those of a tree's nodes, for the rows of tile.
func (d *decider) bits(w *decided, tree int) []uint64 {
	t := &d.trees[tree]
	bits := w.bits[:len(t.nodes)*words]
	if d.bins != nil {
		d.bins.bits(d.tests[tree], &w.quick, bits)
		return bits
	}
	clear(bits)
	nodes := d.walk.nodes[max(0, d.walk.roots[tree].node):][:len(t.nodes)]
	for i := range nodes {
		n := &nodes[i]
		plain := n.column&(walkZeroMissing|walkEqual|walkInSet) == 0
		for r, v := range w.x[int(n.column&walkColumn)*TileRows:][:w.rows] {
			if plain && v <= n.threshold || (!plain || v != v) && d.walk.other(n, v) {
				bits[i*words+r/64] |= 1 << (r % 64)
			}
		}
	}
	return bits
}

// namedLeaves are what Leaves needs.
type namedLeaves struct {
	*decider
	names [][]int32 // by tree
	pool  *batch.Pool[decided]
}

// NameLeaves makes ready what Leaves needs. f is what the scorer was made of.
func (s *Scorer) NameLeaves(f *Forest) {
	s.leaves.decider = newDecider(f, s)
	for i := range f.Trees {
		s.leaves.names = append(s.leaves.names, f.Trees[i].Names)
	}
	s.leaves.pool = batch.NewPool(func() *decided { w := s.leaves.room(); return &w })
}

// Leaves writes the leaf of each tree into out, row by row: out[r·Trees()+t].
func (s *Scorer) Leaves(cols []batch.Column, n int, out []int32) error {
	d := s.leaves.decider
	if d == nil {
		return fmt.Errorf("the model was not made ready to tell leaves")
	}
	w := s.leaves.pool.Get()
	defer s.leaves.pool.Put(w)
	var reach [][words]uint64
	for from := 0; from < n; from += TileRows {
		rows := min(TileRows, n-from)
		d.tile(w, cols, from, rows)
		for i := range d.trees {
			nodes, bits := d.trees[i].nodes, d.bits(w, i)
			name := func(leaf int32) int32 { return leaf }
			if names := s.leaves.names[i]; names != nil {
				name = func(leaf int32) int32 { return names[leaf] }
			}
			to := out[from*s.trees+i:]
			if len(nodes) == 0 {
				for r := range rows {
					to[r*s.trees] = name(0)
				}
				continue
			}
			if cap(reach) < len(nodes) {
				reach = make([][words]uint64, len(nodes))
			}
			reach = reach[:len(nodes)]
			for k := range reach[0] {
				reach[0][k] = 0
				if left := rows - k*64; left > 0 {
					reach[0][k] = math.MaxUint64 >> max(0, 64-left)
				}
			}
			for n := range nodes {
				for side, child := range nodes[n].child {
					for k := range words {
						here := bits[n*words+k]
						if side == 1 {
							here = ^here
						}
						if here &= reach[n][k]; child >= 0 {
							reach[child][k] = here
							continue
						}
						for ; here != 0; here &= here - 1 {
							to[(k*64+bits64.TrailingZeros64(here))*s.trees] = name(^child)
						}
					}
				}
			}
		}
	}
	return nil
}
