package xgboost

import (
	"fmt"
	"math"
	"strings"

	"dsql/models/booster"
	"dsql/models/document"
)

// Half the width of the interval around 0 and 1 that XGBoost keeps probabilities away from (kRtEps).
const eps = float32(1e-6)

// linkOf is the transform of an objective, and turns base scores, which the file holds as predictions, into margins.
// All of it is in float32. Source: PredTransform and ProbToMargin of the objectives in XGBoost's src/objective.
func linkOf(name string, outputs, targets int, base []float64) (booster.Link, error) {
	l := booster.Link{Width: outputs, Apply: booster.Identity}
	margin := func(f func(p float32) float32) {
		for i, b := range base {
			base[i] = float64(f(float32(b)))
		}
	}
	log := func(p float32) float32 { return float32(math.Log(float64(p))) }
	switch name {
	case "binary:logistic", "reg:logistic":
		margin(func(p float32) float32 {
			p = min(max(p, eps), 1-eps)
			return -log(1/p - 1)
		})
		l.Apply = booster.Each(sigmoid)
		if name == "binary:logistic" && outputs == 1 {
			l.Class = booster.Above(0.5)
		}
	case "binary:logitraw":
		if outputs == 1 {
			l.Class = booster.Above(0)
		}
	case "binary:hinge":
		l.Apply = booster.Each(func(x float64) float64 {
			if x > 0 {
				return 1
			}
			return 0
		})
		if outputs == 1 {
			l.Class = booster.Above(0.5)
		}
	case "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft":
		margin(log)
		l.Apply = booster.Each(func(x float64) float64 { return float64(float32(math.Exp(x))) })
	case "multi:softprob":
		l.Apply = func(raw []float64, n int, out []float64) {
			for r := range n {
				softmax(raw[r*outputs:r*outputs+outputs], out[r*outputs:r*outputs+outputs])
			}
		}
		l.Class = booster.Largest
	case "multi:softmax":
		l.Width = 1
		l.Apply = func(raw []float64, n int, out []float64) {
			for r := range n {
				out[r] = float64(booster.Largest(raw[r*outputs : r*outputs+outputs]))
			}
		}
		l.Class = func(p []float64) int64 { return int64(p[0]) }
	case "reg:expectileerror":
		for j := outputs - 1; j > 0; j-- {
			d := max(float32(base[j])-float32(base[j-1])-eps, eps)
			base[j] = float64(d + log(float32(-math.Expm1(float64(-d)))))
		}
		l.Apply = func(raw []float64, n int, out []float64) {
			for r := range n {
				expectiles(raw[r*outputs:r*outputs+outputs], out[r*outputs:r*outputs+outputs])
			}
		}
	case "reg:squarederror", "reg:linear", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror",
		"reg:quantileerror", "rank:ndcg", "rank:pairwise", "rank:map":
	case "":
		return l, fmt.Errorf("it has no objective")
	default:
		return l, fmt.Errorf("unknown objective %s", document.Clip(name))
	}
	if strings.HasPrefix(name, "multi:") && targets > 1 {
		return l, fmt.Errorf("objective %s with num_target=%d", name, targets)
	}
	return l, nil
}

func sigmoid(x float64) float64 {
	e := float32(math.Exp(float64(min(-float32(x), 88.7))))
	return float64(1 / (e + 1 + 1e-16))
}

func softmax(raw, out []float64) {
	top := float32(raw[0])
	for _, x := range raw[1:] {
		top = max(top, float32(x))
	}
	sum := 0.0
	for i, x := range raw {
		out[i] = float64(float32(math.Exp(float64(float32(x) - top))))
		sum += out[i]
	}
	for i, x := range out {
		out[i] = float64(float32(x) / float32(sum))
	}
}

// expectiles keeps expectiles in order: each is the one before plus the softplus of its margin.
func expectiles(raw, out []float64) {
	p := float32(raw[0])
	out[0] = float64(p)
	for i := 1; i < len(raw); i++ {
		x := raw[i]
		p += eps + float32(max(x, 0)+math.Log1p(math.Exp(-math.Abs(x))))
		out[i] = float64(p)
	}
}
