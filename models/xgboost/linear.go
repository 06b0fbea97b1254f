package xgboost

import (
	"errors"
	"fmt"
	"math"

	"dsql/models/batch"
)

// linear is XGBoost's gblinear booster: bias + base + Σ weight·x in float32, feature by feature; a missing value
// adds nothing. All outputs start from the first base score, as in GBLinear::PredictBatchInternal.
type linear struct {
	features, outputs int
	weights           []float32 // [feature][output]
	start             []float32 // [output]
	pool              *batch.Pool[linearScratch]
}

// linearScratch has a value a row.
type linearScratch struct {
	sums []float32
	vals []float64
}

func newXGBLinear(features, outputs int, weights, base []float64) (*linear, error) {
	if len(weights) == 0 || len(weights)/outputs != features+1 || len(weights)%outputs != 0 {
		return nil, fmt.Errorf("%d weights for %d features and %d outputs", len(weights), features, outputs)
	}
	x := &linear{features: features, outputs: outputs, weights: make([]float32, features*outputs), start: make([]float32, outputs)}
	for i := range x.weights {
		x.weights[i] = float32(weights[i])
	}
	for o := range x.start {
		x.start[o] = float32(weights[features*outputs+o]) + float32(base[0])
	}
	x.pool = batch.NewPool(func() *linearScratch { return new(linearScratch) })
	return x, nil
}

func (x *linear) Outputs() int { return x.outputs }
func (x *linear) Trees() int   { return 0 }

func (x *linear) Score(cols []batch.Column, n int, out []float64) error {
	w := x.pool.Get()
	defer x.pool.Put(w)
	if cap(w.sums) < n {
		w.sums, w.vals = make([]float32, n), make([]float64, n)
	}
	sums, vals := w.sums[:n], w.vals[:n]
	for o := range x.outputs {
		for r := range sums {
			sums[r] = x.start[o]
		}
		for f := range cols {
			w := x.weights[f*x.outputs+o]
			cols[f].Numbers(0, vals)
			for r, v := range vals {
				if !math.IsNaN(v) {
					sums[r] += float32(float32(v) * w)
				}
			}
		}
		for r, s := range sums {
			out[r*x.outputs+o] = float64(s)
		}
	}
	return nil
}

// Contributions are each feature's product, and last what all rows start from.
func (x *linear) Contributions(cols []batch.Column, n int, out []float64) error {
	vals := make([]float64, n)
	width := x.features + 1
	for f := range cols {
		cols[f].Numbers(0, vals)
		for r, v := range vals {
			for o := range x.outputs {
				to := &out[(r*x.outputs+o)*width+f]
				if *to = 0; !math.IsNaN(v) {
					*to = float64(float32(float32(v) * x.weights[f*x.outputs+o]))
				}
			}
		}
	}
	for i := range n * x.outputs {
		out[i*width+x.features] = float64(x.start[i%x.outputs])
	}
	return nil
}

func (x *linear) Leaves([]batch.Column, int, []int32) error { return x.Lacks(false) }

func (x *linear) Lacks(contrib bool) error {
	if !contrib {
		return errors.New("a linear booster has no leaves")
	}
	return nil
}
