package onnx

import (
	"slices"
)

// Operators that move elements about: shapes, selections, sorting.

// axis brings a negative axis into 0 … rank-1.
func axis(a int64, rank int) int {
	if a < 0 {
		a += int64(rank)
	}
	if a < 0 || a >= int64(rank) {
		fail("there is no axis %d among %d", a, rank)
	}
	return int(a)
}

// index brings a negative index into 0 … n-1.
func index(i int64, n int) int {
	if i < 0 {
		i += int64(n)
	}
	if i < 0 || i >= int64(n) {
		fail("there is no index %d among %d", i, n)
	}
	return int(i)
}

// around splits dims at an axis: elements before it, of it, after it.
func around(dims []int, axis int) (before, n, after int) {
	return elements(dims[:axis]), dims[axis], elements(dims[axis+1:])
}

// like makes output i of a tensor's kind.
func (c *call) like(i int, t *Tensor, dims ...int) *Tensor { return c.out(i, t.Kind, dims...) }

// move copies n elements of a tensor to another of the same kind.
func move(to *Tensor, at int, from *Tensor, start, n int) {
	switch {
	case to.F != nil:
		copy(to.F[at:at+n], from.F[start:start+n])
	case to.I != nil:
		copy(to.I[at:at+n], from.I[start:start+n])
	case to.S != nil:
		copy(to.S[at:at+n], from.S[start:start+n])
	}
}

// list is an attribute or, in newer versions of an operator, an input of integers; ok is false where neither is given.
func (c *call) list(name string, input int) (v []int64, ok bool) {
	if a := c.step.node.attrs[name]; a != nil {
		if a.ints == nil {
			return []int64{a.i}, true
		}
		return a.ints, true
	}
	if t := c.in(input); t != nil {
		if !t.Kind.isInt() {
			fail("input %d is of %s, supported are integers", input+1, t.Kind)
		}
		return t.I, true
	}
	return nil, false
}

func shapeOps(ops operators) {
	plain := func(k kernel) func(*node, *compiler) kernel { return func(*node, *compiler) kernel { return k } }
	// along has the axis that the node names, or that is meant where it names none.
	along := func(usual int64, k func(c *call, axis int64)) func(*node, *compiler) kernel {
		return func(n *node, _ *compiler) kernel {
			at := n.int("axis", usual)
			return func(c *call) { k(c, at) }
		}
	}
	own := func(k func(*node) kernel) func(*node, *compiler) kernel {
		return func(n *node, _ *compiler) kernel { return k(n) }
	}
	ops["Identity"] = plain(func(c *call) { t := c.need(0); c.view(0, t, t.Dims...) })
	ops["Dropout"] = ops["Identity"]
	ops["Reshape"] = plain(reshape)
	ops["Flatten"] = along(1, flatten)
	ops["Squeeze"] = plain(squeeze)
	ops["Unsqueeze"] = plain(unsqueeze)
	ops["Shape"] = plain(func(c *call) {
		t := c.need(0)
		o := c.out(0, Int64, len(t.Dims))
		for i, d := range t.Dims {
			o.I[i] = int64(d)
		}
	})
	ops["Size"] = plain(func(c *call) { c.out(0, Int64).I[0] = int64(c.need(0).size()) })
	ops["Transpose"] = own(func(n *node) kernel {
		perm := n.ints("perm")
		return func(c *call) { transpose(c, perm) }
	})
	ops["Concat"] = along(1, concat)
	ops["Split"] = along(0, split)
	ops["Slice"] = plain(slice)
	ops["Gather"] = along(0, gather)
	ops["GatherElements"] = along(0, gatherElements)
	ops["GatherND"] = plain(gatherND)
	ops["ScatterElements"] = own(func(n *node) kernel {
		at := n.int("axis", 0)
		if r := n.text("reduction", "none"); r != "none" {
			fail("the reduction %q is not supported", r)
		}
		return func(c *call) { scatterElements(c, at) }
	})
	ops["Expand"] = plain(func(c *call) {
		t := c.need(0)
		copyStretched(c, t, broadcast(t.Dims, dimsOf(c.need(1))))
	})
	ops["Tile"] = plain(tile)
	ops["Constant"] = own(constant)
	ops["ConstantOfShape"] = own(constantOfShape)
	ops["Range"] = plain(rangeOf)
	ops["EyeLike"] = own(eyeLike)
	ops["OneHot"] = along(-1, oneHot)
	ops["ArgMax"] = own(func(n *node) kernel { return argBest(n, func(x, y float64) bool { return x > y }) })
	ops["ArgMin"] = own(func(n *node) kernel { return argBest(n, func(x, y float64) bool { return x < y }) })
	ops["TopK"] = own(topK)
	ops["CumSum"] = own(func(n *node) kernel {
		exclusive, reverse := n.int("exclusive", 0) != 0, n.int("reverse", 0) != 0
		return func(c *call) { cumSum(c, exclusive, reverse) }
	})
	ops["Cast"] = own(func(n *node) kernel {
		to := Kind(n.int("to", 0))
		return func(c *call) { cast(c, to) }
	})
	ops["CastLike"] = plain(func(c *call) { cast(c, c.need(1).Kind) })
}

