package stored

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"dsql/models/batch"
	"dsql/models/model"
)

// NAME_reasons(row, k) gives the k inputs that moved a row's score most, with what each added to the margin, the largest first. It is made
// of the contributions (OUTPUT contrib), whatever the model's own output is; so the model is loaded a second time, when it is first
// asked. Of several margins (classes, targets) it speaks of the largest: the class that is predicted.

// ReasonsName is the macro beside a model's name.
func ReasonsName(model string) string { return model + "_reasons" }

// Reasons is what the function of NativeReasons does. Its arguments are the model's, and last how many inputs are wanted.
func (f *Function) Reasons() func(Call) error {
	pool := batch.NewPool(func() *reasoner { return &reasoner{cols: make([]model.Column, len(f.Inputs))} })
	return func(call Call) error {
		m, err := f.Explain()
		if err == nil {
			err = m.Explains()
		}
		if err == nil && m.Outputs(model.Contrib) > mostReasons {
			err = fmt.Errorf("what its inputs add to its margins are %d values a row, supported are %d", m.Outputs(model.Contrib), mostReasons)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", ReasonsName(f.Name), err)
		}
		w := pool.Get()
		defer pool.Put(w)
		f.arguments(call, w.cols)
		n := call.Rows()
		counts, valid := call.Ints(len(f.Inputs))
		wanted := model.Column{Valid: unsafe.SliceData(valid)}
		none := make([]bool, n)
		var found []moved
		ends := make([]int, n)
		err = w.each(m, n, none, func(row int, values []float64) {
			if wanted.Null(row) {
				none[row] = true
			} else if !none[row] {
				found = append(found, w.largest(values, counts[row])...)
			}
			ends[row] = len(found)
		})
		if err != nil {
			return err
		}
		set, amounts := call.OutPairs(ends)
		for i, r := range found {
			set(i, f.Inputs[r.input].Name)
			amounts[i] = r.amount
		}
		setNulls(call, none)
		return nil
	}
}

// moved is what an input added.
type moved struct {
	input  int
	amount float64
}

// reasoner is what one call needs.
type reasoner struct {
	cols, part []model.Column
	values     []float64
	order      []moved
}

// What is held at a time of wide models' contributions: so many values, or those of 64 rows.
const (
	maxValues   = 1 << 19
	mostReasons = 1 << 18
)

// each calls use for each row with what its inputs added to the largest margin.
func (w *reasoner) each(m *model.Model, n int, none []bool, use func(row int, values []float64)) error {
	width, all := len(w.cols)+1, m.Outputs(model.Contrib)
	chunk := max(64, min(n, maxValues/all)/64*64) // whole words of validity
	if cap(w.values) < chunk*all {
		w.values = make([]float64, chunk*all)
	}
	for from := 0; from < n; from += chunk {
		rows := min(chunk, n-from)
		w.part = w.part[:0]
		for i := range w.cols {
			w.part = append(w.part, w.cols[i].From(from))
		}
		values := w.values[:rows*all]
		if err := m.ScoreOrNone(model.Contrib, w.part, rows, values, none[from:from+rows]); err != nil {
			return err
		}
		for r := range rows {
			row := values[r*all : (r+1)*all]
			best, top := 0, math.Inf(-1)
			for o := 0; o*width < all; o++ {
				margin := 0.0
				for _, v := range row[o*width : (o+1)*width] {
					margin += v
				}
				if margin > top {
					best, top = o, margin
				}
			}
			use(from+r, row[best*width:(best+1)*width-1])
		}
	}
	return nil
}

// largest are the k inputs that added most, be it more or less; equal ones in the order of the inputs.
func (w *reasoner) largest(values []float64, k int64) []moved {
	w.order = w.order[:0]
	for i, v := range values {
		w.order = append(w.order, moved{i, v})
	}
	slices.SortStableFunc(w.order, func(a, b moved) int { return cmp.Compare(math.Abs(b.amount), math.Abs(a.amount)) })
	return w.order[:max(0, min(k, int64(len(values))))]
}
