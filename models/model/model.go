// Package model is a loaded model, whatever its format: its inputs, its outputs, and batch by batch what it gives for rows. Formats'
// loaders make one with New. Neither it nor they know of SQL or DuckDB.
package model

import (
	"fmt"
	"math"
	"slices"

	"dsql/models/batch"
)

// Type is the type of an input or of a label.
type Type uint8

const (
	None Type = iota // a model without labels has labels of this type
	Double
	Bigint
	Varchar
	Boolean
)

func (t Type) String() string { return [...]string{"", "DOUBLE", "BIGINT", "VARCHAR", "BOOLEAN"}[t] }

// Input is an argument of a model, in the model's own order.
type Input struct {
	Name string
	Type Type   // Double or Varchar
	Seen string // what its values were in training, as the file tells it: "-60 to 1300", "3 categories"; "": it doesn't

	Ranged    bool // Seen is a range: from Low to High
	Low, High float64
}

// Output says which of a model's results is wanted.
type Output uint8

const (
	Prediction Output = iota // what the library's own predict gives
	Raw                      // margins: before the objective's transform
	Label                    // the class
	Contrib                  // what each input adds to each margin, and last the base
	Leaf                     // the leaf of each tree
)

var outputs = [...]string{"prediction", "raw", "label", "contrib", "leaf"}

func (o Output) String() string { return outputs[o] }

// OutputOf is the output of a name, and Prediction where there is none.
func OutputOf(name string) Output { return Output(max(0, slices.Index(outputs[:], name))) }

// Column is an input's values for one batch, in the caller's memory. Inputs of type Double have Values, those of type
// Varchar have Text.
type Column = batch.Column

// Options for Load; the zero value is right for most files.
type Options struct {
	// Features is the number of inputs to expect where an ONNX file leaves the width of its input open. 0: not known.
	Features int
	// Categories says which inputs of a LightGBM model are those that its file keeps categories of, where it doesn't tell itself;
	// nil: not known.
	Categories []bool
	// Kernel is how trees are scored, one of forest.Kernels or "walk"; empty: the fastest that the machine has.
	Kernel string
	// Output is what the model will be asked for beside predictions, raw scores and labels: Contrib and Leaf take tables of their own.
	Output Output
	// Missing is a number that stands for a missing value, beside NaN; nil: none does. Load hands it to Model.WithMissing.
	Missing *float64
	// Runtime is the path of onnxruntime's shared library, which then runs ONNX models; empty: dsql runs them itself.
	Runtime string
}

// Model is a loaded model. It is immutable and safe from many goroutines.
type Model struct {
	format  string
	inputs  []Input
	impl    scorer
	missing *float64 // see WithMissing
}

// scorer is what a format's loader makes.
type scorer interface {
	Trees() int
	Width(Output) int // values a row, 0: it has no such output
	Label() Type
	Score(o Output, cols []Column, n int, out []float64, none []bool) error
	Labels(cols []Column, n int, ints []int64, text []string, none []bool) error
	Leaves(cols []Column, n int, out []int32, none []bool) error
	Lacks(Output) error // why it has no such output
}

// New is a model of a format's loader.
func New(format string, inputs []Input, impl scorer) *Model {
	return &Model{format: format, inputs: inputs, impl: impl}
}

// WithMissing is the model for whom a number is a missing value too, where the file doesn't keep that: as the library compares it.
func (m *Model) WithMissing(x *float64) *Model {
	out := *m
	out.missing = x
	return &out
}

// known are the columns with NaN in the place of what is missing.
func (m *Model) known(cols []Column, n int) []Column {
	if m.missing == nil || n == 0 {
		return cols
	}
	is := func(v float64) bool { return v == *m.missing }
	if m.format != "lightgbm" { // the others round to float32 first
		missing := float32(*m.missing)
		is = func(v float64) bool { return float32(v) == missing }
	}
	out := slices.Clone(cols)
	for i, in := range m.inputs {
		if in.Type == Varchar {
			continue
		}
		values := make([]float64, n)
		cols[i].Numbers(0, values)
		for r, v := range values {
			if is(v) {
				values[r] = math.NaN()
			}
		}
		out[i] = Column{Values: &values[0]}
	}
	return out
}

// Format is lightgbm, xgboost, catboost, onnx or sklearn.
func (m *Model) Format() string { return m.format }

// Inputs are the model's arguments, in its own order. Names are the model's, or made up where the file holds none.
func (m *Model) Inputs() []Input { return m.inputs }

// Trees is the number of trees, 0 for models of other kinds.
func (m *Model) Trees() int { return m.impl.Trees() }

