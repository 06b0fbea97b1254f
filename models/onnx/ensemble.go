package onnx

import (
	"math"

	"dsql/models/forest"
)

// TreeEnsemble of ai.onnx.ml 5: trees whose nodes name their children by place, inner ones and leaves apart.

func ensembleOps(ops operators) {
	ops["ai.onnx.ml.TreeEnsemble"] = func(n *node, v *compiler) kernel { return treeEnsemble(n, v.kernel) }
}

// Aggregates and modes of nodes, by number.
const (
	average = 0
	lowest  = 2
	highest = 3

	modeMember = 6
)

func treeEnsemble(n *node, scoring string) kernel {
	k := int(n.int("n_targets", 1))
	posts := [...]post{"NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"} // as onnxruntime numbers them; the standard has SOFTMAX first
	p, aggregate := n.int("post_transform", 0), n.int("aggregate_function", 1)
	if p < 0 || p >= int64(len(posts)) || aggregate < average || aggregate > highest {
		fail("the post_transform %d or the aggregate_function %d is unknown", p, aggregate)
	}
	apart := aggregate >= lowest
	if apart && k != 1 {
		fail("the aggregate_function %d of %d targets is not supported", aggregate, k)
	}
	e := &ensemble{build: func(v forest.Values) *forest.Scorer {
		b := placedTrees{node: n, kind: v, outputs: k, apart: apart}
		s, err := forest.New(b.forest(), scoring)
		if err != nil {
			fail("%v", err)
		}
		return s
	}}
	return func(c *call) {
		kind := c.need(0).Kind
		v, rows := e.sums(c)
		s := e.scorer(kind)
		o := c.out(0, kind, rows, k)
		for r := range rows {
			row := v[r*s.Outputs() : (r+1)*s.Outputs()]
			switch aggregate {
			case average:
				for i := range row {
					row[i] /= float64(s.Trees())
				}
				kind.round(row)
			case lowest, highest:
				for _, x := range row[1:] {
					if aggregate == lowest && x < row[0] || aggregate == highest && x > row[0] {
						row[0] = x
					}
				}
			}
			posts[p].apply(row[:k], -1, o.F[r*k:r*k+k])
		}
		o.Kind.round(o.F)
	}
}

// placedTrees reads the attributes.
type placedTrees struct {
	node    *node
	kind    forest.Values
	outputs int
	apart   bool // each tree has an output of its own

	features, yes, no, yesLeaf, noLeaf, missing, targets []int64
	splits, modes, weights                               []float64
	members                                              [][]float64 // by node
	tree                                                 *forest.Tree
	left                                                 int // nodes that may still be made
}

func (b *placedTrees) read() {
	n := b.node
	numbers := func(name string) []float64 {
		if t := n.tensor(name); t != nil {
			return asFloats(t)
		}
		return nil
	}
	b.features, b.yes, b.no = n.ints("nodes_featureids"), n.ints("nodes_truenodeids"), n.ints("nodes_falsenodeids")
	b.yesLeaf, b.noLeaf = n.ints("nodes_trueleafs"), n.ints("nodes_falseleafs")
	b.missing, b.targets = n.ints("nodes_missing_value_tracks_true"), n.ints("leaf_targetids")
	b.splits, b.modes, b.weights = numbers("nodes_splits"), numbers("nodes_modes"), numbers("leaf_weights")
	count := len(b.features)
	for _, l := range [...]int{len(b.yes), len(b.no), len(b.yesLeaf), len(b.noLeaf), len(b.splits), len(b.modes)} {
		if l != count || count == 0 {
			fail("its attributes of nodes have different lengths, or none")
		}
	}
	if len(b.targets) != len(b.weights) || len(b.targets) == 0 {
		fail("its attributes of leaves have different lengths, or none")
	}
	b.members, b.left = make([][]float64, count), 1<<22
	sets := numbers("membership_values") // each ends with NaN
	for i, m := range b.modes {
		if m != modeMember {
			continue
		}
		for len(sets) > 0 && !math.IsNaN(sets[0]) {
			b.members[i], sets = append(b.members[i], sets[0]), sets[1:]
		}
		if len(sets) == 0 {
			fail("node %d has no membership_values", i)
		}
		sets = sets[1:]
	}
}

