package page

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
)

// The flow: what goes where, as boxes joined by lines.

const (
	boxW, boxH, rowH = 178.0, 72.0, 17.0
	manyBoxes        = 150 // above it a picked object's neighbourhood is drawn, not all
)

// icons are 10 × 10, in the kind's colour.
var icons = map[string]template.HTML{
	"source":     "M1 1L9 5L1 9z",
	"stream":     "M0 1h10v2H0zM0 4h10v2H0zM0 7h10v2H0z",
	"journal":    "M0 3h7v7H0zM3 0h7v7H8V2H3z",
	"model":      "M5 0L10 5L5 10L0 5z",
	"monitor":    "M0 5h2l2-5 2 8 1.5-3H10v1.5H8.4L6 10.6 3.8 4.2 3 6.5H0z",
	"sink":       "M0 0h10v2H0zM4 3h2v3h3L5 10 1 6h3z",
	"experiment": "M4 0h2v3L10 10H0L4 3z",
	"endpoint":   "M0 4h6V1l4 4-4 4V6H0z",
	"table":      "M0 0h4.5v4.5H0zM5.5 0H10v4.5H5.5zM0 5.5h4.5V10H0zM5.5 5.5H10V10H5.5z",
}

func kindOf(kind string) string {
	if icons[kind] == "" {
		return "table"
	}
	return kind
}

func icon(kind string) template.HTML {
	s := &svg{}
	kind = kindOf(kind)
	s.f(`<svg class="ic k-%v" viewBox="0 0 10 10" aria-hidden="true"><path d="%v"/></svg>`, kind, icons[kind])
	return s.html()
}

// flow is a graph that is being drawn.
type flow struct {
	*Site
	pick  *Object
	col   string
	shown []*Object
	on    map[*Object]bool // nil: nothing is picked
	cols  map[Ref]bool     // nil: no column is
	rows  map[*Object][]Column
	boxes map[*Object]*box
	joins []join
}

// join is a line between two objects, or between two of their columns.
type join struct {
	*link
	from, to *Object
	column   bool
}

// drawFlow draws the graph. With an object picked its ways in both directions are lit, with a column of it only what that touches.
func drawFlow(s *Site, pick *Object, col string) template.HTML {
	f := &flow{Site: s, pick: pick, col: col, rows: map[*Object][]Column{}, boxes: map[*Object]*box{}}
	if f.shown = s.File.Objects; pick != nil {
		f.on = s.File.near(pick)
		if col != "" {
			f.cols, f.on = s.File.lit(Ref{pick.Name, col}), map[*Object]bool{}
			for r := range f.cols {
				f.on[s.File.Object(r.Object)] = true
			}
		}
		if len(f.shown) > manyBoxes {
			f.shown = slices.DeleteFunc(slices.Clone(f.shown), func(o *Object) bool { return !f.on[o] })
		}
	} else if len(f.shown) > manyBoxes {
		f.shown = f.shown[:manyBoxes]
	}
	l := f.lay()
	out, class := &svg{}, "flow"
	if l.w < 860 { // it isn't to be blown up
		class += " mini"
	}
	out.f(`<svg class="%v" viewBox="-4 -4 %v %v" width="%v" height="%v" role="group" aria-label="what flows where: %v">`,
		class, l.w+8, l.h+8, l.w+8, l.h+8, plural(int64(len(f.shown)), "object"))
	for _, lit := range []bool{false, true} { // the lit ones above the others
		for _, j := range f.joins {
			if f.lights(j) == lit {
				f.line(out, j)
			}
		}
	}
	for _, o := range f.shown {
		f.box(out, o)
	}
	out.f(`</svg>`)
	return out.html()
}

// lay makes boxes and links of what is shown, and places them.
func (f *flow) lay() *layout {
	l := &layout{gapX: 42, gapY: 20}
	for _, o := range f.shown {
		h := boxH
		for _, c := range o.Columns {
			if f.cols[Ref{o.Name, c.Name}] {
				f.rows[o] = append(f.rows[o], c)
			}
		}
		if n := len(f.rows[o]); n > 0 {
			h += float64(n)*rowH + 7
		}
		f.boxes[o] = &box{w: boxW, h: h, first: o.Kind == "source"}
		l.boxes = append(l.boxes, f.boxes[o])
	}
	for _, o := range f.shown {
		for _, name := range o.Reads {
			if from := f.File.Object(name); from != nil && f.boxes[from] != nil && from != o {
				f.join(from, o)
			}
		}
	}
	f.inputs()
	for _, j := range f.joins {
		l.links = append(l.links, j.link)
	}
	l.run()
	return l
}

// inputs adds the lines of columns to what doesn't read them itself: a model is given them by those who call it.
func (f *flow) inputs() {
	for _, o := range f.shown {
		for _, c := range f.rows[o] {
			for _, x := range c.From {
				from := f.File.Object(x.Object)
				if from == nil || from == o || f.boxes[from] == nil || !f.cols[x] || slices.Contains(o.Reads, x.Object) {
					continue
				}
				f.joins = append(f.joins, join{&link{from: f.boxes[from], to: f.boxes[o], fromPort: f.port(from, x.Column), toPort: f.port(o, c.Name)},
					from, o, true})
			}
		}
	}
}

