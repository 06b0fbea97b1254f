package sklearn

import (
	"errors"
	"unsafe"

	"dsql/models/batch"
)

// linear is Σ x·w + base for each output. The library's own sum has another order, which follows from how many rows there are.
type linear struct {
	features   int
	coef, base []float64
}

func (f *file) linear(h *final) (*linear, error) {
	l := &linear{len(h.Features), f.floats(h.Coef), f.floats(h.Base)}
	if f.err == nil && len(l.coef) != l.features*len(l.base) {
		return nil, errors.New("its coefficients are not those of its features")
	}
	return l, f.err
}

func (l *linear) Score(cols []batch.Column, n int, out []float64) error {
	k := len(l.base)
	clear(out[:n*k])
	for i := range cols {
		x := unsafeSlice(cols[i].Values, n)
		for o := range k {
			w := l.coef[o*l.features+i]
			for r, v := range x {
				out[r*k+o] += v * w
			}
		}
	}
	for r := range n {
		for o, b := range l.base {
			out[r*k+o] += b
		}
	}
	return nil
}

// unsafeSlice are a column's values, which a room has.
func unsafeSlice(first *float64, n int) []float64 { return unsafe.Slice(first, n) }
