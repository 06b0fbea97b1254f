//go:build !cgo

package booster

import "math"

func Exp(x, out []float64) {
	for i, v := range x {
		out[i] = math.Exp(v)
	}
}

func Logistic(x, out []float64) {
	for i, v := range x {
		p := 1 / (1 + math.Exp(-v))
		out[2*i], out[2*i+1] = 1-p, p
	}
}
