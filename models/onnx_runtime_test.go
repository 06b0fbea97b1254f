package models

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dsql/models/graph"
	"dsql/models/load"
	"dsql/models/model"
	"dsql/models/stored"
)

// onnxruntime is the library's path: DSQL_ONNXRUNTIME, or where loaders look. Tests that need it are skipped without.
func onnxruntime(t testing.TB) string {
	paths := []string{os.Getenv(stored.RuntimeVariable)}
	for _, dir := range []string{"/usr/lib", "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
		"/opt/homebrew/lib"} {
		found, _ := filepath.Glob(filepath.Join(dir, "libonnxruntime.*"))
		paths = append(paths, found...)
	}
	for _, p := range paths {
		if p != "" {
			return p
		}
	}
	t.Skip("there is no onnxruntime: " + stored.RuntimeVariable + " may name its library")
	return ""
}

// The library gives what it gave when the cases were made (by its Python face), and so what dsql gives itself.
func TestRuntimeCases(t *testing.T) {
	t.Parallel()
	lib := onnxruntime(t)
	seen := 0
	for _, c := range loadCases(t) {
		if c.Format != "onnx" {
			continue
		}
		seen++
		t.Run(c.Name, func(t *testing.T) {
			data, err := os.ReadFile(c.Model)
			if err != nil {
				t.Fatal(err)
			}
			m, err := load.Load(data, model.Options{Runtime: lib, Features: len(c.FeatureTypes)})
			if err != nil {
				t.Fatal(err)
			}
			own, err := load.Load(data, model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Inputs()) != len(own.Inputs()) {
				t.Fatalf("inputs %v, dsql's own way has %v", m.Inputs(), own.Inputs())
			}
			for i, in := range m.Inputs() {
				if in != own.Inputs()[i] {
					t.Errorf("input %v, dsql's own way has %v", in, own.Inputs()[i])
				}
			}
			head, want := table(t, c.Expected)
			_, rows := table(t, c.Inputs)
			at := outputsOf(head)
			for _, o := range []model.Output{model.Prediction, model.Label} {
				if err := c.compare(m, o, columns(t, m.Inputs(), rows, true), at[o], want); err != nil {
					t.Errorf("%s: %v", o, err)
				}
			}
			if m.Outputs(model.Raw) != 0 || m.LabelType() != own.LabelType() {
				t.Errorf("raw %d, labels %s; dsql's own has labels %s", m.Outputs(model.Raw), m.LabelType(), own.LabelType())
			}
		})
	}
	if seen < 100 {
		t.Errorf("only %d ONNX cases", seen)
	}
}

// A session is shared by goroutines.
func TestRuntimeConcurrent(t *testing.T) {
	t.Parallel()
	lib := onnxruntime(t)
	m := mustLoad(t, "onnx_forest/model.onnx", model.Options{Runtime: lib})
	const n = 2500 // more than one run's
	cols := make([]model.Column, len(m.Inputs()))
	for i := range cols {
		v := make([]float64, n)
		for k := range v {
			v[k] = float64((k*7+i*3)%11) - 4
		}
		cols[i].Values = &v[0]
	}
	w := m.Outputs(model.Prediction)
	want := make([]float64, n*w)
	if err := mustLoad(t, "onnx_forest/model.onnx", model.Options{}).Score(model.Prediction, cols, n, want); err != nil {
		t.Fatal(err)
	}
	var g sync.WaitGroup
	for k := range 8 {
		g.Go(func() {
			for rows := n; rows > 0; rows = rows/3 - k {
				got := make([]float64, rows*w)
				if err := m.Score(model.Prediction, cols, rows, got); err != nil {
					t.Error(err)
				}
				for i, v := range got {
					if math.Abs(v-want[i]) > 2e-5 {
						t.Errorf("%d rows: value %d is %v, want %v", rows, i, v, want[i])
						return
					}
				}
			}
		})
	}
	g.Wait()
}

// A path that is no onnxruntime is said to be none, and a stored model goes on without it.
func TestRuntimeErrors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../testdata/models/onnx_mlp/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "lib.so")
	if err := os.WriteFile(text, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, filepath.Join(t.TempDir(), "not there.so")} {
		var lib *graph.RuntimeError
		if _, err := load.Load(data, model.Options{Runtime: path}); !errors.As(err, &lib) || lib.Path != path ||
			!strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
		m, err := stored.Load(data, model.Options{Runtime: path})
		if err != nil || m.Outputs(model.Raw) == 0 && m.Outputs(model.Prediction) == 0 {
			t.Errorf("a stored model without its library: %v", err)
		}
		if _, err := stored.Load([]byte("\x08\x08"), model.Options{Runtime: path}); err == nil ||
			os.Getenv(stored.RuntimeVariable) == "" && !strings.Contains(err.Error(), stored.RuntimeVariable) {
			t.Errorf("neither way: %v", err)
		}
	}
}
