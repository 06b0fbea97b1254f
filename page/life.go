package page

import (
	"html/template"
	"math"
	"slices"
	"strings"
	"time"
)

// Life is the view of one key of a journal: what was true when, and since when that is known.
type Life struct {
	Object  *Object
	Key     []string
	Names   []string         // of the columns that aren't keys
	Tracked []bool           // a change of it makes a version
	Beliefs []Belief         // all that ever was believed
	Axis    string           // "time", "number", or "" where what orders the events is neither, or isn't kept
	Opened  map[string]int64 // which version brought the event that opened a belief, by FromText
	Origins map[int64]string
	Seen    int64  // as it was known in that version; 0: now
	Column  string // whose belief is drawn by both times
	Query   string
	Anchor  string
	Wrong   []Problem
}

// Belief is a row of the journal's history: it held from From to To (infinite: still), and was thought to do so in the versions
// [Since, Until) (0: still).
type Belief struct {
	From, To     float64 // microseconds since 1970, or numbers
	FromText     string  // as the file has it
	ToText       string
	Since, Until int64
	Values       []Cell
}

// KeyText is the key in words.
func (v *Life) KeyText() string { return strings.Join(v.Key, ", ") }

// known are the beliefs of a version, in order.
func (v *Life) known(version int64) (out []Belief) {
	for _, b := range v.Beliefs {
		if version == 0 && b.Until == 0 || version > 0 && b.Since <= version && (b.Until == 0 || b.Until > version) {
			out = append(out, b)
		}
	}
	return out
}

// first is the version that brought the event that opened a belief.
func (v *Life) first(b Belief) int64 {
	since := b.Since
	if at, ok := v.Opened[b.FromText]; ok {
		since = min(since, at)
	}
	for _, x := range v.Beliefs {
		if x.FromText == b.FromText {
			since = min(since, x.Since)
		}
	}
	return since
}

// late: one that follows it was known before it came.
func (v *Life) late(b Belief) bool {
	since := v.first(b)
	return v.Axis != "" && slices.ContainsFunc(v.Beliefs, func(x Belief) bool { return x.From > b.From && v.first(x) < since })
}

// Newest are the newest values.
func (v *Life) Newest() (out []Fact) {
	if bs := v.known(v.Seen); len(bs) > 0 {
		for i, c := range bs[len(bs)-1].Values {
			text := c.Text
			if c.Null {
				text = unknown
			}
			out = append(out, Fact{Name: v.Names[i], Value: cut(text, 40)})
		}
	}
	return out
}

// Change is a row of the table of changes.
type Change struct {
	From, To, Lasted string
	Diffs            []Diff
	Gone, First      bool
	Late             bool
	Version          int64
	Known, Origin    string
	Href             string
}

// Total and Late count what is known.
func (v *Life) Total() int64 { return int64(len(v.known(v.Seen))) }

// Late is how many events came after one that follows them.
func (v *Life) Late() (n int64) {
	for _, b := range v.known(v.Seen) {
		if v.late(b) {
			n++
		}
	}
	return n
}

// Changes are what is known, the newest first.
func (v *Life) Changes(s *Site) (out []Change) {
	bs := v.known(v.Seen)
	for i, b := range slices.Backward(bs) {
		c := Change{From: b.FromText, To: b.ToText, Version: v.first(b), First: i == 0, Late: v.late(b)}
		if c.To == "" {
			c.To = "now"
		} else if v.Axis == "time" {
			c.Lasted = Lasted(time.Duration(b.To-b.From) * time.Microsecond)
		}
		c.Known, c.Origin = inTitle(s.File.At(c.Version)), v.Origins[c.Version]
		c.Href = s.Life(v.Object.Name, v.Key, c.Version, v.Column)
		if i > 0 {
			was := bs[i-1]
			for j, n := range v.Names {
				if b.Values[j] != was.Values[j] {
					c.Diffs = append(c.Diffs, Diff{n, text(was.Values[j]), text(b.Values[j])})
				}
			}
			out = append(out, c)
			if v.Axis != "" && was.To < b.From {
				out = append(out, Change{From: was.ToText, To: b.FromText, Gone: true})
			}
			continue
		}
		out = append(out, c)
	}
	if n := len(bs); n > 0 && bs[n-1].ToText != "" {
		out = append([]Change{{From: bs[n-1].ToText, To: "now", Gone: true}}, out...)
	}
	return out
}