// port is where a column's row is, from the middle of its box.
func (f *flow) port(o *Object, column string) float64 {
	i := slices.IndexFunc(f.rows[o], func(x Column) bool { return x.Name == column })
	return boxH + 3 + (float64(i)+.5)*rowH - f.boxes[o].h/2
}

// join adds the lines from one object to another: by columns where such are picked.
func (f *flow) join(from, to *Object) {
	before := len(f.joins)
	for _, c := range f.rows[to] {
		for _, x := range c.From {
			if x.Object == from.Name && f.cols[x] {
				f.joins = append(f.joins, join{&link{from: f.boxes[from], to: f.boxes[to], fromPort: f.port(from, x.Column),
					toPort: f.port(to, c.Name)}, from, to, true})
			}
		}
	}
	if len(f.joins) == before {
		f.joins = append(f.joins, join{&link{from: f.boxes[from], to: f.boxes[to], fromPort: boxH/2 - f.boxes[from].h/2,
			toPort: boxH/2 - f.boxes[to].h/2}, from, to, false})
	}
}

func (f *flow) lights(j join) bool {
	return f.on == nil || f.on[j.from] && f.on[j.to] && (f.cols == nil || j.column)
}

// hovers are classes by which pointing at a box lights this: see hoverRules.
func (f *flow) hovers(os ...*Object) string {
	if len(f.shown) > 60 {
		return ""
	}
	var b strings.Builder
	for i, o := range f.shown {
		near := f.File.near(o)
		if !slices.ContainsFunc(os, func(x *Object) bool { return !near[x] }) {
			fmt.Fprintf(&b, " h%d", i)
		}
	}
	return b.String()
}

func (f *flow) line(s *svg, j join) {
	width := 1.2
	if n := j.from.Total().Written; n > 0 {
		width = 1 + .45*math.Log10(float64(n))
	}
	class := "e"
	switch {
	case !f.lights(j):
		class += " dim"
	case f.on != nil:
		class += " lit"
	}
	if j.column {
		width = 1.6
	}
	s.f(`<path class="%v%v" stroke-width="%v" d="%v"/>`, class, f.hovers(j.from, j.to), width, curve(j.way))
}

var marks = map[string]template.HTML{"warn": "M0 9L5.5 0L11 9z", "bad": "M0 0h9v9H0z"}

func (f *flow) box(s *svg, o *Object) {
	b := f.boxes[o]
	kind := kindOf(o.Kind)
	class := "box k-" + kind
	if f.on != nil && !f.on[o] {
		class += " dim"
	}
	if o == f.pick {
		class += " picked"
	}
	state, tell := f.File.state(o)
	s.f(`<g class="%v b%v%v" transform="translate(%v %v)">`, class, slices.Index(f.shown, o), f.hovers(o), b.x, b.y)
	s.f(`<a href="%v"><title>%v %v: %v</title>`, f.Pick(o.Name, ""), o.Kind, o.Name, tell)
	s.f(`<rect class="face" width="%v" height="%v" rx="5"/><path class="edge" d="M0 5a5 5 0 0 1 3-4.6V%va5 5 0 0 1-3-4.6z"/>`, b.w, b.h,
		b.h-.4)
	room := 19
	if state != "" { // its mark stands beside the name
		room = 17
	}
	s.f(`<path class="icon" transform="translate(13 12)" d="%v"/><text class="t" x="30" y="21">%v</text>`, icons[kind],
		cut(visible(o.Name), room))
	s.f(`<text class="s" x="13" y="38">%v</text>`, cut(visible(f.line2(o)), 28))
	if state != "" {
		s.f(`<path class="m-%v" transform="translate(%v 12)" d="%v"/>`, state, b.w-21, marks[state])
	}
	boxFoot(s, o, b)
	s.f(`</a>`)
	for i, c := range f.rows[o] {
		y := boxH + 3 + float64(i)*rowH
		if i == 0 {
			s.f(`<path class="gr" d="M3 %vH%v"/>`, boxH, b.w)
		}
		class := "c"
		if o == f.pick && c.Name == f.col {
			class += " picked"
		}
		s.f(`<a href="%v" class="%v"><rect x="3.5" y="%v" width="%v" height="%v"/><text x="13" y="%v">%v</text>`,
			f.Pick(o.Name, c.Name), class, y, b.w-4, rowH, y+12, cut(visible(c.Name), 18))
		s.f(`<text class="e2" x="%v" y="%v">%v</text></a>`, b.w-9, y+12, strings.ToLower(cut(c.Type, 10)))
	}
	s.f(`</g>`)
}

