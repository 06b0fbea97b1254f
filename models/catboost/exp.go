package catboost

import (
	"math"
	"math/big"
	"sync"
)

// The library's exponential of several values is not the C library's but a faster one (fmath): 2^(k/2048) from a table times a polynomial
// of what is left. Its last bits are its own, so it is made again here.

const (
	expBits = 11
	expSize = 1 << expBits
)

// expTable has the fractions' bits of 2^(k/2048).
var expTable = sync.OnceValue(func() *[expSize]uint64 {
	step := big.NewFloat(2).SetPrec(160)
	for range expBits {
		step.Sqrt(step)
	}
	var out [expSize]uint64
	for x, i := big.NewFloat(1).SetPrec(160), 0; i < expSize; i++ {
		f, _ := x.Float64()
		out[i] = math.Float64bits(f) & (1<<52 - 1)
		x.Mul(x, step)
	}
	return &out
})

// exp writes the exponentials of x into out, which may be x.
func exp(x, out []float64) {
	const shift, third, sixth = 3 << 51, 3.0000000027955394, 0.16666666685227835064
	table := expTable()
	ln2 := math.Ln2 // a double: the quotients are rounded from it
	by, back := expSize/ln2, ln2/expSize
	for i, v := range x {
		switch {
		case v <= -708.39641853226408:
			out[i] = 0
			continue
		case v >= 709.78271289338397:
			out[i] = math.Inf(1)
			continue
		}
		d := float64(v*by) + shift // each product is rounded: no fused operation
		at := math.Float64bits(d)
		t := float64((d-shift)*back) - v
		u := (at + (1<<(expBits+10) - 1<<expBits)) >> expBits << 52
		y := float64(float64((third-t)*float64(t*t))*sixth) - t + 1
		out[i] = y * math.Float64frombits(u|table[at&(expSize-1)])
	}
}
