package models

import (
	"fmt"

	"dsql/models/onnx"
	"dsql/models/ort"
)

// graph is an ONNX model.
type graph struct{ runner }

// runner runs a graph: dsql's own, or onnxruntime.
type runner interface {
	Inputs() []onnx.Input
	Trees() int
	Width(onnx.Output) int
	TextLabels() bool
	Score(o onnx.Output, cols []Column, n int, out []float64, none []bool) error
	Labels(cols []Column, n int, ints []int64, text []string, none []bool) error
}

func loadONNX(data []byte, opt Options) (*Model, error) {
	var r runner
	var err error
	if opt.Runtime == "" {
		r, err = onnx.Load(data, opt.Features, opt.Kernel)
	} else if _, err = ort.Open(opt.Runtime); err != nil {
		return nil, &RuntimeError{Path: opt.Runtime, Err: err}
	} else {
		r, err = ort.Load(data, opt.Features)
	}
	if err != nil {
		return nil, fmt.Errorf("ONNX model: %w", err)
	}
	m := &Model{format: "onnx", impl: graph{r}}
	for _, in := range r.Inputs() {
		t := Double
		if in.Text {
			t = Varchar
		}
		m.inputs = append(m.inputs, Input{Name: in.Name, Type: t})
	}
	return m, nil
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

func (g graph) trees() int { return g.Trees() }

func (g graph) width(o Output) int { return g.Width(onnx.Output(o)) }

func (g graph) label() Type {
	switch {
	case g.Width(onnx.Label) == 0:
		return None
	case g.TextLabels():
		return Varchar
	}
	return Bigint
}

func (g graph) score(o Output, cols []Column, n int, out []float64, none []bool) error {
	return g.Score(onnx.Output(o), cols, n, out, none)
}

func (g graph) labels(cols []Column, n int, ints []int64, text []string, none []bool) error {
	return g.Labels(cols, n, ints, text, none)
}
