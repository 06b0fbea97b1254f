package models

import (
	"math"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"dsql/models/forest"
	"dsql/models/load"
	"dsql/models/model"
)

// BenchmarkFile times the model file MODEL_BENCH on the rows in MODEL_BENCH_ROWS (float64, column by column) and writes its predictions, or
// the output that MODEL_BENCH_OUTPUT names, to MODEL_BENCH_OUT; MODEL_BENCH_THREADS share the rows. bench/models/compare.py runs it beside
// the model's own library.
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
	o := model.OutputOf(os.Getenv("MODEL_BENCH_OUTPUT"))
	threads, _ := strconv.Atoi(os.Getenv("MODEL_BENCH_THREADS"))
	for _, kernel := range append(forest.Kernels(), "walk") {
		b.Run(kernel, func(b *testing.B) {
			start := time.Now()
			m, err := load.Load(data, model.Options{Kernel: kernel, Output: o})
			if err != nil {
				b.Fatal(err)
			}
			load := time.Since(start)
			width := len(m.Inputs())
			n := len(raw) / 8 / width
			all := unsafe.Slice((*float64)(unsafe.Pointer(&raw[0])), n*width)
			out := make([]float64, n*m.Outputs(o))
			chunk := func(from, rows int) {
				cols := make([]model.Column, width)
				for i := range cols {
					cols[i].Values = &all[i*n+from]
				}
				if err := m.Score(o, cols, rows, out[from*m.Outputs(o):]); err != nil {
					b.Error(err)
				}
			}
			const vector = 2048
			run := func() {
				var g sync.WaitGroup
				var next atomic.Int64
				for range max(1, threads) {
					g.Go(func() {
						for from := int(next.Add(vector)) - vector; from < n; from = int(next.Add(vector)) - vector {
							chunk(from, min(vector, n-from))
						}
					})
				}
				g.Wait()
			}
			start = time.Now()
			for r := range 200 {
				chunk(r, 1)
			}
			one := time.Since(start) / 200
			cpu := cpuSeconds()
			for b.Loop() {
				run()
			}
			b.ReportMetric((cpuSeconds()-cpu)*1e6/float64(n*b.N), "cpu-µs")
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

// cpuSeconds are those that the process has used.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return math.NaN()
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