// dimsOf reads a shape from a tensor.
func dimsOf(t *Tensor) []int {
	if !t.Kind.isInt() {
		fail("a shape is of %s", t.Kind)
	}
	dims := make([]int, len(t.I))
	for i, d := range t.I {
		if d < 0 || d > maxElements {
			fail("a shape has the dimension %d", d)
		}
		dims[i] = int(d)
	}
	return dims
}

func flatten(c *call, at int64) {
	t := c.need(0)
	a := len(t.Dims)
	if at != int64(a) {
		a = axis(at, len(t.Dims))
	}
	c.view(0, t, elements(t.Dims[:a]), elements(t.Dims[a:]))
}

func reshape(c *call) {
	t := c.need(0)
	want, ok := c.list("shape", 1)
	if !ok {
		fail("it has no shape")
	}
	dims, open, known := make([]int, len(want)), -1, 1
	for i, d := range want {
		switch {
		case d == 0 && c.step.node.int("allowzero", 0) == 0:
			dims[i] = t.Dims[i]
		case d == -1 && open < 0:
			open = i
			continue
		case d < 0 || d > maxElements:
			fail("it has the shape %v", want)
		default:
			dims[i] = int(d)
		}
		known *= dims[i]
	}
	if open >= 0 {
		if known == 0 || t.size()%known != 0 {
			fail("%v can't be seen as %v", t.Dims, want)
		}
		dims[open] = t.size() / known
	}
	c.view(0, t, dims...)
}

func squeeze(c *call) {
	t := c.need(0)
	axes, given := c.list("axes", 1)
	drop := make([]bool, len(t.Dims))
	for _, a := range axes {
		at := axis(a, len(t.Dims))
		if t.Dims[at] != 1 {
			fail("axis %d of %v can't be left out", a, t.Dims)
		}
		drop[at] = true
	}
	dims := []int{}
	for i, d := range t.Dims {
		if !(drop[i] || !given && d == 1) {
			dims = append(dims, d)
		}
	}
	c.view(0, t, dims...)
}

func unsqueeze(c *call) {
	t := c.need(0)
	axes, _ := c.list("axes", 1)
	rank := len(t.Dims) + len(axes)
	dims := make([]int, rank)
	for _, a := range axes {
		dims[axis(a, rank)] = -1
	}
	k := 0
	for i := range dims {
		if dims[i] == -1 {
			dims[i] = 1
			continue
		}
		dims[i] = t.Dims[k]
		k++
	}
	c.view(0, t, dims...)
}

func transpose(c *call, perm []int64) {
	t := c.need(0)
	rank := len(t.Dims)
	p := make([]int, rank)
	for i := range p {
		p[i] = rank - 1 - i
		if perm != nil {
			p[i] = axis(perm[i], rank)
		}
	}
	size := make([]int, rank)
	for i, n := rank-1, 1; i >= 0; i-- {
		size[i], n = n, n*t.Dims[i]
	}
	dims, step := make([]int, rank), make([]int, rank)
	for i := range p {
		dims[i], step[i] = t.Dims[p[i]], size[p[i]]
	}
	o := c.like(0, t, dims...)
	at, index := 0, make([]int, rank)
	for i := range o.size() {
		move(o, i, t, at, 1)
		for k := rank - 1; k >= 0; k-- {
			index[k]++
			at += step[k]
			if index[k] < dims[k] {
				break
			}
			at -= step[k] * dims[k]
			index[k] = 0
		}
	}
}

func concat(c *call, at int64) {
	first := c.need(0)
	a := axis(at, len(first.Dims))
	dims := slices.Clone(first.Dims)
	dims[a] = 0
	for i := range c.step.in {
		t := c.need(i)
		if len(t.Dims) != len(dims) || t.Kind != first.Kind {
			fail("%s %v and %s %v can't be joined", first.Kind, first.Dims, t.Kind, t.Dims)
		}
		for k := range dims {
			if k == a {
				dims[k] += t.Dims[k]
			} else if t.Dims[k] != dims[k] {
				fail("%v and %v can't be joined along axis %d", first.Dims, t.Dims, a)
			}
		}
	}
	o := c.like(0, first, dims...)
	before, _, after := around(dims, a)
	start := 0
	for i := range c.step.in {
		t := c.need(i)
		n := t.Dims[a] * after
		for b := range before {
			move(o, b*dims[a]*after+start, t, b*n, n)
		}
		start += n
	}
}

func split(c *call, at int64) {
	t := c.need(0)
	a := axis(at, len(t.Dims))
	before, n, after := around(t.Dims, a)
	sizes, ok := c.list("split", 1)
	if !ok {
		parts := int(c.step.node.int("num_outputs", int64(len(c.step.out))))
		if parts < 1 || parts > len(c.step.out) {
			fail("it has %d outputs", parts)
		}
		each := (n + parts - 1) / parts
		for rest := n; len(sizes) < parts; rest -= each {
			sizes = append(sizes, int64(max(0, min(each, rest))))
		}
	}
	start := 0
	for i := range c.step.out {
		if i >= len(sizes) || sizes[i] < 0 || start+int(sizes[i]) > n {
			fail("an axis of %d can't be split into %v", n, sizes)
		}
		dims := slices.Clone(t.Dims)
		dims[a] = int(sizes[i])
		o := c.like(i, t, dims...)
		for b := range before {
			move(o, b*dims[a]*after, t, (b*n+start)*after, dims[a]*after)
		}
		start += dims[a]
	}
}
