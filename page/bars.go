package page

import (
	"html/template"
	"math"
	"slices"
)

// strip is a check over versions. Height tells as much as colour: a pass is a hairline, a warning half, a failure all of the height.
func strip(vs []Verdict, a *axis, w, h float64, name string) template.HTML {
	s := &svg{}
	n := map[string]int{}
	for _, v := range vs {
		n[looks(v.Verdict)]++
	}
	s.f(`<svg class="strip" viewBox="0 0 %v %v" preserveAspectRatio="none" role="img" aria-label="%v over %v: `, w, h, name,
		plural(int64(len(vs)), "version"))
	s.f(`%v pass, %v warn, %v held, %v fail, %v unknown">`, n["pass"], n["warn"], n["held"], n["fail"], n["unknown"])
	cell := max(1.6, (a.x1-a.x0)/float64(max(1, len(a.versions))))
	for _, form := range []struct {
		verdict string
		height  float64
	}{{"pass", 2}, {"unknown", 2}, {"warn", h * .6}, {"held", h}, {"fail", h}} {
		p, from, to := &path{}, -1.0, -1.0
		flush := func() {
			if from >= 0 {
				p.to("M", from, h-form.height)
				p.to("h", to-from)
				p.to("v", form.height)
				p.to("h", from-to)
				p.WriteByte('z')
			}
		}
		for _, v := range vs {
			if looks(v.Verdict) != form.verdict {
				continue
			}
			x := a.x(v.Version)
			near := to + .01
			if form.verdict == "pass" {
				near += cell
			}
			if from >= 0 && x-cell/2 <= near {
				to = x + cell/2
				continue
			}
			flush()
			from, to = max(0, x-cell/2), x+cell/2
		}
		if flush(); p.Len() > 0 {
			s.f(`<path class="v-%v" d="%v"/>`, form.verdict, p.d())
		}
	}
	s.f(`</svg>`)
	return s.html()
}

// looks is the verdict that another is drawn as.
func looks(verdict string) string {
	switch verdict {
	case "pass", "warn", "held", "fail":
		return verdict
	case "released", "discarded":
		return "warn"
	}
	return "unknown"
}

// bars are amounts in at most n slots (summed), as one path.
func bars(amounts []int64, x, y, w, h float64, n int, class string) template.HTML {
	if len(amounts) == 0 {
		return ""
	}
	n = min(n, len(amounts))
	slots := make([]int64, n)
	for i, v := range amounts {
		slots[i*n/len(amounts)] += v
	}
	most := slices.Max(slots)
	if most <= 0 {
		return ""
	}
	width, p := min(w/float64(n), w/8), &path{}
	for i, v := range slots {
		if v > 0 {
			high, wide := max(1, h*float64(v)/float64(most)), max(.7, width-min(1.5, width*.25))
			p.to("M", x+float64(i)*width, y+h)
			p.to("v", -high)
			p.to("h", wide)
			p.to("v", high)
		}
	}
	s := &svg{}
	s.f(`<path class="%v" d="%v"/>`, class, p.d())
	return s.html()
}

// spark is amounts over versions, for a row of a table.
func spark(amounts []int64, w, h float64, class, label string) template.HTML {
	s := &svg{}
	s.f(`<svg class="spark" viewBox="0 0 %v %v" preserveAspectRatio="none" role="img" aria-label="%v"><path class="gr" d="M0 %vH%v"/>%v</svg>`,
		w, h, label, h-.5, w, bars(amounts, 0, 0, w, h, int(w/2), class))
	return s.html()
}

// share is a bar in a row: what was written, and behind it what was refused.
func share(written, refused, most int64) template.HTML {
	if most <= 0 {
		return ""
	}
	a, b := 80*float64(written)/float64(most), 80*float64(refused)/float64(most)
	s := &svg{}
	s.f(`<svg class="bar" viewBox="0 0 80 10" aria-hidden="true"><path class="b1" d="M0 1h%vv8h%vz"/>`, a, -a)
	s.f(`<path class="b2" d="M%v 1h%vv8h%vz"/></svg>`, a, b, -b)
	return s.html()
}

// Bin of a distribution: what a version has, and what it would have were it like the baseline. The ends are nil at infinity; a label has
// none.
type Bin struct {
	Low, High *float64
	Label     string
	Now, Base float64
}

