package sklearn

import (
	"dsql/models/booster"
)

// A link makes predictions of raw values. One of a single value that tells two classes gives both probabilities.
type link struct {
	widens bool // one raw value, two predictions
	apply  func(raw, out []float64, n, outputs int)
}

var links = map[string]link{
	"identity": {apply: func(raw, out []float64, _, _ int) { copy(out, raw) }},
	"exp":      {apply: func(raw, out []float64, _, _ int) { booster.Exp(raw, out) }},
	"logistic": {widens: true, apply: func(raw, out []float64, n, _ int) { booster.Logistic(raw[:n], out) }},
	// twice_logistic: as of twice the value
	"twice_logistic": {widens: true, apply: func(raw, out []float64, n, _ int) {
		twice := make([]float64, n)
		for i, x := range raw[:n] {
			twice[i] = 2 * x
		}
		booster.Logistic(twice, out)
	}},
	"softmax": {apply: func(raw, out []float64, n, k int) {
		for r := range n {
			booster.Softmax(raw[r*k:r*k+k], out[r*k:r*k+k])
		}
	}},
	// apart: each class beside all others, then divided by the sum
	"apart": {apply: func(raw, out []float64, n, k int) {
		both := make([]float64, 2*len(raw))
		booster.Logistic(raw[:n*k], both)
		for r := range n {
			sum := 0.0
			for i := range k {
				out[r*k+i] = both[2*(r*k+i)+1]
				sum += out[r*k+i]
			}
			for i := range k {
				if sum == 0 {
					out[r*k+i] = 1 / float64(k)
				} else {
					out[r*k+i] /= sum
				}
			}
		}
	}},
}

// classOf finds a class by a rule.
func classOf(rule string, raw, prediction []float64) int64 {
	one := func(is bool) int64 {
		if is {
			return 1
		}
		return 0
	}
	switch rule {
	case "positive":
		return one(raw[0] > 0)
	case "not_negative":
		return one(raw[0] >= 0)
	case "raw":
		return booster.Largest(raw)
	}
	return booster.Largest(prediction)
}

var rules = []string{"positive", "not_negative", "raw", "proba"}
