package models

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// lgbLink is the transform of an objective as the header has it, "binary sigmoid:1" or "regression sqrt". Source: each
// objective's ConvertOutput in LightGBM's src/objective. rf divides by its iterations first; raw scores stay sums.
func lgbLink(h *lgbHeader, iterations int) (link, error) {
	words := strings.Fields(h.objective)
	name, args := "", map[string]string{}
	if len(words) > 0 {
		name = words[0]
		for _, w := range words[1:] {
			k, v, _ := strings.Cut(w, ":")
			args[k] = v
		}
	}
	positive := func(key string) (float64, error) {
		v, ok := args[key]
		if !ok {
			return 1, nil
		}
		x, err := strconv.ParseFloat(v, 64)
		if err != nil || !(x > 0) {
			return 0, fmt.Errorf("objective %s: %s is not a positive number", clip(h.objective), key)
		}
		return x, nil
	}
	k := h.perIteration
	l := link{width: k, apply: identity}
	single := true
	switch name {
	case "", "none", "null", "custom", "na":
		single = false
	case "regression", "regression_l2", "l2", "mean_squared_error", "mse", "l2_root", "root_mean_squared_error", "rmse",
		"regression_l1", "l1", "mean_absolute_error", "mae", "huber", "fair", "quantile", "mape", "mean_absolute_percentage_error":
		if _, ok := args["sqrt"]; ok && name != "huber" {
			l.apply = each(func(x float64) float64 { return math.Copysign(x*x, x) })
		}
	case "lambdarank", "rank_xendcg", "xendcg", "xe_ndcg", "xe_ndcg_mart", "xendcg_mart":
	case "poisson", "gamma", "tweedie":
		l.apply = each(math.Exp)
	case "cross_entropy", "xentropy":
		l.apply = each(func(x float64) float64 { return 1 / (1 + math.Exp(-x)) })
	case "cross_entropy_lambda", "xentlambda":
		l.apply = each(func(x float64) float64 { return math.Log1p(math.Exp(x)) })
	case "binary", "multiclassova", "multiclass_ova", "ova", "ovr":
		s, err := positive("sigmoid")
		if err != nil {
			return l, err
		}
		l.apply = each(func(x float64) float64 { return 1 / (1 + math.Exp(-s*x)) })
		if single = name == "binary"; single {
			l.class = above(0.5)
		} else {
			l.class = largest
		}
	case "multiclass", "softmax":
		single = false
		l.apply = func(raw []float64, n int, out []float64) {
			for r := range n {
				softmax(raw[r*k:r*k+k], out[r*k:r*k+k])
			}
		}
		l.class = largest
	default:
		return l, fmt.Errorf("unknown objective %s", clip(h.objective))
	}
	if single && k != 1 {
		return l, fmt.Errorf("objective %s with num_class=%d", clip(h.objective), k)
	}
	if h.average && iterations > 0 {
		transform, by := l.apply, float64(iterations)
		l.apply = func(raw []float64, n int, out []float64) {
			for i, x := range raw {
				out[i] = x / by
			}
			transform(out, n, out)
		}
	}
	return l, nil
}

func identity(raw []float64, _ int, out []float64) { copy(out, raw) }

// each applies f value by value.
func each(f func(float64) float64) func(raw []float64, n int, out []float64) {
	return func(raw []float64, _ int, out []float64) {
		for i, x := range raw {
			out[i] = f(x)
		}
	}
}

func above(limit float64) func([]float64) int64 {
	return func(p []float64) int64 {
		if p[0] > limit {
			return 1
		}
		return 0
	}
}

// largest is the index of the largest value, the first of equals.
func largest(p []float64) int64 {
	best := 0
	for i, x := range p {
		if x > p[best] {
			best = i
		}
	}
	return int64(best)
}

func softmax(raw, out []float64) {
	top := raw[0]
	for _, x := range raw[1:] {
		top = max(top, x)
	}
	sum := 0.0
	for i, x := range raw {
		out[i] = math.Exp(x - top)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
}
