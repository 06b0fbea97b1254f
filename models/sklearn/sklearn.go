// Package sklearn scores estimators of scikit-learn by the tables that Python makes of them once (python/src/dsql/_tables.py), with what
// the library itself gives: to the last bit, but where numpy's exponential or BLAS has the last word. It owns their form, the steps of
// a pipeline and the links; trees are forest's. It reads no pickle.
package sklearn

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"dsql/models/batch"
	"dsql/models/forest"
	"dsql/models/model"
)

// estimator is a model.scorer.
type estimator struct {
	inputs  []model.Input
	library string
	steps   []step
	columns int
	roots   []int // the input that each of the last step's columns is made of
	final   *final
	sum     summer
	parts   []calibrated   // what there is in the place of a sum
	trees   *forest.Scorer // nil: it has none
	outputs int
	link    link
	labels  model.Type
	texts   []string // classes
	ints    []int64  // classes, or of DOUBLE ones the bits
	pool    *batch.Pool[room]
}

// summer gives the raw values of rows.
type summer interface {
	Score(cols []batch.Column, n int, out []float64) error
}

// Load reads tables.
func Load(data []byte, opt model.Options) (*model.Model, error) {
	f, err := read(data)
	var e *estimator
	if err == nil {
		e, err = f.estimator(opt)
	}
	if err != nil {
		return nil, fmt.Errorf("tables of scikit-learn: %w", err)
	}
	return model.New("sklearn", e.inputs, e), nil
}

func (f *file) library() string { return f.Estimator + " of scikit-learn " + f.Version }

func (f *file) inputs() (out []model.Input) {
	for _, in := range f.Inputs {
		t := model.Double
		if in[1] == "VARCHAR" {
			t = model.Varchar
		}
		out = append(out, model.Input{Name: in[0], Type: t})
	}
	return out
}

func (f *file) estimator(opt model.Options) (*estimator, error) {
	e := &estimator{inputs: f.inputs(), library: f.library(), final: &f.Final, outputs: len(f.floats(f.Final.Base))}
	if e.steps, e.columns = f.steps(); f.err != nil {
		return nil, f.err
	}
	if len(e.inputs) == 0 || len(e.inputs) > batch.MaxColumns || len(f.Final.Features) == 0 && f.Final.Kind != "calibrated" || e.columns > maxColumns {
		return nil, fmt.Errorf("%d inputs and %d features", len(e.inputs), len(f.Final.Features))
	}
	e.findRoots(e.steps)
	var ok bool
	if e.link, ok = links[f.Final.Link]; !ok || f.Final.Classes != nil && !slices.Contains(rules, f.Final.Label) {
		return nil, fmt.Errorf("there is no link %q with the rule %q", f.Final.Link, f.Final.Label)
	}
	if e.link.widens && e.outputs != 1 || e.outputs < 1 {
		return nil, fmt.Errorf("%d outputs for the link %s", e.outputs, f.Final.Link)
	}
	if err := f.classes(e); err != nil {
		return nil, err
	}
	var err error
	switch f.Final.Kind {
	case "trees":
		e.trees, err = f.summed(e.final, opt)
		e.sum = e.trees
	case "linear":
		e.sum, err = f.linear(e.final)
	case "calibrated":
		err = f.calibrated(e, opt)
	default:
		err = fmt.Errorf("there is no kind %q", f.Final.Kind)
	}
	if err != nil {
		return nil, err
	}
	e.pool = batch.NewPool(e.room)
	return e, f.err
}

// findRoots finds of which input each feature is made.
func (e *estimator) findRoots(steps []step) {
	root := make([]int, e.columns)
	for i := range e.inputs {
		root[i] = i
	}
	for _, s := range steps {
		for k := range s.n {
			root[s.to+k] = s.input
		}
	}
	for _, c := range e.final.Features {
		e.roots = append(e.roots, root[c])
	}
}

// classes reads what labels there are.
func (f *file) classes(e *estimator) error {
	c := f.Final.Classes
	if c == nil {
		return nil
	}
	var at int
	var err error
	switch c.Type {
	case "VARCHAR":
		e.labels, err = model.Varchar, json.Unmarshal(c.Values, &e.texts)
	case "BIGINT", "BOOLEAN":
		e.labels = model.Bigint
		if c.Type == "BOOLEAN" {
			e.labels = model.Boolean
		}
		err = json.Unmarshal(c.Values, &at)
		for _, x := range f.ints(at) {
			e.ints = append(e.ints, int64(x))
		}
	case "DOUBLE":
		e.labels, err = model.Double, json.Unmarshal(c.Values, &at)
		for _, x := range f.floats(at) {
			e.ints = append(e.ints, int64(math.Float64bits(x)))
		}
	default:
		err = fmt.Errorf("classes of type %q", c.Type)
	}
	if n := len(e.texts) + len(e.ints); err == nil && n != e.predictions() {
		err = fmt.Errorf("%d classes for %d outputs", n, e.predictions())
	}
	return err
}

// predictions is how many a row there are.
func (e *estimator) predictions() int {
	if e.link.widens {
		return 2
	}
	return e.outputs
}

