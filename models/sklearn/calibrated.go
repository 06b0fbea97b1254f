package sklearn

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"dsql/models/booster"
	"dsql/models/model"
)

// calibrated is one of the estimators of a CalibratedClassifierCV: an estimator that has a final step alone, and what makes probabilities of
// its raw values.
type calibrated struct {
	*estimator
	curves []curve
	warm   *temperature // in the place of curves
}

// temperature scales margins before a softmax, or the logarithms of probabilities.
type temperature struct {
	inverse float64
	margins bool
}

// curve is a sigmoid of slope and intercept, or the points of an isotonic regression, between which it is linear.
type curve struct {
	sigmoid []float64
	x, y    []float64
}

// calibrated reads the parts.
func (f *file) calibrated(e *estimator, opt model.Options) error {
	for i := range e.final.Parts {
		p := &e.final.Parts[i]
		own := &estimator{inputs: e.inputs, library: e.library, columns: e.columns, final: &p.Final, outputs: len(f.floats(p.Final.Base))}
		own.findRoots(e.steps)
		own.columns = 0 // they are the whole's
		var err error
		switch p.Final.Kind {
		case "trees":
			own.trees, err = f.summed(&p.Final, model.Options{Kernel: opt.Kernel})
			own.sum = own.trees
		case "linear":
			own.sum, err = f.linear(&p.Final)
		default:
			err = fmt.Errorf("what it calibrates is of the kind %q", p.Final.Kind)
		}
		if err != nil {
			return err
		}
		part := calibrated{estimator: own}
		for _, c := range p.Calibrators {
			var k curve
			switch {
			case c.Sigmoid != nil:
				if k.sigmoid = f.floats(*c.Sigmoid); len(k.sigmoid) != 2 {
					return fmt.Errorf("a sigmoid of %d numbers", len(k.sigmoid))
				}
			case c.Temperature != nil:
				t := f.floats(*c.Temperature)
				if len(t) != 1 || len(p.Calibrators) != 1 {
					return fmt.Errorf("%d temperatures of %d calibrators", len(t), len(p.Calibrators))
				}
				part.warm = &temperature{t[0], c.Margins}
				continue
			case c.X != nil && c.Y != nil:
				if k.x, k.y = f.floats(*c.X), f.floats(*c.Y); len(k.x) == 0 || len(k.x) != len(k.y) || !slices.IsSorted(k.x) {
					return fmt.Errorf("%d points of a calibrator have %d values", len(k.x), len(k.y))
				}
			default:
				return fmt.Errorf("a calibrator is empty")
			}
			part.curves = append(part.curves, k)
		}
		wanted := e.outputs // curves: one for each class, of two for the second
		if e.outputs == 2 {
			wanted = 1
		}
		n := len(part.curves)
		if part.warm != nil {
			n = wanted
		}
		if n != wanted || own.outputs > e.outputs || own.outputs != e.outputs && e.outputs != 2 || own.outputs < 1 || len(p.Final.Features) == 0 {
			return fmt.Errorf("%d calibrators of %d values for %d classes", n, own.outputs, e.outputs)
		}
		e.parts = append(e.parts, part)
	}
	if len(e.parts) == 0 || e.final.Divisor != len(e.parts) {
		return fmt.Errorf("%d estimators, and they are divided by %d", len(e.parts), e.final.Divisor)
	}
	return f.err
}

// calibrate sums up what the parts give.
func (e *estimator) calibrate(w *room, rows int, out []float64) error {
	clear(out)
	k := e.outputs
	at, both, one := make([]float64, rows), make([]float64, 2*rows), make([]float64, rows*k)
	for i := range e.parts {
		p, own := &e.parts[i], w.parts[i]
		if err := p.give(own, rows); err != nil {
			return err
		}
		raw, err := p.raw(own, rows)
		if err != nil {
			return err
		}
		if p.warm != nil {
			p.warm.apply(raw, rows, p.outputs, k, one)
		}
		for c := range p.curves {
			from, to := c, c
			if k == 2 { // of the second class
				from, to = p.outputs-1, 1
			}
			for r := range rows {
				at[r] = raw[r*p.outputs+from]
			}
			p.curves[c].apply(at, both)
			for r, y := range at {
				one[r*k+to] = y
			}
		}
		for r := range rows {
			if p.warm == nil {
				whole(one[r*k : r*k+k])
			}
			bounded(one[r*k : r*k+k])
		}
		for r, y := range one {
			out[r] += y
		}
	}
	return nil
}

// whole makes the probabilities of a row's classes sum up to one.
func whole(p []float64) {
	if len(p) == 2 {
		p[0] = 1 - p[1]
	} else {
		sum := 0.0
		for _, x := range p {
			sum += x
		}
		for i := range p {
			if p[i] /= sum; sum == 0 {
				p[i] = 1 / float64(len(p))
			}
		}
	}
}

// bounded takes away what rounding leaves above one.
func bounded(p []float64) {
	for i, x := range p {
		if x > 1 && x <= 1+1e-5 {
			p[i] = 1
		}
	}
}

// apply makes probabilities of k classes of each row's values. The library sees by a batch's values whether all are probabilities, and takes
// margins of three and more classes for such where those of all rows are; here it is what the estimator gives.
func (t *temperature) apply(raw []float64, rows, width, k int, out []float64) {
	for r := range rows {
		x, p := raw[r*width:r*width+width], out[r*k:r*k+k]
		switch {
		case k != 2:
			copy(p, x)
		case t.margins:
			p[0], p[1] = -x[width-1], x[width-1]
		default:
			p[0], p[1] = 1-x[width-1], x[width-1]
		}
		for i, v := range p {
			if !t.margins {
				v = math.Log(v + 1e-12)
			}
			p[i] = t.inverse * v
		}
		booster.Softmax(p, p)
	}
}

// apply turns values into probabilities.
func (c *curve) apply(values, both []float64) {
	if c.sigmoid != nil {
		for r, v := range values {
			values[r] = -(float64(c.sigmoid[0]*v) + c.sigmoid[1])
		}
		booster.Logistic(values, both)
		for r := range values {
			values[r] = both[2*r+1]
		}
		return
	}
	last := len(c.x) - 1
	for r, v := range values {
		v = min(max(v, c.x[0]), c.x[last])
		j := sort.Search(len(c.x), func(i int) bool { return c.x[i] > v }) - 1
		switch {
		case v != v:
			values[r] = math.NaN()
		case j == last || c.x[j] == v:
			values[r] = c.y[j]
		default:
			slope := (c.y[j+1] - c.y[j]) / (c.x[j+1] - c.x[j])
			values[r] = float64(slope*(v-c.x[j])) + c.y[j]
		}
	}
}
