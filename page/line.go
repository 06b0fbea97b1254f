package page

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
)

// line is a metric over versions.
type line struct {
	name     string
	href     string
	points   []Point
	versions []int64
	file     *File
	w, h     float64
	band     func(p Point) (lo, hi float64) // what is usual, or a confidence interval; nil: none
	limit    float64                        // a dashed line; 0: none
	zero     bool                           // the axis begins at zero
	most     float64                        // values above it are drawn at the edge; 0: none
	state    string                         // warn or bad: the colour of the last value
	from     int64                          // where the baseline ends: a hairline; 0: none
	numbers  bool                           // all numbers stand as a table behind it
	beside   []Series                       // the same of something else, in thinner lines
}

// extent of what is drawn.
type extent struct{ lo, hi float64 }

func (e *extent) grow(most float64, vs ...float64) {
	for _, v := range vs {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if most > 0 {
			v = min(v, most)
		}
		e.lo, e.hi = min(e.lo, v), max(e.hi, v)
	}
}

// told is what the chart says in words.
type told struct {
	last, least, most Point
	known             int
}

func tell(ps []Point) (t told) {
	for _, p := range ps {
		if !p.Known {
			continue
		}
		if t.known == 0 || p.Value < t.least.Value {
			t.least = p
		}
		if t.known == 0 || p.Value > t.most.Value {
			t.most = p
		}
		t.known, t.last = t.known+1, p
	}
	return t
}

// draw is the figure: its name and last value, the chart, and its numbers.
func (c line) draw() template.HTML {
	s, t := &svg{}, tell(c.points)
	head := `<span class="nm">` + string(Seen(c.name)) + `</span>`
	if c.href != "" {
		head = `<a class="nm" href="` + plain(c.href) + `">` + string(Seen(c.name)) + `</a>`
	}
	if t.known == 0 {
		s.f(`<figure class="chart"><figcaption>%v</figcaption><p class="empty">no value yet</p></figure>`, template.HTML(head))
		return s.html()
	}
	e := c.extent(t)
	ts := ticks(e.lo, e.hi, 3)
	left := 38.0 // the same for all, so that small multiples stand in line
	for _, v := range ts {
		left = max(left, float64(len([]rune(onAxis(v, ts))))*6+8)
	}
	a := &axis{c.file, c.versions, left, c.w - 7}
	top, bottom := 7.0, c.h-17
	y := func(v float64) float64 {
		if c.most > 0 {
			v = min(v, c.most)
		}
		return bottom - (min(max(v, e.lo), e.hi)-e.lo)/(e.hi-e.lo)*(bottom-top)
	}
	legend, also := c.legend()
	s.f(`<figure class="chart"><figcaption>%v <b class="%v">%v</b>%v</figcaption>`, template.HTML(head), c.state, Decimal(t.last.Value),
		legend)
	s.f(`<svg viewBox="0 0 %v %v" role="img" aria-label="%v over %v: last %v in v%v, least %v in v%v, most %v in v%v; %v without a value%v">`,
		c.w, c.h, c.name, plural(int64(len(c.versions)), "version"), Decimal(t.last.Value), t.last.Version, Decimal(t.least.Value),
		t.least.Version, Decimal(t.most.Value), t.most.Version, len(c.points)-t.known, also)
	for _, v := range ts {
		s.f(`<path class="gr" d="M%v %vH%v"/><text class="ax e" x="%v" y="%v">%v</text>`, left, y(v), c.w, left-5, y(v)+3.5, onAxis(v, ts))
	}
	a.labels(s, bottom+2, 44)
	runs := runs(c.points, a)
	c.drawBand(s, runs, a, y)
	if c.limit > 0 && c.limit <= e.hi {
		s.f(`<path class="lim" d="M%v %vH%v"/>`, left, y(c.limit), c.w)
	}
	if c.from > 0 {
		s.f(`<path class="tk" d="M%v %vV%v"/>`, a.x(c.from), top, bottom)
	}
	c.drawBeside(s, a, y)
	data := c.drawRuns(s, runs, a, y)
	if x := a.x(t.last.Version); x < a.x1-3 { // what came after the last value isn't known yet
		s.f(`<rect class="unk" x="%v" y="%v" width="%v" height="%v"/>`, x, top, a.x1-x, bottom-top)
	}
	s.f(`<circle class="end %v" cx="%v" cy="%v" r="2.6"/><g class="hv" data-d="%v"/></svg>`, c.state, a.x(t.last.Version), y(t.last.Value),
		data)
	if c.numbers {
		s.f("%v", c.table())
	}
	s.f(`</figure>`)
	return s.html()
}

