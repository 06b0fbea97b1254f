package forest

import "unsafe"

// A quick scores tiles by way of tables.
type quick interface {
	// scratch makes what a tile needs beside its values.
	scratch(s *quickScratch, outputs int)
	// tile scores rows of values, TileRows apart from feature to feature, on top of base, output by output.
	tile(x []float64, rows int, base []float64, s *quickScratch, sums []float64)
}

type quickScratch struct {
	bins, across []byte
	sums32       []float32
}

const (
	walkKernel = "walk"
	goKernel   = "go"
)

// Kernels are the names of the kernels that this machine can run, the best one first.
func Kernels() []string { return append(nativeKernels(), goKernel) }

// mostEntries is up to where a search by planes, which costs each row time in proportion to a tree's entries, is faster
// than a walk: measured on trees of 16 to 256 leaves.
var mostEntries = map[string]int{"avx512": 1000, "avx2": 750, "sse2": 330, goKernel: 130}

// newQuick is nil for a forest that only the walk can do. Up to few rows the walk is faster.
func newQuick(f *Forest, used []int, w *walker, kernel string, worth func(entries int) bool) (q quick, few int) {
	perByte := 255
	if kernel == goKernel {
		perByte = 127
	}
	t := tabulate(f, used, perByte, worth)
	switch {
	case t == nil:
		return nil, 0
	case kernel == goKernel:
		return &portable{tables: t, walk: w, used: len(used)}, t.few
	}
	return newNative(t, kernel), t.few
}

// aligned is memory at a multiple of 64.
func aligned(n int) []byte {
	b := make([]byte, n+64)
	return b[-uintptr(unsafe.Pointer(&b[0]))&63:][:n]
}
