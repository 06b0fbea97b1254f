package sklearn

import (
	"fmt"
	"math"

	"dsql/models/model"
)

// A node makes columns of one before it. The columns are numbered: first the inputs, then those of each node in order.
type node struct {
	Op    string
	Of    int
	Whole bool // check: missing values are refused too
	N     int  // onehot: columns
	// Numbers that stand as texts, since JSON has none for all of them.
	Mean, Scale, Add, Low, High, Value *string
	Given                              *string // fill, missing: the value that is a missing one; nil: NULL and NaN are
	Unknown, Missing                   *string // code: of other categories, and of none; nil: an error
	Text                               *string // fill, of texts
	// code: the number of each category
	Numbers *int
	Texts   []string
	Values  int
}

// step is a node made ready.
type step struct {
	op         string
	of, to     int
	input      int // of which it is made
	n          int
	a, b       float64
	low, high  float64
	whole      bool
	isText     bool
	text       string
	texts      map[string]float64
	numbers    map[float64]float64
	refuses    [2]bool // code: other categories, missing ones
	other      float64
	none       float64
	subtracted bool
	divided    bool
	clipped    bool
}

// steps reads the nodes. texts says which columns are texts.
func (f *file) steps() (out []step, columns int) {
	columns = len(f.Inputs)
	input, texts := make([]int, columns), make([]bool, columns)
	for i, in := range f.Inputs {
		input[i], texts[i] = i, in[1] == "VARCHAR"
	}
	for i, n := range f.Nodes {
		if n.Of < 0 || n.Of >= columns {
			f.fail("step %d is made of column %d", i, n.Of)
			return nil, 0
		}
		s := step{op: n.Op, of: n.Of, to: columns, input: input[n.Of], n: 1, whole: n.Whole, isText: texts[n.Of]}
		f.arguments(&s, n)
		if ok := texts[n.Of]; ok != (n.Op == "fill" && n.Text != nil || n.Op == "code" && s.texts != nil) && n.Op != "missing" {
			f.fail("step %d takes a text for a number, or a number for a text", i)
		}
		for range s.n {
			input, texts = append(input, s.input), append(texts, n.Op == "fill" && n.Text != nil)
		}
		columns += s.n
		out = append(out, s)
	}
	given := f.Final.Features
	for i := range f.Final.Parts {
		given = append(given[:len(given):len(given)], f.Final.Parts[i].Final.Features...)
	}
	for _, c := range given {
		if c < 0 || c >= columns || texts[c] {
			f.fail("the last step is given column %d", c)
		}
	}
	return out, columns
}

// arguments reads what a node says beside what it is made of.
func (f *file) arguments(s *step, n node) {
	nan := math.NaN()
	switch n.Op {
	case "check", "byte":
	case "missing":
		s.a = f.number(n.Given, nan)
	case "fill":
		if s.a, s.b = f.number(n.Given, nan), f.number(n.Value, nan); n.Text != nil {
			s.text = *n.Text
		}
	case "standard":
		s.a, s.b = f.number(n.Mean, 0), f.number(n.Scale, 1)
		s.subtracted, s.divided = n.Mean != nil, n.Scale != nil
	case "affine":
		s.a, s.b, s.low, s.high, s.clipped = f.number(n.Scale, 1), f.number(n.Add, 0), f.number(n.Low, 0), f.number(n.High, 0), n.Low != nil
	case "onehot":
		if s.n = n.N; s.n < 0 || s.n > maxColumns {
			f.fail("a step has %d columns", n.N)
			s.n = 0
		}
	case "code":
		s.refuses = [2]bool{n.Unknown == nil, n.Missing == nil}
		s.other, s.none = f.number(n.Unknown, nan), f.number(n.Missing, nan)
		values := f.floats(n.Values)
		if n.Numbers == nil {
			if s.texts = make(map[string]float64, len(values)); len(n.Texts) != len(values) {
				f.fail("%d categories have %d numbers", len(n.Texts), len(values))
				return
			}
			for i, c := range n.Texts {
				s.texts[c] = values[i]
			}
			return
		}
		known := f.floats(*n.Numbers)
		if s.numbers = make(map[float64]float64, len(values)); len(known) != len(values) {
			f.fail("%d categories have %d numbers", len(known), len(values))
			return
		}
		for i, c := range known {
			s.numbers[c] = values[i]
		}
	default:
		f.fail("there is no step %q", n.Op)
	}
}

// maxColumns bounds what one row may become.
const maxColumns = 1 << 16

// texts are a column of texts, missing where they are NULL.
type texts struct {
	values []string
	null   []bool
}

