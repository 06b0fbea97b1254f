// Package booster is what gradient-boosted models of all libraries share: margins summed up, links that turn them into predictions and
// classes, and categories of data frames turned into the numbers that stand for them. The formats are read elsewhere.
package booster

import (
	"cmp"
	"math"

	"dsql/models/batch"
	"dsql/models/model"
)

// Booster is a gradient-boosted model: sums of trees or of weighted features, then a link.
type Booster struct {
	sum    Summer
	inputs int
	link   Link
	recode []*Recoder // by input, nil for most; nil: for all
	pool   *batch.Pool[scratch]
}

// Summer adds up a row's margins.
type Summer interface {
	Score(cols []model.Column, n int, out []float64) error
	Outputs() int
	Trees() int
	// Contributions are what each input adds to each margin, and last the base.
	Contributions(cols []model.Column, n int, out []float64) error
	Leaves(cols []model.Column, n int, out []int32) error
	// Lacks is why it can't tell contributions or leaves.
	Lacks(contrib bool) error
}

// Link turns margins into predictions and labels.
type Link struct {
	Width int                                       // predictions a row
	Apply func(raw []float64, n int, out []float64) // raw: n rows of margins; may be out itself when widths agree
	Class func(pred []float64) int64                // of one row's predictions; nil: no classes
	// Margins: Class is asked of a row's margins instead.
	Margins bool
	Named   Classes // what the classes' numbers stand for
}

// Classes are those of a model that have a type of their own: Texts, or Ints as model.Labels has them. The zero value: each is its number.
type Classes struct {
	Type  model.Type
	Texts []string
	Ints  []int64
}

type scratch struct {
	vals   []float64
	recode recodeScratch
}

// New makes one of sums of inputs, a link and the recoders of its inputs.
func New(sum Summer, inputs int, l Link, by []*Recoder) *Booster {
	return &Booster{sum: sum, inputs: inputs, link: l, recode: by, pool: batch.NewPool(func() *scratch { return new(scratch) })}
}

func (b *Booster) Trees() int { return b.sum.Trees() }

func (b *Booster) Width(o model.Output) int {
	switch {
	case o == model.Raw:
		return b.sum.Outputs()
	case o == model.Prediction:
		return b.link.Width
	case o == model.Contrib:
		return b.sum.Outputs() * (b.inputs + 1)
	case o == model.Leaf:
		return b.sum.Trees()
	case b.link.Class != nil:
		return 1
	}
	return 0
}

func (b *Booster) Lacks(o model.Output) error {
	if o == model.Contrib || o == model.Leaf {
		return b.sum.Lacks(o == model.Contrib)
	}
	return nil
}

func (b *Booster) Label() model.Type {
	if b.link.Class == nil {
		return model.None
	}
	return cmp.Or(b.link.Named.Type, model.Bigint)
}

func (b *Booster) Score(o model.Output, cols []model.Column, n int, out []float64, none []bool) error {
	w := b.pool.Get()
	defer b.pool.Put(w)
	if b.recode != nil {
		cols = recode(b.recode, &w.recode, cols, n)
	}
	if o == model.Contrib {
		if err := b.sum.Contributions(cols, n, out); err != nil {
			return err
		}
		w.without(b, out, n, none)
		return nil
	}
	raw := out
	if o == model.Prediction && b.link.Width != b.sum.Outputs() {
		raw = w.room(n * b.sum.Outputs())
	}
	if err := b.sum.Score(cols, n, raw); err != nil {
		return err
	}
	if o == model.Prediction {
		b.link.Apply(raw, n, out)
	}
	w.without(b, out, n, none)
	return nil
}

// without has NaN stand for the rows that give no result: those with a category that training didn't have.
func (w *scratch) without(b *Booster, out []float64, n int, none []bool) {
	if b.recode == nil {
		return
	}
	copy(none, w.recode.none)
	for r, gone := range w.recode.none {
		if gone {
			k := len(out) / n
			for i := range out[r*k : r*k+k] {
				out[r*k+i] = math.NaN()
			}
		}
	}
}

func (b *Booster) Leaves(cols []model.Column, n int, out []int32, none []bool) error {
	w := b.pool.Get()
	defer b.pool.Put(w)
	if b.recode != nil {
		cols = recode(b.recode, &w.recode, cols, n)
		copy(none, w.recode.none)
	}
	return b.sum.Leaves(cols, n, out)
}

func (b *Booster) Labels(cols []model.Column, n int, ints []int64, text []string, none []bool) error {
	w := b.pool.Get()
	defer b.pool.Put(w)
	of := model.Prediction
	if b.link.Margins {
		of = model.Raw
	}
	k := b.Width(of)
	pred := w.room(n * k)
	if err := b.Score(of, cols, n, pred, none); err != nil {
		return err
	}
	for r := range n {
		switch c, named := b.link.Class(pred[r*k:r*k+k]), &b.link.Named; named.Type {
		case model.None:
			ints[r] = c
		case model.Varchar:
			text[r] = named.Texts[c]
		default:
			ints[r] = named.Ints[c]
		}
	}
	return nil
}

func (w *scratch) room(n int) []float64 {
	if cap(w.vals) < n {
		w.vals = make([]float64, n)
	}
	return w.vals[:n]
}
