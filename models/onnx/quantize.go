package onnx

import "math"

// QuantizeLinear and DequantizeLinear: numbers as small integers, with a scale and a zero point for all, for each index of an axis, or for
// each block along it.

func quantizeOps(ops operators) {
	ops["QuantizeLinear"] = func(n *node, _ *compiler) kernel {
		at, block, to := n.int("axis", 1), int(n.int("block_size", 0)), Kind(n.int("output_dtype", 0))
		return func(c *call) { quantize(c, at, block, to) }
	}
	ops["DequantizeLinear"] = func(n *node, _ *compiler) kernel {
		at, block := n.int("axis", 1), int(n.int("block_size", 0))
		return func(c *call) { dequantize(c, at, block) }
	}
}

// scaleOf finds the scale of each element of t.
func scaleOf(t, scale *Tensor, at int64, block int) func(i int) int {
	if scale.size() == 1 && block == 0 {
		return func(int) int { return 0 }
	}
	a := axis(at, len(t.Dims))
	_, n, after := around(t.Dims, a)
	if block > 0 {
		if len(scale.Dims) != len(t.Dims) || scale.Dims[a] != (n+block-1)/block {
			fail("scales of %v don't fit %v in blocks of %d", scale.Dims, t.Dims, block)
		}
		return func(i int) int { return (i/after/n*scale.Dims[a]+i/after%n/block)*after + i%after }
	}
	if len(scale.Dims) != 1 || scale.Dims[0] != n {
		fail("scales of %v don't fit axis %d of %v", scale.Dims, a, t.Dims)
	}
	return func(i int) int { return i / after % n }
}

// limits are the least and the greatest number of an integer kind.
func limits(k Kind) (low, high float64) {
	switch k {
	case Uint8:
		return 0, math.MaxUint8
	case Int8:
		return math.MinInt8, math.MaxInt8
	case Uint16:
		return 0, math.MaxUint16
	case Int16:
		return math.MinInt16, math.MaxInt16
	}
	fail("%s is not supported", k)
	return 0, 0
}

func quantize(c *call, at int64, block int, to Kind) {
	t, scale, zero := c.need(0), c.floats(1), c.in(2)
	switch {
	case zero != nil:
		to = zero.Kind
	case to == 0:
		to = Uint8
	}
	low, high := limits(to)
	of := scaleOf(t, scale, at, block)
	o := c.out(0, to, t.Dims...)
	for i, x := range asFloats(t) {
		k := of(i)
		y := math.RoundToEven(f32(x / scale.F[k]))
		if zero != nil {
			y += float64(zero.I[k])
		}
		if math.IsNaN(y) {
			y = low
		}
		o.I[i] = int64(min(max(y, low), high))
	}
}

func dequantize(c *call, at int64, block int) {
	t, scale, zero := c.need(0), c.floats(1), c.in(2)
	if !t.Kind.isInt() {
		fail("%s is not supported", t.Kind)
	}
	of := scaleOf(t, scale, at, block)
	o := c.out(0, scale.Kind, t.Dims...)
	for i, x := range t.I {
		k := of(i)
		if zero != nil {
			x -= zero.I[k]
		}
		o.F[i] = float64(x) * scale.F[k]
	}
	o.Kind.round(o.F)
}
