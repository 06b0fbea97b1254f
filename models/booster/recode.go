package booster

import (
	"math"

	"dsql/models/model"
)

// Recoder turns the categories of a data frame's column into the numbers that stand for them in a model: their places
// in the list that the file keeps.
type Recoder struct {
	Texts   map[string]float64
	numbers map[float64]float64
	find    func(text string) (float64, bool) // see NewFinder
	refuse  bool                              // a category that was not there in training gives no result; else it is missing
}

func NewRecoder(texts []string, numbers []float64, refuse bool) *Recoder {
	r := &Recoder{refuse: refuse}
	if texts != nil {
		r.Texts = make(map[string]float64, len(texts))
		for i, s := range texts {
			r.Texts[s] = float64(i)
		}
		return r
	}
	r.numbers = make(map[float64]float64, len(numbers))
	for i, x := range numbers {
		r.numbers[x] = float64(i)
	}
	return r
}

// NewFinder is one whose texts aren't kept: find tells the number. A missing text is the empty one; what isn't found is missing.
func NewFinder(find func(text string) (float64, bool)) *Recoder { return &Recoder{find: find} }

func (r *Recoder) Input() model.Type {
	if r.Texts != nil || r.find != nil {
		return model.Varchar
	}
	return model.Double
}

// recodeScratch is what recoding a batch needs.
type recodeScratch struct {
	cols []model.Column
	vals [][]float64 // by input
	none []bool      // rows without a result
}

// recode returns the columns with numbers for categories, in w's memory.
func recode(by []*Recoder, w *recodeScratch, cols []model.Column, n int) []model.Column {
	w.cols = append(w.cols[:0], cols...)
	if w.vals == nil {
		w.vals = make([][]float64, len(by))
	}
	w.none = append(w.none[:0], make([]bool, n)...)
	for i, r := range by {
		if r == nil {
			continue
		}
		if cap(w.vals[i]) < n {
			w.vals[i] = make([]float64, n)
		}
		v := w.vals[i][:n]
		if r.Input() == model.Double {
			cols[i].Numbers(0, v)
		}
		for k := range v {
			known, missing := false, false
			x := math.NaN()
			if r.find != nil {
				text := ""
				if !cols[i].Null(k) {
					text = cols[i].Text[k]
				}
				x, known = r.find(text)
			} else if r.Texts != nil {
				if missing = cols[i].Null(k); !missing {
					x, known = r.Texts[cols[i].Text[k]]
				}
			} else if missing = math.IsNaN(v[k]); !missing {
				x, known = r.numbers[v[k]]
			}
			if !known {
				x = math.NaN()
				w.none[k] = w.none[k] || r.refuse && !missing
			}
			v[k] = x
		}
		w.cols[i] = model.Column{Values: &v[0]}
	}
	return w.cols
}
