package onnx

import (
	"math"
)

// The linear models and support vector machines of ai.onnx.ml, and what all its models share: classes and the
// transforms of their scores. Quirks are onnxruntime's.

func classifyOps(ops operators) {
	ops["ai.onnx.ml.LinearRegressor"] = func(n *node, _ *compiler) kernel { return linearRegressor(n) }
	ops["ai.onnx.ml.LinearClassifier"] = func(n *node, _ *compiler) kernel { return linearClassifier(n) }
}

// classes are a classifier's labels.
type classes struct {
	ints  []int64
	texts []string
}

func classesOf(n *node) classes {
	c := classes{texts: n.texts("classlabels_strings")}
	if len(c.texts) == 0 {
		if c.ints = n.ints("classlabels_ints"); c.ints == nil {
			c.ints = n.ints("classlabels_int64s")
		}
	}
	return c
}

func (k classes) len() int { return len(k.ints) + len(k.texts) }

// output makes output 0, a label a row; set chooses row r's by its class, or a number beside the classes.
func (k classes) output(c *call, rows int) (set func(r, class int)) {
	if k.texts != nil {
		o := c.out(0, String, rows)
		return func(r, class int) { o.S[r] = k.texts[class] }
	}
	o := c.out(0, Int64, rows)
	return func(r, class int) { o.I[r] = k.ints[class] }
}

// post is the transform of scores; second says how the score of one class out of two becomes both: -1 not at all, 0 as
// 1-s and s, 2 as -s and s, or their logistic.
type post string

func postOf(n *node) post {
	switch p := post(n.text("post_transform", "NONE")); p {
	case "NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT":
		return p
	default:
		fail("the post_transform %q is unknown", string(p))
		return ""
	}
}

// apply transforms a row's scores into out, which has room for a second one.
func (p post) apply(scores []float64, second int, out []float64) {
	copy(out, scores)
	if len(scores) == 1 {
		s := scores[0]
		switch {
		case p == "PROBIT":
			out[0] = probit(s)
		case second < 0:
		case second < 2:
			out[0], out[1] = f32(1-s), s
		case p == "LOGISTIC":
			out[0], out[1] = logistic(-s), logistic(s)
		default:
			out[0], out[1] = -s, s
		}
		return
	}
	out = out[:len(scores)]
	switch p {
	case "LOGISTIC":
		for i, s := range out {
			out[i] = logistic(s)
		}
	case "PROBIT":
		for i, s := range out {
			out[i] = probit(s)
		}
	case "SOFTMAX":
		softmax(out, false)
	case "SOFTMAX_ZERO":
		softmax(out, true)
	}
}

// logistic loses small values: for negative numbers it is 1 minus that of the positive one, in float32.
func logistic(x float64) float64 {
	v := f32(1 / f32(1+f32(math.Exp(-math.Abs(x)))))
	if x < 0 {
		return f32(1 - v)
	}
	return v
}

// probit is √2·erf⁻¹(2x-1) by Winitzki's approximation.
func probit(x float64) float64 {
	x = 2*x - 1
	s := 1.0
	if x < 0 {
		s = -1
	}
	log := math.Log((1 - x) * (1 + x))
	v := 2/(3.14159*0.147) + 0.5*log
	return f32(1.41421356 * s * math.Sqrt(-v+math.Sqrt(v*v-1/0.147*log)))
}

// softmax in float32. zero leaves scores near zero out of the sum.
func softmax(v []float64, zero bool) {
	top := -math.MaxFloat32
	for _, x := range v {
		top = max(top, x)
	}
	sum := 0.0
	for i, x := range v {
		if zero && math.Abs(x) <= 0.0000001 {
			v[i] = f32(x * f32(math.Exp(-top)))
			continue
		}
		v[i] = f32(math.Exp(f32(x - top)))
		sum = f32(sum + v[i])
	}
	for i := range v {
		v[i] = f32(v[i] / sum)
	}
}

// linear computes rows of x·coefᵀ + intercept in float32.
func linear(x []float64, rows, width int, coef, intercept []float64, k int) []float64 {
	if len(coef) != k*width {
		fail("it has %d coefficients for %d features and %d scores", len(coef), width, k)
	}
	out := make([]float64, rows*k)
	multiply(Float, out, singles(x), coef, rows, width, k, false, true, width+1)
	for i := range out {
		if len(intercept) > 0 {
			out[i] = f32(out[i] + intercept[i%k%len(intercept)])
		}
	}
	return out
}

// singles are numbers rounded to float32, the numbers themselves where they are already.
func singles(x []float64) []float64 {
	for i, v := range x {
		if f32(v) != v && v == v {
			out := append([]float64(nil), x...)
			for ; i < len(out); i++ {
				out[i] = f32(out[i])
			}
			return out
		}
	}
	return x
}

func linearRegressor(n *node) kernel {
	coef, intercept, k, p := n.floats("coefficients"), n.floats("intercepts"), int(n.int("targets", 1)), postOf(n)
	if k < 1 || k > len(coef) {
		fail("it has %d targets", k)
	}
	return func(c *call) {
		x, _, rows, width := c.matrix()
		s := linear(x, rows, width, coef, intercept, k)
		o := c.out(0, Float, rows, k)
		for r := range rows {
			p.apply(s[r*k:r*k+k], -1, o.F[r*k:r*k+k])
		}
	}
}

// linearClassifier has as many scores as intercepts. One score for two classes becomes 1-s and s, or their logistic.
func linearClassifier(n *node) kernel {
	coef, intercept, labels, p := n.floats("coefficients"), n.floats("intercepts"), classesOf(n), postOf(n)
	k := len(intercept)
	if k == 0 || k > 1 && labels.len() < k {
		fail("it has %d scores and %d classes", k, labels.len())
	}
	out, second := k, -1
	if k == 1 && labels.len() == 2 {
		out, second = 2, 1
		if p == "LOGISTIC" {
			second = 2
		}
	}
	if k == 1 && labels.len() != 2 { // labels that stand for nothing in the file
		if labels.texts != nil {
			labels.texts = []string{"0", "1"}
		} else {
			labels.ints = []int64{0, 1}
		}
	}
	return func(c *call) {
		x, _, rows, width := c.matrix()
		s := linear(x, rows, width, coef, intercept, k)
		set := labels.output(c, rows)
		o := c.out(1, Float, rows, out)
		for r := range rows {
			scores := s[r*k : r*k+k]
			if k == 1 {
				set(r, int(truth(scores[0] > 0)))
			} else {
				set(r, first(scores))
			}
			p.apply(scores, second, o.F[r*out:r*out+out])
		}
	}
}

// first is the index of the largest value, the first of equals.
func first(v []float64) int {
	best := 0
	for i, x := range v {
		if x > v[best] {
			best = i
		}
	}
	return best
}