func text(c Cell) string {
	if c.Null {
		return unknown
	}
	return cut(c.Text, 60)
}

// axis spans what happened, and a little more.
func (v *Life) axis(s *Site, x0, x1 float64) timeAxis {
	a := timeAxis{lo: math.Inf(1), hi: math.Inf(-1), x0: x0, x1: x1, times: v.Axis == "time"}
	for _, b := range v.Beliefs {
		a.lo, a.hi = min(a.lo, b.From), max(a.hi, b.From)
		if !math.IsInf(b.To, 0) {
			a.hi = max(a.hi, b.To)
		}
	}
	more := max((a.hi-a.lo)*.15, 1)
	if last := float64(s.File.Last().At.UnixMicro()); a.times && last > a.hi {
		a.hi = min(last, a.hi+max(more, 3600e6))
	} else {
		a.hi += more / 3
	}
	return a
}

// Shown says that there is something to draw.
func (v *Life) Shown() bool { return v.Axis != "" && len(v.Beliefs) > 0 }

// tones give each value of a column its tone, by first appearance.
func (v *Life) tones(j int) map[Cell]int {
	m := map[Cell]int{}
	for _, b := range v.Beliefs {
		if _, ok := m[b.Values[j]]; !ok {
			m[b.Values[j]] = len(m) % 6
		}
	}
	return m
}

const (
	lifeLeft, lifeW, laneH = 104.0, 1060.0, 28.0
)

func (v *Life) stops(s *svg, a timeAxis, y0, y1 float64) {
	at, names := a.stops(46)
	for i := range at {
		s.f(`<path class="gr" d="M%v %vV%v"/><text class="ax" x="%v" y="%v">%v</text>`, a.x(at[i]), y0, y1, a.x(at[i])+3, y1+11, names[i])
	}
}

// Lanes are the tracked columns through valid time.
func (v *Life) Lanes(s *Site) template.HTML {
	var tracked []int
	for j := range v.Names {
		if v.Tracked[j] {
			tracked = append(tracked, j)
		}
	}
	a, bs := v.axis(s, lifeLeft, lifeW-8), v.known(v.Seen)
	bottom := float64(len(tracked)) * laneH
	out := &svg{}
	out.f(`<svg class="life" viewBox="0 0 %v %v" width="%v" height="%v" role="group" `, lifeW, bottom+44, lifeW, bottom+44)
	out.f(`aria-label="%v through time; the table below has the same">`, plural(int64(len(tracked)), "column"))
	v.stops(out, a, 0, bottom+18)
	for i, j := range tracked {
		v.lane(out, s, a, bs, j, float64(i)*laneH)
	}
	out.f(`<text class="lb" x="0" y="%v">events</text>`, bottom+15)
	for _, b := range bs {
		if v.late(b) {
			out.f(`<circle class="late" cx="%v" cy="%v" r="4"><title>%v came late, in v%v</title></circle>`, a.x(b.From), bottom+11, b.FromText,
				v.first(b))
		} else {
			out.f(`<path class="ev" d="M%v %vv8"/>`, a.x(b.From), bottom+7)
		}
	}
	out.f(`</svg>`)
	return out.html()
}

// lane is one column: equal values that touch are one stretch, and where there is nothing, it is hatched.
func (v *Life) lane(out *svg, s *Site, a timeAxis, bs []Belief, j int, y float64) {
	name := v.Names[j]
	out.f(`<a href="%v"><text class="lb" x="0" y="%v"><title>%v</title>%v</text></a>`, s.Life(v.Object.Name, v.Key, v.Seen, name), y+18, name,
		cut(name, 15))
	tone := v.tones(j)
	for i := 0; i < len(bs); {
		k := i
		for k+1 < len(bs) && bs[k+1].Values[j] == bs[i].Values[j] && bs[k].To == bs[k+1].From {
			k++
		}
		x0, x1 := a.x(bs[i].From), a.x(bs[k].To)
		value := text(bs[i].Values[j])
		to := bs[k].ToText
		if to == "" {
			to = "now"
		}
		out.f(`<g class="sg q%v"><title>%v = %v, %v to %v</title><rect x="%v" y="%v" width="%v" height="%v" rx="2"/>`, tone[bs[i].Values[j]],
			name,
			value, bs[i].FromText, to, x0+.5, y+4, max(1, x1-x0-1), laneH-8)
		if float64(len([]rune(value)))*6.6+8 < x1-x0 {
			out.f(`<text x="%v" y="%v">%v</text>`, x0+6, y+18, value)
		}
		out.f(`</g>`)
		i = k + 1
	}
	for i := range bs {
		end := a.hi
		if i+1 < len(bs) {
			end = bs[i+1].From
		}
		if bs[i].To < end {
			out.f(`<rect class="hole" x="%v" y="%v" width="%v" height="%v"><title>deleted from %v on</title></rect>`, a.x(bs[i].To), y+4,
				a.x(end)-a.x(bs[i].To), laneH-8, bs[i].ToText)
		}
	}
}

