package forest

import (
	"math"
	"strings"
	"testing"
)

// Whatever a file says, a forest is checked before it is walked.
func TestInvalid(t *testing.T) {
	t.Parallel()
	node := func(left, right int) Node { return Node{Left: left, Right: right} }
	leaves := []float64{1, 2, 3}
	for name, c := range map[string]struct {
		f    Forest
		want string
	}{
		"outputs":   {Forest{}, "0 outputs"},
		"many":      {Forest{Outputs: MaxOutputs + 1}, "outputs"},
		"base":      {Forest{Outputs: 2, Base: []float64{1}}, "base values"},
		"output":    {tree(Tree{Leaves: leaves, Width: 1, Output: 1}), "outputs"},
		"width":     {tree(Tree{Leaves: leaves}), "outputs"},
		"no leaf":   {tree(Tree{Width: 1}), "leaf values"},
		"itself":    {tree(Tree{Nodes: []Node{node(0, ^0)}, Leaves: leaves, Width: 1}), "own ancestor"},
		"cycle":     {tree(Tree{Nodes: []Node{node(1, ^0), node(^1, 0)}, Leaves: leaves, Width: 1}), "own ancestor"},
		"parents":   {tree(Tree{Nodes: []Node{node(1, 1), node(^1, ^0)}, Leaves: leaves, Width: 1}), "two parents"},
		"leaf":      {tree(Tree{Nodes: []Node{node(^0, ^3)}, Leaves: leaves, Width: 1}), "leaf 3"},
		"node":      {tree(Tree{Nodes: []Node{node(5, ^0)}, Leaves: leaves, Width: 1}), "node 5"},
		"lowest":    {tree(Tree{Nodes: []Node{node(math.MinInt, ^0)}, Leaves: leaves, Width: 1}), "leaf"},
		"feature":   {tree(Tree{Nodes: []Node{{Feature: 2, Left: ^0, Right: ^1}}, Leaves: leaves, Width: 1}), "feature 2"},
		"set":       {tree(Tree{Nodes: []Node{{Test: InSet, Left: ^0, Right: ^1}}, Leaves: leaves, Width: 1}), "category set"},
		"equal":     {tree(Tree{Nodes: []Node{{Test: Equal, Threshold: math.NaN(), Left: ^0, Right: ^1}}, Leaves: leaves, Width: 1}), "NaN"},
		"test":      {tree(Tree{Nodes: []Node{{Test: 9, Left: ^0, Right: ^1}}, Leaves: leaves, Width: 1}), "unknown test"},
		"linear":    {tree(Tree{Leaves: leaves, Width: 1, Linear: make([]Linear, 2)}), "linear"},
		"linear of": {tree(Tree{Leaves: leaves[:1], Width: 1, Linear: []Linear{{Feature: []int{7}, Coef: []float64{1}}}}), "feature 7"},
	} {
		if _, err := New(&c.f, ""); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func tree(t Tree) Forest {
	return Forest{Features: 2, Outputs: 1, Base: []float64{0}, Trees: []Tree{t}}
}

// A node that can't be reached is no error, and a threshold that is no number sends all values right.
func TestOddTrees(t *testing.T) {
	t.Parallel()
	f := tree(Tree{Nodes: []Node{{Threshold: math.NaN(), Left: ^0, Right: ^1, MissingLeft: true}, {Left: 1, Right: 99}},
		Leaves: []float64{1, 2}, Width: 1})
	for _, kernel := range append(Kernels(), "walk") {
		s, err := New(&f, kernel)
		if err != nil {
			t.Fatal(err)
		}
		v := []float64{-5, math.Inf(-1), math.NaN(), 3}
		got := score(t, s, columnsOf(v, v), 4)
		if want := []float64{2, 2, 1, 2}; got[0] != want[0] || got[1] != want[1] || got[2] != want[2] || got[3] != want[3] {
			t.Errorf("%s: %v, want %v", kernel, got, want)
		}
	}
}
