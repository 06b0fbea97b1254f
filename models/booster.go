package models

import (
	"math"
	"sync"
)

// booster is a gradient-boosted model: sums of trees or of weighted features, then a link.
type booster struct {
	sum    summer
	link   link
	recode []*recoder // by input, nil for most; nil: for all
	pool   sync.Pool  // of *boosterScratch
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

type boosterScratch struct {
	vals   []float64
	recode recodeScratch
}

func newBooster(sum summer, l link, by []*recoder) *booster {
	b := &booster{sum: sum, link: l, recode: by}
	b.pool.New = func() any { return new(boosterScratch) }
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

func (b *booster) score(o Output, cols []Column, n int, out []float64, none []bool) error {
	w := b.pool.Get().(*boosterScratch)
	defer b.pool.Put(w)
	if b.recode != nil {
		cols = recode(b.recode, &w.recode, cols, n)
	}
	raw := out
	if o == Prediction && b.link.width != b.sum.Outputs() {
		raw = w.room(n * b.sum.Outputs())
	}
	if err := b.sum.Score(cols, n, raw); err != nil {
		return err
	}
	if o == Prediction {
		b.link.apply(raw, n, out)
	}
	if b.recode == nil {
		return nil
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
	return nil
}

func (b *booster) labels(cols []Column, n int, ints []int64, _ []string, none []bool) error {
	w := b.pool.Get().(*boosterScratch)
	defer b.pool.Put(w)
	k := b.link.width
	pred := w.room(n * k)
	if err := b.score(Prediction, cols, n, pred, none); err != nil {
		return err
	}
	for r := range n {
		ints[r] = b.link.class(pred[r*k : r*k+k])
	}
	return nil
}

func (w *boosterScratch) room(n int) []float64 {
	if cap(w.vals) < n {
		w.vals = make([]float64, n)
	}
	return w.vals[:n]
}
