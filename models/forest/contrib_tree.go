package forest

import (
	"fmt"
	"math"
	"sync"
	"unsafe"
)

// A program is a tree's steps, and the numbers that they take from consts. Fields and kinds are those of kernel.h.
type program struct {
	points int
	steps  []step
	consts []float64
}

type step struct {
	kind, right, first uint8
	level, node, slot  uint32
	above, slot2, at   uint32
}

const (
	stepLeaf = iota // one leaf, or two
	stepDown
	stepUp
	stepTwig // down, two leaves, up
	stepLeafAgain
	stepDownAgain
	stepUpAgain
)

func (p *program) size() int { return len(p.steps)*int(unsafe.Sizeof(step{})) + len(p.consts)*8 }

func asFloats(b []byte, n int) []float64 {
	return unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// share tells which part of a node's training rows each child had. A node that had none gives its children nothing.
func (t *decidedTree) share(of *Tree) error {
	if len(of.Nodes) == 0 {
		return nil
	}
	if len(of.Cover) != len(of.Nodes) || len(of.LeafCover)*of.Width != len(of.Leaves) {
		return fmt.Errorf("it has %d numbers of training rows for %d nodes, and %d for %d leaves", len(of.Cover), len(of.Nodes),
			len(of.LeafCover), len(of.Leaves)/of.Width)
	}
	for i := range t.nodes {
		d := &t.nodes[i]
		of0 := of.Cover[d.was]
		if !(of0 >= 0) || math.IsInf(of0, 0) {
			return fmt.Errorf("node %d had %v training rows", d.was, of0)
		}
		for side, child := range d.child {
			had := 0.0
			if child < 0 {
				had = of.LeafCover[^child]
			} else {
				had = of.Cover[t.nodes[child].was]
			}
			if !(had >= 0) || math.IsInf(had, 0) {
				return fmt.Errorf("a child of node %d had %v training rows", d.was, had)
			}
			if of0 > 0 {
				d.share[side] = had / of0
			}
		}
	}
	t.leaves = of.Leaves
	return nil
}

// expected is the mean of the leaves, over the training rows.
func (t *decidedTree) expected(output int) float64 {
	if len(t.nodes) == 0 {
		return t.leaves[output]
	}
	mean := make([]float64, len(t.nodes)) // a child stands behind its parent
	for i := len(t.nodes) - 1; i >= 0; i-- {
		for side, child := range t.nodes[i].child {
			v := 0.0
			if child < 0 {
				v = t.leaves[int(^child)*t.width+output]
			} else {
				v = mean[child]
			}
			mean[i] += t.nodes[i].share[side] * v
		}
	}
	return mean[0]
}

// builder makes programs.
type builder struct {
	tree   *decidedTree
	output int
	out    *program
	rule   *rule
	last   []int32   // slot → level below its last edge on the path, 0: none
	shares []float64 // level → z of the edge above it
	first  []bool    // level → nothing stands in its H
}

// measure finds the depth of a tree and the points that it needs: half of the most different features on a path.
func (b *builder) measure(n int32, level, features int) {
	t := b.tree
	if len(t.nodes) == 0 {
		t.points = 1
		return
	}
	d := &t.nodes[n]
	again := b.last[d.slot]
	if again == 0 {
		features++
	}
	b.last[d.slot] = 1
	t.depth = max(t.depth, level+1)
	t.points = max(t.points, pointsFor(features))
	for _, child := range d.child {
		if child >= 0 {
			b.measure(child, level+1, features)
		}
	}
	b.last[d.slot] = again
}

// build makes the program of a tree for one of its outputs, in p's memory.
func (b *builder) build(t *decidedTree, output int, p *program) {
	b.tree, b.output, b.out, b.rule = t, output, p, ruleOf(t.points)
	p.points, p.steps, p.consts = t.points, p.steps[:0], p.consts[:0]
	for len(b.shares) < t.depth+1 {
		b.shares, b.first = append(b.shares, 0), append(b.first, false)
	}
	if len(t.nodes) > 0 {
		b.first[0] = true
		b.node(0, 0)
	}
}

func (b *builder) value(leaf int32) float64 { return b.tree.leaves[int(^leaf)*b.tree.width+b.output] }

// pair says whether a node's children are leaves, and its feature is new on the path.
func (b *builder) pair(n int32) bool {
	d := &b.tree.nodes[n]
	return d.child[0] < 0 && d.child[1] < 0 && b.last[d.slot] == 0
}

func (b *builder) node(n int32, level int) {
	if b.pair(n) {
		b.add(step{kind: stepLeaf, node: uint32(n), slot: b.tree.nodes[n].slot}, level, true)
		b.leaves(n)
		return
	}
	for side := range 2 {
		b.edge(n, side, level)
	}
}

// add appends a step at a level; sums: it adds to the level's H.
func (b *builder) add(s step, level int, sums bool) {
	s.level, s.at = uint32(level), uint32(len(b.out.consts))
	if sums && b.first[level] {
		s.first, b.first[level] = 1, false
	}
	b.out.steps = append(b.out.steps, s)
}

// factor are what G is multiplied with along an edge of share z: where the row follows it, or doesn't.
func (b *builder) factor(z, scale float64) {
	for _, t := range b.rule.t {
		b.out.consts = append(b.out.consts, scale*(t+(1-t)*z))
	}
	for _, t := range b.rule.t {
		b.out.consts = append(b.out.consts, scale*((1-t)*z))
	}
}

// leaves are the constants of two leaves: one is followed, the other isn't.
func (b *builder) leaves(n int32) {
	d := &b.tree.nodes[n]
	v, w, z, y := b.value(d.child[0]), b.value(d.child[1]), d.share[0], d.share[1]
	b.out.consts = append(b.out.consts, v*(1-z)-w*y, w*(1-y)-v*z)
	for _, t := range b.rule.t {
		b.out.consts = append(b.out.consts, v*(t+(1-t)*z)+w*((1-t)*y))
	}
	for _, t := range b.rule.t {
		b.out.consts = append(b.out.consts, w*(t+(1-t)*y)+v*((1-t)*z))
	}
}

// followed are what H adds to phi for an edge that the row follows.
func (b *builder) followed(z float64) {
	for _, t := range b.rule.t {
		b.out.consts = append(b.out.consts, (1-z)/(t+(1-t)*z))
	}
}

func (b *builder) edge(n int32, side, level int) {
	d := &b.tree.nodes[n]
	child, z, above := d.child[side], d.share[side], b.last[d.slot]
	s := step{right: uint8(side), node: uint32(n), slot: d.slot, above: uint32(above)}
	if above > 0 {
		b.again(s, child, z, level)
		return
	}
	if child < 0 {
		s.kind = stepLeaf
		b.add(s, level, true)
		v := b.value(child)
		b.out.consts = append(b.out.consts, v*(1-z), -v*z)
		b.factor(z, v)
		return
	}
	b.last[d.slot] = int32(level + 1)
	if b.pair(child) {
		s.kind, s.above, s.slot2 = stepTwig, uint32(child), b.tree.nodes[child].slot
		b.add(s, level, true)
		b.factor(z, 1)
		b.leaves(child)
		b.followed(z)
	} else {
		s.kind = stepDown
		b.add(s, level, false)
		b.factor(z, 1)
		b.shares[level+1], b.first[level+1] = z, true
		b.node(child, level+1)
		s.kind = stepUp
		b.add(s, level, true)
		b.followed(z)
	}
	b.last[d.slot] = 0
}

// again is an edge whose feature stands on the path already: what is known then is relative to the edge above, of share y.
func (b *builder) again(s step, child int32, ratio float64, level int) {
	y := b.shares[s.above]
	z := ratio * y
	factors := func(scale float64) {
		for _, t := range b.rule.t {
			b.out.consts = append(b.out.consts, scale*(t+(1-t)*z)/(t+(1-t)*y))
		}
		for _, t := range b.rule.t {
			b.out.consts = append(b.out.consts, scale*((1-t)*z)/(t+(1-t)*y))
		}
		for range b.rule.t {
			b.out.consts = append(b.out.consts, scale*ratio)
		}
	}
	adds := func() {
		for _, t := range b.rule.t {
			b.out.consts = append(b.out.consts, (1-z)/(t+(1-t)*z)-(1-y)/(t+(1-t)*y))
		}
		for _, t := range b.rule.t {
			b.out.consts = append(b.out.consts, -1/(1-t)-(1-y)/(t+(1-t)*y))
		}
		for range b.rule.t {
			b.out.consts = append(b.out.consts, 0)
		}
	}
	if child < 0 {
		s.kind = stepLeafAgain
		b.add(s, level, true)
		factors(b.value(child))
		adds()
		return
	}
	s.kind = stepDownAgain
	b.add(s, level, false)
	factors(1)
	b.shares[level+1], b.first[level+1], b.last[s.slot] = z, true, int32(level+1)
	b.node(child, level+1)
	b.last[s.slot] = int32(s.above)
	s.kind = stepUpAgain
	b.add(s, level, true)
	adds()
}

// rule is a Gauss-Legendre rule on [0, 1].
type rule struct {
	t       []float64
	weights []float64 // and behind them, what an edge that isn't followed adds: -1/(1-t)
}

// points are the rules that there are kernels for.
var points = [...]int{1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32}

// pointsFor is the smallest rule that is exact for so many features on a path. More than 64 of them need none that is larger: their
// shares multiply to that of a leaf, so that nearly all are near 1 and the integrand is smooth.
func pointsFor(features int) int {
	for _, p := range points {
		if 2*p >= features {
			return p
		}
	}
	return points[len(points)-1]
}

var rules = sync.OnceValue(func() map[int]*rule {
	all := map[int]*rule{}
	for _, p := range points {
		all[p] = newRule(p)
	}
	return all
})

func ruleOf(points int) *rule { return rules()[points] }

// newRule finds the roots of the Legendre polynomial by Newton's method, from below half on by their symmetry: 1-t is exact then.
func newRule(n int) *rule {
	r := &rule{t: make([]float64, n), weights: make([]float64, 2*n)}
	for i := range n {
		x, slope := math.Cos(math.Pi*(float64(i)+0.75)/(float64(n)+0.5)), 0.0
		for range 100 {
			before, p := 1.0, x
			for k := 2; k <= n; k++ {
				before, p = p, ((2*float64(k)-1)*x*p-(float64(k)-1)*before)/float64(k)
			}
			if n == 1 {
				before, p = 1, x
			}
			slope = float64(n) * (x*p - before) / (x*x - 1)
			step := p / slope
			if x -= step; math.Abs(step) < 1e-17 {
				break
			}
		}
		r.t[i] = (x + 1) / 2
		r.weights[i] = 1 / ((1 - x*x) * slope * slope)
		r.weights[n+i] = -1 / (1 - r.t[i])
	}
	return r
}