// boxFoot has the rows of each version as bars, and beneath them what was refused.
func boxFoot(s *svg, o *Object, b *box) {
	rows, lost := o.amounts()
	if len(rows) > 0 {
		s.f("%v%v", bars(rows, 13, 45, 78, 16, 39, "b1"), bars(lost, 13, 62, 78, 4, 39, "b2"))
	} else if len(o.Tags) > 0 {
		s.f(`<text class="s" x="13" y="55">%v</text>`, cut(visible(o.Tags[0].Name+": "+o.Tags[0].Value), 28))
	}
	if n := o.Total().refused(); n > 0 {
		s.f(`<text class="lost" x="%v" y="60">%v rejected</text>`, b.w-10, short(n))
	}
}

// amounts are the rows of each version, and those refused.
func (o *Object) amounts() (rows, lost []int64) {
	for _, c := range o.Counts {
		n := c.Written
		if o.Kind == "source" {
			n = c.In
		}
		rows, lost = append(rows, n), append(lost, c.refused())
	}
	return rows, lost
}

// line2 is the second line of a box.
func (s *Site) line2(o *Object) string {
	if o.Info != "" {
		return o.Info
	}
	if o.Lag != nil && *o.Lag > 0 {
		return "lag " + whole(*o.Lag)
	}
	last := ""
	if n := len(o.Counts); n > 0 {
		last = " · " + s.since(s.File.At(o.Counts[n-1].Version))
	}
	switch o.Kind {
	case "table":
		return "a table of the script"
	case "source":
		return short(o.Total().In) + " in" + last
	}
	if len(o.Counts) == 0 && o.Kind != "stream" && o.Kind != "journal" && o.Kind != "rollup" {
		return o.Kind
	}
	return short(o.Total().Written) + " rows" + last
}

// state is how an object is, and what is said of it.
func (f *File) state(o *Object) (state, tell string) {
	for _, x := range f.Findings {
		if x.Object != o.Name {
			continue
		}
		if x.Bad {
			return "bad", x.Name + " " + x.Text
		}
		if state == "" {
			state, tell = "warn", x.Name+" "+x.Text
		}
	}
	if state == "" {
		tell = "nothing needs a look"
	}
	return state, tell
}

// curve is a way as a path.
func curve(way [][2]float64) template.HTML {
	p := &path{}
	p.to("M", way[0][0], way[0][1])
	for i := 1; i < len(way); i++ {
		a, c := way[i-1], way[i]
		if math.Abs(a[1]-c[1]) < .05 {
			p.to("H", c[0])
			continue
		}
		m := (c[0] - a[0]) / 2
		p.to("C", a[0]+m, a[1], c[0]-m, c[1], c[0], c[1])
	}
	return p.d()
}

// hoverRules light the ways of a box that is pointed at, by style alone, so that a report without scripts does it too.
func hoverRules(n int) string {
	var b strings.Builder
	for i := range min(n, 60) {
		fmt.Fprintf(&b, ".flow:has(.b%d:is(:hover,:focus-within)) :is(.box,.e):not(.h%d){opacity:.22}\n", i, i)
	}
	return b.String()
}

// around draws the neighbours of one object, small.
func around(site *Site, o *Object) template.HTML {
	l := &layout{gapX: 40, gapY: 8}
	boxes := map[*Object]*box{}
	var all []*Object
	add := func(x *Object) *box {
		if boxes[x] == nil {
			boxes[x] = &box{w: 148, h: 26}
			l.boxes, all = append(l.boxes, boxes[x]), append(all, x)
		}
		return boxes[x]
	}
	for _, name := range o.Reads {
		if x := site.File.Object(name); x != nil && x != o {
			l.links = append(l.links, &link{from: add(x), to: add(o)})
		}
	}
	add(o)
	for _, name := range o.Feeds {
		if x := site.File.Object(name); x != nil && x != o && !slices.Contains(o.Reads, name) {
			l.links = append(l.links, &link{from: add(o), to: add(x)})
		}
	}
	if len(all) == 1 || len(all) > 40 {
		return ""
	}
	l.run()
	s := &svg{}
	s.f(`<svg class="flow mini" viewBox="-2 -2 %v %v" width="%v" height="%v" role="group" aria-label="reads %v, feeds %v">`,
		l.w+4, l.h+4, l.w+4, l.h+4, len(o.Reads), len(o.Feeds))
	for _, e := range l.links {
		s.f(`<path class="e" stroke-width="1.5" d="%v"/>`, curve(e.way))
	}
	for _, x := range all {
		class := "box k-" + kindOf(x.Kind)
		if x == o {
			class += " picked"
		}
		b := boxes[x]
		s.f(`<a href="%v"><title>%v %v</title><g class="%v" transform="translate(%v %v)"><rect class="face" width="%v" height="%v" rx="5"/>`,
			site.Object(x.Name), x.Kind, x.Name, class, b.x, b.y, b.w, b.h)
		s.f(`<path class="icon" transform="translate(9 8)" d="%v"/><text class="t" x="25" y="17.5">%v</text></g></a>`,
			icons[kindOf(x.Kind)], cut(visible(x.Name), 17))
	}
	s.f(`</svg>`)
	return s.html()
}
