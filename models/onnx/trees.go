package onnx

import (
	"math"
	"slices"
	"sync"

	"dsql/models/batch"
	"dsql/models/forest"
)

// TreeEnsembleClassifier and TreeEnsembleRegressor of ai.onnx.ml. The trees are scored by models/forest; what happens
// to the sums is as onnxruntime has it.

func treeOps(ops operators) {
	ops["ai.onnx.ml.TreeEnsembleClassifier"] = func(n *node, v *compiler) kernel { return treeClassifier(n, v.kernel) }
	ops["ai.onnx.ml.TreeEnsembleRegressor"] = func(n *node, v *compiler) kernel { return treeRegressor(n, v.kernel) }
}

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
	b := treeBuilder{f: f, weights: weights, place: make([]int, count)}
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
			d := forest.Node{Feature: int(features[i]), Threshold: t, Left: child(yes[i]), Right: child(no[i]), MissingLeft: i < len(missing) && missing[i] != 0}
			turn := false
			switch modes[i] {
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
				fail("node %d of tree %d has the mode %q, which is not supported", ids[i], trees[i], modes[i])
			}
			if turn {
				d.Left, d.Right, d.MissingLeft = d.Right, d.Left, !d.MissingLeft
			}
			return d
		}, func(i int) bool { return modes[i] == "LEAF" })
	}
	if apart {
		f.Outputs = len(f.Trees)
	}
	f.Base = make([]float64, f.Outputs)
	return f
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
			continue
		}
		for _, w := range b.weights[i] {
			v := &t.Leaves[^b.place[i]*t.Width+w.output-t.Output]
			*v += w.value
		}
	}
	if isLeaf(members[0]) { // the root
		t.Nodes, t.Leaves = nil, t.Leaves[:t.Width]
	}
	t.Output += b.shift
	b.f.Trees = append(b.f.Trees, t)
}

// sums adds up the trees for a matrix.
func (e *ensemble) sums(c *call) (sums []float64, rows int) {
	x, t, rows, width := c.matrix(0)
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

// treeRegressor sums, averages or takes the extreme of its trees' values.
func treeRegressor(n *node, scoring string) kernel {
	k, p, base := int(n.int("n_targets", 1)), postOf(n), n.numbers("base_values")
	aggregate := n.text("aggregate_function", "SUM")
	apart := false
	switch aggregate {
	case "SUM", "AVERAGE":
	case "MIN", "MAX":
		if apart = true; k != 1 {
			fail("the aggregate_function %s of %d targets is not supported", aggregate, k)
		}
	default:
		fail("the aggregate_function %q is unknown", aggregate)
	}
	e := ensembleOf(n, "target", k, apart, scoring)
	return func(c *call) {
		kind := c.need(0).Kind
		v, rows := e.sums(c)
		s := e.scorer(kind)
		round := f32
		if kind == Double {
			round = func(x float64) float64 { return x }
		}
		o := c.out(0, Float, rows, k)
		for r := range rows {
			row := v[r*s.Outputs() : (r+1)*s.Outputs()]
			switch aggregate {
			case "MIN":
				row[0] = slices.Min(row)
			case "MAX":
				row[0] = slices.Max(row)
			case "AVERAGE":
				for i := range row {
					row[i] = round(row[i] / float64(s.Trees()))
				}
			}
			row = row[:k]
			if len(base) == k {
				for i, b := range base {
					row[i] = round(row[i] + b)
				}
			}
			p.apply(row, -1, o.F[r*k:r*k+k])
		}
		o.Kind.round(o.F)
	}
}

// treeClassifier: weights of one class out of two are of the positive one, and both scores are made of its score.
func treeClassifier(n *node, scoring string) kernel {
	labels, p, base := classesOf(n), postOf(n), n.numbers("base_values")
	k := labels.len()
	e := ensembleOf(n, "class", k, false, scoring)
	has, positive := make([]bool, k), true
	for i, w := range n.numbers("class_weights") {
		if id := n.ints("class_ids")[i]; id >= 0 && id < int64(k) {
			has[id] = true
		}
		positive = positive && w >= 0
	}
	m := binaryTrees{base: base, binary: k == 2 && has[0] != has[1], positive: positive}
	if k == 2 {
		m.has = [2]bool{has[0], has[1]}
	}
	if !m.binary && k <= 2 { // onnxruntime then gives the numbers 1 and 0, whatever the labels
		if labels.ints != nil {
			labels.ints = []int64{0, 1}
		}
	}
	return func(c *call) {
		v, rows := e.sums(c)
		set := labels.output(c, rows)
		o := c.out(1, Float, rows, k)
		room := make([]float64, max(2, k))
		for r := range rows {
			row := v[r*k : r*k+k]
			if k > 2 {
				set(r, m.many(row, has))
				p.apply(row, -1, o.F[r*k:r*k+k])
				continue
			}
			scores, class, second := m.few(row)
			set(r, class)
			p.apply(scores, second, room)
			copy(o.F[r*k:r*k+k], room)
		}
		o.Kind.round(o.F)
	}
}

type binaryTrees struct {
	base     []float64
	has      [2]bool // a leaf has a weight for the class
	binary   bool    // two classes, weights for one of them
	positive bool    // no weight is negative
}

// many adds the base and picks the class with the largest score.
func (m *binaryTrees) many(row []float64, has []bool) int {
	best := -1
	for i := range row {
		if i < len(m.base) {
			row[i] = f32(row[i] + m.base[i])
		} else if !has[i] {
			continue
		}
		if best < 0 || row[i] > row[best] {
			best = i
		}
	}
	return max(best, 0)
}

// few is for one or two classes: the scores, the class, and how a single score becomes two (see post).
func (m *binaryTrees) few(row []float64) (scores []float64, class, second int) {
	second = -1
	has0, has1 := m.has[0], m.has[1]
	scores = row
	switch {
	case len(row) == 1:
		has0 = true
		if len(m.base) == 1 {
			row[0] = f32(row[0] + m.base[0])
		}
	case len(m.base) == 2 && has1:
		row[1] = f32(m.base[1] + row[0])
		row[0] = -row[1]
	case len(m.base) == 2:
		row[0], row[1] = f32(row[0]+m.base[0]), f32(row[1]+m.base[1])
	default:
		if len(m.base) == 1 {
			row[0] = f32(row[0] + m.base[0])
		} else {
			second = 2
		}
		if !has1 {
			scores = row[:1]
		}
	}
	weight := 0.0
	switch {
	case len(scores) == 2 && has1:
		weight = scores[1]
	case has0:
		weight = scores[0]
	}
	for i := range scores {
		if len(scores) == 2 && !m.has[i] { // a base value alone is no score
			scores[i] = 0
		}
	}
	limit := 0.0
	if m.binary {
		if second = 2; m.positive {
			second, limit = 0, 0.5
		}
	}
	return scores, int(truth(weight > limit)), second
}
