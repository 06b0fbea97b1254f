package models

import (
	"bytes"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"dsql/models/load"
	"dsql/models/model"
	"dsql/models/sklearn"
)

func mustLoad(t testing.TB, path string, opt model.Options) *model.Model {
	t.Helper()
	data, err := os.ReadFile("../testdata/models/" + path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := load.Load(data, opt)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Many goroutines share a model, with batches of all sizes.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"lgb_multiclass/model.txt", "xgb_categorical/model.json", "xgb_gblinear/model.json",
		"xgb_frame_ubj/model.ubj", "onnx_mixed/model.onnx", "onnx_forest/model.onnx", "sklearn/1.9_hist_words/model.tables",
		"sklearn/1.9_forest_regressor/model.tables"} {
		m := mustLoad(t, path, model.Options{})
		const n = 600
		cols := make([]model.Column, len(m.Inputs()))
		for i, in := range m.Inputs() {
			v := make([]float64, n)
			for k := range v {
				v[k] = float64((k*7+i*3)%11) - 4
			}
			cols[i].Values = &v[0]
			if in.Type == model.Varchar {
				cols[i] = model.Column{Text: slices.Repeat([]string{"basic", "pro", "eu"}, n/3)}
			}
		}
		w := m.Outputs(model.Prediction)
		want := make([]float64, n*w)
		if err := m.Score(model.Prediction, cols, n, want); err != nil {
			t.Fatal(err)
		}
		var g sync.WaitGroup
		for k := range 8 {
			g.Go(func() {
				for rows := 1 + k; rows <= n; rows = rows*3 + k {
					got := make([]float64, rows*w)
					if err := m.Score(model.Prediction, cols, rows, got); err != nil {
						t.Error(err)
					}
					for i, v := range got {
						if math.Float64bits(v) != math.Float64bits(want[i]) {
							t.Errorf("%s, %d rows: value %d is %v, want %v", path, rows, i, v, want[i])
							return
						}
					}
				}
			})
		}
		g.Wait()
	}
}

// XGBoost refuses a category that it was not trained with; a missing one it takes.
func TestUnknownCategory(t *testing.T) {
	t.Parallel()
	m := mustLoad(t, "xgb_frame_json/model.json", model.Options{})
	a, b, code := []float64{1, 1, 1, 1}, []float64{0, 0, 0, 0}, []float64{10, 10, 10, 11}
	valid := uint64(0b1011)
	cols := []model.Column{{Values: &a[0]}, {Text: []string{"pro", "new", "", "pro"}, Valid: &valid}, {Values: &b[0]}, {Values: &code[0]}}
	out := make([]float64, 4)
	for _, o := range []model.Output{model.Prediction, model.Raw} {
		none := []bool{true, true, true, true}
		if err := m.ScoreOrNone(o, cols, 4, out, none); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(none, []bool{false, true, false, true}) {
			t.Errorf("%s: none of %v", o, none)
		}
		if math.IsNaN(out[0]) || !math.IsNaN(out[1]) || math.IsNaN(out[2]) || !math.IsNaN(out[3]) {
			t.Errorf("%s: %v, want none for the second and fourth row", o, out)
		}
	}
}

// scikit-learn raises exceptions for values that it was fitted without: errors that name the input.
func TestRefused(t *testing.T) {
	t.Parallel()
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		path   string
		values []float64 // a row
		want   string    // "": it takes them
	}{
		{"1.9_forest_regressor", []float64{1, 2, 3, 4}, ""},
		{"1.9_forest_regressor", []float64{1, 2, nan, 4}, ""},
		{"1.9_forest_regressor", []float64{1, 1e39, 3, 4}, "b is infinite, and RandomForestRegressor of scikit-learn 1.9.1 takes no such value"},
		{"1.3_forest_regressor", []float64{nan, 2, 3, 4}, "a is missing (NULL or NaN), and RandomForestRegressor of scikit-learn 1.3.2"},
		{"1.9_boosting", []float64{1, 2, 3, nan}, "d is missing"},
		{"1.9_boosting", []float64{1, 2, 3, -inf}, "d is infinite"},
		{"1.9_hist", []float64{inf, nan, -inf, 1e300}, ""},
		{"1.9_linear", []float64{1, nan, 3, 4}, "b is missing"},
		{"1.9_minmax", []float64{1, nan, 3, 4}, ""},
		{"1.9_minmax", []float64{inf, 2, 3, 4}, "a is infinite"},
		{"1.9_pipeline", []float64{nan, 2, 0, 3}, ""},
		{"1.9_pipeline", []float64{1, 2, 0, 7}, "level is 7, a category that it wasn't trained with"},
		{"1.9_pipeline", []float64{1, 2, 0, nan}, "level is missing"},
	} {
		m := mustLoad(t, "sklearn/"+c.path+"/model.tables", model.Options{})
		cols := make([]model.Column, 4)
		for i, in := range m.Inputs() {
			if cols[i].Values = &c.values[i]; in.Type == model.Varchar {
				cols[i] = model.Column{Text: []string{"never seen"}}
			}
		}
		var refused *sklearn.Refused
		err := m.Score(model.Prediction, cols, 1, make([]float64, m.Outputs(model.Prediction)))
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &refused) || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s, %v: %v, want %q", c.path, c.values, err, c.want)
		}
	}
}