// extent is what the axis spans.
func (c line) extent(t told) extent {
	e := extent{math.Inf(1), math.Inf(-1)}
	e.grow(c.most, t.least.Value, t.most.Value)
	for _, o := range c.beside {
		if t := tell(o.Points); t.known > 0 {
			e.grow(c.most, t.least.Value, t.most.Value)
		}
	}
	if c.band != nil { // a wide band, of few rows, isn't to press the line flat
		around := max(.1*math.Abs(t.most.Value), 2*(t.most.Value-t.least.Value))
		for _, p := range c.points {
			if p.Known {
				lo, hi := c.band(p)
				e.grow(c.most, max(lo, t.least.Value-around), min(hi, t.most.Value+around))
			}
		}
	}
	if c.zero {
		e.grow(0, 0)
	}
	if c.limit > 0 && c.limit < e.hi*3 {
		e.grow(0, c.limit)
	}
	if math.IsInf(e.lo, 0) {
		e = extent{0, 1}
	}
	if e.hi == e.lo {
		e.lo, e.hi = e.lo-max(1, math.Abs(e.lo)/10), e.hi+max(1, math.Abs(e.hi)/10)
		if c.zero {
			e.lo = 0
		}
	}
	return e
}

// legend names what stands beside, with the last values; also says so in words.
func (c line) legend() (html template.HTML, also string) {
	if len(c.beside) == 0 {
		return "", ""
	}
	s := &svg{}
	s.f(`<span class="besides">`)
	for i, o := range c.beside {
		last := unknown
		if t := tell(o.Points); t.known > 0 {
			last = Decimal(t.last.Value)
		}
		s.f(` <small class="bs%v">%v %v</small>`, i%3, Seen(cut(o.Name, 40)), last)
		also += "; " + o.Name + ": last " + last
	}
	s.f(`</span>`)
	return s.html(), also
}

// drawBeside draws the lines of what stands beside; each is dashed in its own way.
func (c line) drawBeside(s *svg, a *axis, y func(float64) float64) {
	for i, o := range c.beside {
		for _, run := range runs(o.Points, a) {
			pts := &path{}
			for _, p := range run {
				pts.WriteString(coordinate(a.x(p.Version)) + "," + coordinate(y(p.Value)) + " ")
			}
			if len(run) == 1 {
				s.f(`<circle class="pt" cx="%v" cy="%v" r="1.6"/>`, a.x(run[0].Version), y(run[0].Value))
			}
			s.f(`<polyline class="bs bs%v" points="%v"/>`, i%3, template.HTML(strings.TrimSpace(pts.String())))
		}
	}
}

// drawBand is broken where the line is.
func (c line) drawBand(s *svg, runs [][]Point, a *axis, y func(float64) float64) {
	if c.band == nil {
		return
	}
	for _, run := range runs {
		if len(run) > 2 && !slices.ContainsFunc(run, func(p Point) bool {
			lo, hi := c.band(p)
			first, last := c.band(run[0])
			return lo != first || hi != last
		}) { // the same for all: its ends are enough
			run = []Point{run[0], run[len(run)-1]}
		}
		up, down := &path{}, &path{}
		for i, p := range run {
			_, hi := c.band(p)
			back := run[len(run)-1-i]
			lo, _ := c.band(back)
			if math.IsNaN(lo) || math.IsNaN(hi) {
				return
			}
			up.to("", a.x(p.Version), y(hi))
			up.WriteByte(' ')
			down.to("", a.x(back.Version), y(lo))
			down.WriteByte(' ')
		}
		s.f(`<polygon class="bd" points="%v%v"/>`, up.d(), template.HTML(strings.TrimSpace(down.String())))
	}
}

// drawRuns draws the line, and gives "version:value" of its points.
func (c line) drawRuns(s *svg, runs [][]Point, a *axis, y func(float64) float64) string {
	var data strings.Builder
	for _, run := range runs {
		pts := &path{}
		for i, p := range run {
			if i > 0 {
				pts.WriteByte(' ')
			}
			pts.WriteString(coordinate(a.x(p.Version)) + "," + coordinate(y(p.Value)))
			fmt.Fprintf(&data, "%d:%s ", p.Version, Decimal(p.Value))
		}
		if len(run) == 1 {
			s.f(`<circle class="pt" cx="%v" cy="%v" r="1.6"/>`, a.x(run[0].Version), y(run[0].Value))
		}
		s.f(`<polyline class="ln" points="%v"/>`, pts.d())
	}
	return strings.TrimSpace(data.String())
}

