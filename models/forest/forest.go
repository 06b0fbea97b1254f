// Package forest scores ensembles of decision trees over columns of values.
//
// It owns the one form into which every model format is brought (Forest), its validation, and two scorers that agree
// bit for bit: a plain walk, the reference, and a quantised bit-plane scorer. It knows nothing of file formats, links
// or class labels.
package forest

import (
	"fmt"
	"math"
)

// Values says how a feature's value is prepared before it is compared, and in which precision leaves are added.
type Values uint8

const (
	// Double compares and adds float64.
	Double Values = iota
	// LightGBM is Double, but |x| ≤ 1.0000000180025095e-35 is 0, as its dense rows have it.
	LightGBM
	// Single rounds values to float32 before they are compared, and adds in float32, tree by tree.
	Single
)

// TinyLightGBM is the magnitude up to which LightGBM takes a value as zero (kZeroThreshold, the float32 1e-35).
const TinyLightGBM = 1.0000000180025095e-35

// Test is what a node asks of a value.
type Test uint8

const (
	AtMost Test = iota // x ≤ Threshold goes left
	Equal              // x = Threshold goes left
	InSet              // the category x, an integer, is in Sets[Set]: left
)

// Node is an inner node. A child c ≥ 0 is the node c of the same tree, c < 0 is the leaf ^c.
type Node struct {
	Feature     int
	Test        Test
	Threshold   float64
	Set         int  // InSet: index into Forest.Sets
	MissingLeft bool // where NaN goes
	ZeroMissing bool // AtMost: 0 goes where NaN goes
	Left, Right int
}

// Linear is the model in one leaf: Const + Σ Coef[i]·x[Feature[i]], added in this order. Where one of its features is
// missing the leaf's constant value stands.
type Linear struct {
	Const   float64
	Feature []int
	Coef    []float64
}

// Tree adds Width values of the reached leaf to the outputs from Output on.
// Leaf l has the values Leaves[l·Width : (l+1)·Width]. Without nodes leaf 0 is reached by all rows.
type Tree struct {
	Nodes  []Node
	Leaves []float64
	Output int
	Width  int
	Linear []Linear // empty, or one a leaf; Width is 1 then

	// Cover is how many training rows each node had, or their weight, and LeafCover each leaf: what Explain needs.
	Cover, LeafCover []float64
	// Names are the numbers that the model's library gives to leaves; nil: those in Leaves.
	Names []int32
}

// Forest is the sum of its trees on top of Base, one value an output.
type Forest struct {
	Features int
	Outputs  int
	Values   Values
	Base     []float64
	Trees    []Tree
	Sets     []Set
	// Unexplained is why it can't be told what each feature adds; "": it can.
	Unexplained string
}

// MaxOutputs bounds the outputs of a forest, and with them a scorer's memory (256 rows of float64 an output).
const MaxOutputs = 1 << 14

// maxNodes keeps indices of nodes and leaf values in an int32.
const maxNodes = math.MaxInt32

// validate reports what makes f no forest: indices out of range, and nodes that are not reached exactly once from
// their tree's root or not at all (an unreachable node is no error: XGBoost leaves pruned ones behind).
func (f *Forest) validate() error {
	if f.Outputs < 1 || f.Outputs > MaxOutputs {
		return fmt.Errorf("%d outputs, supported are 1 to %d", f.Outputs, MaxOutputs)
	}
	if len(f.Base) != f.Outputs {
		return fmt.Errorf("%d base values for %d outputs", len(f.Base), f.Outputs)
	}
	nodes, leaves := 0, 0
	var stack []int
	for i := range f.Trees {
		t := &f.Trees[i]
		if err := f.validateTree(t, &stack); err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		nodes, leaves = nodes+len(t.Nodes), leaves+len(t.Leaves)
	}
	if nodes > maxNodes || leaves > maxNodes {
		return fmt.Errorf("%d nodes and %d leaf values, supported are %d", nodes, leaves, maxNodes)
	}
	return nil
}

func (f *Forest) validateTree(t *Tree, stack *[]int) error {
	if t.Width < 1 || t.Output < 0 || t.Output > f.Outputs-t.Width {
		return fmt.Errorf("its outputs %d to %d are not among the model's %d", t.Output, t.Output+t.Width-1, f.Outputs)
	}
	leaves := len(t.Leaves) / t.Width
	if leaves < 1 || leaves*t.Width != len(t.Leaves) {
		return fmt.Errorf("%d leaf values do not make leaves of %d", len(t.Leaves), t.Width)
	}
	if len(t.Linear) > 0 && (t.Width != 1 || len(t.Linear) != leaves) {
		return fmt.Errorf("%d linear leaves for %d leaves", len(t.Linear), leaves)
	}
	for l, m := range t.Linear {
		if len(m.Feature) != len(m.Coef) {
			return fmt.Errorf("leaf %d has %d features and %d coefficients", l, len(m.Feature), len(m.Coef))
		}
		for _, x := range m.Feature {
			if x < 0 || x >= f.Features {
				return fmt.Errorf("leaf %d uses feature %d, the model has %d", l, x, f.Features)
			}
		}
	}
	if len(t.Nodes) == 0 {
		return nil
	}
	seen := make([]bool, len(t.Nodes))
	*stack = append((*stack)[:0], 0)
	for len(*stack) > 0 {
		n := (*stack)[len(*stack)-1]
		*stack = (*stack)[:len(*stack)-1]
		if n < 0 {
			if ^n >= leaves {
				return fmt.Errorf("leaf %d is not among its %d leaves", ^n, leaves)
			}
			continue
		}
		if n >= len(t.Nodes) {
			return fmt.Errorf("node %d is not among its %d nodes", n, len(t.Nodes))
		}
		if seen[n] {
			return fmt.Errorf("node %d has two parents or is its own ancestor", n)
		}
		seen[n] = true
		d := &t.Nodes[n]
		if d.Feature < 0 || d.Feature >= f.Features {
			return fmt.Errorf("node %d splits on feature %d, the model has %d", n, d.Feature, f.Features)
		}
		switch d.Test {
		case AtMost:
		case Equal:
			if math.IsNaN(d.Threshold) {
				return fmt.Errorf("node %d compares with NaN", n)
			}
		case InSet:
			if d.Set < 0 || d.Set >= len(f.Sets) {
				return fmt.Errorf("node %d uses category set %d of %d", n, d.Set, len(f.Sets))
			}
		default:
			return fmt.Errorf("node %d has the unknown test %d", n, d.Test)
		}
		*stack = append(*stack, d.Left, d.Right)
	}
	return nil
}

// category is the category number of a value, or -1 where it stands for none. LightGBM cuts towards zero, so -0.5 is
// category 0; XGBoost takes negative numbers and those from 2²⁴ on as unknown.
func (v Values) category(x float64) int32 {
	switch {
	case v == Single && x >= 0 && x < 1<<24:
		return int32(x)
	case v != Single && x > -1 && x < 1<<31:
		return int32(x)
	}
	return -1
}
