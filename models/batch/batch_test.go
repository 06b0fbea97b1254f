package batch

import (
	"math"
	"testing"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	const n = 200
	v, valid := make([]float64, 2*n), make([]uint64, n/64+1)
	for r := range n {
		v[2*r] = float64(r)
		if r%3 != 0 {
			valid[r/64] |= 1 << (r % 64)
		}
	}
	for _, c := range []struct {
		column Column
		from   int
	}{{Column{Values: &v[0], Stride: 2}, 0}, {Column{Values: &v[0], Stride: 2, Valid: &valid[0]}, 64},
		{Column{Values: &v[0], Stride: 2, Valid: &valid[0]}, 128}, {Column{Values: &v[0], Stride: 2, Valid: &valid[0]}, 70},
		{Column{Values: &v[0], Stride: 2, Valid: &valid[0]}, 199}} {
		dst := make([]float64, n-c.from)
		c.column.Numbers(c.from, dst)
		for i, got := range dst {
			r := c.from + i
			null := c.column.Valid != nil && r%3 == 0
			if c.column.Null(r) != null || math.IsNaN(got) != null || !null && got != float64(r) {
				t.Fatalf("from %d, row %d: %v, NULL %v", c.from, r, got, c.column.Null(r))
			}
		}
	}
}
