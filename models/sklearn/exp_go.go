//go:build !cgo

package sklearn

import "math"

func exp(x, out []float64) {
	for i, v := range x {
		out[i] = math.Exp(v)
	}
}

func logistic(x, out []float64) {
	for i, v := range x {
		p := 1 / (1 + math.Exp(-v))
		out[2*i], out[2*i+1] = 1-p, p
	}
}
