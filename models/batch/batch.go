// Package batch holds the form in which rows are handed to a model: columns in the caller's memory.
package batch

import (
	"math"
	"unsafe"
)

// MaxColumns is how many inputs a model may have. Each is an argument of a SQL function, which DuckDB binds one by one; and a file of
// a few bytes can promise any number.
const MaxColumns = 10_000

// Column is an input's values for one batch of rows. Numbers are in Values, text in Text; NULL and NaN are missing.
type Column struct {
	Values *float64 // the first row's value
	Stride int      // values from one row to the next; 0 means 1
	Valid  *uint64  // bit r%64 of word r/64 is 0 where row r is NULL; nil: no row is
	Text   []string // a row's text; what stands at NULL is not read
}

// Numbers copies the values of the rows from from on into dst, NaN for NULL.
func (c *Column) Numbers(from int, dst []float64) {
	if c.Stride <= 1 {
		copy(dst, unsafe.Slice((*float64)(unsafe.Add(unsafe.Pointer(c.Values), from*8)), len(dst)))
	} else {
		p := unsafe.Add(unsafe.Pointer(c.Values), from*c.Stride*8)
		for i := range dst {
			dst[i] = *(*float64)(unsafe.Add(p, i*c.Stride*8))
		}
	}
	if c.Valid == nil {
		return
	}
	first := from / 64
	words := unsafe.Slice((*uint64)(unsafe.Add(unsafe.Pointer(c.Valid), first*8)), (from+len(dst)+63)/64-first)
	for w, bits := range words {
		if bits == math.MaxUint64 {
			continue
		}
		row := (first + w) * 64
		for r := max(row, from); r < min(row+64, from+len(dst)); r++ {
			if bits>>(r%64)&1 == 0 {
				dst[r-from] = math.NaN()
			}
		}
	}
}

// From is the column from a row on, which is a multiple of 64.
func (c *Column) From(row int) Column {
	out := *c
	if c.Text != nil {
		out.Text = c.Text[row:]
	} else {
		out.Values = (*float64)(unsafe.Add(unsafe.Pointer(c.Values), row*max(1, c.Stride)*8))
	}
	if c.Valid != nil {
		out.Valid = (*uint64)(unsafe.Add(unsafe.Pointer(c.Valid), row/64*8))
	}
	return out
}

// Null says whether a row is NULL.
func (c *Column) Null(row int) bool {
	return c.Valid != nil && *(*uint64)(unsafe.Add(unsafe.Pointer(c.Valid), row/64*8))>>(row%64)&1 == 0
}
