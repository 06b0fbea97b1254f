package stored

import (
	"math"
	"unsafe"

	"dsql/models/batch"
	"dsql/models/model"
)

// Call is one vector's worth of a function's arguments and its result, in DuckDB's own memory. Validity words have bit r%64 of word r/64 0
// where row r is NULL; nil: none is.
type Call interface {
	Rows() int
	Doubles(i int) ([]float64, []uint64)
	Ints(i int) ([]int64, []uint64)
	Bools(i int) ([]bool, []uint64)
	Texts(i int) (func(row int) string, []uint64)
	OutDoubles() []float64
	OutInts() []int64
	OutBools() []bool
	OutText(row int, s string)
	OutLists(width int) []float64
	OutIntLists(width int) []int32
	// OutPairs is a list of (text, number) a row; ends[r] is how many elements the rows up to r have.
	OutPairs(ends []int) (set func(i int, text string), numbers []float64)
	SetNull(row int)
}

// Score is what the function does.
func (f *Function) Score() func(Call) error {
	pool := batch.NewPool(func() *[]model.Column { c := make([]model.Column, len(f.Inputs)); return &c })
	return func(call Call) error {
		m, err := f.Load()
		if err != nil {
			return err
		}
		scratch := pool.Get()
		defer pool.Put(scratch)
		cols := *scratch
		f.arguments(call, cols)
		return f.score(m, call, cols)
	}
}

// arguments are a call's.
func (f *Function) arguments(call Call, cols []model.Column) {
	for i, in := range f.Inputs {
		if in.Type != "VARCHAR" {
			values, valid := call.Doubles(i)
			cols[i] = model.Column{Values: unsafe.SliceData(values), Valid: unsafe.SliceData(valid)}
			continue
		}
		at, valid := call.Texts(i)
		cols[i] = model.Column{Text: cols[i].Text[:0], Valid: unsafe.SliceData(valid)}
		for r := range call.Rows() {
			t := ""
			if !cols[i].Null(r) {
				t = at(r)
			}
			cols[i].Text = append(cols[i].Text, t)
		}
	}
}

// score fills the call's result. Rows for which the model itself gives nothing are NULL.
func (f *Function) score(m *model.Model, call Call, cols []model.Column) error {
	n := call.Rows()
	none := make([]bool, n)
	var err error
	switch {
	case f.Output == model.Label && f.Returns == "VARCHAR":
		out := make([]string, n)
		if err = m.LabelsOrNone(cols, n, nil, out, none); err == nil {
			for r, s := range out {
				call.OutText(r, s)
			}
		}
	case f.Output == model.Label && f.Returns == "BIGINT":
		err = m.LabelsOrNone(cols, n, call.OutInts(), nil, none)
	case f.Output == model.Label:
		ints := make([]int64, n)
		if err = m.LabelsOrNone(cols, n, ints, nil, none); err == nil {
			setLabels(call, ints, f.Returns == "BOOLEAN")
		}
	case f.Output == model.Leaf:
		err = m.Leaves(cols, n, call.OutIntLists(m.Outputs(model.Leaf)), none)
	case f.Returns == "DOUBLE":
		err = m.ScoreOrNone(f.Output, cols, n, call.OutDoubles(), none)
	default:
		err = m.ScoreOrNone(f.Output, cols, n, call.OutLists(m.Outputs(f.Output)), none)
	}
	if err != nil {
		return err
	}
	setNulls(call, none)
	return nil
}

// setLabels fills in classes that are no integers.
func setLabels(call Call, ints []int64, truth bool) {
	if truth {
		out := call.OutBools()
		for r, x := range ints {
			out[r] = x != 0
		}
		return
	}
	out := call.OutDoubles()
	for r, x := range ints {
		out[r] = math.Float64frombits(uint64(x))
	}
}

func setNulls(call Call, none []bool) {
	for r, missing := range none {
		if missing {
			call.SetNull(r)
		}
	}
}
