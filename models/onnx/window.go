package onnx

import "slices"

// Operators with windows and borders: Pad, and Conv over one dimension.

func windowOps(ops operators) {
	ops["Pad"] = func(n *node, _ *compiler) kernel {
		mode, value := n.text("mode", "constant"), n.float("value", 0)
		if !slices.Contains([]string{"constant", "reflect", "edge", "wrap"}, mode) {
			fail("the mode %q is not supported", mode)
		}
		return func(c *call) { pad(c, mode, value) }
	}
	ops["Conv"] = func(n *node, _ *compiler) kernel { return conv(n) }
}

// pad makes a tensor wider, or (negative pads) narrower, at both ends of its axes.
func pad(c *call, mode string, value float64) {
	t := c.need(0)
	pads, ok := c.list("pads", 1)
	rank := len(t.Dims)
	axes, some := []int64(nil), false
	if a := c.in(3); a != nil {
		axes, some = a.I, true
	} else {
		for i := range rank {
			axes = append(axes, int64(i))
		}
	}
	if !ok || len(pads) != 2*len(axes) {
		fail("it has %d pads for %d axes", len(pads), len(axes))
	}
	before, dims := make([]int, rank), slices.Clone(t.Dims)
	for i, at := range axes {
		a := int(at)
		if some {
			a = axis(at, rank)
		}
		for _, p := range []int64{pads[i], pads[i+len(axes)]} {
			if p > maxElements || p < -maxElements {
				fail("it has the pad %d", p)
			}
			dims[a] += int(p)
		}
		if before[a] = int(pads[i]); dims[a] < 0 {
			fail("nothing is left of %v", t.Dims)
		}
	}
	border := &Tensor{Kind: t.Kind, F: []float64{value}, I: []int64{int64(value)}, S: []string{""}}
	if v := c.in(2); v != nil && v.size() > 0 {
		border = v
	}
	o := c.like(0, t, dims...)
	index := make([]int, rank)
	for i := range o.size() {
		at, inside := 0, true
		for k := range index {
			from, in := source(index[k]-before[k], t.Dims[k], mode)
			at, inside = at*t.Dims[k]+from, inside && in
		}
		if inside {
			move(o, i, t, at, 1)
		} else {
			move(o, i, border, 0, 1)
		}
		for k := rank - 1; k >= 0; k-- {
			if index[k]++; index[k] < dims[k] {
				break
			}
			index[k] = 0
		}
	}
}

// source is the index among n that the place i, which may lie outside, is filled from.
func source(i, n int, mode string) (from int, inside bool) {
	if i >= 0 && i < n {
		return i, true
	}
	switch {
	case mode == "constant":
		return 0, false
	case n == 0:
		fail("nothing can be repeated of an empty axis")
	case mode == "edge":
		return min(max(i, 0), n-1), true
	case mode == "wrap":
		return (i%n + n) % n, true
	case n == 1:
		return 0, true
	}
	period := 2 * (n - 1) // reflect
	i = (i%period + period) % period
	return min(i, period-i), true
}

// conv slides windows over the last of three dimensions: rows, channels, places.
func conv(n *node) kernel {
	one := func(name string, or int) int {
		v := n.ints(name)
		switch {
		case len(v) > 1:
			fail("%s has %d values: supported are convolutions over one dimension", name, len(v))
		case len(v) == 0:
			return or
		case v[0] < 1 || v[0] > maxElements:
			fail("%s is %d", name, v[0])
		}
		return int(v[0])
	}
	stride, dilation, groups, auto := one("strides", 1), one("dilations", 1), int(n.int("group", 1)), n.text("auto_pad", "NOTSET")
	pads := []int64{0, 0}
	if p := n.ints("pads"); len(p) == 2 {
		pads = p
	} else if p != nil {
		fail("it has %d pads: supported are convolutions over one dimension", len(p))
	}
	return func(c *call) {
		t, w := c.floats(0), c.floats(1)
		if len(t.Dims) != 3 || len(w.Dims) != 3 || t.Kind != w.Kind {
			fail("%s %v with weights %s %v: supported are rows, channels and places", t.Kind, t.Dims, w.Kind, w.Dims)
		}
		rows, in, places := t.Dims[0], t.Dims[1], t.Dims[2]
		out, each, size := w.Dims[0], w.Dims[1], w.Dims[2]
		if groups < 1 || each*groups != in || out%groups != 0 {
			fail("%d channels in %d groups with weights of %v", in, groups, w.Dims)
		}
		reach := (size-1)*dilation + 1
		from, to := int(pads[0]), int(pads[1])
		if auto == "SAME_UPPER" || auto == "SAME_LOWER" {
			all := max(0, ((places+stride-1)/stride-1)*stride+reach-places)
			from, to = all/2, all-all/2
			if auto == "SAME_LOWER" {
				from, to = to, from
			}
		}
		n := (places+from+to-reach)/stride + 1
		if places+from+to < reach || from < 0 || to < 0 {
			fail("a window of %d places is wider than %d", reach, places+from+to)
		}
		o := c.out(0, t.Kind, rows, out, n)
		bias := c.in(2)
		for r := range rows {
			for k := range out {
				for x := range n {
					sum := 0.0
					for e := range each {
						v := t.F[(r*in+k/(out/groups)*each+e)*places:][:places]
						for i, y := range w.F[(k*each+e)*size:][:size] {
							if at := x*stride - from + i*dilation; at >= 0 && at < places {
								sum += v[at] * y
							}
						}
					}
					if bias != nil {
						sum += bias.F[k]
					}
					o.F[(r*out+k)*n+x] = sum
				}
			}
		}
		o.Kind.round(o.F)
	}
}