// histogram: shares now as bars, shares of the baseline as a line of steps. Bins are those that drift is measured by, each as wide.
func histogram(name string, bins []Bin, w, h float64) template.HTML {
	now, base, most := 0.0, 0.0, 0.0
	for _, b := range bins {
		now, base = now+b.Now, base+b.Base
	}
	if len(bins) == 0 || now == 0 {
		return ""
	}
	base = max(base, 1e-300)
	for _, b := range bins {
		most = max(most, b.Now/now, b.Base/base)
	}
	s := &svg{}
	s.f(`<svg viewBox="0 0 %v %v" role="img" aria-label="distribution of %v, now and in the baseline: `, w, h, name)
	for _, b := range bins {
		s.f(`%v %v, %v; `, b.name(), percent(b.Now/now), percent(b.Base/base))
	}
	s.f(`">`)
	x0, y1 := 4.0, h-15
	width := (w - 8) / float64(len(bins))
	p, q := &path{}, &path{}
	q.to("M", x0, y1)
	for i, b := range bins {
		x, high := x0+float64(i)*width, b.Now/now/most*(y1-4)
		p.to("M", x+.6, y1)
		p.to("v", -high)
		p.to("h", max(.5, width-1.2))
		p.to("v", high)
		p.WriteByte('z')
		q.to("V", y1-b.Base/base/most*(y1-4))
		q.to("H", x+width)
	}
	q.to("V", y1)
	s.f(`<path class="now" d="%v"/><path class="base" d="%v"/><path class="tk" d="M%v %vH%v"/>`, p.d(), q.d(), x0, y1, w-4)
	end := math.Inf(-1)
	for i, b := range bins {
		text, x := b.Label, x0+(float64(i)+.5)*width
		if b.High != nil {
			text, x = Decimal(*b.High), x0+float64(i+1)*width
		} else if b.Low != nil {
			continue
		}
		text = cut(text, 10)
		if half := float64(len([]rune(text))) * 3; x-half > end+6 && x+half < w && x-half >= 0 {
			s.f(`<path class="tk" d="M%v %vv3"/><text class="ax m" x="%v" y="%v">%v</text>`, x, y1, x, h-3, text)
			end = x + half
		}
	}
	s.f(`</svg>`)
	return s.html()
}

// name is a bin in words.
func (b Bin) name() string {
	switch {
	case b.Low != nil && b.High != nil:
		return Decimal(*b.Low) + " to " + Decimal(*b.High)
	case b.High != nil:
		return "up to " + Decimal(*b.High)
	case b.Low != nil:
		return "above " + Decimal(*b.Low)
	}
	return b.Label
}

// Calibrated is one of ten bins of scores: what was predicted and what came true, of n.
type Calibrated struct {
	Sum       float64 // of the scores
	Came, All int64
}

func (c Calibrated) predicted() float64 { return c.Sum / float64(c.All) }
func (c Calibrated) rate() float64      { return float64(c.Came) / float64(c.All) }

// wilson is the 95 % interval of a share.
func wilson(came, all int64) (lo, hi float64) {
	if all == 0 {
		return 0, 1
	}
	const z = 1.96
	p, n := float64(came)/float64(all), float64(all)
	middle, half := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, (middle-half)/(1+z*z/n)), min(1, (middle+half)/(1+z*z/n))
}

// hanleyMcNeil is the 95 % interval of an AUC with so many of either class.
func hanleyMcNeil(auc, positives, negatives float64) (lo, hi float64) {
	if positives < 1 || negatives < 1 {
		return math.NaN(), math.NaN()
	}
	q1, q2 := auc/(2-auc), 2*auc*auc/(1+auc)
	v := (auc*(1-auc) + (positives-1)*(q1-auc*auc) + (negatives-1)*(q2-auc*auc)) / (positives * negatives)
	half := 1.96 * math.Sqrt(max(0, v))
	return max(0, auc-half), min(1, auc+half)
}

// calibration is what was predicted against what came true: on the diagonal the model means what it says.
func calibration(now, base []Calibrated, w, h float64) template.HTML {
	s := &svg{}
	x0, x1, y0, y1 := 38.0, w-18, 8.0, h-32
	x := func(v float64) float64 { return x0 + v*(x1-x0) }
	y := func(v float64) float64 { return y1 - v*(y1-y0) }
	s.f(`<svg viewBox="0 0 %v %v" role="img" aria-label="calibration in ten bins; the numbers stand in the table below">`, w, h)
	for _, t := range []float64{0, .25, .5, .75, 1} {
		s.f(`<path class="gr" d="M%v %vH%v"/><text class="ax e" x="%v" y="%v">%v%%</text><text class="ax m" x="%v" y="%v">%v%%</text>`,
			x0, y(t), x1, x0-5, y(t)+3.5, int(t*100), x(t), y1+13, int(t*100))
	}
	s.f(`<text class="ax m" x="%v" y="%v">predicted</text><path class="diag" d="M%v %vL%v %v"/>`, (x0+x1)/2, h-4, x(0), y(0), x(1), y(1))
	for i, set := range [][]Calibrated{base, now} {
		class, p := []string{"base", "now"}[i], &path{}
		for _, b := range set {
			if b.All > 0 {
				p.WriteString(coordinate(x(b.predicted())) + "," + coordinate(y(b.rate())) + " ")
			}
		}
		s.f(`<polyline class="cal %v" points="%v"/>`, class, p.d())
	}
	for _, b := range now {
		if b.All > 0 {
			lo, hi := wilson(b.Came, b.All)
			s.f(`<path class="ci" d="M%v %vV%v"/>`, x(b.predicted()), y(lo), y(hi))
			s.f(`<circle class="dot" cx="%v" cy="%v" r="%v"><title>predicted %v, came true %v of %v</title></circle>`, x(b.predicted()),
				y(b.rate()), 2+min(4, math.Sqrt(float64(b.All))/12), percent(b.predicted()), percent(b.rate()), whole(b.All))
		}
	}
	s.f(`</svg>`)
	return s.html()
}
