package onnx

import (
	"slices"
	"sort"
)

// Operators that pick elements by place or by value.

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
