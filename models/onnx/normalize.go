package onnx

import (
	"math"
	"slices"
)

// Operators that bring the values of a group to mean 0 and deviation 1, or to what is like it. They run in float64 and are rounded once.

func normalizeOps(ops operators) {
	ops["LayerNormalization"] = func(n *node, _ *compiler) kernel {
		at, epsilon := n.int("axis", -1), n.float("epsilon", 1e-5)
		return func(c *call) { layerNormalization(c, at, epsilon) }
	}
	ops["RMSNormalization"] = func(n *node, _ *compiler) kernel {
		at, epsilon := n.int("axis", -1), n.float("epsilon", 1e-5)
		return func(c *call) { rmsNormalization(c, at, epsilon) }
	}
	ops["InstanceNormalization"] = func(n *node, _ *compiler) kernel {
		epsilon := n.float("epsilon", 1e-5)
		return func(c *call) {
			t := c.floats(0)
			if len(t.Dims) < 2 {
				fail("its input has the shape %v", t.Dims)
			}
			groupNormalization(c, t.Dims[1], epsilon)
		}
	}
	ops["GroupNormalization"] = func(n *node, _ *compiler) kernel {
		groups, epsilon := int(n.int("num_groups", 0)), n.float("epsilon", 1e-5)
		return func(c *call) { groupNormalization(c, groups, epsilon) }
	}
	ops["MeanVarianceNormalization"] = func(n *node, _ *compiler) kernel {
		axes := n.ints("axes")
		if n.attrs["axes"] == nil {
			axes = []int64{0, 2, 3}
		}
		return func(c *call) { meanVariance(c, axes) }
	}
	ops["Hardmax"] = func(n *node, v *compiler) kernel {
		flat := v.version() < 13
		at := n.int("axis", -1)
		if flat {
			at = n.int("axis", 1)
		}
		return func(c *call) { hardmax(c, at, flat) }
	}
}

// moments are the mean and the variance of values.
func moments(v []float64) (mean, variance float64) {
	for _, x := range v {
		mean += x
	}
	mean /= float64(len(v))
	for _, x := range v {
		variance += (x - mean) * (x - mean)
	}
	return mean, variance / float64(len(v))
}

// scaled is the scale, or bias, of each value behind an axis: stretched to those axes.
func scaled(t *Tensor, dims []int) []float64 {
	out := make([]float64, elements(dims))
	if t == nil {
		return out
	}
	if n := len(t.Dims); n > len(dims) { // leading ones
		if elements(t.Dims[:n-len(dims)]) != 1 {
			fail("%v doesn't fit %v", t.Dims, dims)
		}
		t = &Tensor{Kind: t.Kind, Dims: t.Dims[n-len(dims):], F: t.F}
	}
	if !slices.Equal(broadcast(t.Dims, dims), dims) {
		fail("%v doesn't fit %v", t.Dims, dims)
	}
	stretch(t.Dims, dims, func(i, at int) { out[i] = t.F[at] })
	return out
}

func layerNormalization(c *call, at int64, epsilon float64) {
	t, weights := c.floats(0), c.floats(1)
	a := axis(at, len(t.Dims))
	n := elements(t.Dims[a:])
	scale, bias := scaled(weights, t.Dims[a:]), scaled(c.in(2), t.Dims[a:])
	o := c.out(0, t.Kind, t.Dims...)
	small := slices.Clone(t.Dims)
	for i := a; i < len(small); i++ {
		small[i] = 1
	}
	means, deviations := c.out(1, Float, small...), c.out(2, Float, small...)
	for g := 0; n > 0 && g < len(t.F)/n; g++ {
		v := t.F[g*n : g*n+n]
		mean, variance := moments(v)
		by := 1 / math.Sqrt(variance+epsilon)
		means.F[g], deviations.F[g] = f32(mean), f32(by)
		for i, x := range v {
			o.F[g*n+i] = (x-mean)*by*scale[i] + bias[i]
		}
	}
	o.Kind.round(o.F)
}

func rmsNormalization(c *call, at int64, epsilon float64) {
	t, weights := c.floats(0), c.floats(1)
	a := axis(at, len(t.Dims))
	n := elements(t.Dims[a:])
	scale := scaled(weights, t.Dims[a:])
	o := c.out(0, t.Kind, t.Dims...)
	for g := 0; n > 0 && g < len(t.F)/n; g++ {
		sum := 0.0
		for _, x := range t.F[g*n : g*n+n] {
			sum += x * x
		}
		by := 1 / math.Sqrt(sum/float64(n)+epsilon)
		for i, x := range t.F[g*n : g*n+n] {
			o.F[g*n+i] = x * by * scale[i]
		}
	}
	o.Kind.round(o.F)
}

// groupNormalization takes each group of a row's channels; scale and bias are a channel's, before version 21 a group's.
func groupNormalization(c *call, groups int, epsilon float64) {
	t, scale, bias := c.floats(0), c.floats(1), c.floats(2)
	if len(t.Dims) < 2 || groups < 1 || t.Dims[1]%groups != 0 {
		fail("%d groups of %v", groups, t.Dims)
	}
	channels, after := t.Dims[1], elements(t.Dims[2:])
	each := len(scale.F)
	if each != channels && each != groups || len(bias.F) != each {
		fail("it has %d scales and %d biases for %d channels in %d groups", each, len(bias.F), channels, groups)
	}
	n := channels / groups * after
	o := c.out(0, t.Kind, t.Dims...)
	for g := 0; n > 0 && g < len(t.F)/n; g++ {
		v := t.F[g*n : g*n+n]
		mean, variance := moments(v)
		by := 1 / math.Sqrt(variance+epsilon)
		for i, x := range v {
			k := g % groups
			if each == channels {
				k = k*(channels/groups) + i/after
			}
			o.F[g*n+i] = (x-mean)*by*scale.F[k] + bias.F[k]
		}
	}
	o.Kind.round(o.F)
}

func meanVariance(c *call, axes []int64) {
	t := c.floats(0)
	drop := make([]bool, len(t.Dims))
	for _, a := range axes {
		drop[axis(a, len(t.Dims))] = true
	}
	o := c.out(0, t.Kind, t.Dims...)
	var group []float64
	eachGroup(t.Dims, drop, func(_ int, at []int) {
		group = group[:0]
		for _, i := range at {
			group = append(group, t.F[i])
		}
		mean, variance := moments(group)
		for k, i := range at {
			o.F[i] = (group[k] - mean) / (math.Sqrt(variance) + 1e-9)
		}
	})
	o.Kind.round(o.F)
}

// hardmax is 1 at the first largest value along an axis, else 0; flat takes all axes from it on as one.
func hardmax(c *call, at int64, flat bool) {
	t := c.floats(0)
	before, n, after := around(t.Dims, axis(at, len(t.Dims)))
	if flat {
		n, after = n*after, 1
	}
	o := c.out(0, t.Kind, t.Dims...)
	for b := range before {
		for e := range after {
			best := 0
			for k := 1; k < n; k++ {
				if t.F[(b*n+k)*after+e] > t.F[(b*n+best)*after+e] {
					best = k
				}
			}
			if n > 0 {
				o.F[(b*n+best)*after+e] = 1
			}
		}
	}
}
