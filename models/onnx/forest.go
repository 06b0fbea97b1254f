package onnx

import (
	"math"
	"sync"

	"dsql/models/batch"
	"dsql/models/forest"
)

// ensemble is a forest made from a node's attributes, in the precision of its input: its kind is known when it runs.
type ensemble struct {
	build  func(forest.Values) *forest.Scorer
	once   [2]sync.Once
	single *forest.Scorer
	double *forest.Scorer
}

func (e *ensemble) scorer(k Kind) *forest.Scorer {
	if k == Double {
		e.once[1].Do(func() { e.double = e.build(forest.Double) })
		return e.double
	}
	e.once[0].Do(func() { e.single = e.build(forest.Single) })
	return e.single
}

// numbers is an attribute of floats, or the tensor that newer versions have beside it for doubles.
func (n *node) numbers(name string) []float64 {
	if t := n.tensor(name + "_as_tensor"); t != nil {
		return asFloats(t)
	}
	return n.floats(name)
}

type treeNode struct{ tree, node int64 }

// ensembleOf reads the nodes; prefix is that of the leaves' attributes, class or target.
func ensembleOf(n *node, prefix string, outputs int, apart bool, scoring string) *ensemble {
	return &ensemble{build: func(v forest.Values) *forest.Scorer {
		s, err := forest.New(forestOf(n, prefix, outputs, apart, v), scoring)
		if err != nil {
			fail("%v", err)
		}
		return s
	}}
}

func forestOf(n *node, prefix string, outputs int, apart bool, kind forest.Values) *forest.Forest {
	ids, trees := n.ints("nodes_nodeids"), n.ints("nodes_treeids")
	features, values, modes := n.ints("nodes_featureids"), n.numbers("nodes_values"), n.texts("nodes_modes")
	yes, no, missing := n.ints("nodes_truenodeids"), n.ints("nodes_falsenodeids"), n.ints("nodes_missing_value_tracks_true")
	count := len(ids)
	for _, l := range [...]int{len(trees), len(features), len(values), len(modes), len(yes), len(no)} {
		if l != count || count == 0 {
			fail("its attributes of nodes have different lengths, or none")
		}
	}
	if outputs < 1 || outputs > forest.MaxOutputs {
		fail("it has %d outputs", outputs)
	}
	at := make(map[treeNode]int, count)
	for i := range ids {
		id := treeNode{trees[i], ids[i]}
		if _, ok := at[id]; ok {
			fail("node %d of tree %d is there twice", id.node, id.tree)
		}
		at[id] = i
	}
	weights := leafWeights(n, prefix, at, outputs)
	f := &forest.Forest{Outputs: outputs, Values: kind}
	for _, x := range features {
		if x < 0 || x > 1<<24 {
			fail("it has the feature %d", x)
		}
		f.Features = max(f.Features, int(x)+1)
	}
	b := treeBuilder{f: f, weights: weights, place: make([]int, count), ids: ids}
	if rates := n.numbers("nodes_hitrates"); len(rates) == count {
		b.rates = rates
	}
	var members []int // the nodes of the tree being read; a tree's nodes stand together, its root first
	for i := 0; i < count; {
		members = members[:0]
		for t := trees[i]; i < count && trees[i] == t; i++ {
			members = append(members, i)
		}
		if apart { // each tree has an output of its own
			b.shift = len(f.Trees)
		}
		b.tree(members, func(i int) forest.Node {
			child := func(id int64) int {
				k, ok := at[treeNode{trees[i], id}]
				if !ok {
					fail("node %d of tree %d has the child %d, which is not there", ids[i], trees[i], id)
				}
				return k
			}
			if math.IsNaN(values[i]) {
				fail("node %d of tree %d compares with NaN", ids[i], trees[i])
			}
			t := values[i]
			if kind == forest.Single {
				t = f32(t)
			}
			d := forest.Node{Feature: int(features[i]), Threshold: t, Left: child(yes[i]), Right: child(no[i]),
				MissingLeft: i < len(missing) && missing[i] != 0}
			if !b.compare(&d, modes[i]) {
				fail("node %d of tree %d has the mode %q, which is not supported", ids[i], trees[i], modes[i])
			}
			return d
		}, func(i int) bool { return modes[i] == "LEAF" })
	}
	if apart {
		f.Outputs = len(f.Trees)
	}
	f.Base = make([]float64, f.Outputs)
	if b.rates != nil && !b.addUp() {
		f.Unexplained = "its nodes' hit rates (nodes_hitrates) are not the sums of their children's: how many training rows each had isn't known"
	}
	return f
}

// addUp: each node had the rows of its children.
func (b *treeBuilder) addUp() bool {
	for i := range b.f.Trees {
		t := &b.f.Trees[i]
		had := func(child int) float64 {
			if child < 0 {
				return t.LeafCover[^child]
			}
			return t.Cover[child]
		}
		for n, d := range t.Nodes {
			if !(math.Abs(t.Cover[n]-had(d.Left)-had(d.Right)) <= 1e-3*t.Cover[n]) {
				return false
			}
		}
	}
	return true
}

