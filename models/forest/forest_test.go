package forest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"dsql/models/batch"
)

// shape is what a random forest is like.
type shape struct {
	features, outputs, trees, leaves int
	thresholds                       int // different ones a feature
	categories                       int // 0: no categorical features
	equal, zero, vector              bool
	values                           Values
}

var edges = []float64{math.NaN(), 0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), TinyLightGBM, -TinyLightGBM, 1.1e-35, 5e-324, 1e-45,
	-1e300, 1e300, math.MaxFloat32, 0.1}

// random makes a forest; features from half of them on are categorical.
func (s shape) random(r *rand.Rand) *Forest {
	f := &Forest{Features: s.features, Outputs: s.outputs, Values: s.values}
	for range s.outputs {
		f.Base = append(f.Base, s.number(r.NormFloat64()))
	}
	pools := make([][]float64, s.features)
	for i := range pools {
		for range s.thresholds {
			x := s.number(r.NormFloat64())
			if r.IntN(20) == 0 {
				x = s.number(edges[1+r.IntN(len(edges)-1)])
			}
			pools[i] = append(pools[i], x)
		}
	}
	for range s.trees {
		f.Trees = append(f.Trees, s.tree(r, f, pools))
	}
	return f
}

func (s shape) number(x float64) float64 {
	if s.values == Single {
		return float64(float32(x))
	}
	return x
}

func (s shape) tree(r *rand.Rand, f *Forest, pools [][]float64) Tree {
	t := Tree{Width: 1, Output: r.IntN(s.outputs)}
	if s.vector && r.IntN(2) == 0 {
		t.Output = r.IntN(s.outputs)
		t.Width = 1 + r.IntN(s.outputs-t.Output)
	}
	leaves := 1 + r.IntN(s.leaves)
	for range leaves * t.Width {
		t.Leaves = append(t.Leaves, s.number(r.NormFloat64()))
	}
	// Grown by splitting a leaf at random, so that trees are of all forms; leaves are numbered at random.
	name := r.Perm(leaves)
	type end struct {
		node  int
		right bool
	}
	ends := []end{{node: -1}}
	for len(ends) < leaves {
		k := r.IntN(len(ends))
		e := ends[k]
		n := len(t.Nodes)
		t.Nodes = append(t.Nodes, s.node(r, f, pools))
		if e.node >= 0 {
			if e.right {
				t.Nodes[e.node].Right = n
			} else {
				t.Nodes[e.node].Left = n
			}
		}
		ends[k] = end{n, false}
		ends = append(ends, end{n, true})
	}
	for k, e := range ends {
		switch {
		case e.node < 0:
		case e.right:
			t.Nodes[e.node].Right = ^name[k]
		default:
			t.Nodes[e.node].Left = ^name[k]
		}
	}
	return t
}

func (s shape) node(r *rand.Rand, f *Forest, pools [][]float64) Node {
	d := Node{Feature: r.IntN(s.features), MissingLeft: r.IntN(2) == 0}
	switch {
	case s.categories > 0 && d.Feature >= s.features/2:
		var members []int32
		for range 1 + r.IntN(min(s.categories, 20)) {
			members = append(members, int32(r.IntN(s.categories)))
		}
		d.Test, d.Set = InSet, len(f.Sets)
		f.Sets = append(f.Sets, SetOf(members))
	case s.equal && r.IntN(3) == 0:
		d.Test, d.Threshold = Equal, pools[d.Feature][r.IntN(s.thresholds)]
	default:
		d.Threshold = pools[d.Feature][r.IntN(s.thresholds)]
		d.ZeroMissing = s.zero && d.Feature%2 == 0
		if r.IntN(4) == 0 { // as LightGBM without missing values: NaN is 0
			d.MissingLeft = 0 <= d.Threshold
		}
	}
	return d
}

