package forest

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dsql/models/batch"
)

// cover gives a forest's leaves and nodes numbers of training rows.
func cover(r *rand.Rand, f *Forest) {
	for i := range f.Trees {
		t := &f.Trees[i]
		t.LeafCover = make([]float64, len(t.Leaves)/t.Width)
		for l := range t.LeafCover {
			t.LeafCover[l] = float64(r.IntN(40) * r.IntN(3)) // many had none
		}
		t.Cover = make([]float64, len(t.Nodes))
		order, _ := t.preorder()
		for _, n := range slices.Backward(order) {
			for _, c := range []int{t.Nodes[n].Left, t.Nodes[n].Right} {
				if c < 0 {
					t.Cover[n] += t.LeafCover[^c]
				} else {
					t.Cover[n] += t.Cover[c]
				}
			}
		}
	}
}

// given is a tree's value where the features of the set are known to be those of the row, and the others are as the training rows have
// them.
func given(w *walker, d *decidedTree, output int, n int32, x []float64, set uint, tree int) float64 {
	if n < 0 {
		return d.leaves[int(^n)*d.width+output]
	}
	node := &d.nodes[n]
	if set>>node.slot&1 == 0 {
		sum := 0.0
		for side, c := range node.child {
			sum += node.share[side] * given(w, d, output, c, x, set, tree)
		}
		return sum
	}
	wn := &w.nodes[int(w.roots[tree].node)+int(n)]
	v := x[node.slot]
	if v <= wn.threshold && wn.column&(walkZeroMissing|walkEqual|walkInSet) == 0 || (wn.column&(walkZeroMissing|walkEqual|walkInSet) != 0 ||
		v != v) && w.other(wn, v) {
		return given(w, d, output, node.child[0], x, set, tree)
	}
	return given(w, d, output, node.child[1], x, set, tree)
}

// What inputs add is what the definition says: the mean, over all orders in which they become known, of what each then changes.
func TestContributions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		s.features, s.trees, s.leaves = min(s.features, 6), min(s.trees, 3), min(s.leaves, 64)
		f := s.random(r)
		cover(r, f)
		n := rapid.SampledFrom([]int{1, 9, 64, 257}).Draw(t, "rows")
		cols := s.rows(r, f, n)
		width := s.features + 1
		var want []float64
		for _, kernel := range append([]string{"walk"}, Kernels()...) {
			for _, keep := range []bool{true, false} {
				k := explained(t, f, kernel)
				if !keep {
					k.contrib.kept = nil
				}
				got := make([]float64, n*s.outputs*width)
				if err := k.Contributions(cols, n, got); err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = got
					for _, row := range []int{0, n - 1} {
						byDefinition(t, k, cols, row, want[row*s.outputs*width:][:s.outputs*width])
					}
				}
				for i := range want {
					if !(math.Abs(got[i]-want[i]) <= 1e-12) {
						t.Fatalf("%s: value %d of row %d is %v, want %v", kernel, i%(s.outputs*width), i/(s.outputs*width), got[i], want[i])
					}
				}
			}
		}
	})
}