type weight struct {
	output int
	value  float64
}

func leafWeights(n *node, prefix string, at map[treeNode]int, outputs int) map[int][]weight {
	ids, nodes, trees, values := n.ints(prefix+"_ids"), n.ints(prefix+"_nodeids"), n.ints(prefix+"_treeids"), n.numbers(prefix+"_weights")
	if len(nodes) != len(ids) || len(trees) != len(ids) || len(values) != len(ids) {
		fail("its attributes of leaves have different lengths")
	}
	out := map[int][]weight{}
	for i, id := range ids {
		k, ok := at[treeNode{trees[i], nodes[i]}]
		if !ok || id < 0 || id >= int64(outputs) {
			fail("a leaf's weight is for output %d and node %d of tree %d, which are not there", id, nodes[i], trees[i])
		}
		out[k] = append(out[k], weight{int(id), values[i]})
	}
	return out
}

type treeBuilder struct {
	f       *forest.Forest
	weights map[int][]weight
	place   []int // node → inner node of its tree, or ^leaf
	ids     []int64
	rates   []float64 // hit rates; nil: there are none
	shift   int
}

func (b *treeBuilder) below(t float64) float64 {
	if math.IsInf(t, -1) {
		return math.NaN()
	}
	if b.f.Values == forest.Single {
		return float64(math.Nextafter32(float32(t), float32(math.Inf(-1))))
	}
	return math.Nextafter(t, math.Inf(-1))
}

// tree adds a tree. It has one value a leaf when all its leaves are for the same output, else one for every output.
func (b *treeBuilder) tree(members []int, inner func(i int) forest.Node, isLeaf func(i int) bool) {
	t := forest.Tree{Width: 1, Output: -1}
	leaves, nodes := 0, 0
	for _, i := range members {
		if !isLeaf(i) {
			b.place[i] = nodes
			nodes++
			continue
		}
		b.place[i] = ^leaves
		leaves++
		t.Names = append(t.Names, int32(b.ids[i]))
		if b.rates != nil {
			t.LeafCover = append(t.LeafCover, b.rates[i])
		}
		for _, w := range b.weights[i] {
			switch {
			case t.Output < 0:
				t.Output = w.output
			case t.Output != w.output:
				t.Width = b.f.Outputs
			}
		}
	}
	if t.Width > 1 || t.Output < 0 {
		t.Output = 0
	}
	if leaves == 0 || leaves*t.Width > maxElements {
		fail("a tree has %d leaves of %d values", leaves, t.Width)
	}
	t.Leaves = make([]float64, leaves*t.Width)
	for _, i := range members {
		if !isLeaf(i) {
			d := inner(i)
			d.Left, d.Right = b.place[d.Left], b.place[d.Right]
			t.Nodes = append(t.Nodes, d)
			if b.rates != nil {
				t.Cover = append(t.Cover, b.rates[i])
			}
			continue
		}
		for _, w := range b.weights[i] {
			v := &t.Leaves[^b.place[i]*t.Width+w.output-t.Output]
			*v += w.value
		}
	}
	if isLeaf(members[0]) { // the root
		t.Nodes, t.Cover, t.Leaves, t.Names = nil, nil, t.Leaves[:t.Width], t.Names[:1]
	}
	t.Output += b.shift
	b.f.Trees = append(b.f.Trees, t)
}

// sums adds up the trees for a matrix.
func (e *ensemble) sums(c *call) (sums []float64, rows int) {
	x, t, rows, width := c.matrix()
	s := e.scorer(t.Kind)
	if width < s.Features() {
		fail("it uses %d features, its input has %d", s.Features(), width)
	}
	cols := make([]batch.Column, s.Features())
	for i := range cols {
		if len(x) > i {
			cols[i] = batch.Column{Values: &x[i], Stride: width}
		}
	}
	sums = make([]float64, rows*s.Outputs())
	if rows > 0 {
		if err := s.Score(cols, rows, sums); err != nil {
			fail("%v", err)
		}
	}
	return sums, rows
}

// compare makes a node, whose left child is that of a test that holds, one of the two tests that forests have. false: of no known mode.
func (b *treeBuilder) compare(d *forest.Node, mode string) bool {
	turn := false
	switch mode {
	case "BRANCH_LEQ":
	case "BRANCH_GT":
		turn = true
	case "BRANCH_LT":
		d.Threshold = b.below(d.Threshold)
	case "BRANCH_GTE":
		d.Threshold, turn = b.below(d.Threshold), true
	case "BRANCH_EQ":
		d.Test = forest.Equal
	case "BRANCH_NEQ": // which holds for NaN
		d.Test, turn, d.MissingLeft = forest.Equal, true, true
	default:
		return false
	}
	if turn {
		d.Left, d.Right, d.MissingLeft = d.Right, d.Left, !d.MissingLeft
	}
	return true
}
