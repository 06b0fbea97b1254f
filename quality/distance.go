package quality

import (
	"math"

	"dsql/engine/duck"
)

// distance is how two samples are compared that a query of its own has counted: counts are the values x, how many rows a and how many of
// the baseline's b have each, and all_a, all_b. The query gives the distance, and beside it a number that p needs.
type distance struct {
	shares bool // of categories, or of bins as psi has them, rather than of values
	query  func(counts *duck.Query) *duck.Query
	p      func(v, n float64) float64 // what is told instead of the distance: how likely one as large is by chance
}

// js is the Jensen-Shannon distance (natural logarithm, the root of the divergence), chi2 Pearson's statistic of the table of categories by
// sample, without a correction, and wasserstein the first distance: the area between the two distribution functions. ks_p is the
// asymptotic p-value of ks (Kolmogorov's distribution), chi2_p that of chi2.
var distances = map[string]distance{
	"psi":         {true, psiOf, nil},
	"js":          {true, jsOf, nil},
	"chi2":        {true, chi2Of, nil},
	"chi2_p":      {true, chi2Of, chiSquareTail},
	"ks":          {false, ksOf, nil},
	"ks_p":        {false, ksOf, kolmogorovTail},
	"wasserstein": {false, wassersteinOf, nil},
}

func psiOf(counts *duck.Query) *duck.Query {
	return duck.SQL(`SELECT sum((p - q) * ln(p / q))::DOUBLE, NULL FROM (
		SELECT coalesce(nullif(a / nullif(all_a, 0), 0), {zero}) AS p, coalesce(nullif(b / nullif(all_b, 0), 0), {zero}) AS q
		FROM {counts} WHERE all_a > 0 AND all_b > 0)`, duck.Args{"counts": counts, "zero": emptyShare})
}

func jsOf(counts *duck.Query) *duck.Query {
	return duck.SQL(`SELECT sqrt(CASE WHEN s > 0 THEN s WHEN s <= 0 THEN 0 END), NULL FROM (
		SELECT sum(CASE WHEN p > 0 THEN p * ln(2 * p / (p + q)) ELSE 0 END + CASE WHEN q > 0 THEN q * ln(2 * q / (p + q)) ELSE 0 END) / 2 AS s
		FROM (SELECT a / all_a AS p, b / all_b AS q FROM {counts} WHERE all_a > 0 AND all_b > 0))`, duck.Args{"counts": counts})
}

// chi2Of gives the degrees of freedom beside the statistic.
func chi2Of(counts *duck.Query) *duck.Query {
	return duck.SQL(`SELECT sum((a - ea) * (a - ea) / ea + (b - eb) * (b - eb) / eb), (count(*) - 1)::DOUBLE
		FROM (SELECT a, b, (a + b) * all_a / (all_a + all_b) AS ea, (a + b) * all_b / (all_a + all_b) AS eb FROM {counts}
			WHERE all_a > 0 AND all_b > 0)`, duck.Args{"counts": counts})
}

// ksOf gives the harmonic size of the samples beside the statistic.
func ksOf(counts *duck.Query) *duck.Query {
	return duck.SQL(`SELECT max(abs(a / nullif(all_a, 0) - b / nullif(all_b, 0)))::DOUBLE, max(all_a * all_b / (all_a + all_b)) FROM (
		SELECT sum(a) OVER w AS a, sum(b) OVER w AS b, all_a, all_b FROM {counts} WINDOW w AS (ORDER BY x))`, duck.Args{"counts": counts})
}

func wassersteinOf(counts *duck.Query) *duck.Query {
	return duck.SQL(`SELECT coalesce(sum(abs(a / all_a - b / all_b) * width), 0), NULL FROM (
		SELECT sum(a) OVER w AS a, sum(b) OVER w AS b, lead(x::DOUBLE) OVER w - x::DOUBLE AS width, all_a, all_b FROM {counts}
		WHERE all_a > 0 AND all_b > 0 WINDOW w AS (ORDER BY x)) HAVING count(*) > 0`, duck.Args{"counts": counts})
}

// kolmogorovTail is the chance of a distance d between two samples of one distribution, of harmonic size n.
func kolmogorovTail(d, n float64) float64 {
	x := math.Sqrt(n) * d
	if x < 0.3 { // 1 - 1e-9 and more
		return 1
	}
	sum := 0.0
	if x < 1 {
		for k := 1.0; k < 100; k += 2 {
			sum += math.Exp(-k * k * math.Pi * math.Pi / (8 * x * x))
		}
		return 1 - math.Sqrt(2*math.Pi)/x*sum
	}
	for k, sign := 1.0, 1.0; k < 100; k, sign = k+1, -sign {
		sum += sign * math.Exp(-2*k*k*x*x)
	}
	return 2 * sum
}

// chiSquareTail is the chance of a statistic of at least x with df degrees of freedom: the regularized upper incomplete gamma function.
func chiSquareTail(x, df float64) float64 {
	if df <= 0 || x <= 0 {
		return 1
	}
	a, z := df/2, x/2
	lg, _ := math.Lgamma(a)
	scale := math.Exp(a*math.Log(z) - z - lg)
	if z < a+1 { // a series for the lower one
		term := 1 / a
		sum := term
		for n := a + 1; term > sum*1e-17; n++ {
			term *= z / n
			sum += term
		}
		return 1 - scale*sum
	}
	b := z + 1 - a // a continued fraction, by Lentz
	c, d := 1e300, 1/b
	h := d
	for i := 1.0; i < 1e6; i++ {
		an := -i * (i - a)
		b += 2
		d = 1 / (an*d + b)
		c = b + an/c
		h *= d * c
		if math.Abs(d*c-1) < 1e-16 {
			break
		}
	}
	return scale * h
}
