package onnx

import (
	"math"
	"slices"
)

// Operators of linear algebra and reductions. Reductions run in float64 and are rounded once, to the kind's precision.

func linearOps(ops operators) {
	ops["MatMul"] = func(*node, *compiler) kernel { return matMul }
	ops["Gemm"] = func(n *node, _ *compiler) kernel { return gemm(n) }
	id := func(s float64, _ int) float64 { return s }
	add := func(s, x float64) float64 { return s + x }
	ops["ReduceSum"] = reduce(0, add, id)
	ops["ReduceMean"] = reduce(0, add, func(s float64, n int) float64 { return s / float64(n) })
	ops["ReduceMax"] = reduce(math.Inf(-1), fmax, id)
	ops["ReduceMin"] = reduce(math.Inf(1), fmin, id)
	ops["ReduceProd"] = reduce(1, func(s, x float64) float64 { return s * x }, id)
	ops["ReduceL1"] = reduce(0, func(s, x float64) float64 { return s + math.Abs(x) }, id)
	ops["ReduceL2"] = reduce(0, func(s, x float64) float64 { return s + x*x }, func(s float64, _ int) float64 { return math.Sqrt(s) })
	ops["ReduceSumSquare"] = func(n *node, _ *compiler) kernel { return func(c *call) { along(c, n, sumSquare(c.need(0).Kind)) } }
	ops["ReduceLogSum"] = reduce(0, add, func(s float64, _ int) float64 { return math.Log(s) })
	ops["ReduceLogSumExp"] = func(n *node, _ *compiler) kernel {
		return func(c *call) {
			along(c, n, func(v []float64) float64 {
				top := math.Inf(-1)
				for _, x := range v {
					top = fmax(top, x)
				}
				if math.IsInf(top, 0) {
					return top
				}
				s := 0.0
				for _, x := range v {
					s += math.Exp(x - top)
				}
				return top + math.Log(s)
			})
		}
	}
	ops["Softmax"] = func(n *node, v *compiler) kernel { return softmaxes(n, v, false) }
	ops["LogSoftmax"] = func(n *node, v *compiler) kernel { return softmaxes(n, v, true) }
	ops["BatchNormalization"] = func(n *node, _ *compiler) kernel {
		epsilon := n.float("epsilon", 1e-5)
		return func(c *call) { batchNormalization(c, epsilon) }
	}
	ops["LpNormalization"] = func(n *node, _ *compiler) kernel { return lpNormalization(n) }
	ops["com.microsoft.CDist"] = func(n *node, _ *compiler) kernel {
		metric := n.text("metric", "sqeuclidean")
		if metric != "euclidean" && metric != "sqeuclidean" {
			fail("the metric %q is not supported", metric)
		}
		return func(c *call) { distances(c, metric == "euclidean") }
	}
}

// packedRows is the number of terms after which onnxruntime begins a new sum when it multiplies with a constant.
const packedRows = 256

// multiply fills out with a·b: a is [n,k], b [k,m]; at and bt say that they lie transposed. For float the terms are
// added one by one, each multiplied and added with a single rounding, as the fused instructions of onnxruntime's
// kernels do; the sums of block terms are then added up. So results are the same to the last bit. Where b is one column, onnxruntime
// adds up in an order that depends on the machine: then terms are added in float64 and rounded once, which is nearest to all.
func multiply(kind Kind, out, a, b []float64, n, k, m int, at, bt bool, block int) {
	if m == 1 && kind == Float {
		for r := range n {
			sum := 0.0
			for i, y := range b[:k] {
				x := a[r*k+i]
				if at {
					x = a[i*n+r]
				}
				sum += x * y
			}
			out[r] += sum
		}
		kind.round(out)
		return
	}
	part := out
	for from := 0; from < max(k, 1); from += block {
		if from > 0 {
			part = make([]float64, n*m)
		}
		for r := range n {
			row := part[r*m : r*m+m]
			for i := from; i < min(from+block, k); i++ {
				x := a[r*k+i]
				if at {
					x = a[i*n+r]
				}
				switch {
				case bt && kind == Float:
					for j := range row {
						row[j] = float64(float32(row[j] + x*b[j*k+i]))
					}
				case bt:
					for j := range row {
						row[j] += x * b[j*k+i]
					}
				case kind == Float:
					for j, y := range b[i*m : i*m+m] {
						row[j] = float64(float32(row[j] + x*y))
					}
				default:
					for j, y := range b[i*m : i*m+m] {
						row[j] += x * y
					}
				}
			}
		}
		if from > 0 {
			for i, x := range part {
				out[i] += x
			}
			kind.round(out)
		}
	}
}

