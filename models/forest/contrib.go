package forest

import (
	"fmt"
	"slices"

	"dsql/models/batch"
)

// What each feature adds to a sum: path-dependent Shapley values, as LightGBM and XGBoost give them (Lundberg et al., 2018), for a tree's
// leaf of value v
//
//	phi_i = v·(o_i − z_i)·∫ Π_{j≠i} (o_j·t + (1−t)·z_j) dt  over t from 0 to 1,
//
// where the product is over the different features of its path, o_j is 1 where the row follows the path at every split on j, else 0, and
// z_j is the share of the training rows that do. The Shapley weights k!(d−1−k)!/d! are those integrals of t^k·(1−t)^(d−1−k). A
// Gauss-Legendre rule of ⌈d/2⌉ points is exact (arXiv 2605.04497; Linear TreeSHAP, arXiv 2209.08192, with a stable basis).
//
// So a tree is gone through once for a vector of rows, as a list of steps: on the way down G is the product so far at every point, on the
// way up H the sum over the leaves below, and an edge adds Σ H·(o−z)/(o·t+(1−t)·z) to its feature. All of that but two bits a node is the
// same for every row, and made beforehand. An edge whose feature stands on the path already has three states: followed, turned off
// here, or off above; its factors are then relative to the edge before.

// Explain makes ready what Contributions needs: the tables of the trees' steps. f is what the scorer was made of.
func (s *Scorer) Explain(f *Forest) error {
	if err := s.Lacks(true); err != nil {
		return err
	}
	d := newDecider(f, s)
	c := &contributions{decider: d, kernel: s.kernel, base: slices.Clone(f.Base)}
	size := 0
	for i := range d.trees {
		t := &d.trees[i]
		if err := t.share(&f.Trees[i]); err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		for k := range t.width {
			c.base[t.output+k] += t.expected(k)
		}
		b := builder{tree: t, last: make([]int32, len(s.used))}
		if b.measure(0, 0, 0); t.depth > maxLevels {
			return fmt.Errorf("tree %d has %d levels, and what its inputs add is known up to %d", i, t.depth, maxLevels)
		}
		if size += len(t.nodes)*48 + len(t.leaves)*8; size > maxSteps {
			return fmt.Errorf("what its inputs add takes tables of more than %d MB, for %d trees of %d nodes in the last",
				maxSteps>>20, len(d.trees), len(t.nodes))
		}
	}
	c.keep(maxSteps - size)
	c.pool = batch.NewPool(c.room)
	s.contrib = c
	return nil
}

const (
	maxSteps  = 100 << 20 // bytes of tables
	maxLevels = 4096      // of a tree: a vector of rows has memory for each
)

// contributions are a forest made ready for Contributions.
type contributions struct {
	*decider
	kernel string
	base   []float64
	kept   []program // by tree and output; nil: they are made for each tile
	pool   *batch.Pool[contribRoom]
}

// contribRoom is what one call needs.
type contribRoom struct {
	decided  decided
	phi      []float64 // eight rows side by side, slot by slot
	levels   []float64
	states   []byte
	build    builder
	program  program
	portable portableSteps
}

func (c *contributions) room() *contribRoom {
	depth := 0
	for i := range c.trees {
		depth = max(depth, (c.trees[i].depth+1)*c.trees[i].points)
	}
	w := &contribRoom{decided: c.decider.room()}
	w.phi = floats(len(c.used) * TileRows)
	w.levels, w.states = floats(depth*2*8), aligned(depth+1)
	w.build.last = make([]int32, len(c.used))
	return w
}

// keep makes all programs, if they take no more than so many bytes.
func (c *contributions) keep(most int) {
	var kept []program
	b := builder{last: make([]int32, len(c.used))}
	for i := range c.trees {
		for k := range c.trees[i].width {
			var p program
			b.build(&c.trees[i], k, &p)
			if most -= p.size(); most < 0 {
				return
			}
			kept = append(kept, p)
		}
	}
	c.kept = kept
}

// Contributions writes what each feature adds to each output, and last the base, into out, row by row: Features()+1 values an output.
func (s *Scorer) Contributions(cols []batch.Column, n int, out []float64) error {
	c := s.contrib
	if c == nil {
		return fmt.Errorf("the model was not made ready to tell what its inputs add")
	}
	width := s.features + 1
	clear(out[:n*s.outputs*width])
	w := c.pool.Get()
	defer c.pool.Put(w)
	for from := 0; from < n; from += TileRows {
		rows := min(TileRows, n-from)
		c.tile(&w.decided, cols, from, rows)
		for o := range s.outputs {
			c.output(w, o, rows)
			for r := range rows {
				row := out[((from+r)*s.outputs+o)*width:][:width]
				for i, f := range s.used {
					row[f] = w.phi[(r/8*len(s.used)+i)*8+r%8]
				}
				row[s.features] = c.base[o]
			}
		}
	}
	return nil
}

// output fills phi with what the features add to one output.
func (c *contributions) output(w *contribRoom, o, rows int) {
	clear(w.phi[:(rows+7)/8*8*len(c.used)])
	kept := 0
	for i := range c.trees {
		t := &c.trees[i]
		k := o - t.output
		if kept += t.width; k < 0 || k >= t.width || len(t.nodes) == 0 {
			continue
		}
		p := &w.program
		if c.kept != nil {
			p = &c.kept[kept-t.width+k]
		} else {
			w.build.build(t, k, p)
		}
		if bits := c.bits(&w.decided, i); !runNative(c.kernel, p, bits, rows, len(c.used), w) {
			w.portable.run(p, bits, rows, len(c.used), w.phi)
		}
	}
}

// floats is memory at a multiple of 64.
func floats(n int) []float64 { return asFloats(aligned(n*8), n) }
