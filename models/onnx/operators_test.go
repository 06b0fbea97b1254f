package onnx

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"dsql/internal/testcases"
	"dsql/models/batch"
)

// operatorCase is a small graph, and what onnxruntime makes of some rows (testdata/models/make_operators.py). Numbers that JSON doesn't
// have are null and texts.
type operatorCase struct {
	Name  string
	Model []byte
	Rows  []json.RawMessage
	Want  [][]any
	Mixed bool // its rows depend on each other: see models/graph
}

func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case string:
		x, _ := strconv.ParseFloat(v, 64)
		return x
	}
	return math.NaN()
}

// Operators give what onnxruntime gives, over shapes, broadcasts, axes and attributes; rows alone what they give together.
func TestOperators(t *testing.T) {
	t.Parallel()
	for _, c := range testcases.Read[operatorCase](t, "../../testdata/models/operators.jsonl.gz", 250) {
		if c.Mixed {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.check(t)
		})
	}
}

func (c *operatorCase) columns(t *testing.T, m *Model) []batch.Column {
	cols := make([]batch.Column, len(m.Inputs()))
	for i := range cols {
		v, texts := make([]float64, len(c.Rows)), make([]string, len(c.Rows))
		for r, row := range c.Rows {
			var values []any
			if err := json.Unmarshal(row, &values); err != nil { // of one column
				values = make([]any, 1)
				if err := json.Unmarshal(row, &values[0]); err != nil {
					t.Fatal(err)
				}
			}
			if m.Inputs()[i].Text {
				texts[r], _ = values[i].(string)
			} else {
				v[r] = number(values[i])
			}
		}
		cols[i].Values = &v[0]
		if m.Inputs()[i].Text {
			cols[i] = batch.Column{Text: texts}
		}
	}
	return cols
}

func (c *operatorCase) check(t *testing.T) {
	m, err := Load(c.Model, 0, "", Prediction)
	if err != nil {
		t.Fatal(err)
	}
	cols, n, w := c.columns(t, m), len(c.Rows), len(c.Want[0])
	if m.Width(Prediction) != w {
		t.Fatalf("%d values a row, want %d", m.Width(Prediction), w)
	}
	got := make([]float64, n*w)
	if err := m.Score(Prediction, cols, n, got, nil); err != nil {
		t.Fatal(err)
	}
	abs, rel := 2e-6, 2e-5
	if strings.HasPrefix(c.Name, "half") { // float16 to float16: where it is rounded on the way is onnxruntime's own
		rel = 1e-3
	}
	for i, x := range got {
		y := number(c.Want[i/w][i%w])
		if x != y && !(math.IsNaN(x) && math.IsNaN(y)) && !(math.Abs(x-y) <= abs+rel*math.Abs(y)) {
			t.Errorf("row %d, value %d: %v, want %v", i/w, i%w, x, y)
		}
	}
}
