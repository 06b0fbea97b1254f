package sklearn

import (
	"errors"
	"fmt"
	"slices"

	"dsql/models/forest"
	"dsql/models/model"
)

// summed makes the scorer of trees.
func (f *file) summed(h *final, opt model.Options) (*forest.Scorer, error) {
	t, err := f.trees(h)
	if err != nil {
		return nil, err
	}
	if len(f.Nodes) > 0 {
		t.Unexplained = "what its trees are given is made of the inputs by the steps before"
	}
	s, err := forest.New(t, opt.Kernel)
	if err == nil && s.Lacks(opt.Output == model.Contrib) == nil {
		err = s.Ready(t, opt.Output == model.Contrib, opt.Output == model.Leaf)
	}
	return s, err
}

// trees reads the tables. That their nodes make trees is the forest's to see.
func (f *file) trees(h *final) (*forest.Forest, error) {
	out := &forest.Forest{Features: len(h.Features), Base: f.floats(h.Base)}
	out.Outputs = len(out.Base)
	nodes, leaves := f.ints(h.Sizes), f.ints(h.LeafCounts)
	feature, threshold, left, right, missing := f.ints(h.Feature), f.floats(h.Threshold), f.ints(h.Left), f.ints(h.Right), f.ints(h.Missing)
	values, cover, leafCover := f.floats(h.Values), f.floats(h.Cover), f.floats(h.LeafCover)
	var names, category []int
	if h.Names != nil {
		names = f.ints(*h.Names)
	}
	if h.Category != nil {
		category = f.ints(*h.Category)
		out.Sets = f.sets(h)
	}
	if f.err != nil {
		return nil, f.err
	}
	inner, ends := total(nodes), total(leaves)
	switch {
	case h.Width < 1 || out.Outputs < 1 || h.Width > 1 && h.Width != out.Outputs:
		return nil, fmt.Errorf("leaves of %d values for %d outputs", h.Width, out.Outputs)
	case len(nodes) != len(leaves) || inner < 0 || ends < 0 || len(nodes)%(out.Outputs/h.Width) != 0:
		return nil, errors.New("its trees don't go together")
	case !allOf(inner, feature, threshold, left, right, missing, cover), h.Category != nil && len(category) != inner,
		len(leafCover) != ends, h.Names != nil && len(names) != ends, len(values) != ends*h.Width:
		return nil, errors.New("its arrays have other lengths than its trees")
	}
	for i := range nodes {
		t := forest.Tree{Nodes: make([]forest.Node, nodes[i]), Leaves: values[:leaves[i]*h.Width], Output: i * h.Width % out.Outputs,
			Width: h.Width,
			Cover: cover[:nodes[i]], LeafCover: leafCover[:leaves[i]]}
		for k := range t.Nodes {
			t.Nodes[k] = forest.Node{Feature: feature[k], Threshold: threshold[k], Left: left[k], Right: right[k], MissingLeft: missing[k] != 0}
			if category != nil && category[k] >= 0 {
				t.Nodes[k].Test, t.Nodes[k].Set = forest.InSet, category[k]
			}
		}
		if names != nil {
			for _, n := range names[:leaves[i]] {
				t.Names = append(t.Names, int32(n))
			}
			names = names[leaves[i]:]
		}
		if category != nil {
			category = category[nodes[i]:]
		}
		feature, threshold, left, right, missing = feature[nodes[i]:], threshold[nodes[i]:], left[nodes[i]:], right[nodes[i]:], missing[nodes[i]:]
		values, cover, leafCover = values[leaves[i]*h.Width:], cover[nodes[i]:], leafCover[leaves[i]:]
		out.Trees = append(out.Trees, t)
	}
	return out, nil
}

// sets are those of categories, eight words of bits each.
func (f *file) sets(h *final) (out []forest.Set) {
	if h.Sets == nil {
		f.fail("its sets of categories are missing")
		return nil
	}
	bits := f.ints(*h.Sets)
	for ; len(bits) >= 8; bits = bits[8:] {
		words := make([]uint32, 8)
		for i := range words {
			words[i] = uint32(bits[i])
		}
		out = append(out, forest.SetOfBits(words))
	}
	return out
}

// total is a sum of counts, below 0 where one is.
func total(counts []int) (sum int) {
	for _, n := range counts {
		if n < 0 || n > 1<<40 {
			return -1
		}
		sum += n
	}
	return sum
}

func allOf(n int, columns ...any) bool {
	return !slices.ContainsFunc(columns, func(c any) bool {
		switch c := c.(type) {
		case []int:
			return len(c) != n
		case []float64:
			return len(c) != n
		}
		return true
	})
}
