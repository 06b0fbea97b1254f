package page

import (
	"html/template"
	"math"
	"strings"
)

// Trial is the view of an experiment: whether its split can be trusted, and how its variants differ.
type Trial struct {
	Object   *Object
	Mismatch float64 // the probability that chance alone splits so; NaN: nothing to compare
	Broken   bool    // it doesn't: no difference can be trusted
	Arms     []Arm
	Crossed  int64 // units that saw several variants
	Unknown  int64 // units that saw one that isn't declared
	Bad      int64 // exposures without unit, variant or time
	Metrics  []Compared
	Wrong    []Problem
}

// Arm is a variant: the units that saw it, and the share of all that should have.
type Arm struct {
	Name   string
	Units  int64
	Wanted float64
}

// Compared is what came of the variants by one metric, in the order of the arms; the first is what others are compared with.
type Compared struct {
	Name    string
	Effects []Effect
}

// Effect is a mean, and its difference to the first one's with its 95 % interval. NaN: not known.
type Effect struct{ Mean, Difference, Low, High, P float64 }

// Units are all that are compared.
func (v *Trial) Units() (n int64) {
	for _, a := range v.Arms {
		n += a.Units
	}
	return n
}

// Share of all units.
func (v *Trial) Share(a Arm) string { return percent(float64(a.Units) / float64(v.Units())) }

// Wanted is the share that was declared.
func (a Arm) WantedShare() string { return percent(a.Wanted) }

// Lines of its declaration.
func (v *Trial) Lines() []Line { return (&Model{Object: v.Object}).Lines() }

// EffectRow is an effect in the table.
type EffectRow struct {
	Arm, Mean, Difference, Interval, P string
	First, Clear                       bool // Clear: the interval doesn't have zero in it
}

// Rows of a metric.
func (v *Trial) Rows(c Compared) (out []EffectRow) {
	for i, e := range c.Effects {
		r := EffectRow{Arm: v.Arms[i].Name, Mean: Decimal(e.Mean), First: i == 0, Difference: unknown, Interval: unknown, P: unknown}
		if i > 0 && !math.IsNaN(e.Low) {
			r.Difference, r.Interval, r.P = signed(e.Difference), signed(e.Low)+" to "+signed(e.High), Decimal(e.P)
			r.Clear = !v.Broken && (e.Low > 0 || e.High < 0)
		}
		out = append(out, r)
	}
	return out
}

func signed(v float64) string {
	if s := Decimal(v); v <= 0 || strings.HasPrefix(s, unknown) {
		return s
	}
	return "+" + Decimal(v)
}

// Picture draws a metric's differences: a dot and a bar each, and where nothing would be.
func (v *Trial) Picture(c Compared) template.HTML {
	e := extent{0, 0}
	for i, x := range c.Effects {
		if i > 0 {
			e.grow(0, x.Low, x.High, x.Difference)
		}
	}
	if e.lo == e.hi {
		return ""
	}
	more := (e.hi - e.lo) * .06
	e.lo, e.hi = e.lo-more, e.hi+more
	const left, w = 130.0, 480.0
	h := float64(len(c.Effects)-1)*24 + 24
	x := func(d float64) float64 { return left + (d-e.lo)/(e.hi-e.lo)*(w-left-8) }
	s := &svg{}
	s.f(`<svg viewBox="0 0 %v %v" role="img" aria-label="differences of %v to %v with 95 %% intervals; the table has the numbers">`, w, h, c.Name,
		v.Arms[0].Name)
	ts := ticks(e.lo, e.hi, 5)
	for _, t := range ts {
		s.f(`<path class="gr" d="M%v 0V%v"/><text class="ax m" x="%v" y="%v">%v</text>`, x(t), h-18, min(x(t), w-14), h-5, onAxis(t, ts))
	}
	s.f(`<path class="zero" d="M%v 0V%v"/>`, x(0), h-18)
	for i, f := range c.Effects[1:] {
		y := float64(i)*24 + 12
		s.f(`<text class="lb" x="0" y="%v">%v</text>`, y+4, cut(v.Arms[i+1].Name, 18))
		if math.IsNaN(f.Low) || math.IsInf(f.High-f.Low, 0) {
			continue
		}
		s.f(`<path class="ci" d="M%v %vH%v"/><circle class="dot" cx="%v" cy="%v" r="4"/>`, x(f.Low), y, x(f.High), x(f.Difference), y)
	}
	s.f(`</svg>`)
	return s.html()
}