// What Python tries at CREATE is in the tables, and a table that is changed is found by it.
func TestTried(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../testdata/models/sklearn/1.9_pipeline/model.tables")
	if err != nil {
		t.Fatal(err)
	}
	try := func(data []byte) error {
		m, err := sklearn.Load(data, model.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return sklearn.Try(data, m)
	}
	if err := try(data); err != nil {
		t.Fatal(err)
	}
	wrong := bytes.Replace(data, []byte(`"divisor": 4`), []byte(`"divisor": 5`), 1)
	if err := try(wrong); err == nil || !strings.Contains(err.Error(), "and its library") {
		t.Error(err)
	}
}

func TestScoreErrors(t *testing.T) {
	t.Parallel()
	m := mustLoad(t, "lgb_binary/model.txt", model.Options{})
	v := make([]float64, 4)
	cols := slices.Repeat([]model.Column{{Values: &v[0]}}, 6)
	out := make([]float64, 4)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"arity":     {m.Score(model.Prediction, cols[:5], 4, out), "takes 6 inputs"},
		"room":      {m.Score(model.Prediction, cols, 4, out[:3]), "room for 3"},
		"no values": {m.Score(model.Prediction, make([]model.Column, 6), 4, out), "no DOUBLE values"},
		"label":     {m.Score(model.Label, cols, 4, out), "Labels"},
		"labels":    {m.Labels(cols, 4, nil, nil), "room for 0"},
		"no label":  {mustLoad(t, "lgb_regression/model.txt", model.Options{}).Labels(cols, 4, nil, nil), "no classes"},
		"no output": {mustLoad(t, "onnx_knn/model.onnx", model.Options{}).Score(model.Raw, cols, 4, out), "no raw output"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, c.err, c.want)
		}
	}
	if err := m.Score(model.Prediction, cols, 0, nil); err != nil {
		t.Errorf("no rows: %v", err)
	}
}

func TestAbout(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, format      string
		trees, width, raw int
		label             model.Type
		first             model.Input
	}{
		{"lgb_multiclass/model.txt", "lightgbm", 9, 3, 3, model.Bigint,
			model.Input{Name: "Column_0", Type: model.Double, Seen: "-2.8244940202379314 to 2.655293570613392", Ranged: true,
				Low: -2.8244940202379314, High: 2.655293570613392}},
		{"xgb_softmax/model.json", "xgboost", 6, 1, 3, model.Bigint, model.Input{Name: "f0", Type: model.Double}},
		{"xgb_gblinear/model.json", "xgboost", 0, 1, 1, model.None, model.Input{Name: "f0", Type: model.Double}},
		{"xgb_frame_ubj/model.ubj", "xgboost", 3, 1, 1, model.None, model.Input{Name: "a", Type: model.Double}},
		{"onnx_forest_text/model.onnx", "onnx", 4, 3, 3, model.Varchar, model.Input{Name: "X_0", Type: model.Double}},
		{"onnx_mixed/model.onnx", "onnx", 0, 2, 2, model.Bigint, model.Input{Name: "age", Type: model.Double}},
		{"sklearn/1.9_pipeline/model.tables", "sklearn", 4, 2, 0, model.Boolean, model.Input{Name: "a", Type: model.Double}},
	} {
		m := mustLoad(t, c.path, model.Options{})
		if m.Format() != c.format || m.Trees() != c.trees || m.Outputs(model.Prediction) != c.width || m.Outputs(model.Raw) != c.raw ||
			m.LabelType() != c.label || m.Inputs()[0] != c.first {
			t.Errorf("%s: %s, %d trees, %d and %d values, labels %s, %+v", c.path, m.Format(), m.Trees(), m.Outputs(model.Prediction),
				m.Outputs(model.Raw), m.LabelType(), m.Inputs()[0])
		}
	}
	if in := mustLoad(t, "xgb_frame_ubj/model.ubj", model.Options{}).Inputs(); in[1] != (model.Input{Name: "plan", Type: model.Varchar}) ||
		in[3].Type != model.Double {
		t.Errorf("%+v", in)
	}
}