func matMul(c *call) {
	a, b := c.floats(0), c.floats(1)
	ad, bd := a.Dims, b.Dims
	if len(ad) == 0 || len(bd) == 0 || a.Kind != b.Kind {
		fail("%s %v can't be multiplied with %s %v", a.Kind, ad, b.Kind, bd)
	}
	if len(ad) == 1 {
		ad = []int{1, ad[0]}
	}
	if len(bd) == 1 {
		bd = []int{bd[0], 1}
	}
	n, k, m := ad[len(ad)-2], ad[len(ad)-1], bd[len(bd)-1]
	if bd[len(bd)-2] != k {
		fail("%v can't be multiplied with %v", a.Dims, b.Dims)
	}
	outer := broadcast(ad[:len(ad)-2], bd[:len(bd)-2])
	dims := slices.Clone(outer)
	if len(a.Dims) > 1 {
		dims = append(dims, n)
	}
	if len(b.Dims) > 1 {
		dims = append(dims, m)
	}
	o := c.out(0, a.Kind, dims...)
	from := make([]int, elements(outer))
	stretch(ad[:len(ad)-2], outer, func(i, at int) { from[i] = at })
	stretch(bd[:len(bd)-2], outer, func(i, at int) {
		multiply(a.Kind, o.F[i*n*m:(i+1)*n*m], a.F[from[i]*n*k:(from[i]+1)*n*k], b.F[at*k*m:(at+1)*k*m], n, k, m, false, false, packedRows)
	})
}

func gemm(n *node) kernel {
	alpha, beta, at, bt := n.float("alpha", 1), n.float("beta", 1), n.int("transA", 0) != 0, n.int("transB", 0) != 0
	return func(c *call) {
		a, b := c.floats(0), c.floats(1)
		if len(a.Dims) != 2 || len(b.Dims) != 2 || a.Kind != b.Kind {
			fail("%s %v can't be multiplied with %s %v", a.Kind, a.Dims, b.Kind, b.Dims)
		}
		rows, k, m, inner := a.Dims[0], a.Dims[1], b.Dims[1], b.Dims[0]
		if at {
			rows, k = k, rows
		}
		if bt {
			m, inner = inner, m
		}
		if k != inner {
			fail("%v can't be multiplied with %v", a.Dims, b.Dims)
		}
		o := c.out(0, a.Kind, rows, m)
		multiply(a.Kind, o.F, a.F, b.F, rows, k, m, at, bt, packedRows)
		if alpha != 1 {
			for i := range o.F {
				o.F[i] *= alpha
			}
			o.Kind.round(o.F)
		}
		if t := c.in(2); t != nil {
			combine(o.F, o.Dims, o.F, o.Dims, t.F, t.Dims, func(x, y float64) float64 { return x + beta*y })
		}
		o.Kind.round(o.F)
	}
}

// sumSquare rounds each step, as onnxruntime does: KMeans takes the difference of such sums.
func sumSquare(k Kind) func(v []float64) float64 {
	return func(v []float64) float64 {
		s := 0.0
		for _, x := range v {
			if k == Float {
				s = f32(s + f32(x*x))
			} else {
				s += x * x
			}
		}
		return s
	}
}

func reduce(start float64, f func(s, x float64) float64, end func(s float64, n int) float64) func(*node, *compiler) kernel {
	return func(n *node, _ *compiler) kernel {
		return func(c *call) {
			along(c, n, func(v []float64) float64 {
				s := start
				for _, x := range v {
					s = f(s, x)
				}
				return end(s, len(v))
			})
		}
	}
}

// along reduces the axes that a node names, all where it names none.
func along(c *call, n *node, f func(v []float64) float64) {
	t := c.need(0)
	axes, _ := c.list("axes", 1)
	if len(axes) == 0 && n.int("noop_with_empty_axes", 0) != 0 {
		c.view(0, t, t.Dims...)
		return
	}
	drop := make([]bool, len(t.Dims))
	for i := range drop {
		drop[i] = len(axes) == 0
	}
	for _, a := range axes {
		drop[axis(a, len(t.Dims))] = true
	}
	keep := n.int("keepdims", 1) != 0
	dims := []int{}
	each := 1
	for i, d := range t.Dims {
		switch {
		case !drop[i]:
			dims = append(dims, d)
		default:
			each *= d
			if keep {
				dims = append(dims, 1)
			}
		}
	}
	o := c.out(0, t.Kind, dims...)
	v := asFloats(t)
	group := make([]float64, 0, each)
	eachGroup(t.Dims, drop, func(i int, at []int) {
		group = group[:0]
		for _, a := range at {
			group = append(group, v[a])
		}
		y := f(group)
		if o.F != nil {
			o.F[i] = y
		} else {
			o.I[i] = int64(y)
		}
	})
	o.Kind.round(o.F)
}

// eachGroup calls each with the elements that differ only along the dropped axes, for every combination of the others.
func eachGroup(dims []int, drop []bool, each func(i int, at []int)) {
	var kept, gone [][2]int // extent and distance of axes, the last one first
	size := 1
	for k := len(dims) - 1; k >= 0; k-- {
		if drop[k] {
			gone = append(gone, [2]int{dims[k], size})
		} else {
			kept = append(kept, [2]int{dims[k], size})
		}
		size *= dims[k]
	}
	offsets := func(axes [][2]int) []int {
		out := []int{0}
		for _, a := range axes {
			next := make([]int, 0, len(out)*a[0])
			for i := range a[0] {
				for _, o := range out {
					next = append(next, o+i*a[1])
				}
			}
			out = next
		}
		return out
	}
	inner := offsets(gone)
	at := make([]int, len(inner))
	for i, base := range offsets(kept) {
		for k, o := range inner {
			at[k] = base + o
		}
		each(i, at)
	}
}
