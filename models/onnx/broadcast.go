package onnx

import "slices"

// Tensors of different shapes are stretched to a common one, as NumPy does.

// broadcast is the shape that two shapes are stretched to.
func broadcast(a, b []int) []int {
	n := max(len(a), len(b))
	out := make([]int, n)
	for i := range out {
		x, y := 1, 1
		if k := i - (n - len(a)); k >= 0 {
			x = a[k]
		}
		if k := i - (n - len(b)); k >= 0 {
			y = b[k]
		}
		switch {
		case x == y || y == 1:
			out[i] = x
		case x == 1:
			out[i] = y
		default:
			fail("shapes %v and %v don't fit together", a, b)
		}
	}
	return out
}

// stretch calls each with the index in a of every element of out, in order, where a of dims is stretched to out.
func stretch(dims, out []int, each func(i, at int)) {
	n := elements(out)
	if n == 0 {
		return
	}
	off := len(out) - len(dims)
	step := make([]int, len(out)) // elements of a to the next index of a dimension, 0 where it is stretched
	size := 1
	for k := len(dims) - 1; k >= 0; k-- {
		if dims[k] != 1 {
			step[off+k] = size
		}
		size *= dims[k]
	}
	at, index := 0, make([]int, len(out))
	for i := range n {
		each(i, at)
		for k := len(out) - 1; k >= 0; k-- {
			index[k]++
			at += step[k]
			if index[k] < out[k] {
				break
			}
			at -= step[k] * out[k]
			index[k] = 0
		}
	}
}

// combine fills out with f of the elements of a and b.
func combine[A, B, O any](out []O, dims []int, a []A, aDims []int, b []B, bDims []int, f func(A, B) O) {
	switch {
	case len(a) == len(out) && len(b) == len(out):
		for i := range out {
			out[i] = f(a[i], b[i])
		}
	case len(a) == len(out) && len(b) == 1:
		for i := range out {
			out[i] = f(a[i], b[0])
		}
	case len(a) == len(out) && len(b) > 0 && suffix(dims, bDims):
		for i := 0; i < len(out); i += len(b) {
			for k, y := range b {
				out[i+k] = f(a[i+k], y)
			}
		}
	default:
		left := make([]int, len(out))
		stretch(aDims, dims, func(i, at int) { left[i] = at })
		stretch(bDims, dims, func(i, at int) { out[i] = f(a[left[i]], b[at]) })
	}
}

// suffix says whether b, but for leading ones, is the end of a.
func suffix(a, b []int) bool {
	for len(b) > 0 && b[0] == 1 {
		b = b[1:]
	}
	return len(b) <= len(a) && slices.Equal(a[len(a)-len(b):], b)
}

// pair returns two inputs and the shape of what is made of them.
func (c *call) pair() (a, b *Tensor, dims []int) {
	a, b = c.need(0), c.need(1)
	if a.Kind != b.Kind {
		fail("its inputs are of %s and %s", a.Kind, b.Kind)
	}
	return a, b, broadcast(a.Dims, b.Dims)
}

func choose[T any](out []T, dims []int, cond *Tensor, a []T, aDims []int, b []T, bDims []int) {
	yes := make([]bool, len(out))
	stretch(cond.Dims, dims, func(i, at int) { yes[i] = cond.I[at] != 0 })
	stretch(aDims, dims, func(i, at int) {
		if yes[i] {
			out[i] = a[at]
		}
	})
	stretch(bDims, dims, func(i, at int) {
		if !yes[i] {
			out[i] = b[at]
		}
	})
}
