package sklearn

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unsafe"

	"dsql/models/model"
)

// Try is an error where the model of tables doesn't give what the library gave for their sample: a later version of it may do what isn't
// known here.
func Try(data []byte, m *model.Model) error {
	f, err := read(data)
	if err != nil {
		return err
	}
	n := f.Sample.Rows
	want := f.floats(f.Sample.Prediction)
	cols := make([]model.Column, len(f.Inputs))
	if n < 1 || len(f.Sample.Inputs) != len(cols) || len(want) != n*m.Outputs(model.Prediction) {
		return errors.New("its sample has another form than its predictions")
	}
	for i, in := range f.Sample.Inputs {
		if in.Numbers != nil {
			x := f.floats(*in.Numbers)
			if len(x) != n || m.Inputs()[i].Type != model.Double {
				return errors.New("its sample has another form than its inputs")
			}
			cols[i].Values = unsafe.SliceData(x)
			continue
		}
		if len(in.Texts) != n {
			return errors.New("its sample has another form than its inputs")
		}
		valid := make([]uint64, (n+63)/64)
		for r, t := range in.Texts {
			if t == nil {
				t = new(string)
			} else {
				valid[r/64] |= 1 << (r % 64)
			}
			cols[i].Text = append(cols[i].Text, *t)
		}
		cols[i].Valid = unsafe.SliceData(valid)
	}
	got := make([]float64, len(want))
	if err := m.Score(model.Prediction, cols, n, got); err != nil {
		return fmt.Errorf("the sample that its library took: %w", err)
	}
	for i, w := range want {
		if d := math.Abs(got[i] - w); !(d <= 1e-9*(1+math.Abs(w))) && got[i] != w {
			return fmt.Errorf("the sample's row %d gives %v, and its library %v", i*n/len(want), got[i], w)
		}
	}
	return f.err
}

// Description is what tables say of themselves.
type Description struct {
	Text   string // the estimator, and what stands before it
	Named  bool   // it was trained with names
	Inputs []model.Input
}

// About reads what tables say of themselves.
func About(data []byte) (d Description, err error) {
	f, err := read(data)
	if err != nil {
		return d, err
	}
	d.Named, d.Text = f.Named, f.library()
	if f.Final.Kind == "trees" {
		d.Text += fmt.Sprintf(", trees: %d", len(f.ints(f.Final.Sizes)))
	}
	if len(f.Steps) > 0 {
		d.Text += ", behind " + strings.Join(f.Steps, ", ")
	}
	d.Inputs = f.inputs()
	return d, f.err
}
