package models

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"dsql/internal/testcases"
	"dsql/models/forest"
	"dsql/models/load"
	"dsql/models/model"
)

// catboostCase is a model of CatBoost as both of its forms, and what the library gives for rows (testdata/models/make_catboost.py). The
// first of a file has the tables instead.
type catboostCase struct {
	Tables map[string]struct {
		Columns []string
		Rows    [][]any
	}

	Name, JSON, Table   string
	CBM                 []byte
	Columns, Cats       []string
	Extra               [][]any
	Raw, Labels, Leaves string    // hashes over all rows
	SomeRaw             string    `json:"some_raw"`
	SomeLabels          []string  `json:"some_labels"`
	LabelType           string    `json:"label_type"`
	SomeLeaves          [][]int32 `json:"some_leaves"`
	Width, Predictions  int
	Prediction, Contrib string
}

// Raw scores, labels and leaves of CatBoost's models are the library's to the last bit, from both forms and by all kernels; predictions are
// too. What inputs add is within 1e-12 of the library's, where that makes the raw score, and makes the raw score.
func TestCatBoost(t *testing.T) {
	t.Parallel()
	all := testcases.Read[catboostCase](t, "../testdata/models/catboost.jsonl.gz", 50)
	for i := range all[1:] {
		c, table := &all[i+1], all[0].Tables[all[i+1].Table]
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			cols, n := c.inputs(table.Columns, table.Rows)
			for _, data := range [][]byte{c.CBM, []byte(c.JSON)} {
				if len(data) == 0 { // not of all models
					continue
				}
				kernels := append(forest.Kernels(), "walk")
				if data[0] == '{' { // the trees are the same
					kernels = []string{""}
				}
				for _, kernel := range kernels {
					c.check(t, data, kernel, cols, n)
				}
			}
		})
	}
}

func (c *catboostCase) inputs(names []string, rows [][]any) (cols []model.Column, n int) {
	n = len(rows) + len(c.Extra)
	for k, name := range c.Columns {
		at := 0
		for names[at] != name {
			at++
		}
		cell := func(r int) any {
			if r < len(rows) {
				return rows[r][at]
			}
			return c.Extra[r-len(rows)][k]
		}
		values, texts := make([]float64, n), make([]string, n)
		for r := range n {
			switch v := cell(r).(type) {
			case nil:
				values[r] = math.NaN()
			case float64:
				values[r], texts[r] = v, strconv.FormatFloat(v, 'f', -1, 64)
			case string:
				texts[r] = v
				values[r], _ = strconv.ParseFloat(v, 64)
			}
		}
		col := model.Column{Values: &values[0]}
		for _, cat := range c.Cats {
			if cat == name {
				col = model.Column{Text: texts}
			}
		}
		cols = append(cols, col)
	}
	return cols, n
}

func (c *catboostCase) check(t *testing.T, data []byte, kernel string, cols []model.Column, n int) {
	m, err := load.Load(data, model.Options{Kernel: kernel, Output: model.Leaf})
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]float64, n*c.Width)
	if m.Outputs(model.Raw) != c.Width || m.Format() != "catboost" {
		t.Fatalf("%d raw values of %s, want %d", m.Outputs(model.Raw), m.Format(), c.Width)
	}
	if err := m.Score(model.Raw, cols, n, raw); err != nil {
		t.Fatal(err)
	}
	if got := digest(raw); got != c.Raw {
		t.Fatalf("raw values %v, want %v", raw[:5*c.Width], doubles(c.SomeRaw))
	}
	leaves := make([]int32, n*m.Trees())
	if err := m.Leaves(cols, n, leaves, nil); err != nil {
		t.Fatal(err)
	}
	numbered := data[0] != '{' || bytes.Contains(data, []byte(`"oblivious_trees"`)) // else JSON doesn't say how leaves are numbered
	if got := digest(leaves); numbered && got != c.Leaves {
		t.Errorf("leaves %v, want %v", leaves[:3*m.Trees()], c.SomeLeaves)
	}
	if m.Outputs(model.Prediction) != c.Predictions {
		t.Fatalf("%d predictions, want %d", m.Outputs(model.Prediction), c.Predictions)
	}
	pred := make([]float64, n*c.Predictions)
	if err := m.Score(model.Prediction, cols, n, pred); err != nil {
		t.Fatal(err)
	}
	for i, want := range doubles(c.Prediction) {
		r := i / c.Predictions * 7
		if got := pred[r*c.Predictions+i%c.Predictions]; got != want {
			t.Fatalf("row %d: prediction %v, want %v", r, got, want)
		}
	}
	c.labels(t, m, cols, n)
	if m, err = load.Load(data, model.Options{Kernel: kernel, Output: model.Contrib}); err != nil {
		t.Fatal(err)
	}
	c.contributions(t, m, cols, raw)
}

func (c *catboostCase) labels(t *testing.T, m *model.Model, cols []model.Column, n int) {
	if want := c.LabelType; m.LabelType().String() != want {
		t.Fatalf("labels of type %s, want %s", m.LabelType(), want)
	}
	if c.Labels == "" {
		return
	}
	ints, texts := make([]int64, n), make([]string, n)
	if err := m.Labels(cols, n, ints, texts); err != nil {
		t.Fatal(err)
	}
	for r := range texts {
		switch m.LabelType() {
		case model.Boolean:
			texts[r] = strconv.FormatBool(ints[r] != 0)
		case model.Bigint:
			texts[r] = strconv.FormatInt(ints[r], 10)
		case model.Double:
			texts[r] = fmt.Sprintf("%.1f", math.Float64frombits(uint64(ints[r])))
		}
	}
	if got := digest([]byte(strings.Join(texts, "\n"))); got != c.Labels {
		t.Errorf("labels %q, want %q", texts[:5], c.SomeLabels)
	}
}

func (c *catboostCase) contributions(t *testing.T, m *model.Model, cols []model.Column, raw []float64) {
	const rows = 25
	want, width := doubles(c.Contrib), (len(cols)+1)*c.Width
	got := make([]float64, rows*width)
	if err := m.Score(model.Contrib, cols, rows, got); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(got); at += len(cols) + 1 {
		sum, size := 0.0, 0.0
		for _, v := range got[at:][:len(cols)+1] {
			sum, size = sum+v, size+math.Abs(v)
		}
		for k, v := range got[at:][:len(cols)+1] {
			if len(want) > 0 && !(math.Abs(v-want[at+k]) <= 1e-12*size) {
				t.Fatalf("row %d, value %d: %v, want %v", at/width, at%width+k, v, want[at+k])
			}
		}
		if r := raw[at/(len(cols)+1)]; !(math.Abs(sum-r) <= 1e-12*size) {
			t.Fatalf("row %d: %v together, and the raw score is %v", at/width, sum, r)
		}
	}
}

func digest(values any) string {
	b, ok := values.([]byte)
	if !ok {
		var err error
		if b, err = binary.Append(nil, binary.LittleEndian, values); err != nil {
			panic(err)
		}
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))[:16]
}

func doubles(text string) []float64 {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	out := make([]float64, len(b)/8)
	if _, err := binary.Decode(b, binary.LittleEndian, out); err != nil {
		panic(err)
	}
	return out
}
