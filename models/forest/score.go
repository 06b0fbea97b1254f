package forest

import (
	"errors"
	"fmt"
	"slices"

	"dsql/models/batch"
)

// TileRows is the number of rows that are scored together.
const TileRows = 256

// Scorer is a forest made ready. It is immutable and safe from many goroutines.
type Scorer struct {
	features int
	outputs  int
	trees    int
	values   Values
	base     []float64
	used     []int // features that some tree looks at, ascending
	walk     walker
	quick    quick // nil: the walk scores everything
	few      int   // up to so many rows the walk does
	pool     *batch.Pool[scratch]
	kernel   string

	unexplained string
	contrib     *contributions // nil: not asked for
	leaves      namedLeaves
}

// scratch is what one call needs: a tile of prepared values and of sums, column by column.
type scratch struct {
	x     []float64 // [used][TileRows]; for the walk [used][stride]
	sums  []float64 // [outputs][TileRows]
	quick quickScratch
}

// New checks f and makes it ready; f must not be changed afterwards. kernel is one of Kernels, or "walk" for the plain
// walk, which gives the same; empty: the best.
func New(f *Forest, kernel string) (*Scorer, error) {
	if kernel == "" {
		kernel = Kernels()[0]
	}
	if kernel != walkKernel && !slices.Contains(Kernels(), kernel) {
		return nil, fmt.Errorf("this machine has no kernel %q, only %v", kernel, Kernels())
	}
	if err := f.validate(); err != nil {
		return nil, err
	}
	s := &Scorer{features: f.Features, outputs: f.Outputs, trees: len(f.Trees), values: f.Values, base: slices.Clone(f.Base), kernel: kernel,
		unexplained: f.Unexplained}
	s.used = f.used()
	s.walk = newWalker(f, s.used)
	if kernel != walkKernel {
		s.quick, s.few = newQuick(f, s.used, &s.walk, kernel, func(entries int) bool { return entries <= mostEntries[kernel] })
	}
	s.pool = batch.NewPool(func() *scratch {
		w := &scratch{sums: make([]float64, s.outputs*TileRows)}
		if s.quick != nil {
			s.quick.scratch(&w.quick, s.outputs)
		}
		return w
	})
	return s, nil
}

// Features is the number of columns that Score takes.
func (s *Scorer) Features() int { return s.features }

// Outputs is the number of values a row.
func (s *Scorer) Outputs() int { return s.outputs }

// Trees is the number of trees.
func (s *Scorer) Trees() int { return s.trees }

// Ready makes the tables that Contributions or Leaves needs. f is what the scorer was made of.
func (s *Scorer) Ready(f *Forest, contrib, leaf bool) error {
	switch {
	case contrib:
		return s.Explain(f)
	case leaf:
		s.NameLeaves(f)
	}
	return nil
}

// Lacks is why it can't be told what each feature adds, or the leaves.
func (s *Scorer) Lacks(contrib bool) error {
	if contrib && s.unexplained != "" {
		return errors.New(s.unexplained)
	}
	return nil
}

// Score writes the outputs of n rows into out, row by row: out[r·Outputs()+o]. It allocates nothing once warm.
func (s *Scorer) Score(cols []batch.Column, n int, out []float64) error {
	if len(cols) != s.features {
		return fmt.Errorf("%d columns for a model of %d features", len(cols), s.features)
	}
	if len(out) < n*s.outputs {
		return fmt.Errorf("room for %d values, %d rows need %d", len(out), n, n*s.outputs)
	}
	w := s.pool.Get()
	for from := 0; from < n; from += TileRows {
		rows := min(TileRows, n-from)
		if s.quick != nil && rows > s.few {
			x := w.room(len(s.used) * TileRows)
			for i, f := range s.used {
				cols[f].Numbers(from, x[i*TileRows:i*TileRows+rows])
			}
			s.quick.tile(x, rows, s.base, &w.quick, w.sums)
		} else {
			stride := rows | 1 // a power of two would have all of a row's values fall into a few lines of the cache
			all := w.room(len(s.used) * stride)
			for i, f := range s.used {
				x := all[i*stride : i*stride+rows]
				cols[f].Numbers(from, x)
				s.values.prepare(x)
			}
			s.walk.tile(all, stride, rows, s.base, w.sums)
		}
		transpose(w.sums, rows, s.outputs, out[from*s.outputs:])
	}
	s.pool.Put(w)
	return nil
}

// room is memory for n values, at least a tile's: a forest that looks at no feature hands them on all the same.
func (w *scratch) room(n int) []float64 {
	if n = max(n, TileRows); cap(w.x) < n {
		w.x = make([]float64, n)
	}
	return w.x[:n]
}

// prepare brings values into the form that thresholds are compared with.
func (v Values) prepare(x []float64) {
	switch v {
	case LightGBM:
		for i, y := range x {
			if y >= -TinyLightGBM && y <= TinyLightGBM {
				x[i] = 0
			}
		}
	case Single:
		for i, y := range x {
			x[i] = float64(float32(y))
		}
	}
}

func transpose(sums []float64, rows, outputs int, out []float64) {
	if outputs == 1 {
		copy(out[:rows], sums)
		return
	}
	for o := range outputs {
		for r, v := range sums[o*TileRows : o*TileRows+rows] {
			out[r*outputs+o] = v
		}
	}
}

// used lists the features that a node or a linear leaf looks at.
func (f *Forest) used() []int {
	seen := map[int]bool{}
	for i := range f.Trees {
		for _, d := range f.Trees[i].Nodes {
			if d.Feature >= 0 && d.Feature < f.Features {
				seen[d.Feature] = true
			}
		}
		for _, m := range f.Trees[i].Linear {
			for _, x := range m.Feature {
				seen[x] = true
			}
		}
	}
	used := make([]int, 0, len(seen))
	for x := range seen {
		used = append(used, x)
	}
	slices.Sort(used)
	return used
}