// room is what a call needs: a block of rows, column by column.
type room struct {
	numbers [][]float64
	texts   []texts
	given   []model.Column // to the last step
	raw     []float64
	pred    []float64
	parts   []*room // of what is calibrated
}

// take reads the inputs of rows, and makes the columns of all steps.
func (e *estimator) take(w *room, cols []model.Column, from, rows int) error {
	for i := range cols {
		if cols[i].Text == nil || e.inputs[i].Type == model.Double {
			cols[i].Numbers(from, w.numbers[i][:rows])
			continue
		}
		t := texts{values: cols[i].Text[from : from+rows], null: w.texts[i].null[:0]}
		for r := range rows {
			t.null = append(t.null, cols[i].Null(from+r))
		}
		w.texts[i] = t
	}
	for i := range e.steps {
		if err := e.run(&e.steps[i], w, rows); err != nil {
			return err
		}
	}
	return nil
}

// run makes the columns of a step.
func (e *estimator) run(s *step, w *room, rows int) error {
	x, out := w.numbers[s.of][:rows], w.numbers[s.to:s.to+s.n]
	switch s.op {
	case "check":
		copy(out[0], x)
		return e.checked(x, s.input, true, s.whole)
	case "byte":
		for r, v := range x {
			if out[0][r] = math.NaN(); v >= 0 {
				out[0][r] = float64(uint8(int64(v)))
			}
		}
	case "missing":
		for r := range rows {
			out[0][r] = 0
			if s.isText && w.texts[s.of].null[r] || !s.isText && s.gone(x[r]) {
				out[0][r] = 1
			}
		}
	case "fill":
		s.fill(w, x, out[0], rows)
	case "standard":
		copy(out[0], x)
		for r := range x {
			if s.subtracted {
				out[0][r] -= s.a
			}
			if s.divided {
				out[0][r] /= s.b
			}
		}
	case "affine":
		for r, v := range x {
			y := float64(v*s.a) + s.b // the product is rounded before the sum
			if s.clipped && !math.IsNaN(y) {
				y = min(max(y, s.low), s.high)
			}
			out[0][r] = y
		}
	case "onehot":
		for k := range out {
			clear(out[k][:rows])
		}
		for r, v := range x {
			if k := int(v); k >= 0 && k < len(out) {
				out[k][r] = 1
			}
		}
	case "code":
		return e.code(s, w, x, out[0])
	}
	return nil
}

// gone says whether a number is what the step takes for missing.
func (s *step) gone(x float64) bool { return x == s.a || x != x && s.a != s.a }

func (s *step) fill(w *room, x, out []float64, rows int) {
	if !s.isText {
		for r, v := range x {
			if out[r] = v; s.gone(v) {
				out[r] = s.b
			}
		}
		return
	}
	from, to := &w.texts[s.of], &w.texts[s.to]
	to.values, to.null = append(to.values[:0], from.values[:rows]...), append(to.null[:0], make([]bool, rows)...)
	for r := range rows {
		if from.null[r] {
			to.values[r] = s.text
		}
	}
}

// code finds the numbers of categories.
func (e *estimator) code(s *step, w *room, x, out []float64) error {
	for r := range x {
		var missing, known bool
		if s.texts != nil {
			t := &w.texts[s.of]
			if missing = t.null[r]; !missing {
				out[r], known = s.texts[t.values[r]]
			}
		} else if missing = x[r] != x[r]; !missing {
			out[r], known = s.numbers[x[r]]
		}
		switch {
		case known:
		case missing && s.refuses[1]:
			return e.refused(s.input, "is missing (NULL or NaN)")
		case missing:
			out[r] = s.none
		case s.refuses[0]:
			what := fmt.Sprint(x[r])
			if s.texts != nil {
				what = fmt.Sprintf("%.100q", w.texts[s.of].values[r])
			}
			return e.refused(s.input, "is "+what+", a category that it wasn't trained with")
		default:
			out[r] = s.other
		}
	}
	return nil
}

// checked is an error where a value is infinite, or (whole) missing.
func (e *estimator) checked(x []float64, input int, finite, whole bool) error {
	for _, v := range x {
		switch {
		case whole && v != v:
			return e.refused(input, "is missing (NULL or NaN)")
		case finite && math.IsInf(v, 0):
			return e.refused(input, "is infinite")
		}
	}
	return nil
}

// Refused is what the library raises an exception for.
type Refused struct{ Said, Hint string }

func (r *Refused) Error() string { return r.Said }

func (e *estimator) refused(input int, what string) error {
	name := e.inputs[input].Name
	return &Refused{fmt.Sprintf("%s %s, and %s takes no such value", name, what, e.library),
		"fill such rows, coalesce(" + name + ", …) say, or leave them out"}
}
