package models

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"dsql/models/load"
	"dsql/models/model"
)

// manifest lists cases: a model file, rows of inputs and what the model's own library made of them.
// In inputs an empty field is missing; in expected.csv raw* columns are margins, label and output_label the class, the
// others the prediction; a value is right when |got-want| ≤ abs_tol + rel_tol·|want|.
type manifest struct {
	Inputs map[string][]string `json:"inputs"` // file → its columns' types, where the case doesn't have them
	Models []modelCase         `json:"models"`
}

type modelCase struct {
	Name         string   `json:"name"`
	Format       string   `json:"format"`
	Model        string   `json:"model"`
	Inputs       string   `json:"inputs"`
	Expected     string   `json:"expected"`
	Rows         int      `json:"rows"`
	FeatureTypes []string `json:"feature_types"`
	AbsTol       float64  `json:"abs_tol"`
	RelTol       float64  `json:"rel_tol"`
	RawExact     bool     `json:"raw_exact"` // raw scores bit for bit
}

// loadCases reads the manifests of testdata: models made for the test (make.py), and some of public data sets (real).
// MODEL_CASES names another folder instead. The cases' paths are made whole.
func loadCases(t testing.TB) []modelCase {
	dirs := []string{"../testdata/models", "../testdata/models/real", "../testdata/models/sklearn"}
	if d := os.Getenv("MODEL_CASES"); d != "" {
		dirs = []string{d}
	}
	var all []modelCase
	for _, d := range dirs {
		b, err := os.ReadFile(filepath.Join(d, "manifest.json"))
		if err != nil {
			t.Fatal(err)
		}
		var m manifest
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		if len(m.Models) == 0 {
			t.Fatalf("no cases in %s", d)
		}
		for _, c := range m.Models {
			if c.FeatureTypes == nil {
				c.FeatureTypes = m.Inputs[c.Inputs]
			}
			c.Model, c.Inputs, c.Expected = filepath.Join(d, c.Model), filepath.Join(d, c.Inputs), filepath.Join(d, c.Expected)
			all = append(all, c)
		}
	}
	return all
}

// table reads a CSV file; a line without characters is a row of one empty field.
func table(t testing.TB, path string) (head []string, rows [][]string) {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
		rec := []string{""}
		if line != "" {
			if rec, err = csv.NewReader(strings.NewReader(line)).Read(); err != nil {
				t.Fatalf("%s:%d: %v", path, i+1, err)
			}
		}
		if i == 0 {
			head = rec
		} else {
			rows = append(rows, rec)
		}
	}
	return head, rows
}

// columns makes columns of a table's rows; asNull marks missing numbers in the validity mask, where else they are NaN.
func columns(t testing.TB, inputs []model.Input, rows [][]string, asNull bool) []model.Column {
	cols := make([]model.Column, len(inputs))
	for i, in := range inputs {
		valid := make([]uint64, (len(rows)+63)/64)
		vals, text := make([]float64, len(rows)+1), make([]string, len(rows))
		for r, row := range rows {
			text[r], vals[r] = row[i], math.NaN()
			if row[i] != "" {
				if in.Type == model.Double {
					var err error
					if vals[r], err = strconv.ParseFloat(row[i], 64); err != nil {
						t.Fatal(err)
					}
				}
				valid[r/64] |= 1 << (r % 64)
			} else if asNull {
				vals[r] = -7 // what stands at NULL must not be read
			}
		}
		cols[i].Values = &vals[0]
		if in.Type == model.Varchar {
			cols[i].Text = text
		}
		if asNull || in.Type == model.Varchar {
			cols[i].Valid = &valid[0]
		}
	}
	return cols
}

func TestCases(t *testing.T) {
	t.Parallel()
	for _, c := range loadCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(c.Model)
			if err != nil {
				t.Fatal(err)
			}
			m, err := load.Load(data, model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if want, _, _ := strings.Cut(c.Format, "-"); m.Format() != want {
				t.Errorf("format %s, want %s", m.Format(), want)
			}
			if len(m.Inputs()) != len(c.FeatureTypes) {
				t.Fatalf("%d inputs, want %d", len(m.Inputs()), len(c.FeatureTypes))
			}
			for i, in := range m.Inputs() {
				if (in.Type == model.Varchar) != (c.FeatureTypes[i] == "VARCHAR") {
					t.Errorf("input %d is %s, want %s", i, in.Type, c.FeatureTypes[i])
				}
			}
			head, want := table(t, c.Expected)
			_, rows := table(t, c.Inputs)
			if len(rows) != c.Rows || len(want) != c.Rows {
				t.Fatalf("%d rows in, %d out, want %d", len(rows), len(want), c.Rows)
			}
			for _, asNull := range []bool{false, true} {
				cols := columns(t, m.Inputs(), rows, asNull)
				for o, at := range outputsOf(head) {
					o, m := model.Output(o), m
					if o > model.Label && len(at) > 0 {
						if m, err = load.Load(data, model.Options{Output: o}); err != nil {
							t.Fatal(err)
						}
					}
					if err := c.compare(m, o, cols, at, want); err != nil {
						t.Errorf("%s, missing as NULL %v: %v", o, asNull, err)
					}
				}
			}
		})
	}
}

