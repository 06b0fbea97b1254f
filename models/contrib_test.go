package models

import (
	"math"
	"strings"
	"testing"

	"dsql/internal/testcases"
	"dsql/models/forest"
	"dsql/models/load"
	"dsql/models/model"
)

// contribCase is a random model, and what its own library says of its rows (testdata/models/make_contrib.py). A null is NaN.
type contribCase struct {
	Name    string
	Model   []byte
	Rows    [][]*float64
	Contrib [][]float64
	Leaf    [][]int32
}

// What inputs add, and leaves, are what LightGBM and XGBoost give for random models; and what they add makes the raw score.
func TestContributions(t *testing.T) {
	t.Parallel()
	for _, c := range testcases.Read[contribCase](t, "../testdata/models/contrib.jsonl.gz", 200) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.check(t)
		})
	}
}

func (c *contribCase) columns() []model.Column {
	cols := make([]model.Column, len(c.Rows[0]))
	for i := range cols {
		v := make([]float64, len(c.Rows))
		for r, row := range c.Rows {
			if v[r] = math.NaN(); row[i] != nil {
				v[r] = *row[i]
			}
		}
		cols[i].Values = &v[0]
	}
	return cols
}

func (c *contribCase) check(t *testing.T) {
	rel := 1e-12
	if !strings.HasPrefix(c.Name, "lightgbm") { // in float32
		rel = 2e-5
	}
	cols, n := c.columns(), len(c.Rows)
	m, err := load.Load(c.Model, model.Options{Output: model.Leaf})
	if err != nil {
		t.Fatal(err)
	}
	leaves, raw := make([]int32, n*m.Outputs(model.Leaf)), make([]float64, n*m.Outputs(model.Raw))
	if err := m.Leaves(cols, n, leaves, nil); err != nil {
		t.Fatal(err)
	}
	if err := m.Score(model.Raw, cols, n, raw); err != nil {
		t.Fatal(err)
	}
	for i, l := range leaves {
		if want := c.Leaf[i/m.Trees()][i%m.Trees()]; l != want && want >= 0 {
			t.Fatalf("row %d is in leaf %d of tree %d, want %d", i/m.Trees(), l, i%m.Trees(), want)
		}
	}
	for _, kernel := range forest.Kernels() {
		m, err := load.Load(c.Model, model.Options{Output: model.Contrib, Kernel: kernel})
		if err != nil {
			t.Fatal(err)
		}
		all, block := m.Outputs(model.Contrib), len(cols)+1
		got := make([]float64, n*all)
		if err := m.Score(model.Contrib, cols, n, got); err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(got); at += block {
			sum, size := 0.0, 0.0
			for _, v := range got[at : at+block] {
				sum, size = sum+v, size+math.Abs(v)
			}
			for k, v := range got[at : at+block] {
				if want := c.Contrib[at/all][at%all+k]; !(math.Abs(v-want) <= rel*size+1e-15) {
					t.Fatalf("%s: row %d, value %d is %v, want %v: off by %g of %g", kernel, at/all, at%all+k, v, want, math.Abs(v-want), size)
				}
			}
			if want := raw[at/block]; !(math.Abs(sum-want) <= rel*size+1e-15) {
				t.Fatalf("%s: what inputs add to row %d makes %v, and its raw score is %v", kernel, at/all, sum, want)
			}
		}
	}
}

// Models that can't tell what inputs add, or leaves, say why.
func TestLacks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path string
		o    model.Output
		want string
	}{
		{"lgb_linear/model.txt", model.Contrib, "isn't defined for linear trees"},
		{"lgb_binary/model.txt", model.Contrib, "how many training rows"},
		{"lgb_linear/model.txt", model.Leaf, ""},
		{"xgb_vector_leaf/model.json", model.Contrib, "trees with several outputs"},
		{"xgb_gblinear/model.json", model.Leaf, "a linear booster has no leaves"},
		{"xgb_gblinear/model.json", model.Contrib, ""},
		{"onnx_forest/model.onnx", model.Contrib, "hit rates (nodes_hitrates) don't differ"},
		{"onnx_forest/model.onnx", model.Leaf, ""},
		{"onnx_knn/model.onnx", model.Contrib, "isn't made by an ensemble of trees"},
		{"onnx_knn/model.onnx", model.Leaf, "isn't made by an ensemble of trees"},
	} {
		m := mustLoad(t, c.path, model.Options{Output: c.o})
		err := m.Lacks(c.o)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: %v, want %q", c.path, c.o, err, c.want)
		}
		if err == nil && m.Outputs(c.o) == 0 {
			t.Errorf("%s has no %s", c.path, c.o)
		}
	}
}

// XGBoost's linear booster adds each input's product.
func TestLinearContributions(t *testing.T) {
	t.Parallel()
	m := mustLoad(t, "xgb_gblinear/model.json", model.Options{Output: model.Contrib})
	cols := make([]model.Column, len(m.Inputs()))
	for i := range cols {
		v := []float64{float64(i) + 0.5, math.NaN(), -2}
		cols[i].Values = &v[0]
	}
	all, raw := make([]float64, 3*m.Outputs(model.Contrib)), make([]float64, 3)
	if err := m.Score(model.Contrib, cols, 3, all); err != nil {
		t.Fatal(err)
	}
	if err := m.Score(model.Raw, cols, 3, raw); err != nil {
		t.Fatal(err)
	}
	width := len(cols) + 1
	for r, want := range raw {
		sum := 0.0
		for _, v := range all[r*width : (r+1)*width] {
			sum += v
		}
		if math.Abs(sum-want) > 1e-5 || r == 1 && all[r*width] != 0 {
			t.Errorf("row %d: %v, which make %v, want %v", r, all[r*width:(r+1)*width], sum, want)
		}
	}
}