// rows are values of every feature, many of them on a threshold or next to one, with NULLs.
func (s shape) rows(r *rand.Rand, f *Forest, n int) []batch.Column {
	at := make([][]float64, s.features)
	for _, t := range f.Trees {
		for _, d := range t.Nodes {
			if d.Test != InSet {
				at[d.Feature] = append(at[d.Feature], d.Threshold)
			}
		}
	}
	cols := make([]batch.Column, s.features)
	for i := range cols {
		stride := 1 + r.IntN(2)
		v, valid := make([]float64, n*stride+1), make([]uint64, n/64+1)
		for k := range n {
			x := r.NormFloat64()
			switch c := r.IntN(10); {
			case c == 0:
				x = edges[r.IntN(len(edges))]
			case s.categories > 0 && i >= s.features/2:
				x = float64(r.IntN(s.categories+3)) - 1 + float64(r.IntN(2))*0.5
			case c < 6 && len(at[i]) > 0:
				x = at[i][r.IntN(len(at[i]))]
				if c == 1 {
					x = math.Nextafter(x, math.Inf(1))
				} else if c == 2 {
					x = math.Nextafter(x, math.Inf(-1))
				}
			}
			v[k*stride] = x
			if r.IntN(20) > 0 {
				valid[k/64] |= 1 << (k % 64)
			}
		}
		cols[i] = batch.Column{Values: &v[0], Stride: stride}
		if r.IntN(2) == 0 {
			cols[i].Valid = &valid[0]
		}
	}
	return cols
}

func drawShape(t *rapid.T) shape {
	s := shape{
		features:   rapid.IntRange(1, 8).Draw(t, "features"),
		outputs:    rapid.IntRange(1, 4).Draw(t, "outputs"),
		trees:      rapid.IntRange(0, 8).Draw(t, "trees"),
		leaves:     rapid.SampledFrom([]int{1, 2, 8, 9, 31, 32, 33, 64, 255, 256, 257, 600}).Draw(t, "leaves"),
		thresholds: rapid.SampledFrom([]int{1, 3, 100, 254, 255, 256, 300, 1000}).Draw(t, "thresholds"),
		categories: rapid.SampledFrom([]int{0, 0, 2, 30, 300, 100000, 1 << 24}).Draw(t, "categories"),
		equal:      rapid.Bool().Draw(t, "equal"),
		zero:       rapid.Bool().Draw(t, "zero"),
		vector:     rapid.Bool().Draw(t, "vector"),
		values:     rapid.SampledFrom([]Values{Double, LightGBM, Single}).Draw(t, "values"),
	}
	return s
}

// Every kernel gives what the walk gives, to the last bit, whether it searches trees by planes or walks them.
func TestKernels(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		f := s.random(r)
		n := rapid.SampledFrom([]int{1, 7, 16, 17, 63, 64, 65, 128, 129, 200, 256, 257, 700}).Draw(t, "rows")
		cols := s.rows(r, f, n)
		reference, err := New(f, "walk")
		if err != nil {
			t.Fatal(err)
		}
		want := score(t, reference, cols, n)
		for _, kernel := range Kernels() {
			for name, worth := range map[string]func(int) bool{
				"chosen": func(n int) bool { return n <= mostEntries[kernel] },
				"planes": func(int) bool { return true },
				"walked": func(int) bool { return false },
			} {
				k, err := New(f, kernel)
				if err != nil {
					t.Fatal(err)
				}
				k.quick, _ = newQuick(f, k.used, &k.walk, kernel, worth)
				k.few = 0
				if k.quick == nil {
					t.Fatalf("%s does not take %+v", kernel, s)
				}
				got := score(t, k, cols, n)
				for i := range want {
					if math.Float64bits(got[i]) != math.Float64bits(want[i]) && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
						t.Fatalf("%s, %s: row %d output %d: %v, the walk gives %v", kernel, name, i/s.outputs, i%s.outputs, got[i], want[i])
					}
				}
			}
		}
	})
}

func score(t interface{ Fatal(...any) }, s *Scorer, cols []batch.Column, n int) []float64 {
	out := make([]float64, n*s.Outputs())
	if err := s.Score(cols, n, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// The walk itself against a direct reading of the types' documentation.
func TestWalk(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		f := s.random(r)
		const n = 20
		cols := s.rows(r, f, n)
		w, err := New(f, "walk")
		if err != nil {
			t.Fatal(err)
		}
		got := score(t, w, cols, n)
		for row := range n {
			want := slices.Clone(f.Base)
			for _, tree := range f.Trees {
				at := 0
				if len(tree.Nodes) == 0 {
					at = ^0
				}
				for at >= 0 {
					d := tree.Nodes[at]
					if at = d.Right; goesLeft(f, d, cols[d.Feature], row) {
						at = d.Left
					}
				}
				for k := range tree.Width {
					v := want[tree.Output+k] + tree.Leaves[^at*tree.Width+k]
					want[tree.Output+k] = s.number(v)
				}
			}
			for o, v := range want {
				if math.Float64bits(got[row*s.outputs+o]) != math.Float64bits(v) {
					t.Fatalf("row %d output %d: %v, want %v", row, o, got[row*s.outputs+o], v)
				}
			}
		}
	})
}

