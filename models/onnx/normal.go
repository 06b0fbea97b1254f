package onnx

import "math"

// Operators that bring vectors to one scale, and distances between them.

// softmaxes before version 13 takes all axes from the given one on as one.
func softmaxes(n *node, v *compiler, logarithm bool) kernel {
	flat := v.version() < 13
	at := int64(-1)
	if flat {
		at = 1
	}
	at = n.int("axis", at)
	return func(c *call) {
		t := c.floats(0)
		a := axis(at, len(t.Dims))
		before, k, after := around(t.Dims, a)
		if flat {
			k, after = k*after, 1
		}
		o := c.out(0, t.Kind, t.Dims...)
		for b := range before {
			for e := range after {
				at := func(i int) int { return (b*k+i)*after + e }
				top := math.Inf(-1)
				for i := range k {
					top = fmax(top, t.F[at(i)])
				}
				sum := 0.0
				for i := range k {
					o.F[at(i)] = math.Exp(t.F[at(i)] - top)
					sum += o.F[at(i)]
				}
				for i := range k {
					if logarithm {
						o.F[at(i)] = t.F[at(i)] - top - math.Log(sum)
					} else {
						o.F[at(i)] /= sum
					}
				}
			}
		}
		o.Kind.round(o.F)
	}
}

func batchNormalization(c *call, epsilon float64) {
	t, scale, bias, mean, variance := c.floats(0), c.floats(1), c.floats(2), c.floats(3), c.floats(4)
	if len(t.Dims) < 2 {
		fail("its input has the shape %v", t.Dims)
	}
	o := c.out(0, t.Kind, t.Dims...)
	_, n, after := around(t.Dims, 1)
	for i, x := range t.F {
		k := i / after % n
		o.F[i] = (x-mean.F[k])/math.Sqrt(variance.F[k]+epsilon)*scale.F[k] + bias.F[k]
	}
	o.Kind.round(o.F)
}

func lpNormalization(n *node) kernel {
	at, p := n.int("axis", -1), n.int("p", 2)
	return func(c *call) {
		t := c.floats(0)
		before, k, after := around(t.Dims, axis(at, len(t.Dims)))
		o := c.out(0, t.Kind, t.Dims...)
		for b := range before {
			for e := range after {
				sum := 0.0
				for i := range k {
					x := t.F[(b*k+i)*after+e]
					if p == 1 {
						sum += math.Abs(x)
					} else {
						sum += x * x
					}
				}
				if p != 1 {
					sum = math.Sqrt(sum)
				}
				for i := range k {
					if at := (b*k+i)*after + e; sum != 0 {
						o.F[at] = t.F[at] / sum
					}
				}
			}
		}
		o.Kind.round(o.F)
	}
}

// distances are those between the rows of two tensors.
func distances(c *call, root bool) {
	a, b := c.floats(0), c.floats(1)
	if len(a.Dims) != 2 || len(b.Dims) != 2 || a.Dims[1] != b.Dims[1] {
		fail("%v and %v have no distances", a.Dims, b.Dims)
	}
	n, m, k := a.Dims[0], b.Dims[0], a.Dims[1]
	o := c.out(0, a.Kind, n, m)
	for i := range n {
		for j := range m {
			sum := 0.0
			for e := range k {
				d := a.F[i*k+e] - b.F[j*k+e]
				sum += d * d
			}
			if root {
				sum = math.Sqrt(sum)
			}
			o.F[i*m+j] = sum
		}
	}
	o.Kind.round(o.F)
}
