package models

import (
	"fmt"

	"dsql/models/onnx"
)

// graph is an ONNX model.
type graph struct{ *onnx.Model }

func loadONNX(data []byte, opt Options) (*Model, error) {
	g, err := onnx.Load(data, opt.Features, opt.Kernel)
	if err != nil {
		return nil, fmt.Errorf("ONNX model: %w", err)
	}
	m := &Model{format: "onnx", impl: graph{g}}
	for _, in := range g.Inputs() {
		t := Double
		if in.Text {
			t = Varchar
		}
		m.inputs = append(m.inputs, Input{Name: in.Name, Type: t})
	}
	return m, nil
}

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
