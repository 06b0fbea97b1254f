// Package ort runs ONNX models through Microsoft's onnxruntime, a shared library that is found by its path (PyPI's wheel of
// the same name holds one). It owns the library's life and the way of rows into a session and back; that there are other
// ways to run a model, and which is taken, is the caller's business.
package ort

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	ort "github.com/yalue/onnxruntime_go"

	"dsql/models/batch"
	"dsql/models/onnx"
)

// Model is a session. It is immutable and safe from many goroutines, and lives as long as the process.
type Model struct {
	session *ort.DynamicAdvancedSession
	inputs  []onnx.Input
	feeds   []feed
	outputs int
	results [3]result // by onnx.Output
	rows    int       // rows in one run, where the file fixes them, else 0
}

// feed is a graph's input: width columns.
type feed struct {
	kind  ort.TensorElementDataType
	dims  []int64 // without the rows
	width int
}

type result struct {
	at, width int // width 0: there is none
	text      bool
}

const (
	chunkRows = 1024    // rows in one run, where the file leaves them open
	maxWidth  = 1 << 20 // elements of a row of an output
)

// Load makes a session of an ONNX file with the library that Open loaded. features is the number of columns of an input whose
// width the file leaves open, 0: not known.
func Load(data []byte, features int) (*Model, error) {
	in, out, err := ort.GetInputOutputInfoWithONNXData(data)
	if err != nil {
		return nil, plain(err)
	}
	m := &Model{}
	var inNames, outNames []string
	for _, i := range in {
		if err := m.addInput(i, features, len(in)); err != nil {
			return nil, err
		}
		inNames = append(inNames, i.Name)
	}
	if len(in) == 0 {
		return nil, errors.New("it has no inputs")
	}
	var used []ort.InputOutputInfo
	for _, o := range out {
		if o.OrtValueType == ort.ONNXTypeTensor && kinds[o.DataType] == 0 {
			return nil, fmt.Errorf("output %q is of %s, which is not supported", o.Name, kindName(o.DataType))
		}
		if o.OrtValueType == ort.ONNXTypeTensor || o.OrtValueType == ort.ONNXTypeSequence {
			used, outNames = append(used, o), append(outNames, o.Name)
		}
	}
	if m.outputs = len(used); m.outputs == 0 {
		return nil, errors.New("none of its outputs is a tensor or a ZipMap's")
	}
	opt, err := ort.NewSessionOptions()
	if err != nil {
		return nil, plain(err)
	}
	defer opt.Destroy()
	// Batches come from several threads already.
	if err := errors.Join(opt.SetIntraOpNumThreads(1), opt.SetInterOpNumThreads(1),
		opt.SetLogSeverityLevel(ort.LoggingLevelFatal)); err != nil {
		return nil, plain(err)
	}
	if m.session, err = ort.NewDynamicAdvancedSessionWithONNXData(data, inNames, outNames, opt); err != nil {
		return nil, plain(err)
	}
	if err := m.choose(used); err != nil {
		return nil, errors.Join(err, m.session.Destroy())
	}
	return m, nil
}

func (m *Model) addInput(in ort.InputOutputInfo, features, inputs int) error {
	if in.OrtValueType != ort.ONNXTypeTensor {
		return fmt.Errorf("input %q is no tensor: save the model with one input a column or one of all", in.Name)
	}
	if kinds[in.DataType] == 0 {
		return fmt.Errorf("input %q is of %s, which is not supported", in.Name, kindName(in.DataType))
	}
	f := feed{kind: in.DataType, width: 1}
	if d := in.Dimensions; len(d) > 0 && d[0] > 0 && (len(d) > 1 || d[0] == 1) {
		if m.rows != 0 && m.rows != int(d[0]) {
			return fmt.Errorf("input %q takes %d rows at a time, another one %d", in.Name, d[0], m.rows)
		}
		m.rows = int(min(d[0], maxWidth))
	}
	open := false
	switch d := in.Dimensions; len(d) {
	case 0: // of any shape
		f.dims, open = []int64{-1}, true
	default:
		f.dims = append(f.dims, d[1:]...)
	}
	for i, d := range f.dims {
		if d <= 0 {
			if len(f.dims) > 1 || features == 0 || inputs > 1 {
				return fmt.Errorf("the file leaves the number of columns of input %q open: name the inputs", in.Name)
			}
			f.dims[i], open = int64(features), true
		}
		if f.dims[i] > batch.MaxColumns || f.width > batch.MaxColumns {
			break
		}
		f.width *= int(f.dims[i])
	}
	if f.width+len(m.inputs) > batch.MaxColumns {
		return fmt.Errorf("input %q has the shape %v: that is too many columns", in.Name, f.dims)
	}
	for k := range f.width {
		name := in.Name
		if f.width > 1 || open && features > 1 {
			name += "_" + strconv.Itoa(k)
		}
		m.inputs = append(m.inputs, onnx.Input{Name: name, Text: in.DataType == ort.TensorElementDataTypeString})
	}
	m.feeds = append(m.feeds, f)
	return nil
}

// choose picks the outputs by what a trial run with rows of zeros makes of them, or, where the model refuses such rows, by
// what the file says.
func (m *Model) choose(outputs []ort.InputOutputInfo) error {
	rows := m.rows
	if rows == 0 {
		rows = 3
	}
	trial, err := m.run(make([]batch.Column, len(m.inputs)), 0, 0, rows, nil)
	defer destroy(trial)
	for i, o := range outputs {
		r := result{at: i}
		float := o.OrtValueType == ort.ONNXTypeSequence || isFloat(o.DataType)
		if err == nil {
			size := count(trial[i])
			if size%rows != 0 {
				continue
			}
			r.width = size / rows
		} else {
			r.width = max(width(o), 0)
		}
		r.text = o.DataType == ort.TensorElementDataTypeString
		at := onnx.Prediction
		if !float {
			at = onnx.Label
		}
		if m.results[at].width == 0 && r.width > 0 && (float || r.width == 1) {
			m.results[at] = r
		}
	}
	if m.results[onnx.Prediction].width == 0 && m.results[onnx.Label].width == 0 {
		if err != nil {
			return err
		}
		return errors.New("none of its outputs has a number, text or list for each row")
	}
	return nil
}

