package catboost

import (
	"errors"
	"fmt"
	"math"

	"dsql/models/forest"
)

// tree is one of a file: oblivious, where all nodes of a level ask the same, or made of nodes.
type tree struct {
	splits  []split // of the levels, the last one at the root; or those of nodes
	nodes   []node  // nil: oblivious
	leaves  []float64
	weights []float64 // of the training rows in each leaf; nil: not told
}

// split lets go right what lies above a border, or has a category.
type split struct {
	category bool
	feature  int // among the numbers, or among the categories
	border   float64
	value    int32 // the hash of the category
}

// node's children are nodes, or ^ of leaves.
type node struct{ left, right int }

const maxDepth = 30 // of oblivious trees; the library has 16

var errLeaves = errors.New("its leaves are not those of its levels")

// forestTree brings a tree into the form of all formats. Leaves stand from left to right.
func (c *content) forestTree(t *tree) (forest.Tree, error) {
	out := forest.Tree{Width: c.outputs, Leaves: t.leaves}
	if len(t.leaves)%c.outputs != 0 || len(t.leaves) == 0 {
		return out, fmt.Errorf("%d leaf values for %d outputs", len(t.leaves), c.outputs)
	}
	leaves := len(t.leaves) / c.outputs
	nodes := t.nodes
	if nodes == nil {
		depth := len(t.splits)
		if depth > maxDepth || leaves != 1<<depth {
			return out, errLeaves
		}
		nodes = oblivious(depth)
	}
	out.Nodes = make([]forest.Node, len(nodes))
	for i, n := range nodes {
		at := i
		if t.nodes == nil {
			at = len(t.splits) - 1 - log2(i+1)
		}
		var err error
		if out.Nodes[i], err = c.forestNode(t.splits[at], n); err != nil {
			return out, err
		}
	}
	if len(t.weights) == leaves {
		out.LeafCover = t.weights
		out.Cover = covers(nodes, t.weights)
	}
	return out, nil
}

// oblivious are the nodes of a tree whose levels are full.
func oblivious(depth int) []node {
	nodes := make([]node, 1<<depth-1)
	for i := range nodes {
		nodes[i] = node{2*i + 1, 2*i + 2}
		if first := 1<<depth - 1; nodes[i].left >= first {
			nodes[i] = node{^(nodes[i].left - first), ^(nodes[i].right - first)}
		}
	}
	return nodes
}

func log2(n int) (k int) {
	for ; n > 1; n /= 2 {
		k++
	}
	return k
}

// covers are the sums of leaves' weights below each node. A node that is reached twice, or is its own ancestor, is for the forest to find.
func covers(nodes []node, weights []float64) []float64 {
	out := make([]float64, len(nodes))
	var order []int
	stack := []int{0}
	for len(stack) > 0 && len(nodes) > 0 && len(order) <= len(nodes) {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		order = append(order, n)
		for _, child := range [...]int{nodes[n].left, nodes[n].right} {
			switch {
			case child >= 0 && child < len(nodes):
				stack = append(stack, child)
			case child < 0 && ^child < len(weights):
				out[n] += weights[^child]
			}
		}
	}
	for i := len(order) - 1; i >= 0; i-- {
		n := order[i]
		for _, child := range [...]int{nodes[n].left, nodes[n].right} {
			if child >= 0 && child < len(nodes) {
				out[n] += out[child]
			}
		}
	}
	return out
}

func (c *content) forestNode(s split, n node) (forest.Node, error) {
	if s.category {
		x, ok := c.categories[s.feature]
		if !ok {
			return forest.Node{}, fmt.Errorf("there is no categorical feature %d", s.feature)
		}
		return forest.Node{Feature: x.at, Test: forest.Equal, Threshold: float64(s.value), Left: n.right, Right: n.left}, nil
	}
	x, ok := c.numbers[s.feature]
	if !ok {
		return forest.Node{}, fmt.Errorf("there is no feature %d", s.feature)
	}
	return forest.Node{Feature: x.at, Threshold: upTo(float32(s.border)), MissingLeft: !x.missing, Left: n.left, Right: n.right}, nil
}

// upTo is the largest number that, rounded to float32, isn't above a border: values are compared as they are, not rounded one by one.
func upTo(border float32) float64 {
	next := float64(math.Nextafter32(border, float32(math.Inf(1))))
	if math.IsInf(next, 1) {
		next = math.MaxFloat32 + 0x1p104
	}
	low := float64(border)
	if math.IsInf(low, -1) {
		low = -math.MaxFloat32 - 0x1p104
	}
	t := low/2 + next/2
	if float32(t) > border {
		t = math.Nextafter(t, math.Inf(-1))
	}
	return t
}
