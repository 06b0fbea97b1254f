package forest

import (
	"math"
	"math/bits"
)

// span is a node and the leaves of its left subtree, numbered from left to right.
type span struct{ node, from, to int }

// walked says of each tree whether it is walked: a search by planes costs in proportion to its entries.
func walked(f *Forest, worth func(entries int) bool) []bool {
	walks := make([]bool, len(f.Trees))
	for i := range f.Trees {
		spans, leaves := spansOf(&f.Trees[i])
		walks[i] = (len(leaves)+7)/8 > maxPlanes || !worth(entriesOf(spans))
	}
	return walks
}

func entriesOf(spans []span) (entries int) {
	for _, s := range spans {
		entries += (s.to-1)/8 - s.from/8 + 1
	}
	return entries
}

// tree adds a tree, to be searched by planes or to be walked.
func (b *tableBuilder) tree(i int) {
	t := &b.f.Trees[i]
	spans, leaves := spansOf(t)
	walk := 13 * bits.Len(uint(len(leaves)))
	b.walkCost += walk
	q := quickTree{entry: uint32(len(b.entries)), plane: uint32(len(b.planes)), output: uint32(t.Output), width: uint32(t.Width)}
	if !b.walked(i) {
		n := (len(leaves) + 7) / 8
		q.planes = uint32(n)
		b.tileCost += entriesOf(spans)
		b.spread(b.tests[i], spans, n)
	} else {
		q.node = uint32(len(b.nodes))
		b.lay(t, b.onWide[i])
		b.tileCost += 3 * walk // eight rows go down together, be they wanted or not
		leaves = leaves[:0]
		for l := range len(t.Leaves) / t.Width {
			leaves = append(leaves, l)
		}
	}
	q.value, q.leaves = uint32(len(b.values)), uint32(max(len(leaves), 32)) // up to 32 are read into registers
	for o := range t.Width {
		for _, l := range leaves {
			b.values = append(b.values, t.Leaves[l*t.Width+o])
		}
		b.values = append(b.values, make([]float64, int(q.leaves)-len(leaves))...)
	}
	b.trees = append(b.trees, q)
}

// spansOf numbers a tree's leaves and finds what lies left of each node.
func spansOf(t *Tree) (spans []span, leaves []int) {
	if len(t.Nodes) == 0 {
		return nil, []int{0}
	}
	// A frame is a node (or ^leaf) that is entered, or a node whose left subtree is done.
	type frame struct {
		child int
		left  bool
		from  int
	}
	stack := []frame{{child: 0}}
	for len(stack) > 0 {
		f := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		switch {
		case f.child < 0:
			leaves = append(leaves, ^f.child)
		case f.left:
			spans = append(spans, span{f.child, f.from, len(leaves)})
			stack = append(stack, frame{child: t.Nodes[f.child].Right})
		default:
			stack = append(stack, frame{child: f.child, left: true, from: len(leaves)}, frame{child: t.Nodes[f.child].Left})
		}
	}
	return spans, leaves
}

// spread enters each node in the planes that its left subtree has leaves in, the last plane first, numbers before bits.
func (b *tableBuilder) spread(tests []test, spans []span, planes int) {
	first := len(b.planes)
	b.planes = append(b.planes, make([]plane, planes)...)
	for p := planes - 1; p >= 0; p-- {
		for _, number := range [...]bool{true, false} {
			for _, s := range spans {
				from, to := max(s.from, p*8), min(s.to, p*8+8)
				t := tests[s.node]
				if from >= to || (t.mask == 0xff) != number {
					continue
				}
				e := entry{col: t.col, than: t.than, mask: uint8(1<<(to-p*8) - 1<<(from-p*8))}
				if number {
					b.planes[first+p].numbers++
				} else {
					e.than = int8(t.mask)
					b.planes[first+p].bits++
				}
				b.entries = append(b.entries, e)
			}
		}
	}
}

// lay adds a tree's nodes to be walked (see walk in kernel.c): breadth first, children side by side.
func (b *tableBuilder) lay(t *Tree, tests []wide) {
	order := []int{0}
	if len(t.Nodes) == 0 {
		order[0] = ^0
	}
	for k := 0; k < len(order); k++ {
		n := order[k]
		if n < 0 {
			b.nodes = append(b.nodes, uint64(k)<<36|math.MaxUint16)
			b.leafOf = append(b.leafOf, uint32(^n))
			continue
		}
		x := tests[n]
		b.nodes = append(b.nodes, uint64(len(order))<<36|uint64(x.shift)<<32|1<<31|uint64(x.raise)<<30|uint64(x.col)<<16|uint64(x.limit))
		b.leafOf = append(b.leafOf, 0)
		order = append(order, t.Nodes[n].Left, t.Nodes[n].Right)
	}
}
