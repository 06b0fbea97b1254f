package booster

// What the objectives of several libraries turn margins into.

func Identity(raw []float64, _ int, out []float64) { copy(out, raw) }

// Each applies f value by value.
func Each(f func(float64) float64) func(raw []float64, n int, out []float64) {
	return func(raw []float64, _ int, out []float64) {
		for i, x := range raw {
			out[i] = f(x)
		}
	}
}

func Above(limit float64) func([]float64) int64 {
	return func(p []float64) int64 {
		if p[0] > limit {
			return 1
		}
		return 0
	}
}

// Largest is the index of the largest value, the first of equals.
func Largest(p []float64) int64 {
	best := 0
	for i, x := range p {
		if x > p[best] {
			best = i
		}
	}
	return int64(best)
}

// Softmax may write over what it reads.
func Softmax(raw, out []float64) { SoftmaxBy(Exp, raw, out) }

// SoftmaxBy is Softmax by a library's own exponential.
func SoftmaxBy(exp func(x, out []float64), raw, out []float64) {
	top := raw[Largest(raw)]
	for i, x := range raw {
		out[i] = x - top
	}
	exp(out, out)
	sum := 0.0
	for _, x := range out {
		sum += x
	}
	for i := range out {
		out[i] /= sum
	}
}
