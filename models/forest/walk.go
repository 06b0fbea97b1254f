package forest

import "math"

// walker walks each tree for each row: plain, fast for a few rows, and the reference for the quick scorer.
//
// A tree's nodes lie in preorder and its leaves are numbered from left to right, so that a node is small: its left
// child, when it is no leaf, stands next to it, and with the number of leaves that lie left of a node goes the number
// of the leaf that is reached.
type walker struct {
	values Values
	nodes  []walkNode
	roots  []walkTree
	leaves []float64
	linear []walkLinear
	sets   []Set
}

type walkNode struct {
	threshold float64 // of a set: its number
	skip      uint32  // nodes from here to the right child; as many leaves lie in the left subtree
	column    uint32  // index into the used features, and flags
}

// Flags of a walkNode's column.
const (
	walkMissingLeft = 1 << 31
	walkZeroMissing = 1 << 30
	walkEqual       = 1 << 29
	walkInSet       = 1 << 28
	walkRightLeaf   = 1 << 27 // the right child is a leaf
	walkColumn      = 1<<27 - 1
)

type walkTree struct {
	node   int32 // first node, -1: leaf 0 for all
	leaf   int32 // first of its values in leaves
	linear int32 // first of its leaves' models, -1: none
	output int32
	width  int32
}

type walkLinear struct {
	constant float64
	columns  []int32
	coef     []float64
}

func newWalker(f *Forest, used []int) walker {
	w := walker{values: f.Values, sets: f.Sets}
	column := make(map[int]uint32, len(used))
	for i, x := range used {
		column[x] = uint32(i)
	}
	for i := range f.Trees {
		t := &f.Trees[i]
		root := walkTree{node: -1, leaf: int32(len(w.leaves)), linear: -1, output: int32(t.Output), width: int32(t.Width)}
		if len(t.Nodes) > 0 {
			root.node = int32(len(w.nodes))
		}
		if len(t.Linear) > 0 {
			root.linear = int32(len(w.linear))
		}
		_, leaves := spansOf(t)
		for _, l := range leaves {
			w.leaves = append(w.leaves, t.Leaves[l*t.Width:(l+1)*t.Width]...)
			if len(t.Linear) > 0 {
				m := walkLinear{constant: t.Linear[l].Const, coef: t.Linear[l].Coef}
				for _, x := range t.Linear[l].Feature {
					m.columns = append(m.columns, int32(column[x]))
				}
				w.linear = append(w.linear, m)
			}
		}
		w.lay(t, column)
		w.roots = append(w.roots, root)
	}
	return w
}

// lay adds a tree's nodes in preorder.
func (w *walker) lay(t *Tree, column map[int]uint32) {
	if len(t.Nodes) == 0 {
		return
	}
	type todo struct{ node, parent int } // parent: of which it is the right child; -1: the root or a left child
	stack := []todo{{0, -1}}
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		at := len(w.nodes)
		if s.parent >= 0 {
			w.nodes[s.parent].skip = uint32(at - s.parent)
		}
		if s.node < 0 {
			w.nodes[s.parent].column |= walkRightLeaf
			continue
		}
		d := &t.Nodes[s.node]
		n := walkNode{threshold: d.Threshold, column: column[d.Feature]}
		for _, flag := range []struct {
			on  bool
			bit uint32
		}{{d.MissingLeft, walkMissingLeft}, {d.ZeroMissing && d.Test == AtMost, walkZeroMissing}, {d.Test == Equal, walkEqual},
			{d.Test == InSet, walkInSet}} {
			if flag.on {
				n.column |= flag.bit
			}
		}
		if d.Test == InSet {
			n.threshold = float64(d.Set)
		}
		w.nodes = append(w.nodes, n)
		stack = append(stack, todo{d.Right, at})
		if d.Left >= 0 {
			stack = append(stack, todo{d.Left, -1})
		}
	}
}

// leaf is the leaf of a tree that a row reaches, from left to right; x[column·stride] is the row's value.
func (w *walker) leaf(t walkTree, x []float64, stride int) int32 {
	if t.node < 0 {
		return 0
	}
	leaf := uint32(0)
	for n := uint32(t.node); ; {
		d := &w.nodes[n]
		v := x[int(d.column&walkColumn)*stride]
		left := v <= d.threshold
		if d.column&(walkZeroMissing|walkEqual|walkInSet) != 0 || v != v {
			left = w.other(d, v)
		}
		if left {
			if d.skip == 1 {
				return int32(leaf)
			}
			n++
			continue
		}
		leaf += d.skip
		if d.column&walkRightLeaf != 0 {
			return int32(leaf)
		}
		n += d.skip
	}
}

// other says where a value goes that is missing, or whose node does more than compare.
func (w *walker) other(d *walkNode, v float64) bool {
	switch {
	case v != v || d.column&walkZeroMissing != 0 && v == 0:
		return d.column&walkMissingLeft != 0
	case d.column&walkEqual != 0:
		return v == d.threshold
	case d.column&walkInSet != 0:
		return w.sets[int(d.threshold)].Has(w.values.category(v))
	}
	return v <= d.threshold
}

// tile scores rows of prepared values, stride apart from feature to feature, into sums, output by output.
func (w *walker) tile(x []float64, stride, rows int, base, sums []float64) {
	start(sums, base, rows)
	for _, t := range w.roots {
		w.tree(t, x, stride, rows, sums)
	}
}

// tree adds one tree's values.
func (w *walker) tree(t walkTree, x []float64, stride, rows int, sums []float64) {
	for r := range rows {
		l := w.leaf(t, x[r:], stride)
		if t.linear >= 0 {
			sums[int(t.output)*TileRows+r] += w.linear[t.linear+l].value(x[r:], stride, w.leaves[t.leaf+l])
			continue
		}
		v := w.leaves[t.leaf+l*t.width:][:t.width]
		for k, y := range v {
			p := &sums[(int(t.output)+k)*TileRows+r]
			if w.values == Single {
				*p = float64(float32(*p) + float32(y))
			} else {
				*p += y
			}
		}
	}
}

// start fills in the values that trees are added to.
func start[T float32 | float64](sums []T, base []float64, rows int) {
	for o, b := range base {
		s := sums[o*TileRows : o*TileRows+rows]
		for r := range s {
			s[r] = T(b)
		}
	}
}

func (m *walkLinear) value(x []float64, stride int, otherwise float64) float64 {
	y := m.constant
	for i, c := range m.columns {
		v := x[int(c)*stride]
		if math.IsNaN(v) {
			return otherwise
		}
		// The product is rounded before it is added: no fused operation, as in the library's own build.
		y += float64(m.coef[i] * v)
	}
	return y
}