// Outputs is the number of values a row of an output, 0 where the model has no such output.
func (m *Model) Outputs(o Output) int { return m.impl.Width(o) }

// Lacks is why the model has no such output; nil: it has it, once it is loaded for it.
func (m *Model) Lacks(o Output) error {
	if err := m.impl.Lacks(o); err != nil {
		return err
	}
	w := m.impl.Width(o)
	switch {
	case w == 0:
		return fmt.Errorf("the model has no %s", o)
	case o == Contrib && w > mostContrib:
		return fmt.Errorf("what %d inputs add to %d margins are %d values a row, supported are %d", len(m.inputs), m.impl.Width(Raw), w,
			mostContrib)
	}
	return nil
}

// Explains is why it can't be told what inputs add; nil: it can, however many there are.
func (m *Model) Explains() error { return m.impl.Lacks(Contrib) }

// mostContrib bounds what a vector of 2,048 rows takes: 256 MB.
const mostContrib = 1 << 14

// LabelType is Bigint, Boolean, Double, Varchar, or None where the model gives no classes.
func (m *Model) LabelType() Type { return m.impl.Label() }

// Score writes a Prediction or Raw output of n rows into out, row by row: out[r·Outputs(o)+k].
// NaN stands where the model gives none.
// It is safe from many goroutines; for tree models it allocates nothing once warm.
func (m *Model) Score(o Output, cols []Column, n int, out []float64) error {
	return m.ScoreOrNone(o, cols, n, out, nil)
}

// ScoreOrNone is Score, and says in none[r] whether the model gives row r no result: NaN can be one too.
func (m *Model) ScoreOrNone(o Output, cols []Column, n int, out []float64, none []bool) error {
	if o == Label || o == Leaf {
		return fmt.Errorf("labels are read with Labels, leaves with Leaves")
	}
	if err := m.impl.Lacks(o); err != nil {
		return err
	}
	w := m.impl.Width(o)
	if w == 0 {
		return fmt.Errorf("the model has no %s output", o)
	}
	if err := m.check(cols, n); err != nil {
		return err
	}
	if len(out) < n*w {
		return fmt.Errorf("room for %d values, %d rows need %d", len(out), n, n*w)
	}
	if n == 0 {
		return nil
	}
	clear(none)
	return m.impl.Score(o, m.known(cols, n), n, out[:n*w], none)
}

// Labels writes the classes of n rows into text where LabelType is Varchar, else into ints: of Boolean 1 or 0, of Double the bits.
func (m *Model) Labels(cols []Column, n int, ints []int64, text []string) error {
	return m.LabelsOrNone(cols, n, ints, text, nil)
}

// LabelsOrNone is Labels, and says in none[r] whether the model gives row r no class.
func (m *Model) LabelsOrNone(cols []Column, n int, ints []int64, text []string, none []bool) error {
	space := len(ints)
	switch m.impl.Label() {
	case None:
		return fmt.Errorf("the model has no classes")
	case Varchar:
		space = len(text)
	}
	if err := m.check(cols, n); err != nil {
		return err
	}
	if space < n {
		return fmt.Errorf("room for %d labels, there are %d rows", space, n)
	}
	if n == 0 {
		return nil
	}
	clear(none)
	return m.impl.Labels(m.known(cols, n), n, ints, text, none)
}

// Leaves writes the leaf of each tree for n rows into out, row by row, and into none, which may be nil, whether the model gives none.
func (m *Model) Leaves(cols []Column, n int, out []int32, none []bool) error {
	if err := m.impl.Lacks(Leaf); err != nil {
		return err
	}
	w := m.impl.Width(Leaf)
	switch err := m.check(cols, n); {
	case err != nil:
		return err
	case w == 0:
		return fmt.Errorf("the model has no leaves")
	case len(out) < n*w:
		return fmt.Errorf("room for %d leaves, %d rows need %d", len(out), n, n*w)
	case n == 0:
		return nil
	}
	clear(none)
	return m.impl.Leaves(m.known(cols, n), n, out, none)
}

func (m *Model) check(cols []Column, n int) error {
	if len(cols) != len(m.inputs) {
		return fmt.Errorf("the model takes %d inputs, not %d", len(m.inputs), len(cols))
	}
	for i, in := range m.inputs {
		if in.Type == Varchar && len(cols[i].Text) < n || in.Type == Double && cols[i].Values == nil && n > 0 {
			return fmt.Errorf("input %d (%s) has no %s values", i+1, in.Name, in.Type)
		}
	}
	return nil
}
