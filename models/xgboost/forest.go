package xgboost

import (
	"fmt"
	"math"

	"dsql/models/forest"
	"dsql/models/model"
)

func (x *reader) forest(outputs int, base []float64, opt model.Options) (*forest.Scorer, error) {
	n := len(x.trees)
	if len(x.groups) != n {
		return nil, fmt.Errorf("tree_info has %d values for %d trees", len(x.groups), n)
	}
	if x.booster == "dart" && len(x.weightDrop) != n {
		return nil, fmt.Errorf("weight_drop has %d values for %d trees", len(x.weightDrop), n)
	}
	byID := make([]*tree, n)
	for i := range x.trees {
		t := &x.trees[i]
		if t.id < 0 || t.id >= n || byID[t.id] != nil {
			return nil, fmt.Errorf("tree %d has the id %d", i, t.id)
		}
		byID[t.id] = t
	}
	if x.sklearn && x.best >= 0 {
		byID = byID[:x.bestTrees(n, outputs)]
	}
	f := &forest.Forest{Features: x.features, Outputs: outputs, Values: forest.Single, Base: base}
	for i, t := range byID {
		tree, err := t.convert(f)
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		if tree.Width == 1 {
			tree.Output = x.groups[i]
		}
		if x.booster == "dart" {
			for k, v := range tree.Leaves {
				tree.Leaves[k] = float64(float32(v) * float32(x.weightDrop[i]))
			}
		}
		f.Trees = append(f.Trees, tree)
	}
	s, err := forest.New(f, opt.Kernel)
	if contrib := opt.Output == model.Contrib; err == nil && s.Lacks(contrib) == nil {
		err = s.Ready(f, contrib, opt.Output == model.Leaf)
	}
	return s, err
}

// bestTrees is the number of trees up to and with the best iteration.
func (x *reader) bestTrees(n, outputs int) int {
	if x.best+1 < len(x.rounds) {
		return min(n, max(0, x.rounds[x.best+1]))
	}
	if len(x.rounds) > 0 || x.best >= n || x.parallel > n {
		return n
	}
	return min(n, (x.best+1)*x.parallel*outputs)
}

// convert turns XGBoost's x < t into x ≤ the float32 before t, and its categories, which go right, around.
func (t *tree) convert(f *forest.Forest) (forest.Tree, error) {
	n := len(t.left)
	for _, l := range [...]int{len(t.right), len(t.feature), len(t.cond), len(t.dflt)} {
		if l != n || n == 0 {
			return forest.Tree{}, fmt.Errorf("its arrays have different lengths, or none")
		}
	}
	catOf, err := t.sets(f)
	if err != nil {
		return forest.Tree{}, err
	}
	out := forest.Tree{Width: max(1, t.vector)}
	switch {
	case out.Width > 1:
		f.Unexplained = "XGBoost doesn't tell what an input adds to trees with several outputs (multi_output_tree), and nor does dsql"
	case !t.weighed || t.weighs && len(t.cover) != n:
		f.Unexplained = "its file doesn't say what the training rows of each node weigh (sum_hessian)"
	}
	cover := t.cover
	if len(cover) != n {
		cover = make([]float64, n)
	}
	index := make([]int, n) // node → inner node, or ^leaf
	inner := 0
	for i, left := range t.left {
		if left >= 0 {
			index[i], inner = inner, inner+1
			continue
		}
		index[i] = ^(len(out.Leaves) / out.Width)
		out.Names, out.LeafCover = append(out.Names, int32(i)), append(out.LeafCover, cover[i])
		switch at := t.right[i]; { // of a vector leaf, right_children holds its number in leaf_weights
		case out.Width == 1:
			out.Leaves = append(out.Leaves, t.cond[i])
		case len(t.leaf) == 0 && len(t.base) == n*out.Width:
			out.Leaves = append(out.Leaves, t.base[i*out.Width:(i+1)*out.Width]...)
		case at >= 0 && at < len(t.leaf)/out.Width:
			out.Leaves = append(out.Leaves, t.leaf[at*out.Width:(at+1)*out.Width]...)
		default:
			return out, fmt.Errorf("leaf %d has no %d values", i, out.Width)
		}
	}
	out.Nodes = make([]forest.Node, 0, inner)
	for i, left := range t.left {
		if left < 0 {
			continue
		}
		right := t.right[i]
		if left >= n || right < 0 || right >= n {
			return out, fmt.Errorf("node %d has the children %d and %d of %d nodes", i, left, right, n)
		}
		d := forest.Node{Feature: t.feature[i], Left: index[left], Right: index[right], MissingLeft: t.dflt[i] != 0}
		if set, ok := catOf[i]; ok {
			d.Test, d.Set, d.Left, d.Right, d.MissingLeft = forest.InSet, set, d.Right, d.Left, !d.MissingLeft
		} else {
			d.Threshold = below(float32(t.cond[i]))
		}
		out.Nodes, out.Cover = append(out.Nodes, d), append(out.Cover, cover[i])
	}
	if t.left[0] < 0 && n > 1 {
		// A root that is a leaf: the others can't be reached.
		out.Nodes, out.Leaves, out.Names, out.LeafCover = nil, out.Leaves[:out.Width], out.Names[:1], out.LeafCover[:1]
	}
	return out, nil
}

// below is the greatest float32 below t: x ≤ below(t) is x < t. Nothing is below -∞, for which NaN stands.
func below(t float32) float64 {
	if math.IsInf(float64(t), -1) {
		return math.NaN()
	}
	return float64(math.Nextafter32(t, float32(math.Inf(-1))))
}

// sets adds the tree's category sets to the forest's and says which node has which.
func (t *tree) sets(f *forest.Forest) (map[int]int, error) {
	of := map[int]int{}
	if len(t.catFrom) != len(t.catNodes) || len(t.catSize) != len(t.catNodes) {
		return nil, fmt.Errorf("its arrays of categories have different lengths")
	}
	for k, node := range t.catNodes {
		from, size := t.catFrom[k], t.catSize[k]
		if from < 0 || size < 0 || from > len(t.cats) || size > len(t.cats)-from {
			return nil, fmt.Errorf("node %d has the categories %d to %d of %d", node, from, from+size, len(t.cats))
		}
		members := make([]int32, size)
		for i, c := range t.cats[from : from+size] {
			if c < 0 || c >= 1<<24 {
				return nil, fmt.Errorf("node %d has the category %d", node, c)
			}
			members[i] = int32(c)
		}
		of[node] = len(f.Sets)
		f.Sets = append(f.Sets, forest.SetOf(members))
	}
	for node, kind := range t.isCat {
		if _, ok := of[node]; kind != 0 && !ok && node < len(t.left) && t.left[node] >= 0 {
			return nil, fmt.Errorf("node %d has no categories", node)
		}
	}
	return of, nil
}
