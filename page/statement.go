package page

import (
	"html/template"
	"math"
	"strconv"
)

// Statement is the page of SQL.
type Statement struct {
	Text  string
	Asked bool // it was run
	Wrong string
	Grid  *Grid
	Took  string
}

// Code is the statement with its colours.
func (v *Statement) Code() template.HTML { return code(v.Text, nil) }

// mostBars have room; more rows are a line.
const mostBars = 40

// Chart draws a result whose second column, the last, is a number: bars, or of many rows a line in their order.
func (v *Statement) Chart() template.HTML {
	g := v.Grid
	if g == nil || len(g.Columns) != 2 || !g.Columns[1].Number || len(g.Rows) < 2 {
		return ""
	}
	values := make([]float64, len(g.Rows))
	for i, r := range g.Rows {
		x, err := strconv.ParseFloat(r[1].Text, 64)
		if err != nil && !r[1].Null {
			return ""
		}
		if values[i] = x; r[1].Null {
			values[i] = math.NaN()
		}
	}
	if e := extentOf(values); len(values) > mostBars || e.lo < 0 {
		return g.rowLine(values, e)
	}
	return g.bars(values)
}

// extentOf the finite ones among values.
func extentOf(values []float64) extent {
	e := extent{math.Inf(1), math.Inf(-1)}
	e.grow(0, values...)
	return e
}

// rowLine draws values in the order of the rows, with a gap where there is none.
func (g *Grid) rowLine(values []float64, e extent) template.HTML {
	if math.IsInf(e.lo, 0) {
		return ""
	}
	if e.hi == e.lo {
		e.lo, e.hi = e.lo-1, e.hi+1
	}
	const left, w, h = 60.0, 420.0, 200.0
	s, ts := &svg{}, ticks(e.lo, e.hi, 4)
	s.f(`<figure class="chart"><svg viewBox="0 0 %v %v" role="img" aria-label="%v by %v in the order of the rows; the table beside has the numbers">`,
		w, h, g.Columns[1].Name, g.Columns[0].Name)
	y := func(v float64) float64 { return h - 20 - (v-e.lo)/(e.hi-e.lo)*(h-30) }
	for _, t := range ts {
		s.f(`<path class="gr" d="M%v %vH%v"/><text class="ax e" x="%v" y="%v">%v</text>`, left, y(t), w, left-5, y(t)+3.5, onAxis(t, ts))
	}
	var run path
	end := func() {
		if run.Len() > 0 {
			s.f(`<polyline class="ln" points="%v"/>`, run.d())
		}
		run = path{}
	}
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			end()
			continue
		}
		run.WriteString(coordinate(left+float64(i)/float64(len(values)-1)*(w-left-4)) + "," + coordinate(y(v)) + " ")
	}
	end()
	last := len(g.Rows) - 1
	s.f(`<text class="ax" x="%v" y="%v">%v</text><text class="ax e" x="%v" y="%v">%v</text></svg></figure>`, left, h-4,
		cut(text(g.Rows[0][0]), 22),
		w-2, h-4, cut(text(g.Rows[last][0]), 22))
	return s.html()
}

// bars draws values beside their labels.
func (g *Grid) bars(values []float64) template.HTML {
	most := max(0, extentOf(values).hi)
	s := &svg{}
	h := float64(len(g.Rows))*20 + 4
	s.f(`<figure class="chart"><svg class="hb" viewBox="0 0 420 %v" role="img" aria-label="%v by %v; the table beside has the numbers">`, h,
		g.Columns[1].Name, g.Columns[0].Name)
	for i, r := range g.Rows {
		y, w := float64(i)*20, 0.0
		if most > 0 && !math.IsNaN(values[i]) && !math.IsInf(values[i], 0) {
			w = values[i] / most * 220
		}
		s.f(`<text class="e" x="120" y="%v">%v</text><rect class="now" x="126" y="%v" width="%v" height="14"/><text x="%v" y="%v">%v</text>`,
			y+14, cut(text(r[0]), 18), y+3, w, 132+w, y+14, Decimal(values[i]))
	}
	s.f(`</svg></figure>`)
	return s.html()
}
