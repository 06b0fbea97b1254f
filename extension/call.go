package main

/*
#include "capi.h"
*/
import "C"

import "unsafe"

// call is a stored.Call: one vector's worth of arguments, and the result.
type call struct {
	rows       int
	chunk, out unsafe.Pointer
}

// Rows: see stored.Call, as for all below.
func (c *call) Rows() int { return c.rows }

// argument is the values of argument i, and its validity words.
func argument[T any](c *call, i int) (values []T, words []uint64) {
	v := C.api_vector(c.chunk, C.uint64_t(i))
	if valid := (*uint64)(C.api_validity(v)); valid != nil {
		words = unsafe.Slice(valid, (c.rows+63)/64)
	}
	return unsafe.Slice((*T)(C.api_data(v)), c.rows), words
}

func (c *call) Doubles(i int) ([]float64, []uint64) { return argument[float64](c, i) }
func (c *call) Ints(i int) ([]int64, []uint64)      { return argument[int64](c, i) }
func (c *call) Bools(i int) ([]bool, []uint64)      { return argument[bool](c, i) }

func (c *call) Texts(i int) (func(row int) string, []uint64) {
	data, valid := argument[text](c, i)
	return func(row int) string { return data[row].String() }, valid
}

// text is DuckDB's own of one: up to twelve bytes stand in it, others elsewhere.
type text [2]uint64

// String is valid as long as the vector is.
func (t *text) String() string {
	n := uint32(t[0])
	if n <= 12 {
		return unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(t), 4)), n)
	}
	return unsafe.String(*(**byte)(unsafe.Pointer(&t[1])), n)
}

func (c *call) OutDoubles() []float64 { return unsafe.Slice((*float64)(C.api_data(c.out)), c.rows) }
func (c *call) OutInts() []int64      { return unsafe.Slice((*int64)(C.api_data(c.out)), c.rows) }
func (c *call) OutBools() []bool      { return unsafe.Slice((*bool)(C.api_data(c.out)), c.rows) }

func (c *call) OutText(row int, s string) { setText(c.out, row, s) }

func setText(vector unsafe.Pointer, row int, s string) {
	C.api_set_text(vector, C.uint64_t(row), (*C.char)(unsafe.Pointer(unsafe.StringData(s))), C.uint64_t(len(s)))
}

func (c *call) OutLists(width int) []float64  { return outLists[float64](c, width) }
func (c *call) OutIntLists(width int) []int32 { return outLists[int32](c, width) }

func outLists[T any](c *call, width int) []T {
	n := c.rows * width
	child := C.api_list_room(c.out, C.uint64_t(n))
	entries := c.entries()
	for r := range entries {
		entries[r] = [2]uint64{uint64(r * width), uint64(width)}
	}
	return unsafe.Slice((*T)(C.api_data(child)), n)
}

// entries are where each row's list begins, and how long it is.
func (c *call) entries() [][2]uint64 { return unsafe.Slice((*[2]uint64)(C.api_data(c.out)), c.rows) }

func (c *call) OutPairs(ends []int) (set func(i int, text string), numbers []float64) {
	n, from := ends[c.rows-1], 0
	pairs := C.api_list_room(c.out, C.uint64_t(n))
	entries := c.entries()
	for r, to := range ends {
		entries[r], from = [2]uint64{uint64(from), uint64(to - from)}, to
	}
	texts := C.api_struct_child(pairs, 0)
	return func(i int, text string) { setText(texts, i, text) },
		unsafe.Slice((*float64)(C.api_data(C.api_struct_child(pairs, 1))), n)
}

func (c *call) SetNull(row int) {
	words := unsafe.Slice((*uint64)(C.api_writable_validity(c.out)), (c.rows+63)/64)
	words[row/64] &^= 1 << (row % 64)
}
