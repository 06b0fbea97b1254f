package onnx

import (
	"math"
	"slices"
	"sort"
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
	ops["Identity"] = plain(func(c *call) { t := c.need(0); c.view(0, t, t.Dims...) })
	ops["Dropout"] = ops["Identity"]
	ops["Reshape"] = plain(reshape)
	ops["Flatten"] = func(n *node, _ *compiler) kernel {
		at := n.int("axis", 1)
		return func(c *call) {
			t := c.need(0)
			a := len(t.Dims)
			if at != int64(a) {
				a = axis(at, len(t.Dims))
			}
			c.view(0, t, elements(t.Dims[:a]), elements(t.Dims[a:]))
		}
	}
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
	ops["Transpose"] = func(n *node, _ *compiler) kernel {
		perm := n.ints("perm")
		return func(c *call) { transpose(c, perm) }
	}
	ops["Concat"] = func(n *node, _ *compiler) kernel {
		at := n.int("axis", 1)
		return func(c *call) { concat(c, at) }
	}
	ops["Split"] = func(n *node, _ *compiler) kernel {
		at := n.int("axis", 0)
		return func(c *call) { split(c, at) }
	}
	ops["Slice"] = plain(slice)
	ops["Gather"] = func(n *node, _ *compiler) kernel {
		at := n.int("axis", 0)
		return func(c *call) { gather(c, at) }
	}
	ops["GatherElements"] = func(n *node, _ *compiler) kernel {
		at := n.int("axis", 0)
		return func(c *call) { gatherElements(c, at) }
	}
	ops["GatherND"] = plain(gatherND)
	ops["ScatterElements"] = func(n *node, _ *compiler) kernel {
		at := n.int("axis", 0)
		if r := n.text("reduction", "none"); r != "none" {
			fail("the reduction %q is not supported", r)
		}
		return func(c *call) { scatterElements(c, at) }
	}
	ops["Expand"] = plain(func(c *call) {
		t := c.need(0)
		copyStretched(c, t, broadcast(t.Dims, dimsOf(c.need(1))))
	})
	ops["Tile"] = plain(tile)
	ops["Constant"] = func(n *node, _ *compiler) kernel { return constant(n) }
	ops["ConstantOfShape"] = func(n *node, _ *compiler) kernel {
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
	ops["Range"] = plain(rangeOf)
	ops["EyeLike"] = func(n *node, _ *compiler) kernel {
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
	ops["OneHot"] = func(n *node, _ *compiler) kernel {
		at := n.int("axis", -1)
		return func(c *call) { oneHot(c, at) }
	}
	ops["ArgMax"] = func(n *node, _ *compiler) kernel { return argBest(n, func(x, y float64) bool { return x > y }) }
	ops["ArgMin"] = func(n *node, _ *compiler) kernel { return argBest(n, func(x, y float64) bool { return x < y }) }
	ops["TopK"] = func(n *node, _ *compiler) kernel { return topK(n) }
	ops["CumSum"] = func(n *node, _ *compiler) kernel {
		exclusive, reverse := n.int("exclusive", 0) != 0, n.int("reverse", 0) != 0
		return func(c *call) { cumSum(c, exclusive, reverse) }
	}
	ops["Cast"] = func(n *node, _ *compiler) kernel {
		to := Kind(n.int("to", 0))
		return func(c *call) { cast(c, to) }
	}
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

func slice(c *call) {
	t := c.need(0)
	starts, _ := c.list("starts", 1)
	ends, _ := c.list("ends", 2)
	axes, haveAxes := c.list("axes", 3)
	steps, haveSteps := c.list("steps", 4)
	rank := len(t.Dims)
	from, by, dims := make([]int, rank), make([]int, rank), slices.Clone(t.Dims)
	for i := range by {
		by[i] = 1
	}
	for i, s := range starts {
		a := i
		if haveAxes {
			a = axis(axes[i], rank)
		}
		n, step := int64(t.Dims[a]), int64(1)
		if haveSteps {
			step = steps[i]
		}
		if step == 0 {
			fail("a step is 0")
		}
		e := ends[i]
		if s < 0 {
			s += n
		}
		if e < 0 {
			e += n
		}
		if step > 0 {
			s, e = min(max(s, 0), n), min(max(e, 0), n)
			dims[a] = int(max(0, (e-s+step-1)/step))
		} else {
			s, e = min(max(s, -1), n-1), min(max(e, -1), n-1)
			dims[a] = int(max(0, (s-e-step-1)/-step))
		}
		from[a], by[a] = int(s), int(step)
	}
	o := c.like(0, t, dims...)
	size := make([]int, rank)
	at := 0
	for i, n := rank-1, 1; i >= 0; i-- {
		size[i], n = n, n*t.Dims[i]
		at += from[i] * size[i]
	}
	index := make([]int, rank)
	for i := range o.size() {
		move(o, i, t, at, 1)
		for k := rank - 1; k >= 0; k-- {
			index[k]++
			at += by[k] * size[k]
			if index[k] < dims[k] {
				break
			}
			at -= by[k] * size[k] * dims[k]
			index[k] = 0
		}
	}
}

func gather(c *call, at int64) {
	t, idx := c.need(0), c.need(1)
	a := axis(at, len(t.Dims))
	before, n, after := around(t.Dims, a)
	dims := slices.Concat(t.Dims[:a], idx.Dims, t.Dims[a+1:])
	o := c.like(0, t, dims...)
	for b := range before {
		for k, i := range idx.I {
			move(o, (b*len(idx.I)+k)*after, t, (b*n+index(i, n))*after, after)
		}
	}
}

func gatherElements(c *call, at int64) {
	t, idx := c.need(0), c.need(1)
	a := axis(at, len(t.Dims))
	o := c.like(0, t, idx.Dims...)
	eachAlong(t.Dims, idx, a, func(i, from int) { move(o, i, t, from, 1) })
}

// eachAlong calls each with every element of idx and the element of a tensor of dims that it names along axis a.
func eachAlong(dims []int, idx *Tensor, a int, each func(i, at int)) {
	if len(idx.Dims) != len(dims) {
		fail("indices have the shape %v, the data %v", idx.Dims, dims)
	}
	for i, v := range idx.I {
		at, size, rest := 0, 1, i
		for k := len(dims) - 1; k >= 0; k-- {
			j := rest % idx.Dims[k]
			rest /= idx.Dims[k]
			if k == a {
				j = index(v, dims[k])
			} else if j >= dims[k] {
				fail("indices have the shape %v, the data %v", idx.Dims, dims)
			}
			at += j * size
			size *= dims[k]
		}
		each(i, at)
	}
}

func gatherND(c *call) {
	t, idx := c.need(0), c.need(1)
	if c.step.node.int("batch_dims", 0) != 0 {
		fail("batch_dims is not supported")
	}
	last := idx.Dims[len(idx.Dims)-1]
	after := elements(t.Dims[last:])
	dims := slices.Concat(idx.Dims[:len(idx.Dims)-1], t.Dims[last:])
	o := c.like(0, t, dims...)
	for i := 0; i*last < len(idx.I); i++ {
		at := 0
		for k, v := range idx.I[i*last : i*last+last] {
			at = at*t.Dims[k] + index(v, t.Dims[k])
		}
		move(o, i*after, t, at*after, after)
	}
}

func scatterElements(c *call, at int64) {
	t, idx, updates := c.need(0), c.need(1), c.need(2)
	o := c.like(0, t, t.Dims...)
	move(o, 0, t, 0, t.size())
	eachAlong(t.Dims, idx, axis(at, len(t.Dims)), func(i, to int) { move(o, to, updates, i, 1) })
}

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

func oneHot(c *call, at int64) {
	idx, depth, values := c.need(0), c.need(1), c.need(2)
	n := truncate(asFloats(depth)[0])
	if n < 1 || n > maxElements {
		fail("it has the depth %d", n)
	}
	a := axis(at, len(idx.Dims)+1)
	dims := slices.Insert(slices.Clone(idx.Dims), a, int(n))
	o := c.like(0, values, dims...)
	_, _, after := around(dims, a)
	hot := asFloats(idx)
	for i := range o.size() {
		k := i / after % int(n)
		x := truncate(hot[i/after/int(n)*after+i%after])
		if x < 0 {
			x += n
		}
		move(o, i, values, int(truth(int64(k) == x)), 1)
	}
}

// argBest makes ArgMax and ArgMin: the index of the best along an axis, the first or last of equals.
func argBest(n *node, better func(x, y float64) bool) kernel {
	at, keep, last := n.int("axis", 0), n.int("keepdims", 1) != 0, n.int("select_last_index", 0) != 0
	return func(c *call) {
		t := c.need(0)
		a := axis(at, len(t.Dims))
		before, n, after := around(t.Dims, a)
		dims := slices.Clone(t.Dims)
		if dims[a] = 1; !keep {
			dims = slices.Delete(dims, a, a+1)
		}
		o := c.out(0, Int64, dims...)
		v := asFloats(t)
		for b := range before {
			for e := range after {
				best := 0
				for k := 1; k < n; k++ {
					x, y := v[(b*n+k)*after+e], v[(b*n+best)*after+e]
					if better(x, y) || last && x == y {
						best = k
					}
				}
				o.I[b*after+e] = int64(best)
			}
		}
	}
}

func topK(n *node) kernel {
	at, largest := n.int("axis", -1), n.int("largest", 1) != 0
	return func(c *call) {
		t := c.need(0)
		a := axis(at, len(t.Dims))
		ks, ok := c.list("k", 1)
		if !ok || len(ks) != 1 || ks[0] < 0 || ks[0] > int64(t.Dims[a]) {
			fail("it has no k that fits %v", t.Dims)
		}
		k := int(ks[0])
		before, n, after := around(t.Dims, a)
		dims := slices.Clone(t.Dims)
		dims[a] = k
		values, where := c.like(0, t, dims...), c.out(1, Int64, dims...)
		v := asFloats(t)
		order := make([]int, n)
		for b := range before {
			for e := range after {
				for i := range order {
					order[i] = i
				}
				sort.SliceStable(order, func(i, j int) bool {
					x, y := v[(b*n+order[i])*after+e], v[(b*n+order[j])*after+e]
					if largest {
						return x > y
					}
					return x < y
				})
				for i, from := range order[:k] {
					move(values, (b*k+i)*after+e, t, (b*n+from)*after+e, 1)
					where.I[(b*k+i)*after+e] = int64(from)
				}
			}
		}
	}
}

func cumSum(c *call, exclusive, reverse bool) {
	t, at := c.need(0), c.need(1)
	a := axis(at.I[0], len(t.Dims))
	before, n, after := around(t.Dims, a)
	o := c.like(0, t, t.Dims...)
	v := asFloats(t)
	for b := range before {
		for e := range after {
			sum := 0.0
			for k := range n {
				if reverse {
					k = n - 1 - k
				}
				i := (b*n+k)*after + e
				was := sum
				if sum += v[i]; o.Kind == Float {
					sum = float64(float32(sum))
				}
				r := sum
				if exclusive {
					r = was
				}
				if o.F != nil {
					o.F[i] = r
				} else {
					o.I[i] = int64(r)
				}
			}
		}
	}
}