// outputsOf groups the columns of expected.csv by output.
func outputsOf(head []string) (at [5][]int) {
	for i, h := range head {
		switch {
		case strings.HasPrefix(h, "raw"):
			at[model.Raw] = append(at[model.Raw], i)
		case strings.HasPrefix(h, "contrib"):
			at[model.Contrib] = append(at[model.Contrib], i)
		case strings.HasPrefix(h, "leaf"):
			at[model.Leaf] = append(at[model.Leaf], i)
		case h == "label" || h == "output_label":
			at[model.Label] = append(at[model.Label], i)
		default:
			at[model.Prediction] = append(at[model.Prediction], i)
		}
	}
	return at
}

func (c modelCase) compare(m *model.Model, o model.Output, cols []model.Column, at []int, want [][]string) error {
	if len(at) == 0 {
		return nil
	}
	n := len(want)
	if w := m.Outputs(o); w != len(at) {
		return fmt.Errorf("%d values a row, want %d", w, len(at))
	}
	if o == model.Label {
		ints, text := make([]int64, n), make([]string, n)
		if err := m.Labels(cols, n, ints, text); err != nil {
			return err
		}
		for r := range n {
			got := text[r]
			switch m.LabelType() {
			case model.Bigint, model.Boolean:
				got = strconv.FormatInt(ints[r], 10)
			case model.Double:
				got = strconv.FormatFloat(math.Float64frombits(uint64(ints[r])), 'f', -1, 64)
			}
			if got != strings.TrimSuffix(want[r][at[0]], ".0") {
				return fmt.Errorf("row %d: %s, want %s", r+1, got, want[r][at[0]])
			}
		}
		return nil
	}
	if o == model.Leaf {
		got := make([]int32, n*len(at))
		if err := m.Leaves(cols, n, got, nil); err != nil {
			return err
		}
		for i, l := range got {
			if y, _ := strconv.ParseFloat(want[i/len(at)][at[i%len(at)]], 64); float64(l) != y {
				return fmt.Errorf("row %d, tree %d: %d, want %v", i/len(at)+1, i%len(at), l, y)
			}
		}
		return nil
	}
	out := make([]float64, n*len(at))
	if err := m.Score(o, cols, n, out); err != nil {
		return err
	}
	if o == model.Contrib {
		return c.contributions(m, cols, out, at, want)
	}
	for r := range n {
		for k, i := range at {
			y := math.NaN()
			if want[r][i] != "" {
				y, _ = strconv.ParseFloat(want[r][i], 64)
			}
			got := out[r*len(at)+k]
			off := math.Abs(got - y)
			same := got == y || math.IsNaN(got) && math.IsNaN(y) || c.single() && float32(got) == float32(y)
			if same || !math.IsInf(y, 0) && off <= c.AbsTol+c.RelTol*math.Abs(y) && !(c.RawExact && o == model.Raw) {
				continue
			}
			return fmt.Errorf("row %d, value %d: %v, want %v (off by %g)", r+1, k, got, y, off)
		}
	}
	return nil
}

// single: the library works in float32.
func (c modelCase) single() bool { return c.Format != "lightgbm-text" && c.Format != "sklearn" }

// contributions are right within the library's own precision, 1e-12 of a row's sum of their sizes for LightGBM, 2e-5 for XGBoost; and they
// make the raw score.
func (c modelCase) contributions(m *model.Model, cols []model.Column, out []float64, at []int, want [][]string) error {
	rel := 1e-12
	if c.Format != "lightgbm-text" {
		rel = 2e-5
	}
	raw := make([]float64, len(want)*m.Outputs(model.Raw))
	if err := m.Score(model.Raw, cols, len(want), raw); err != nil {
		return err
	}
	width := len(m.Inputs()) + 1
	for i := range raw {
		row, sum, size := want[i*width/len(at)], 0.0, 0.0
		for _, v := range out[i*width:][:width] {
			sum, size = sum+v, size+math.Abs(v)
		}
		for k, v := range out[i*width:][:width] {
			y, _ := strconv.ParseFloat(row[at[i*width%len(at)+k]], 64)
			if !(math.Abs(v-y) <= rel*size+1e-15) {
				return fmt.Errorf("row %d, value %d: %v, want %v (off by %g of %g)", i*width/len(at)+1, i*width%len(at)+k, v, y, math.Abs(v-y), size)
			}
		}
		if !(math.Abs(sum-raw[i]) <= rel*size+1e-15) && !math.IsNaN(raw[i]) {
			return fmt.Errorf("row %d: they make %v, and its raw score is %v", i*width/len(at)+1, sum, raw[i])
		}
	}
	return nil
}
