package models

import "sync"

// booster is a gradient-boosted model: sums of trees or of weighted features, then a link.
type booster struct {
	sum  summer
	link link
	pool sync.Pool // of *[]float64
}

// summer adds up a row's margins.
type summer interface {
	Score(cols []Column, n int, out []float64) error
	Outputs() int
	Trees() int
}

// link turns margins into predictions and labels.
type link struct {
	width int                                       // predictions a row
	apply func(raw []float64, n int, out []float64) // raw: n rows of margins; may be out itself when widths agree
	class func(pred []float64) int64                // of one row's predictions; nil: no classes
}

func newBooster(sum summer, l link) *booster {
	b := &booster{sum: sum, link: l}
	b.pool.New = func() any { return new([]float64) }
	return b
}

func (b *booster) trees() int { return b.sum.Trees() }

func (b *booster) width(o Output) int {
	switch {
	case o == Raw:
		return b.sum.Outputs()
	case o == Prediction:
		return b.link.width
	case b.link.class != nil:
		return 1
	}
	return 0
}

func (b *booster) label() Type {
	if b.link.class == nil {
		return None
	}
	return Bigint
}

func (b *booster) score(o Output, cols []Column, n int, out []float64) error {
	if o == Raw {
		return b.sum.Score(cols, n, out)
	}
	raw := out
	if b.link.width != b.sum.Outputs() {
		w := b.pool.Get().(*[]float64)
		defer b.pool.Put(w)
		raw = room(w, n*b.sum.Outputs())
	}
	if err := b.sum.Score(cols, n, raw); err != nil {
		return err
	}
	b.link.apply(raw, n, out)
	return nil
}

func (b *booster) labels(cols []Column, n int, ints []int64, _ []string) error {
	w := b.pool.Get().(*[]float64)
	defer b.pool.Put(w)
	k := b.link.width
	pred := room(w, n*k)
	if err := b.score(Prediction, cols, n, pred); err != nil {
		return err
	}
	for r := range n {
		ints[r] = b.link.class(pred[r*k : r*k+k])
	}
	return nil
}

func room(w *[]float64, n int) []float64 {
	if cap(*w) < n {
		*w = make([]float64, n)
	}
	return (*w)[:n]
}
