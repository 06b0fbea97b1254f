package onnx

import (
	"math"
)

// Operators that make tensors of others, or of nothing.

func copyStretched(c *call, t *Tensor, dims []int) {
	o := c.like(0, t, dims...)
	stretch(t.Dims, dims, func(i, at int) { move(o, i, t, at, 1) })
}

func tile(c *call) {
	t, times := c.need(0), dimsOf(c.need(1))
	if len(times) != len(t.Dims) {
		fail("%v can't be repeated %v times", t.Dims, times)
	}
	dims := make([]int, len(times))
	for i := range dims {
		dims[i] = t.Dims[i] * times[i]
	}
	o := c.like(0, t, dims...)
	for i := range o.size() {
		at, size, rest := 0, 1, i
		for k := len(dims) - 1; k >= 0; k-- {
			at += rest % dims[k] % t.Dims[k] * size
			rest /= dims[k]
			size *= t.Dims[k]
		}
		move(o, i, t, at, 1)
	}
}

func constant(n *node) kernel {
	var t *Tensor
	for name, a := range n.attrs {
		switch name {
		case "value":
			t = a.t
		case "value_float":
			t = &Tensor{Kind: Float, F: []float64{a.f}}
		case "value_floats":
			t = &Tensor{Kind: Float, Dims: []int{len(a.floats)}, F: a.floats}
		case "value_int":
			t = &Tensor{Kind: Int64, I: []int64{a.i}}
		case "value_ints":
			t = &Tensor{Kind: Int64, Dims: []int{len(a.ints)}, I: a.ints}
		case "value_string":
			t = &Tensor{Kind: String, S: []string{a.s}}
		case "value_strings":
			t = &Tensor{Kind: String, Dims: []int{len(a.strings)}, S: a.strings}
		}
	}
	if t == nil {
		fail("it has no value")
	}
	return func(c *call) { c.view(0, t, t.Dims...) }
}

func rangeOf(c *call) {
	start, limit, delta := c.need(0), c.need(1), c.need(2)
	if start.Kind.isFloat() {
		n := math.Ceil((limit.F[0] - start.F[0]) / delta.F[0])
		if !(n < maxElements) {
			fail("it has %v elements", n)
		}
		o := c.out(0, start.Kind, int(max(n, 0)))
		for i := range o.F {
			o.F[i] = start.F[0] + float64(i)*delta.F[0]
		}
		o.Kind.round(o.F)
		return
	}
	d := delta.I[0]
	if d == 0 {
		fail("its step is 0")
	}
	n := math.Ceil((float64(limit.I[0]) - float64(start.I[0])) / float64(d))
	if !(n < maxElements) {
		fail("it has %v elements", n)
	}
	o := c.out(0, start.Kind, int(max(n, 0)))
	for i := range o.I {
		o.I[i] = start.I[0] + int64(i)*d
	}
}

func constantOfShape(n *node) kernel {
	value := n.tensor("value")
	return func(c *call) {
		dims := dimsOf(c.need(0))
		if value == nil {
			c.out(0, Float, dims...)
			return
		}
		if value.size() != 1 {
			fail("its value has %d elements", value.size())
		}
		o := c.like(0, value, dims...)
		for i := range o.size() {
			move(o, i, value, 0, 1)
		}
	}
}

func eyeLike(n *node) kernel {
	kind, k := Kind(n.int("dtype", int64(Float))), n.int("k", 0)
	return func(c *call) {
		d := c.need(0).Dims
		if len(d) != 2 {
			fail("its input has the shape %v", d)
		}
		o := c.out(0, kind, d...)
		for r := range d[0] {
			if at := int64(r) + k; at >= 0 && at < int64(d[1]) {
				if o.F != nil {
					o.F[r*d[1]+int(at)] = 1
				} else {
					o.I[r*d[1]+int(at)] = 1
				}
			}
		}
	}
}
