package onnx

import "math"

// Activations: operators on single elements, with parameters.

func activationOps(ops operators) {
	ops["Gelu"] = func(n *node, _ *compiler) kernel {
		switch a := n.text("approximate", "none"); a {
		case "none":
			return elementwise(func(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }, nil)
		case "tanh":
			return elementwise(func(x float64) float64 {
				return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
			}, nil)
		default:
			fail("the approximation %q is unknown", a)
			return nil
		}
	}
	ops["PRelu"] = func(*node, *compiler) kernel { return prelu }
	ops["HardSigmoid"] = func(n *node, _ *compiler) kernel {
		alpha, beta := n.float("alpha", 0.2), n.float("beta", 0.5)
		return elementwise(func(x float64) float64 { return fmax(fmin(alpha*x+beta, 1), 0) }, nil)
	}
	ops["HardSwish"] = func(*node, *compiler) kernel {
		return elementwise(func(x float64) float64 { return x * fmax(fmin(x/6+0.5, 1), 0) }, nil)
	}
	ops["Selu"] = func(n *node, _ *compiler) kernel {
		alpha, gamma := n.float("alpha", 1.67326319217681884765625), n.float("gamma", 1.05070102214813232421875)
		return elementwise(func(x float64) float64 {
			if x <= 0 {
				return gamma * alpha * math.Expm1(x)
			}
			return gamma * x
		}, nil)
	}
	ops["Celu"] = func(n *node, _ *compiler) kernel {
		alpha := n.float("alpha", 1)
		return elementwise(func(x float64) float64 { return fmax(0, x) + fmin(0, alpha*math.Expm1(x/alpha)) }, nil)
	}
	ops["Mish"] = func(*node, *compiler) kernel {
		return elementwise(func(x float64) float64 { return x * math.Tanh(math.Max(x, 0)+math.Log1p(math.Exp(-math.Abs(x)))) }, nil)
	}
	ops["Swish"] = func(n *node, _ *compiler) kernel {
		alpha := n.float("alpha", 1)
		return elementwise(func(x float64) float64 { return x * sigmoid(alpha*x) }, nil)
	}
	ops["ThresholdedRelu"] = func(n *node, _ *compiler) kernel {
		alpha := n.float("alpha", 1)
		return elementwise(func(x float64) float64 {
			if x > alpha {
				return x
			}
			return 0
		}, nil)
	}
}

// prelu stretches the slope to its input's shape.
func prelu(c *call) {
	t, slope, dims := c.pair()
	o := c.out(0, t.Kind, dims...)
	if o.size() != t.size() {
		fail("slopes of %v don't fit %v", slope.Dims, t.Dims)
	}
	if t.Kind.isFloat() {
		combine(o.F, dims, t.F, t.Dims, slope.F, slope.Dims, func(x, s float64) float64 {
			if x < 0 {
				return x * s
			}
			return x
		})
		o.Kind.round(o.F)
		return
	}
	combine(o.I, dims, t.I, t.Dims, slope.I, slope.Dims, func(x, s int64) int64 {
		if x < 0 {
			return x * s
		}
		return x
	})
	o.Kind.wrap(o.I)
}