// Both draws both times of a column. Each band is a state of knowledge, the newest on top; in it what was believed then, across. What lay
// beyond the newest version of that time was expected, and is pale.
func (v *Life) Both(s *Site) template.HTML {
	j := slices.Index(v.Names, v.Column)
	if j < 0 {
		return ""
	}
	var states []int64
	for _, b := range v.Beliefs {
		states = append(states, b.Since)
		if b.Until > 0 {
			states = append(states, b.Until)
		}
	}
	slices.Sort(states)
	states = slices.Compact(states)
	n := float64(len(states))
	band := min(26, max(3, 280/n))
	h := band*n + 30
	a := v.axis(s, lifeLeft, lifeW-8)
	y := func(version int64) float64 { // the lower edge of the band that it begins
		i, _ := slices.BinarySearch(states, version)
		return 6 + band*(n-float64(i))
	}
	out := &svg{}
	out.f(`<svg class="life" viewBox="0 0 %v %v" width="%v" height="%v" role="img" `, lifeW, h, lifeW, h)
	out.f(`aria-label="%v by both times: across when it held, upwards when it was known, in %v">`, v.Column,
		plural(int64(len(states)), "state"))
	v.stops(out, a, 6, h-24)
	tone := v.tones(j)
	for _, b := range v.Beliefs {
		top := 6.0
		if b.Until > 0 {
			top = y(b.Until)
		}
		x0, x1 := a.x(b.From), a.x(b.To)
		if x1 <= x0 || y(b.Since) <= top {
			continue
		}
		out.f(`<g class="sg q%v"><title>%v = %v, %v to %v, known from v%v on</title>`, tone[b.Values[j]], v.Column, text(b.Values[j]), b.FromText,
			b.ToText, b.Since)
		out.f(`<rect shape-rendering="crispEdges" x="%v" y="%v" width="%v" height="%v"/>`, x0, top, x1-x0, y(b.Since)-top)
		if value := text(b.Values[j]); float64(len([]rune(value)))*6.6+8 < x1-x0 && y(b.Since)-top > 15 {
			out.f(`<text x="%v" y="%v">%v</text>`, x0+6, y(b.Since)-(y(b.Since)-top)/2+4, value)
		}
		out.f(`</g>`)
	}
	v.expected(out, s, a, states, y)
	last := math.Inf(1)
	for _, version := range states {
		if at := y(version); last-at > 13 {
			out.f(`<text class="ax e" x="%v" y="%v">v%v</text><path class="tk" d="M%v %vh5"/>`, lifeLeft-8, at-band/2+3.5, version, lifeLeft-5, at)
			last = at
		}
	}
	out.f(`<text class="lb" x="0" y="14">known</text><text class="ax e" x="%v" y="%v">held →</text>`, lifeLeft-8, h-13)
	if v.Seen > 0 {
		at := y(v.Seen+1) - 1
		out.f(`<path class="seen" d="M%v %vH%v"/><text class="ax e" x="%v" y="%v">as known in v%v</text>`, lifeLeft, at, lifeW, lifeW-4, at-4,
			v.Seen)
	}
	out.f(`</svg>`)
	return out.html()
}

// expected makes pale what lay in the future of each state.
func (v *Life) expected(out *svg, s *Site, a timeAxis, states []int64, y func(int64) float64) {
	if !a.times {
		return
	}
	for i, version := range states {
		at, top := s.File.Last().At, 6.0
		if i+1 < len(states) {
			at, top = s.File.At(states[i+1]), y(states[i+1])
		}
		if x := a.x(float64(at.UnixMicro())); x < a.x1 {
			out.f(`<rect class="future" x="%v" y="%v" width="%v" height="%v"/>`, x, top, a.x1-x, y(version)-top)
		}
	}
}
