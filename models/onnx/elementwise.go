package onnx

import "math"

// Operators that work element by element.

func arithmetic(f func(x, y float64) float64, g func(x, y int64) int64) func(*node, *compiler) kernel {
	return func(*node, *compiler) kernel {
		return func(c *call) {
			a, b, dims := c.pair()
			o := c.out(0, a.Kind, dims...)
			switch {
			case a.Kind.isFloat():
				combine(o.F, dims, a.F, a.Dims, b.F, b.Dims, f)
				o.Kind.round(o.F)
			case a.Kind.isInt() && g != nil:
				combine(o.I, dims, a.I, a.Dims, b.I, b.Dims, g)
				o.Kind.wrap(o.I)
			default:
				fail("%s is not supported", a.Kind)
			}
		}
	}
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func comparison(f func(x, y float64) bool, g func(x, y int64) bool, s func(x, y string) bool) func(*node, *compiler) kernel {
	return func(*node, *compiler) kernel {
		return func(c *call) {
			a, b, dims := c.pair()
			o := c.out(0, Bool, dims...)
			switch {
			case a.Kind.isFloat():
				combine(o.I, dims, a.F, a.Dims, b.F, b.Dims, func(x, y float64) int64 { return truth(f(x, y)) })
			case a.Kind.isInt():
				combine(o.I, dims, a.I, a.Dims, b.I, b.Dims, func(x, y int64) int64 { return truth(g(x, y)) })
			case s != nil:
				combine(o.I, dims, a.S, a.Dims, b.S, b.Dims, func(x, y string) int64 { return truth(s(x, y)) })
			default:
				fail("%s is not supported", a.Kind)
			}
		}
	}
}

// variadic folds any number of inputs; mean divides by their number.
func variadic(f func(x, y float64) float64, g func(x, y int64) int64, mean bool) func(*node, *compiler) kernel {
	return func(*node, *compiler) kernel {
		return func(c *call) {
			first := c.need(0)
			dims := first.Dims
			for i := range c.step.in {
				if t := c.need(i); t.Kind != first.Kind {
					fail("its inputs are of %s and %s", first.Kind, t.Kind)
				}
				dims = broadcast(dims, c.need(i).Dims)
			}
			o := c.out(0, first.Kind, dims...)
			if !first.Kind.isFloat() && (g == nil || !first.Kind.isInt()) {
				fail("%s is not supported", first.Kind)
			}
			for i := range c.step.in {
				t := c.need(i)
				keep := i == 0
				if o.F != nil {
					combine(o.F, dims, o.F, dims, t.F, t.Dims, func(x, y float64) float64 {
						if keep {
							return y
						}
						return f(x, y)
					})
					o.Kind.round(o.F)
				} else {
					combine(o.I, dims, o.I, dims, t.I, t.Dims, func(x, y int64) int64 {
						if keep {
							return y
						}
						return g(x, y)
					})
				}
			}
			if mean {
				for i := range o.F {
					o.F[i] /= float64(len(c.step.in))
				}
				o.Kind.round(o.F)
			}
		}
	}
}

func unary(f func(x float64) float64, g func(x int64) int64) func(*node, *compiler) kernel {
	return func(*node, *compiler) kernel { return elementwise(f, g) }
}

func elementwise(f func(x float64) float64, g func(x int64) int64) kernel {
	return func(c *call) {
		a := c.need(0)
		o := c.out(0, a.Kind, a.Dims...)
		switch {
		case a.Kind.isFloat():
			for i, x := range a.F {
				o.F[i] = f(x)
			}
			o.Kind.round(o.F)
		case a.Kind.isInt() && g != nil:
			for i, x := range a.I {
				o.I[i] = g(x)
			}
		default:
			fail("%s is not supported", a.Kind)
		}
	}
}

func fmin(x, y float64) float64 {
	if math.IsNaN(x) || x < y {
		return x
	}
	return y
}

func fmax(x, y float64) float64 {
	if math.IsNaN(x) || x > y {
		return x
	}
	return y
}

func sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

func divide(x, y int64) int64 {
	if y == 0 {
		fail("an integer is divided by zero")
	}
	return x / y
}

// power of integers, wrapping around.
func power(x, y int64) int64 {
	if y < 0 {
		return int64(math.Pow(float64(x), float64(y)))
	}
	r := int64(1)
	for ; y > 0; y >>= 1 {
		if y&1 != 0 {
			r *= x
		}
		x *= x
	}
	return r
}

func elementwiseOps(ops operators) {
	ops["Add"] = arithmetic(func(x, y float64) float64 { return x + y }, func(x, y int64) int64 { return x + y })
	ops["Sub"] = arithmetic(func(x, y float64) float64 { return x - y }, func(x, y int64) int64 { return x - y })
	ops["Mul"] = arithmetic(func(x, y float64) float64 { return x * y }, func(x, y int64) int64 { return x * y })
	ops["Div"] = arithmetic(func(x, y float64) float64 { return x / y }, divide)
	ops["Pow"] = func(*node, *compiler) kernel { return pow }
	ops["Mod"] = arithmetic(math.Mod, func(x, y int64) int64 {
		r := x - divide(x, y)*y
		if r != 0 && (r < 0) != (y < 0) {
			r += y
		}
		return r
	})
	ops["Min"] = variadic(fmin, func(x, y int64) int64 { return min(x, y) }, false)
	ops["Max"] = variadic(fmax, func(x, y int64) int64 { return max(x, y) }, false)
	ops["Sum"] = variadic(func(x, y float64) float64 { return x + y }, nil, false)
	ops["Mean"] = variadic(func(x, y float64) float64 { return x + y }, nil, true)
	ops["Equal"] = comparison(func(x, y float64) bool { return x == y }, func(x, y int64) bool { return x == y },
		func(x, y string) bool { return x == y })
	ops["Less"] = comparison(func(x, y float64) bool { return x < y }, func(x, y int64) bool { return x < y }, nil)
	ops["LessOrEqual"] = comparison(func(x, y float64) bool { return x <= y }, func(x, y int64) bool { return x <= y }, nil)
	ops["Greater"] = comparison(func(x, y float64) bool { return x > y }, func(x, y int64) bool { return x > y }, nil)
	ops["GreaterOrEqual"] = comparison(func(x, y float64) bool { return x >= y }, func(x, y int64) bool { return x >= y }, nil)
	logic := func(f func(x, y bool) bool) func(*node, *compiler) kernel {
		return comparison(nil, func(x, y int64) bool { return f(x != 0, y != 0) }, nil)
	}
	ops["And"] = logic(func(x, y bool) bool { return x && y })
	ops["Or"] = logic(func(x, y bool) bool { return x || y })
	ops["Xor"] = logic(func(x, y bool) bool { return x != y })
	ops["Not"] = unary(nil, func(x int64) int64 { return 1 - x })
	ops["Abs"] = unary(math.Abs, func(x int64) int64 { return max(x, -x) })
	ops["Neg"] = unary(func(x float64) float64 { return -x }, func(x int64) int64 { return -x })
	ops["Sign"] = unary(sign, func(x int64) int64 { return truth(x > 0) - truth(x < 0) })
	for name, f := range map[string]func(float64) float64{
		"Sqrt": math.Sqrt, "Exp": math.Exp, "Log": math.Log, "Floor": math.Floor, "Ceil": math.Ceil, "Round": math.RoundToEven,
		"Reciprocal": func(x float64) float64 { return 1 / x }, "Sigmoid": sigmoid, "Tanh": math.Tanh, "Erf": math.Erf,
		"Relu": func(x float64) float64 { return fmax(x, 0) }, "Sin": math.Sin, "Cos": math.Cos, "Tan": math.Tan, "Atan": math.Atan,
		"Asin": math.Asin, "Acos": math.Acos, "Sinh": math.Sinh, "Cosh": math.Cosh,
		"Softplus": func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) },
		"Softsign": func(x float64) float64 { return x / (1 + math.Abs(x)) },
	} {
		ops[name] = unary(f, nil)
	}
	ops["LeakyRelu"] = func(n *node, _ *compiler) kernel {
		alpha := n.float("alpha", 0.01)
		return elementwise(func(x float64) float64 {
			if x < 0 {
				return alpha * x
			}
			return x
		}, nil)
	}
	ops["Elu"] = func(n *node, _ *compiler) kernel {
		alpha := n.float("alpha", 1)
		return elementwise(func(x float64) float64 {
			if x < 0 {
				return alpha * math.Expm1(x)
			}
			return x
		}, nil)
	}
	ops["IsNaN"] = func(*node, *compiler) kernel { return predicate(math.IsNaN) }
	ops["IsInf"] = func(n *node, _ *compiler) kernel {
		positive, negative := n.int("detect_positive", 1) != 0, n.int("detect_negative", 1) != 0
		return predicate(func(x float64) bool { return positive && math.IsInf(x, 1) || negative && math.IsInf(x, -1) })
	}
	ops["Clip"] = func(n *node, _ *compiler) kernel { return clip(n) }
	ops["Where"] = func(*node, *compiler) kernel { return where }
}