// table has a chart's numbers, for those who can't see it.
func (c line) table() template.HTML {
	s := &svg{}
	s.f(`<details><summary>%v as a table</summary><div class="wide" tabindex="0" role="region" aria-label="Numbers of %v">`, c.name, c.name)
	s.f(`<table class="list num"><thead><tr><th>version</th><th>when (UTC)</th><th class="r">value</th>`)
	for _, o := range c.beside {
		s.f(`<th class="r">%v</th>`, Seen(cut(o.Name, 40)))
	}
	s.f(`</tr></thead><tbody>`)
	for _, p := range c.points {
		s.f(`<tr><td>v%v</td><td class="soft">%v</td><td class="r">%v</td>`, p.Version, inList(c.file.At(p.Version)), said(p))
		for _, o := range c.beside {
			other := "" // of thinned points not all stand at the same versions
			if i := slices.IndexFunc(o.Points, func(x Point) bool { return x.Version == p.Version }); i >= 0 {
				other = said(o.Points[i])
			}
			s.f(`<td class="r">%v</td>`, other)
		}
		s.f(`</tr>`)
	}
	s.f(`</tbody></table></div></details>`)
	return s.html()
}

func said(p Point) string {
	if !p.Known {
		return unknown
	}
	return Decimal(p.Value)
}

// runs are the points between gaps: a version without a value, or a missing version, ends a run. Thinned points stand apart without a gap.
func runs(ps []Point, a *axis) (out [][]Point) {
	step := 1
	if len(ps) > 1 && len(a.versions) > len(ps) {
		step = 4*len(a.versions)/len(ps) + 1 // the two of a bucket may stand at its ends
	}
	var run []Point
	for i, p := range ps {
		gap := i > 0 && a.place(p.Version)-a.place(ps[i-1].Version) > step
		if (!p.Known || gap) && run != nil {
			out, run = append(out, run), nil
		}
		if p.Known && !math.IsInf(p.Value, 0) && !math.IsNaN(p.Value) {
			run = append(run, p)
		}
	}
	if run != nil {
		out = append(out, run)
	}
	return out
}

// sparkline is a metric for a margin.
func sparkline(ps []Point, a *axis, w, h float64, label string) template.HTML {
	e := extent{math.Inf(1), math.Inf(-1)}
	e.grow(0, values(ps)...)
	if math.IsInf(e.lo, 0) {
		return ""
	}
	if e.hi == e.lo {
		e.lo, e.hi = e.lo-1, e.hi+1
	}
	s := &svg{}
	s.f(`<svg class="spark" viewBox="0 0 %v %v" role="img" aria-label="%v">`, w, h, label)
	for _, run := range runs(ps, a) {
		pts := &path{}
		for _, p := range run {
			pts.WriteString(coordinate(a.x(p.Version)) + "," + coordinate(h-2-(p.Value-e.lo)/(e.hi-e.lo)*(h-4)) + " ")
		}
		if len(run) == 1 {
			s.f(`<circle class="pt" cx="%v" cy="%v" r="1.6"/>`, a.x(run[0].Version), h-2-(run[0].Value-e.lo)/(e.hi-e.lo)*(h-4))
		}
		s.f(`<polyline class="ln" points="%v"/>`, template.HTML(strings.TrimSpace(pts.String())))
	}
	s.f(`</svg>`)
	return s.html()
}

// Thin keeps the least and the greatest of each of at most n/2 buckets: what was extreme stays.
func Thin(ps []Point, n int) []Point {
	if len(ps) <= n || n < 2 {
		return ps
	}
	var out []Point
	buckets := n / 2
	for b := range buckets {
		part := ps[b*len(ps)/buckets : (b+1)*len(ps)/buckets]
		t := tell(part)
		switch {
		case t.known == 0:
			out = append(out, part[0])
		case t.least.Version == t.most.Version:
			out = append(out, t.least)
		case t.least.Version < t.most.Version:
			out = append(out, t.least, t.most)
		default:
			out = append(out, t.most, t.least)
		}
	}
	return out
}
