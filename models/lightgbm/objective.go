package lightgbm

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"dsql/models/booster"
	"dsql/models/document"
)

// linkOf is the transform of an objective as the header has it, "binary sigmoid:1" or "regression sqrt". Source: each
// objective's ConvertOutput in LightGBM's src/objective. rf divides by its iterations first; raw scores stay sums.
func linkOf(h *header, iterations int) (booster.Link, error) {
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
			return 0, fmt.Errorf("objective %s: %s is not a positive number", document.Clip(h.objective), key)
		}
		return x, nil
	}
	k := h.perIteration
	l := booster.Link{Width: k, Apply: booster.Identity}
	single := true
	switch name {
	case "", "none", "null", "custom", "na":
		single = false
	case "regression", "regression_l2", "l2", "mean_squared_error", "mse", "l2_root", "root_mean_squared_error", "rmse",
		"regression_l1", "l1", "mean_absolute_error", "mae", "huber", "fair", "quantile", "mape", "mean_absolute_percentage_error":
		if _, ok := args["sqrt"]; ok && name != "huber" {
			l.Apply = booster.Each(func(x float64) float64 { return math.Copysign(x*x, x) })
		}
	case "lambdarank", "rank_xendcg", "xendcg", "xe_ndcg", "xe_ndcg_mart", "xendcg_mart":
	case "poisson", "gamma", "tweedie":
		l.Apply = booster.Each(math.Exp)
	case "cross_entropy", "xentropy":
		l.Apply = booster.Each(func(x float64) float64 { return 1 / (1 + math.Exp(-x)) })
	case "cross_entropy_lambda", "xentlambda":
		l.Apply = booster.Each(func(x float64) float64 { return math.Log1p(math.Exp(x)) })
	case "binary", "multiclassova", "multiclass_ova", "ova", "ovr":
		s, err := positive("sigmoid")
		if err != nil {
			return l, err
		}
		l.Apply = booster.Each(func(x float64) float64 { return 1 / (1 + math.Exp(-s*x)) })
		if single = name == "binary"; single {
			l.Class = booster.Above(0.5)
		} else {
			l.Class = booster.Largest
		}
	case "multiclass", "softmax":
		single = false
		l.Apply = func(raw []float64, n int, out []float64) {
			for r := range n {
				booster.Softmax(raw[r*k:r*k+k], out[r*k:r*k+k])
			}
		}
		l.Class = booster.Largest
	default:
		return l, fmt.Errorf("unknown objective %s", document.Clip(h.objective))
	}
	if single && k != 1 {
		return l, fmt.Errorf("objective %s with num_class=%d", document.Clip(h.objective), k)
	}
	if h.average && iterations > 0 {
		transform, by := l.Apply, float64(iterations)
		l.Apply = func(raw []float64, n int, out []float64) {
			for i, x := range raw {
				out[i] = x / by
			}
			transform(out, n, out)
		}
	}
	return l, nil
}