func predicate(f func(x float64) bool) kernel {
	return func(c *call) {
		a := c.floats(0)
		o := c.out(0, Bool, a.Dims...)
		for i, x := range a.F {
			o.I[i] = truth(f(x))
		}
	}
}

// pow takes its exponent in any numeric kind; the result is of the base's.
func pow(c *call) {
	a, b := c.need(0), c.need(1)
	dims := broadcast(a.Dims, b.Dims)
	o := c.out(0, a.Kind, dims...)
	if a.Kind.isInt() && b.Kind.isInt() {
		combine(o.I, dims, a.I, a.Dims, b.I, b.Dims, power)
		o.Kind.wrap(o.I)
		return
	}
	x, y := asFloats(a), asFloats(b)
	if o.Kind.isFloat() {
		combine(o.F, dims, x, a.Dims, y, b.Dims, math.Pow)
		o.Kind.round(o.F)
		return
	}
	combine(o.I, dims, x, a.Dims, y, b.Dims, func(x, y float64) int64 { return truncate(math.Pow(x, y)) })
}

// asFloats are a tensor's numbers; those of integer kinds are copied.
func asFloats(t *Tensor) []float64 {
	if t.Kind.isFloat() {
		return t.F
	}
	if !t.Kind.isInt() {
		fail("%s is not supported", t.Kind)
	}
	out := make([]float64, len(t.I))
	for i, x := range t.I {
		out[i] = float64(x)
	}
	return out
}