func goesLeft(f *Forest, d Node, c batch.Column, row int) bool {
	all := make([]float64, row+1)
	c.Numbers(0, all)
	x := all[row]
	switch f.Values {
	case LightGBM:
		if math.Abs(x) <= TinyLightGBM {
			x = 0
		}
	case Single:
		x = float64(float32(x))
	}
	if math.IsNaN(x) || d.ZeroMissing && x == 0 {
		return d.MissingLeft
	}
	switch d.Test {
	case AtMost:
		return x <= d.Threshold
	case Equal:
		return x == d.Threshold
	}
	if f.Values == Single && x < 0 || x <= -1 || x >= 1<<31 {
		return false
	}
	return slices.Contains(slices.Collect(f.Sets[d.Set].All()), int32(x))
}

func TestLinear(t *testing.T) {
	t.Parallel()
	f := &Forest{Features: 2, Outputs: 1, Base: []float64{1}, Trees: []Tree{{
		Nodes: []Node{{Feature: 0, Threshold: 5, Left: ^0, Right: ^1}}, Leaves: []float64{10, 20}, Width: 1,
		Linear: []Linear{{Const: 3, Feature: []int{1, 0}, Coef: []float64{2, 0.5}}, {Const: 7}},
	}}}
	s, err := New(f, "")
	if err != nil {
		t.Fatal(err)
	}
	a, b := []float64{4, 6, 4}, []float64{1, 1, math.NaN()}
	got := score(t, s, []batch.Column{{Values: &a[0]}, {Values: &b[0]}}, 3)
	if want := []float64{1 + 3 + 2 + 2, 1 + 7, 1 + 10}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestScoreErrors(t *testing.T) {
	t.Parallel()
	s, err := New(&Forest{Features: 2, Outputs: 1, Base: []float64{0}}, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Score(nil, 1, make([]float64, 1)); err == nil {
		t.Error("no columns are taken")
	}
	if _, err := New(&Forest{Features: 2, Outputs: 1, Base: []float64{0}}, "abacus"); err == nil {
		t.Error("an unknown kernel is taken")
	}
	if err := s.Score(make([]batch.Column, 2), 2, make([]float64, 1)); err == nil {
		t.Error("too little room is taken")
	}
}

func TestNoAllocation(t *testing.T) {
	s := shape{features: 6, outputs: 2, trees: 20, leaves: 31, thresholds: 200, values: Single}
	r := rand.New(rand.NewPCG(1, 1))
	f := s.random(r)
	cols, out := s.rows(r, f, 2048), make([]float64, 2048*2)
	k, err := New(f, "")
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(20, func() {
		if err := k.Score(cols, 2048, out); err != nil {
			t.Fatal(err)
		}
	})
	if n >= 8 { // tiles; a collection, or the race detector, may empty the pool
		t.Errorf("%v allocations a call of 8 tiles", n)
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.SliceOf(rapid.OneOf(rapid.Int32Range(0, 100), rapid.Int32Range(0, 1<<24))).Draw(t, "members")
		s := SetOf(slices.Clone(members))
		for _, c := range append(slices.Clone(members), 0, 31, 32, -1, 1<<24) {
			if s.Has(c) != slices.Contains(members, c) {
				t.Fatalf("%d: %v", c, s.Has(c))
			}
		}
		slices.Sort(members)
		if got := slices.Collect(s.All()); !slices.Equal(got, slices.Compact(members)) {
			t.Fatalf("%v, want %v", got, members)
		}
	})
}

func bench(b *testing.B, s shape, n int) {
	r := rand.New(rand.NewPCG(1, 1))
	f := s.random(r)
	cols, out := s.rows(r, f, n), make([]float64, n*s.outputs)
	for _, kernel := range append(Kernels(), "walk") {
		b.Run(kernel, func(b *testing.B) {
			k, err := New(f, kernel)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := k.Score(cols, n, out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkForest(b *testing.B) {
	for _, leaves := range []int{31, 255, 600} {
		b.Run(fmt.Sprint(leaves), func(b *testing.B) {
			bench(b, shape{features: 30, outputs: 1, trees: 500, leaves: leaves, thresholds: 254, values: LightGBM}, 2048)
		})
	}
}

func columnsOf(values ...[]float64) (cols []batch.Column) {
	for _, v := range values {
		cols = append(cols, batch.Column{Values: &v[0]})
	}
	return cols
}