func (b *placedTrees) forest() *forest.Forest {
	b.read()
	roots := b.node.ints("tree_roots")
	f := &forest.Forest{Outputs: b.outputs, Values: b.kind}
	if b.outputs < 1 || b.outputs > forest.MaxOutputs || b.apart && len(roots) > forest.MaxOutputs {
		fail("it has %d outputs", b.outputs)
	}
	for _, x := range b.features {
		if x < 0 || x > 1<<24 {
			fail("it has the feature %d", x)
		}
		f.Features = max(f.Features, int(x)+1)
	}
	for _, root := range roots {
		b.tree = &forest.Tree{Width: b.outputs}
		if b.apart {
			b.tree.Output = len(f.Trees)
		}
		if at := b.place(root); b.yesLeaf[at] != 0 && b.noLeaf[at] != 0 && b.yes[at] == b.no[at] { // a tree of one leaf
			b.leaf(b.yes[at])
		} else {
			b.inner(root, 0)
		}
		f.Trees = append(f.Trees, *b.tree)
	}
	if b.apart {
		f.Outputs = len(f.Trees)
	}
	f.Base = make([]float64, f.Outputs)
	return f
}

func (b *placedTrees) place(at int64) int {
	if at < 0 || at >= int64(len(b.features)) {
		fail("node %d is not among its %d nodes", at, len(b.features))
	}
	return int(at)
}

// leaf adds a leaf, and gives it as a child.
func (b *placedTrees) leaf(at int64) int {
	if at < 0 || at >= int64(len(b.weights)) || b.targets[at] < 0 || b.targets[at] >= int64(b.outputs) {
		fail("leaf %d is not among its %d leaves, or not for one of %d targets", at, len(b.weights), b.outputs)
	}
	n := len(b.tree.Leaves) / b.tree.Width
	if len(b.tree.Leaves) > maxElements-b.tree.Width {
		fail("a tree has %d leaves of %d values", n, b.tree.Width)
	}
	b.tree.Leaves = append(b.tree.Leaves, make([]float64, b.tree.Width)...)
	b.tree.Leaves[n*b.tree.Width+int(b.targets[at])] = b.weights[at]
	return ^n
}

func (b *placedTrees) child(at, isLeaf int64, depth int) int {
	if isLeaf != 0 {
		return b.leaf(at)
	}
	return b.inner(at, depth+1)
}

// inner adds a node and all below it, and gives it as a child. One that asks for several values becomes as many nodes.
func (b *placedTrees) inner(at int64, depth int) int {
	i := b.place(at)
	asked := max(1, len(b.members[i]))
	if b.left -= asked; b.left < 0 || depth > 1<<16 {
		fail("its nodes are their own ancestors, or more than %d", 1<<22)
	}
	values := b.members[i]
	if b.modes[i] != modeMember {
		values = []float64{b.splits[i]}
	}
	if len(values) == 0 { // of no set: false, but for what is missing
		values = []float64{math.Inf(1)}
	}
	first := len(b.tree.Nodes)
	for k, v := range values {
		if math.IsNaN(v) {
			fail("node %d compares with NaN", at)
		}
		if b.kind == forest.Single {
			v = f32(v)
		}
		d := forest.Node{Feature: int(b.features[i]), Threshold: v, MissingLeft: k == 0 && i < len(b.missing) && b.missing[i] != 0}
		n := len(b.tree.Nodes)
		b.tree.Nodes = append(b.tree.Nodes, d)
		turn := b.mode(&d, i)
		left := b.child(b.yes[i], b.yesLeaf[i], depth)
		right := len(b.tree.Nodes)
		if k == len(values)-1 {
			right = b.child(b.no[i], b.noLeaf[i], depth)
		}
		d.Left, d.Right = left, right
		if turn {
			d.Left, d.Right, d.MissingLeft = right, left, !d.MissingLeft
		}
		b.tree.Nodes[n] = d
	}
	return first
}

// mode sets what a node asks, and says whether yes and no are turned around.
func (b *placedTrees) mode(d *forest.Node, i int) (turn bool) {
	below := (&treeBuilder{f: &forest.Forest{Values: b.kind}}).below
	switch b.modes[i] {
	case 0:
	case 1:
		d.Threshold = below(d.Threshold)
	case 2:
		d.Threshold, turn = below(d.Threshold), true
	case 3:
		turn = true
	case 4, modeMember:
		d.Test = forest.Equal
	case 5: // which holds for NaN
		d.Test, turn, d.MissingLeft = forest.Equal, true, true
	default:
		fail("node %d has the mode %v, which is unknown", i, b.modes[i])
	}
	return turn
}
