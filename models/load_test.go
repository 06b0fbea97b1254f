package models

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"dsql/internal/testcases"
	"dsql/internal/testkit"
	"dsql/models/load"
	"dsql/models/model"
)

// seeds are small files of each format.
func seeds(t testing.TB) map[string][]byte {
	out := map[string][]byte{}
	for _, p := range []string{"lgb_categorical/model.txt", "lgb_linear/model.txt", "xgb_stump/model.json", "xgb_gblinear/model.json",
		"xgb_categorical_onehot/model.ubj",
		"xgb_vector_leaf_ubj/model.ubj", "onnx_mixed/model.onnx", "onnx_hand_both/model.onnx", "onnx_mlp/model.onnx",
		"onnx_svc_linear_multi/model.onnx", "onnx_qda/model.onnx", "sklearn/1.9_pipeline/model.tables",
		"sklearn/1.9_hist_categories/model.tables", "sklearn/1.9_calibrated/model.tables",
		"sklearn/1.9_calibrated_isotonic/model.tables", "sklearn/1.9_logistic/model.tables"} {
		b, err := os.ReadFile("../testdata/models/" + p)
		if err != nil {
			t.Fatal(err)
		}
		out[p] = b
	}
	for _, c := range testcases.Read[catboostCase](t, "../testdata/models/catboost.jsonl.gz", 50) {
		switch c.Name {
		case "one_tree", "lossguide_binary":
			out[c.Name] = c.CBM
		case "one_hot_alone":
			out[c.Name] = []byte(c.JSON)
		}
	}
	return out
}

// packed gives some of the models of a file of cases, every so many.
func packed(t testing.TB, path string, every int, out map[string][]byte) {
	b, err := os.ReadFile("../testdata/models/" + path)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	lines := json.NewDecoder(plain)
	for i := 0; lines.More(); i++ {
		var c struct {
			Name  string
			Model []byte
		}
		if err := lines.Decode(&c); err != nil {
			t.Fatal(err)
		}
		if i%every == 0 && len(c.Model) < 4000 {
			out[c.Name] = c.Model
		}
	}
}

// useAll makes a model of a file ready for each output that takes tables of its own, and uses it.
func useAll(t testing.TB, data []byte, m *model.Model) {
	use(t, m)
	for _, o := range []model.Output{model.Contrib, model.Leaf} {
		if m.Lacks(o) != nil {
			continue
		}
		if m, err := load.Load(data, model.Options{Output: o}); err == nil && m.Lacks(o) == nil {
			use(t, m)
		}
	}
}

// use scores a few rows by all outputs of a model.
func use(t testing.TB, m *model.Model) {
	const n = 3
	cols := make([]model.Column, len(m.Inputs()))
	for i, in := range m.Inputs() {
		vals := []float64{0.5, math.NaN(), -1e300}
		valid := uint64(3)
		cols[i] = model.Column{Values: &vals[0], Valid: &valid}
		if in.Type == model.Varchar {
			cols[i].Text = []string{"a", "", "b"}
		}
	}
	for _, o := range []model.Output{model.Prediction, model.Raw, model.Contrib} {
		if w := m.Outputs(o); w > 0 && w < 1000 {
			out := make([]float64, n*w)
			_ = m.Score(o, cols, n, out) // an error is allowed, a panic isn't
		}
	}
	if w := m.Outputs(model.Leaf); w > 0 && w < 1000 {
		_ = m.Leaves(cols, n, make([]int32, n*w), nil)
	}
	if m.LabelType() != model.None {
		_ = m.Labels(cols, n, make([]int64, n), make([]string, n))
	}
}

// FuzzLoad: whatever the bytes, loading ends with a model that can be used, or an error, and takes memory in proportion.
func FuzzLoad(f *testing.F) {
	all := seeds(f)
	packed(f, "contrib.jsonl.gz", 30, all)
	packed(f, "operators.jsonl.gz", 20, all)
	for _, b := range all {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := load.Load(data, model.Options{})
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 256<<20+400*uint64(len(data)) {
			t.Errorf("%d bytes of memory for a file of %d", used, len(data))
		}
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		if len(m.Inputs()) < 5000 {
			useAll(t, data, m)
		}
	})
}

// A file that is cut anywhere gives an error, or the same model where only what doesn't matter is lost.
func TestLoadCut(t *testing.T) {
	t.Parallel()
	for name, b := range seeds(t) {
		bad := 0
		for i := 0; i < len(b); i += 1 + len(b)/300 {
			m, err := load.Load(b[:i], model.Options{})
			if err == nil {
				use(t, m)
				continue
			}
			bad++
		}
		if bad < 150 {
			t.Errorf("%s: only %d cuts are errors", name, bad)
		}
	}
}

