package watch

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// How variants differ. With n units of mean m and sample variance s² a variant, u = s²/n:
//
//	difference = m₂ − m₁, interval ± t · √(u₁ + u₂), t the quantile of Student's distribution with
//	ν = (u₁ + u₂)² / (u₁²/(n₁ − 1) + u₂²/(n₂ − 1)) degrees of freedom (Welch 1947)
//
// A conversion is a value of 0 or 1, so that its difference is one of shares, by the same formula. Whether units came to the variants as
// the weights say is Pearson's χ² test of the counts.

// confidence is that of intervals, and srmAlpha the probability below which a split is told not to be what was declared: it is asked often,
// so the customary 5 % would cry wolf.
const (
	confidence = 0.95
	srmAlpha   = 0.001
)

// sample sums up what was measured of a variant's units.
type sample struct {
	n              float64
	mean, variance float64
}

// effect is the difference of a variant's mean to the first one's; none where it isn't known.
type effect struct{ difference, low, high, p float64 }

func welch(a, b sample) effect {
	e := effect{difference: b.mean - a.mean, low: none, high: none, p: none}
	if a.n == 0 || b.n == 0 {
		e.difference = none
	}
	if a.n < 2 || b.n < 2 {
		return e
	}
	ua, ub := a.variance/a.n, b.variance/b.n
	if ua+ub == 0 { // all units alike: nothing tells how far chance goes
		return e
	}
	nu := (ua + ub) * (ua + ub) / (ua*ua/(a.n-1) + ub*ub/(b.n-1))
	se := math.Sqrt(ua + ub)
	half := studentQuantile(1-confidence, nu) * se
	e.low, e.high = e.difference-half, e.difference+half
	e.p = studentTails(e.difference/se, nu)
	return e
}

// studentTails is the probability of a value at least as far from 0 as t.
func studentTails(t, nu float64) float64 { return mathext.RegIncBeta(nu/2, 0.5, nu/(nu+t*t)) }

// studentQuantile is how far from 0 values are in tails of a probability together.
func studentQuantile(tails, nu float64) float64 {
	x := mathext.InvRegIncBeta(nu/2, 0.5, tails)
	return math.Sqrt(nu * (1 - x) / x)
}

// chiSquare is the probability of counts at least as far from what the weights say.
func chiSquare(counts, weights []float64) float64 {
	sum, total := 0.0, 0.0
	for i := range counts {
		sum += counts[i]
		total += weights[i]
	}
	if sum == 0 || len(counts) < 2 {
		return none
	}
	x := 0.0
	for i := range counts {
		want := sum * weights[i] / total
		x += (counts[i] - want) * (counts[i] - want) / want
	}
	return mathext.GammaIncRegComp(float64(len(counts)-1)/2, x/2)
}
