// Package graph makes a Model of an ONNX file, run by dsql itself (models/onnx) or by onnxruntime (models/ort). It refuses graphs whose
// rows depend on each other.
package graph

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"dsql/models/model"
	"dsql/models/onnx"
	"dsql/models/ort"
)

// graph is an ONNX model.
type graph struct{ run runner }

// runner runs a graph: dsql's own, or onnxruntime.
type runner interface {
	Inputs() []onnx.Input
	Trees() int
	Width(onnx.Output) int
	TextLabels() bool
	Score(o onnx.Output, cols []model.Column, n int, out []float64, none []bool) error
	Labels(cols []model.Column, n int, ints []int64, text []string, none []bool) error
	Contributions(cols []model.Column, n int, out []float64, none []bool) error
	Leaves(cols []model.Column, n int, out []int32, none []bool) error
	Lacks(onnx.Output) error // of Contrib and Leaf
}

// Load reads an ONNX model.
func Load(data []byte, opt model.Options) (*model.Model, error) {
	var r runner
	var err error
	if opt.Runtime == "" {
		r, err = onnx.Load(data, opt.Features, opt.Kernel, onnx.Output(opt.Output))
	} else if _, err = ort.Open(opt.Runtime); err != nil {
		return nil, &RuntimeError{Path: opt.Runtime, Err: err}
	} else {
		r, err = ort.Load(data, opt.Features)
	}
	if err != nil {
		return nil, fmt.Errorf("ONNX model: %w", err)
	}
	if mixesRows(r) {
		return nil, errors.New("ONNX model: what it gives for a row depends on the other rows (a reduction over all of them, or dynamic " +
			"quantisation), " +
			"and SQL hands rows over in pieces: export it with statistics that are fixed, or quantise it statically")
	}
	var inputs []model.Input
	for _, in := range r.Inputs() {
		t := model.Double
		if in.Text {
			t = model.Varchar
		}
		inputs = append(inputs, model.Input{Name: in.Name, Type: t})
	}
	return model.New("onnx", inputs, graph{r}), nil
}

// mixesRows: rows that are run together give something else than one by one.
func mixesRows(r runner) bool {
	const rows = 4
	cols := make([]model.Column, len(r.Inputs()))
	for i, in := range r.Inputs() {
		v := make([]float64, rows)
		texts := make([]string, rows)
		for k := range v {
			v[k] = [rows]float64{0.5, -1.25, 3, 40}[k] * float64(1+i%7)
			texts[k] = string(rune('a' + k))
		}
		if cols[i].Values = &v[0]; in.Text {
			cols[i] = model.Column{Text: texts}
		}
	}
	one := func(k int) []model.Column {
		out := make([]model.Column, len(cols))
		for i, c := range cols {
			if out[i] = c; c.Text != nil {
				out[i].Text = c.Text[k:]
				continue
			}
			out[i].Values = (*float64)(unsafe.Add(unsafe.Pointer(c.Values), k*8))
		}
		return out
	}
	for _, o := range []onnx.Output{onnx.Prediction, onnx.Raw} {
		w := r.Width(o)
		if w == 0 {
			continue
		}
		all, alone := make([]float64, rows*w), make([]float64, w)
		if r.Score(o, cols, rows, all, nil) != nil {
			continue // not made for such values: nothing can be told
		}
		for k := range rows {
			if r.Score(o, one(k), 1, alone, nil) == nil && !alike(alone, all[k*w:k*w+w]) {
				return true
			}
		}
	}
	if r.Width(onnx.Label) == 0 || r.Width(onnx.Prediction) > 0 {
		return false
	}
	all, alone := labelled{make([]int64, rows), make([]string, rows)}, labelled{make([]int64, 1), make([]string, 1)}
	if r.Labels(cols, rows, all.ints, all.text, nil) != nil {
		return false
	}
	for k := range rows {
		if r.Labels(one(k), 1, alone.ints, alone.text, nil) == nil && (alone.ints[0] != all.ints[k] || alone.text[0] != all.text[k]) {
			return true
		}
	}
	return false
}

type labelled struct {
	ints []int64
	text []string
}

// alike: what another order of adding float32 numbers up may make of the same values.
func alike(a, b []float64) bool {
	size := 1e-3
	for _, x := range b {
		if !math.IsInf(x, 0) && !math.IsNaN(x) {
			size = max(size, math.Abs(x))
		}
	}
	for i := range a {
		if same := a[i] == b[i] || math.IsNaN(a[i]) && math.IsNaN(b[i]); !same && !(math.Abs(a[i]-b[i]) <= 1e-3*size) {
			return false
		}
	}
	return true
}

// RuntimeError is a path that onnxruntime can't be loaded from.
type RuntimeError struct {
	Path string
	Err  error
}

func (e *RuntimeError) Error() string {
	return "onnxruntime can't be used from " + e.Path + ": " + e.Err.Error()
}
func (e *RuntimeError) Unwrap() error { return e.Err }

func (g graph) Trees() int { return g.run.Trees() }

func (g graph) Width(o model.Output) int { return g.run.Width(onnx.Output(o)) }

func (g graph) Lacks(o model.Output) error {
	if err := g.run.Lacks(onnx.Output(o)); err != nil {
		return fmt.Errorf("the graph has no %s: %w", o, err)
	}
	return nil
}

func (g graph) Leaves(cols []model.Column, n int, out []int32, none []bool) error {
	return g.run.Leaves(cols, n, out, none)
}

func (g graph) Label() model.Type {
	switch {
	case g.run.Width(onnx.Label) == 0:
		return model.None
	case g.run.TextLabels():
		return model.Varchar
	}
	return model.Bigint
}

func (g graph) Score(o model.Output, cols []model.Column, n int, out []float64, none []bool) error {
	if o == model.Contrib {
		return g.run.Contributions(cols, n, out, none)
	}
	return g.run.Score(onnx.Output(o), cols, n, out, none)
}

func (g graph) Labels(cols []model.Column, n int, ints []int64, text []string, none []bool) error {
	return g.run.Labels(cols, n, ints, text, none)
}
