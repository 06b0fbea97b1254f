package models

import "math"

// recoder turns the categories of a data frame's column into the numbers that stand for them in a model: their places
// in the list that the file keeps.
type recoder struct {
	texts   map[string]float64
	numbers map[float64]float64
	refuse  bool // a category that was not there in training gives no result; else it is missing
}

func newRecoder(texts []string, numbers []float64, refuse bool) *recoder {
	r := &recoder{refuse: refuse}
	if texts != nil {
		r.texts = make(map[string]float64, len(texts))
		for i, s := range texts {
			r.texts[s] = float64(i)
		}
		return r
	}
	r.numbers = make(map[float64]float64, len(numbers))
	for i, x := range numbers {
		r.numbers[x] = float64(i)
	}
	return r
}

func (r *recoder) input() Type {
	if r.texts != nil {
		return Varchar
	}
	return Double
}

// recodeScratch is what recoding a batch needs.
type recodeScratch struct {
	cols []Column
	vals [][]float64 // by input
	none []bool      // rows without a result
}

// recode returns the columns with numbers for categories, in w's memory.
func recode(by []*recoder, w *recodeScratch, cols []Column, n int) []Column {
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
		if r.texts == nil {
			cols[i].Numbers(0, v)
		}
		for k := range v {
			known, missing := false, false
			x := math.NaN()
			if r.texts != nil {
				if missing = cols[i].Null(k); !missing {
					x, known = r.texts[cols[i].Text[k]]
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
		w.cols[i] = Column{Values: &v[0]}
	}
	return w.cols
}