// Bytes changed at random give an error or a model that can be used.
func TestLoadDamaged(t *testing.T) {
	t.Parallel()
	all := seeds(t)
	packed(t, "contrib.jsonl.gz", 30, all)
	packed(t, "operators.jsonl.gz", 8, all)
	places := 200
	if testkit.Race { // each is alone with its model
		places = 20
	}
	for name, b := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := 0; i < len(b); i += 1 + len(b)/places {
				for _, c := range []byte{0, '9', '-', 0xff} {
					d := bytes.Clone(b)
					d[i] = c
					if m, err := load.Load(d, model.Options{}); err == nil && len(m.Inputs()) < 5000 {
						useAll(t, d, m)
					}
				}
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	read := func(p string) string {
		b, err := os.ReadFile("../testdata/models/" + p)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	lgb, xgb := read("lgb_stump/model.txt"), read("xgb_stump/model.json")
	swap := func(s, old, new string) string {
		if !strings.Contains(s, old) {
			t.Fatalf("%q is not in the file", old)
		}
		return strings.Replace(s, old, new, 1)
	}
	for _, c := range []struct{ name, data, want string }{
		{"empty", "", "the file is empty"},
		{"unknown", "hello", "no known format"},
		{"pickle", "\x80\x04\x95", "pickle"},
		{"parquet", "PAR1xxxx", "no known format"},
		{"lightgbm json", `{"name":"tree","version":"v4","num_class":1,"max_feature_idx":5}`, "save_model"},
		{"xgboost dump", "booster[0]:\n0:[f0<1] yes=1,no=2", "save_model"},
		{"old xgboost", "binf\x00\x00", "save_model"},
		{"json array", "[{}]", "save_model"},
		{"lightgbm version", swap(lgb, "version=v4", "version=v1"), "v2, v3 and v4"},
		{"lightgbm objective", swap(lgb, "objective=regression", "objective=magic"), "unknown objective"},
		{"lightgbm cut", lgb[:len(lgb)/2], "cut short"},
		{"lightgbm names", swap(lgb, "max_feature_idx=5", "max_feature_idx=7"), "feature_names"},
		{"lightgbm cycle", swap(lgb, "left_child=-1", "left_child=0"), "own ancestor"},
		{"lightgbm leaf", swap(lgb, "left_child=-1", "left_child=-9"), "leaf"},
		{"lightgbm feature", swap(lgb, "split_feature=", "split_feature=99"), "feature"},
		{"lightgbm counts", swap(lgb, "num_leaves=2", "num_leaves=2000000000"), "num_leaves"},
		{"lightgbm classes", swap(lgb, "num_class=1", "num_class=999999999"), "num_class"},
		{"xgboost objective", swap(xgb, `"reg:squarederror"`, `"reg:magic"`), "unknown objective"},
		{"xgboost booster", swap(xgb, `"name":"gbtree"`, `"name":"gbmagic"`), "unknown booster"},
		{"xgboost base", swap(xgb, `"base_score":"[`, `"base_score":"[x`), "base_score"},
		{"xgboost classes", swap(xgb, `"num_class":"0"`, `"num_class":"900000000"`), "classes"},
		{"xgboost deep", `{"x":` + strings.Repeat("[", 1000), "nested"},
		{"ubj length", "{L\x00\x00\x00\x00\x00\x00\x00\x07learner{L\x7f\xff\xff\xff\xff\xff\xff\xff", "cut short"},
		{"onnx", "\x08\x08", "no graph"},
		{"catboost cut", "CBM1\xff\xff\xff\xff\x10\x00", "cut short"},
		{"catboost version", swap(string(seeds(t)["one_tree"]), "Model_v1", "Model_v9"), `version "FlabuffersModel_v9"`},
		{"catboost ctr", `{"ctr_data":{},"features_info":{}}`, "CTRs"},
		{"catboost leaves", `{"features_info":{},"oblivious_trees":[{"leaf_values":[1,2,3],"splits":[]}],"scale_and_bias":[1,[0]]}`, "leaves"},
		{"catboost feature", `{"features_info":{},"oblivious_trees":[{"leaf_values":[1,2],"splits":[{"border":1,"float_feature_index":7,` +
			`"split_type":"FloatFeature"}]}],"scale_and_bias":[1,[0]]}`, "no feature 7"},
		{"catboost classes", `{"features_info":{},"model_info":{"class_params":{"class_label_type":"Integer","class_names":[1,2,3]},` +
			`"params":{"loss_function":{"type":"Logloss"}}},"scale_and_bias":[1,[0]]}`, "3 classes for 2 outputs"},
		{"catboost inputs", `{"features_info":{"float_features":[{"feature_index":0,"flat_feature_index":2000000000}]},"scale_and_bias":[1,[0]]}`,
			"inputs, supported are"},
		{"catboost last input", `{"features_info":{"float_features":[{"feature_index":0,"flat_feature_index":9223372036854775807}]},` +
			`"scale_and_bias":[1,[0]]}`, "inputs, supported are"},
	} {
		_, err := load.Load([]byte(c.data), model.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// What an ONNX file uses beyond the operators is named.
func TestLoadOperator(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../testdata/models/onnx_mlp/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	_, err = load.Load(bytes.ReplaceAll(b, []byte("MatMul"), []byte("MatFoo")), model.Options{})
	if err == nil || !strings.Contains(err.Error(), "operator MatFoo") || !strings.Contains(err.Error(), "not supported") {
		t.Errorf("error %v, want the operator's name", err)
	}
}