func explained(t interface{ Fatal(...any) }, f *Forest, kernel string) *Scorer {
	k, err := New(f, kernel)
	if err == nil {
		err = k.Explain(f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func byDefinition(t *rapid.T, k *Scorer, cols []batch.Column, row int, got []float64) {
	x := make([]float64, len(k.used))
	for i, f := range k.used {
		cols[f].Numbers(row, x[i:i+1])
		k.values.prepare(x[i : i+1])
	}
	n, c := len(x), k.contrib
	width := k.features + 1
	want := make([]float64, len(got))
	for o := range k.outputs {
		want[o*width+k.features] = k.base[o]
	}
	for i := range c.trees {
		d := &c.trees[i]
		for o := range d.width {
			to := want[(d.output+o)*width:]
			root := int32(0)
			if len(d.nodes) == 0 {
				root = ^0
			}
			to[k.features] += given(&k.walk, d, o, root, x, 0, i)
			for set := range uint(1) << n {
				w := 1.0
				for j := range bits.OnesCount(set) {
					w *= float64(j+1) / float64(n-j-1) // |S|!·(n-|S|-1)!/n!, but for 1/n
				}
				for j, f := range k.used {
					if set>>j&1 == 0 {
						to[f] += w / float64(n) * (given(&k.walk, d, o, root, x, set|1<<j, i) - given(&k.walk, d, o, root, x, set, i))
					}
				}
			}
		}
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= 1e-11) {
			t.Fatalf("value %d of row %d is %v, by the definition %v", i, row, got[i], want[i])
		}
	}
}

// What inputs add makes the score, whatever the number of different features on a path.
func TestContributionsSum(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{1, 2, 3, 15, 16, 17, 24, 33, 40, 63, 64, 100} {
		r := rand.New(rand.NewPCG(uint64(depth), 1))
		f := &Forest{Features: depth, Outputs: 1, Base: []float64{0.5}}
		tree := Tree{Width: 1}
		for i := range depth { // a chain: each node splits another feature
			tree.Nodes = append(tree.Nodes, Node{Feature: i, Threshold: 0, Left: ^i, Right: i + 1})
			tree.Leaves = append(tree.Leaves, r.NormFloat64())
			tree.Cover = append(tree.Cover, math.Pow(0.8, float64(i)))
			tree.LeafCover = append(tree.LeafCover, 0.2*math.Pow(0.8, float64(i)))
		}
		tree.Nodes[depth-1].Right = ^depth
		tree.Leaves, tree.LeafCover = append(tree.Leaves, 100), append(tree.LeafCover, math.Pow(0.8, float64(depth)))
		f.Trees = []Tree{tree}
		const n = 40
		cols := make([]batch.Column, depth)
		for i := range cols {
			v := make([]float64, n)
			for k := range v {
				if v[k] = 1; r.IntN(depth) == 0 {
					v[k] = -1
				}
			}
			cols[i].Values = &v[0]
		}
		for _, kernel := range Kernels() {
			k := explained(t, f, kernel)
			got, sums := make([]float64, n*(depth+1)), make([]float64, n)
			if err := k.Contributions(cols, n, got); err != nil {
				t.Fatal(err)
			}
			if err := k.Score(cols, n, sums); err != nil {
				t.Fatal(err)
			}
			for i, want := range sums {
				sum := 0.0
				for _, v := range got[i*(depth+1) : (i+1)*(depth+1)] {
					sum += v
				}
				if !(math.Abs(sum-want) <= 1e-12*100) {
					t.Errorf("%s, %d features on a path, row %d: they sum to %v, want %v", kernel, depth, i, sum, want)
					break
				}
			}
		}
	}
}

// The leaf of each tree is the one that the walk comes to.
func TestLeaves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		f := s.random(r)
		for i := range f.Trees {
			if t := &f.Trees[i]; r.IntN(2) == 0 {
				for l := range len(t.Leaves) / t.Width {
					t.Names = append(t.Names, int32(1000+3*l))
				}
			}
		}
		n := rapid.SampledFrom([]int{1, 9, 64, 200, 256, 257}).Draw(t, "rows")
		cols := s.rows(r, f, n)
		for _, kernel := range Kernels() {
			k, err := New(f, kernel)
			if err != nil {
				t.Fatal(err)
			}
			k.NameLeaves(f)
			got := make([]int32, n*len(f.Trees))
			if err := k.Leaves(cols, n, got); err != nil {
				t.Fatal(err)
			}
			x := make([]float64, len(k.used))
			for row := range n {
				for i, f := range k.used {
					cols[f].Numbers(row, x[i:i+1])
				}
				k.values.prepare(x)
				for i := range f.Trees {
					_, order := spansOf(&f.Trees[i])
					want := int32(order[k.walk.leaf(k.walk.roots[i], x, 1)])
					if names := f.Trees[i].Names; names != nil {
						want = names[want]
					}
					if at := row*len(f.Trees) + i; got[at] != want {
						t.Fatalf("%s: row %d is in leaf %d of tree %d, want %d", kernel, row, got[at], i, want)
					}
				}
			}
		}
	})
}

// A tree that is too deep, or that has no numbers of training rows, is refused.
func TestExplainRefuses(t *testing.T) {
	t.Parallel()
	deep := Tree{Width: 1, Leaves: make([]float64, maxLevels+2), LeafCover: make([]float64, maxLevels+2)}
	for i := range maxLevels + 1 {
		deep.Nodes, deep.Cover = append(deep.Nodes, Node{Left: ^i, Right: i + 1}), append(deep.Cover, 1)
	}
	deep.Nodes[maxLevels].Right = ^(maxLevels + 1)
	node := Tree{Width: 1, Nodes: []Node{{Left: ^0, Right: ^1}}, Leaves: []float64{1, 2}, LeafCover: []float64{1, 1}}
	negative := node
	negative.Cover = []float64{-1}
	for name, c := range map[string]struct {
		f    Forest
		want string
	}{
		"depth":       {Forest{Trees: []Tree{deep}}, "has 4097 levels"},
		"no cover":    {Forest{Trees: []Tree{node}}, "0 numbers of training rows for 1 nodes"},
		"negative":    {Forest{Trees: []Tree{negative}}, "-1 training rows"},
		"unexplained": {Forest{Unexplained: "nobody knows"}, "nobody knows"},
	} {
		c.f.Features, c.f.Outputs, c.f.Base = 1, 1, []float64{0}
		k, err := New(&c.f, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Explain(&c.f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if err := k.Contributions([]batch.Column{{}}, 1, make([]float64, 2)); err == nil {
			t.Errorf("%s: it tells", name)
		}
	}
}