// block is how many rows are made at a time.
const block = forest.TileRows

func (e *estimator) room() *room {
	w := &room{numbers: make([][]float64, e.columns), texts: make([]texts, e.columns), given: make([]model.Column, len(e.roots)),
		raw: make([]float64, block*e.outputs), pred: make([]float64, block*e.predictions())}
	for i := range e.parts {
		p := e.parts[i].room()
		w.parts = append(w.parts, p)
	}
	all := make([]float64, (e.columns+len(e.roots))*block)
	for i := range w.numbers {
		w.numbers[i] = all[i*block : (i+1)*block]
	}
	for _, p := range w.parts {
		p.numbers = w.numbers
	}
	for i := range w.given {
		w.given[i].Values = &all[(e.columns+i)*block]
	}
	return w
}

// Trees: see model.scorer, as for all below.
func (e *estimator) Trees() int {
	if e.trees == nil {
		return 0
	}
	return e.trees.Trees()
}

func (e *estimator) Label() model.Type { return e.labels }

func (e *estimator) Width(o model.Output) int {
	switch {
	case o == model.Prediction:
		return e.predictions()
	case o == model.Raw && e.final.Raw:
		return e.outputs
	case o == model.Label && e.labels != model.None:
		return 1
	case o == model.Contrib && e.trees != nil:
		return e.outputs * (len(e.inputs) + 1)
	case o == model.Leaf && e.final.Names != nil:
		return e.Trees()
	}
	return 0
}

func (e *estimator) Lacks(o model.Output) error {
	switch {
	case o == model.Contrib && e.trees == nil:
		return errors.New("what inputs add is known of trees alone")
	case o == model.Contrib:
		return e.trees.Lacks(true)
	case o == model.Leaf && e.final.Names == nil:
		return fmt.Errorf("%s gives no leaves", e.library)
	}
	return nil
}

// each makes blocks of rows ready for the last step.
func (e *estimator) each(cols []model.Column, n int, use func(w *room, from, rows int) error) error {
	w := e.pool.Get()
	defer e.pool.Put(w)
	for from := 0; from < n; from += block {
		rows := min(block, n-from)
		if err := e.take(w, cols, from, rows); err != nil {
			return err
		}
		if err := e.give(w, rows); err != nil {
			return err
		}
		if err := use(w, from, rows); err != nil {
			return err
		}
	}
	return nil
}

// give hands columns to the last step, as it takes them.
func (e *estimator) give(w *room, rows int) error {
	for i, c := range e.final.Features {
		to := unsafeSlice(w.given[i].Values, rows)
		copy(to, w.numbers[c])
		if e.final.Single {
			for r, v := range to {
				to[r] = float64(float32(v))
			}
		}
		if e.final.Finite || e.final.Whole {
			if err := e.checked(to, e.roots[i], e.final.Finite, e.final.Whole); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *estimator) Score(o model.Output, cols []model.Column, n int, out []float64, _ []bool) error {
	return e.each(cols, n, func(w *room, from, rows int) error {
		k := e.Width(o)
		to := out[from*k : (from+rows)*k]
		if o == model.Contrib {
			err := e.trees.Contributions(w.given, rows, to)
			e.divide(to)
			return err
		}
		raw, err := e.raw(w, rows)
		if o == model.Raw {
			copy(to, raw)
		} else if err == nil {
			e.link.apply(raw, to, rows, e.outputs)
		}
		return err
	})
}

// raw are the sums of a block, or the averages.
func (e *estimator) raw(w *room, rows int) ([]float64, error) {
	raw := w.raw[:rows*e.outputs]
	var err error
	if e.parts != nil {
		err = e.calibrate(w, rows, raw)
	} else {
		err = e.sum.Score(w.given, rows, raw)
	}
	e.divide(raw)
	return raw, err
}

func (e *estimator) divide(sums []float64) {
	if e.final.Divisor > 0 {
		for i := range sums {
			sums[i] /= float64(e.final.Divisor)
		}
	}
}

func (e *estimator) Labels(cols []model.Column, n int, ints []int64, text []string, _ []bool) error {
	return e.each(cols, n, func(w *room, from, rows int) error {
		raw, err := e.raw(w, rows)
		if err != nil {
			return err
		}
		k, p := e.outputs, e.predictions()
		pred := w.pred[:rows*p]
		if e.final.Label == "proba" {
			e.link.apply(raw, pred, rows, k)
		}
		for r := range rows {
			c := classOf(e.final.Label, raw[r*k:r*k+k], pred[r*p:r*p+p])
			if e.labels == model.Varchar {
				text[from+r] = e.texts[c]
			} else {
				ints[from+r] = e.ints[c]
			}
		}
		return nil
	})
}

func (e *estimator) Leaves(cols []model.Column, n int, out []int32, _ []bool) error {
	return e.each(cols, n, func(w *room, from, rows int) error {
		k := e.Trees()
		return e.trees.Leaves(w.given, rows, out[from*k:(from+rows)*k])
	})
}