func clip(n *node) kernel {
	low, high := n.float("min", math.Inf(-1)), n.float("max", math.Inf(1))
	return func(c *call) {
		a, lo, hi := c.need(0), low, high
		o := c.out(0, a.Kind, a.Dims...)
		if a.Kind.isInt() {
			from, to := int64(math.MinInt64), int64(math.MaxInt64)
			if t := c.in(1); t != nil {
				from = t.I[0]
			}
			if t := c.in(2); t != nil {
				to = t.I[0]
			}
			for i, x := range a.I {
				o.I[i] = min(max(x, from), to)
			}
			return
		}
		if t := c.in(1); t != nil {
			lo = t.F[0]
		}
		if t := c.in(2); t != nil {
			hi = t.F[0]
		}
		for i, x := range a.F {
			o.F[i] = fmin(fmax(x, lo), hi)
		}
	}
}

func where(c *call) {
	cond, a, b := c.need(0), c.need(1), c.need(2)
	if a.Kind != b.Kind || cond.Kind != Bool {
		fail("its inputs are of %s, %s and %s", cond.Kind, a.Kind, b.Kind)
	}
	dims := broadcast(broadcast(cond.Dims, a.Dims), b.Dims)
	o := c.out(0, a.Kind, dims...)
	switch {
	case a.Kind.isFloat():
		choose(o.F, dims, cond, a.F, a.Dims, b.F, b.Dims)
	case a.Kind == String:
		choose(o.S, dims, cond, a.S, a.Dims, b.S, b.Dims)
	default:
		choose(o.I, dims, cond, a.I, a.Dims, b.I, b.Dims)
	}
}

// truncate converts as C does on amd64: towards zero, what doesn't fit and NaN to the smallest integer.
func truncate(x float64) int64 {
	if x >= -1<<63 && x < 1<<63 {
		return int64(x)
	}
	return math.MinInt64
}
