//go:build amd64 && cgo

package forest

/*
#cgo CFLAGS: -O3
#include <stdlib.h>
#include "kernel.h"
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// native scores with the kernels in C, one for each instruction set. Its tables lie in memory of C's, so that one
// pointer hands them all over.
type native struct {
	f       *C.dsql_forest
	columns int
	wides   int
	held    []unsafe.Pointer
}

// nativeKernels are those that this machine can run, the best one first.
func nativeKernels() []string {
	return []string{"avx512", "avx2", "sse2"}[C.dsql_forest_isa():]
}

func newNative(t *tables, kernel string) *native {
	q := &native{columns: len(t.columns), wides: t.wides}
	q.f = (*C.dsql_forest)(q.hold(unsafe.Pointer(&C.dsql_forest{}), unsafe.Sizeof(C.dsql_forest{})))
	c := q.f
	c.kind = C.int(t.kind)
	c.isa = isas[kernel]
	c.ntrees, c.nrankings, c.ncodings, c.ncols = C.int(len(t.trees)), C.int(len(t.rankings)), C.int(len(t.codings)), C.int(len(t.columns))
	c.nwides = C.int(t.wides)
	c.trees = (*C.dsql_tree)(hold(q, t.trees))
	c.entries = (*C.dsql_entry)(hold(q, t.entries))
	c.planes = (*C.dsql_plane)(hold(q, t.planes))
	c.rankings = (*C.dsql_ranking)(hold(q, t.rankings))
	c.columns = (*C.dsql_column)(hold(q, t.columns))
	c.codings = (*C.dsql_coding)(hold(q, t.codings))
	c.thresholds = (*C.double)(hold(q, t.thresholds))
	c.singles = (*C.double)(hold(q, t.singles))
	c.codes = (*C.uint16_t)(hold(q, t.codes))
	c.tables = (*C.uint8_t)(hold(q, t.bits))
	c.nodes = (*C.uint64_t)(hold(q, t.nodes))
	c.leafof = (*C.uint32_t)(hold(q, t.leafOf))
	if t.kind == Single {
		values := make([]float32, len(t.values))
		for i, v := range t.values {
			values[i] = float32(v)
		}
		c.values32 = (*C.float)(hold(q, values))
	} else {
		c.values = (*C.double)(hold(q, t.values))
	}
	runtime.AddCleanup(q, func(held []unsafe.Pointer) {
		for _, p := range held {
			C.free(p)
		}
	}, q.held)
	return q
}

// The tables are copied as they are, so both sides must lay them out alike.
var _ = [1]struct{}{}[(unsafe.Sizeof(ranking{})-uintptr(C.sizeof_dsql_ranking))|
	(unsafe.Sizeof(column{})-uintptr(C.sizeof_dsql_column))|
	(unsafe.Sizeof(coding{})-uintptr(C.sizeof_dsql_coding))|
	(unsafe.Sizeof(entry{})-uintptr(C.sizeof_dsql_entry))|
	(unsafe.Sizeof(quickTree{})-uintptr(C.sizeof_dsql_tree))|
	(unsafe.Sizeof(plane{})-uintptr(C.sizeof_dsql_plane))|
	(unsafe.Sizeof(step{})-uintptr(C.sizeof_dsql_step))]

func hold[T any](q *native, v []T) unsafe.Pointer {
	return q.hold(unsafe.Pointer(unsafe.SliceData(v)), uintptr(len(v))*unsafe.Sizeof(*new(T)))
}

func (q *native) hold(from unsafe.Pointer, size uintptr) unsafe.Pointer {
	p := C.malloc(C.size_t(size) + 64) // never nil: cgo's malloc ends the program instead
	if size > 0 {
		copy(unsafe.Slice((*byte)(p), size), unsafe.Slice((*byte)(from), size))
	}
	q.held = append(q.held, p)
	return p
}

func (q *native) scratch(s *quickScratch, outputs int) {
	s.bins = aligned(q.columns * TileRows)
	s.across = aligned(int(C.dsql_forest_wide(q.f)) * TileRows * 2)
	if q.f.kind == C.SINGLE {
		s.sums32 = make([]float32, outputs*TileRows)
	}
}

// tile scores rows of values, output by output, on top of base.
func (q *native) tile(x []float64, rows int, base []float64, s *quickScratch, sums []float64) {
	to := unsafe.Pointer(&sums[0])
	if s.sums32 != nil {
		to = unsafe.Pointer(&s.sums32[0])
		start(s.sums32, base, rows)
	} else {
		start(sums, base, rows)
	}
	C.dsql_forest_tile(q.f, (*C.double)(&x[0]), C.int(rows), (*C.uint8_t)(unsafe.SliceData(s.bins)), (*C.uint16_t)(unsafe.Pointer(unsafe.SliceData(s.across))),
		to)
	if s.sums32 != nil {
		for o := range base {
			for r, v := range s.sums32[o*TileRows : o*TileRows+rows] {
				sums[o*TileRows+r] = float64(v)
			}
		}
	}
	runtime.KeepAlive(q)
}

// bin is tile without trees.
func (q *native) bin(x []float64, rows int, s *quickScratch) {
	C.dsql_forest_tile(q.f, (*C.double)(&x[0]), C.int(rows), (*C.uint8_t)(unsafe.SliceData(s.bins)), nil, nil)
	runtime.KeepAlive(q)
}

func (q *native) bits(tests []entry, s *quickScratch, bits []uint64) {
	C.dsql_forest_bits((*C.dsql_entry)(unsafe.Pointer(unsafe.SliceData(tests))), C.int(len(tests)), (*C.uint8_t)(unsafe.SliceData(s.bins)),
		(*C.uint64_t)(unsafe.SliceData(bits)))
}

func newBinner(t *tables, kernel string) binner { return newNative(t, kernel) }

// runNative does a program's steps in C, and says whether the kernel is one of C's.
func runNative(kernel string, p *program, bits []uint64, rows, slots int, w *contribRoom) bool {
	isa, ok := isas[kernel]
	if !ok || len(p.steps) == 0 {
		return ok
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	steps, consts, weights := unsafe.SliceData(p.steps), unsafe.SliceData(p.consts), unsafe.SliceData(ruleOf(p.points).weights)
	pin.Pin(steps)
	pin.Pin(consts)
	pin.Pin(weights)
	c := C.dsql_program{points: C.int(p.points), nsteps: C.int(len(p.steps)), steps: (*C.dsql_step)(unsafe.Pointer(steps)),
		consts: (*C.double)(unsafe.Pointer(consts)), weights: (*C.double)(unsafe.Pointer(weights))}
	C.dsql_forest_contrib(isa, &c, (*C.uint64_t)(unsafe.SliceData(bits)), C.int(rows), C.int(slots), (*C.double)(unsafe.SliceData(w.phi)),
		(*C.double)(unsafe.SliceData(w.levels)), (*C.uint8_t)(unsafe.SliceData(w.states)))
	return true
}

var isas = map[string]C.int{"avx512": C.AVX512, "avx2": C.AVX2, "sse2": C.SSE2}
