package models

import (
	"math"
	"os"
	"testing"
	"time"
	"unsafe"

	"dsql/models/forest"
	"dsql/models/load"
	"dsql/models/model"
)

// BenchmarkFile times the model file MODEL_BENCH on the rows in MODEL_BENCH_ROWS (float64, column by column) and writes
// its predictions to MODEL_BENCH_OUT; bench/models/compare.py runs it beside the model's own library.
func BenchmarkFile(b *testing.B) {
	path := os.Getenv("MODEL_BENCH")
	if path == "" {
		b.Skip("MODEL_BENCH names no model file")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	raw, err := os.ReadFile(os.Getenv("MODEL_BENCH_ROWS"))
	if err != nil {
		b.Fatal(err)
	}
	for _, kernel := range append(forest.Kernels(), "walk") {
		b.Run(kernel, func(b *testing.B) {
			start := time.Now()
			m, err := load.Load(data, model.Options{Kernel: kernel})
			if err != nil {
				b.Fatal(err)
			}
			load := time.Since(start)
			width := len(m.Inputs())
			n := len(raw) / 8 / width
			all := unsafe.Slice((*float64)(unsafe.Pointer(&raw[0])), n*width)
			out := make([]float64, n*m.Outputs(model.Prediction))
			cols := make([]model.Column, width)
			chunk := func(from, rows int) {
				for i := range cols {
					cols[i].Values = &all[i*n+from]
				}
				if err := m.Score(model.Prediction, cols, rows, out[from*m.Outputs(model.Prediction):]); err != nil {
					b.Fatal(err)
				}
			}
			start = time.Now()
			for r := range 200 {
				chunk(r, 1)
			}
			one := time.Since(start) / 200
			for b.Loop() {
				for from := 0; from < n; from += 2048 {
					chunk(from, min(2048, n-from))
				}
			}
			b.ReportMetric(load.Seconds()*1e3, "load-ms")
			b.ReportMetric(math.Round(one.Seconds()*1e8)/100, "one-µs")
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			if p := os.Getenv("MODEL_BENCH_OUT"); p != "" {
				if err := os.WriteFile(p, unsafe.Slice((*byte)(unsafe.Pointer(&out[0])), len(out)*8), 0o600); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