// width is the number of values a row that a tensor's declaration states, 0 where it leaves that open.
func width(o ort.InputOutputInfo) int {
	n := 1
	for i, d := range o.Dimensions {
		switch {
		case i == 0:
		case d <= 0 || d > maxWidth || n > maxWidth:
			return 0
		default:
			n *= int(d)
		}
	}
	if o.OrtValueType != ort.ONNXTypeTensor || len(o.Dimensions) == 0 {
		return 0
	}
	return n
}

// Inputs are the model's columns, in the order of the graph's inputs.
func (m *Model) Inputs() []onnx.Input { return m.inputs }

// Trees is 0: what a graph holds isn't looked into.
func (m *Model) Trees() int { return 0 }

// Width is the number of values a row of an output, 0 where the graph has none. Raw scores are none of a graph's outputs.
func (m *Model) Width(o onnx.Output) int {
	if int(o) >= len(m.results) {
		return 0
	}
	return m.results[o].width
}

// Lacks: onnxruntime gives a graph's outputs alone.
func (m *Model) Lacks(o onnx.Output) error {
	if o == onnx.Contrib || o == onnx.Leaf {
		return errors.New("onnxruntime doesn't tell: leave it out, and dsql runs the trees itself")
	}
	return nil
}

func (m *Model) Contributions([]batch.Column, int, []float64, []bool) error {
	return m.Lacks(onnx.Contrib)
}

func (m *Model) Leaves([]batch.Column, int, []int32, []bool) error { return m.Lacks(onnx.Leaf) }

// TextLabels says whether labels are strings.
func (m *Model) TextLabels() bool { return m.results[onnx.Label].text }

// Score is onnx.Model's.
func (m *Model) Score(o onnx.Output, cols []batch.Column, n int, out []float64, none []bool) error {
	if none == nil {
		none = make([]bool, n)
	}
	w := m.results[o].width
	err := m.each(o, cols, n, none, func(v ort.Value, from, rows int) error {
		return numbers(v, w, out[from*w:(from+rows)*w])
	})
	for r, gone := range none[:n] {
		for k := range w {
			if gone {
				out[r*w+k] = math.NaN()
			}
		}
	}
	return err
}

// Labels is onnx.Model's.
func (m *Model) Labels(cols []batch.Column, n int, ints []int64, text []string, none []bool) error {
	if none == nil {
		none = make([]bool, n)
	}
	return m.each(onnx.Label, cols, n, none, func(v ort.Value, from, rows int) error {
		if s, ok := v.(*ort.StringTensor); ok {
			all, err := s.GetContents()
			copy(text[from:from+rows], all)
			return err
		}
		return whole(v, ints[from:from+rows])
	})
}

// each runs the model for chunks of rows. A category that the model refuses takes its row away, not the batch.
func (m *Model) each(o onnx.Output, cols []batch.Column, n int, none []bool, use func(v ort.Value, from, rows int) error) error {
	res := &m.results[o]
	if res.width == 0 {
		return errors.New("the graph has no such output")
	}
	some := func(from, rows int) error {
		most := m.rows
		if most == 0 {
			most = rows
		}
		values, err := m.run(cols, from, rows, most, none)
		if err != nil {
			return err
		}
		defer destroy(values)
		if got := count(values[res.at]); got != most*res.width {
			return fmt.Errorf("its output has %d values for %d rows, not %d", got, most, most*res.width)
		}
		return use(values[res.at], from, rows)
	}
	step := chunkRows
	if m.rows != 0 {
		step = m.rows
	}
	for from := 0; from < n; from += step {
		rows := min(step, n-from)
		err := some(from, rows)
		for r := from; r < from+rows && refusesRow(err); r++ {
			if one := some(r, 1); refusesRow(one) {
				none[r] = true
			} else if one != nil {
				return one
			}
			if r == from+rows-1 {
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refusesRow knows the one error that is about a value and not about the model: OneHotEncoder's, of handle_unknown='error'.
func refusesRow(err error) bool {
	return err != nil && strings.Contains(err.Error(), "Unknown Category")
}

// run makes all outputs for rows of cols, which stand for most: the others are zeros. The result is the caller's to destroy.
func (m *Model) run(cols []batch.Column, from, rows, most int, none []bool) ([]ort.Value, error) {
	in := make([]ort.Value, 0, len(m.feeds))
	defer func() { destroy(in) }()
	for _, f := range m.feeds {
		v, err := f.tensor(cols[:f.width], from, rows, most, none)
		if err != nil {
			return nil, plain(err)
		}
		in, cols = append(in, v), cols[f.width:]
	}
	out := make([]ort.Value, m.outputs)
	if err := m.session.Run(in, out); err != nil {
		return nil, plain(err)
	}
	return out, nil
}

func destroy(values []ort.Value) {
	for _, v := range values {
		if v != nil {
			_ = v.Destroy() // releasing memory can't fail
		}
	}
}

// plain takes what the binding writes around the library's own words away.
func plain(err error) error {
	s := err.Error()
	for _, step := range []string{"Error running network: ", "Error creating temporary session: ", "Error creating session: "} {
		s = strings.TrimPrefix(s, step)
	}
	return errors.New("onnxruntime " + library.version + ": " + s)
}
