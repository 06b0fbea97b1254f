package page

import (
	"html/template"
	"slices"
	"strings"
	"time"

	"dsql/internal/lazy"
)

// Front is the first view: what needs a look, and the flow.
type Front struct {
	Pick   *Object // nil: nothing is picked
	Column string  // of it
}

// Graph is the flow.
func (v *Front) Graph(s *Site) template.HTML { return drawFlow(s, v.Pick, v.Column) }

// Fact is a name and a value of which something may be told elsewhere.
type Fact struct {
	Name  string
	Value string
	Href  string
	State string
}

// Thing is the page of an object.
type Thing struct {
	Object  *Object
	Metrics []Series           // those that are shown, thinned
	Names   []string           // of all metrics
	Filter  string             // what their names are to contain
	Checks  []Check            // in the order of their declaration
	Broken  map[string][]Count // by rule: the rows that were refused for it, by version (Rejected)
	Brought map[int64]string   // what brought the newest versions
	Of      int64              // the version whose changes are shown; 0: none
	Changed []Changed
	More    bool // there are more of them
	Rows    *Grid
	Wrong   []Problem
}

// Changed is what a version did to a row.
type Changed struct {
	Key   []string
	What  string // insert, delete, update
	Diffs []Diff
}

// Diff is a value before and after.
type Diff struct{ Name, Was, Is string }

// Most is how many metrics a page shows.
const Most = 24

// moment is a time of events; a sign where there is none yet.
func moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format(time.DateTime)
}

// Facts are an object's, in a line.
func (v *Thing) Facts(s *Site) (out []Fact) {
	o, t := v.Object, v.Object.Total()
	add := func(name, value, href, state string) { out = append(out, Fact{name, value, href, state}) }
	lost := func(name string, n int64, f Filter) {
		if n == 0 {
			add(name, "0", "", "")
		} else {
			add(name, whole(n), s.Rejects(f), "bad")
		}
	}
	if n := len(o.Counts); n > 0 {
		if o.Kind == "source" {
			add("records in", whole(t.In), "", "")
			lost("can't be read", t.Lost, Filter{Source: o.Name})
		} else {
			add("written", whole(t.Written), "", "")
			lost("rejected", t.Rejected, Filter{Destination: o.Name})
			add("dropped", whole(t.Dropped), "", "")
		}
		add("versions", whole(int64(n)), "", "")
		add("last", s.when(o.Counts[n-1].Version), "", "")
	}
	if o.Lag != nil {
		add("lag", whole(*o.Lag), "", "")
	}
	for _, t := range o.Times {
		name := func(what string) string {
			if len(o.Times) > 1 {
				return what + " of " + t.Input
			}
			return what
		}
		add(name("watermark"), moment(t.Watermark), "", "")
		if !t.Closed.IsZero() {
			add(name("closed up to"), moment(t.Closed), "", "")
		}
		if t.Partitions > 1 {
			add(name("held back by"), t.Behind, "", "")
		}
	}
	if o.Info != "" {
		add("what", o.Info, "", "")
	}
	if !o.Declared.IsZero() {
		add("declared", o.Declared.UTC().Format("2006-01-02"), "", "")
	}
	return out
}

// Counted: rows are counted of such objects, by version.
func (v *Thing) Counted() bool {
	return slices.Contains([]string{"source", "stream", "journal", "rollup"}, v.Object.Kind)
}

// Around are the neighbours.
func (v *Thing) Around(s *Site) template.HTML { return around(s, v.Object) }

// Line of a declaration, and beside it what came of it.
type Line struct {
	N    int
	Code template.HTML
	Note template.HTML
}

var (
	ruleLine   = lazy.Regexp(`(?i)\b(CONSTRAINT|CHECK)\s+("(?:[^"]|"")+"|\w+)`)
	metricLine = lazy.Regexp(`(?:^|[(,])\s*("(?:[^"]|"")+"|\w+)\s+=\s`)
)

func bare(name string) string {
	if strings.HasPrefix(name, `"`) {
		return strings.ReplaceAll(strings.Trim(name, `"`), `""`, `"`)
	}
	return name
}

// Lines are the declaration's.
func (v *Thing) Lines(s *Site) (out []Line) {
	if v.Object.Body == "" {
		return nil
	}
	a := &axis{s.File, v.Object.versions(), 1, 139}
	drops := strings.Count(strings.ToUpper(v.Object.Body), "VIOLATION DROP")
	for i, text := range strings.Split(v.Object.Body, "\n") {
		l := Line{N: i + 1, Code: code(text, func(name string) string { return s.Object(bare(name)) })}
		if m := ruleLine().FindStringSubmatch(text); m != nil {
			l.Note = v.ruleNote(s, a, bare(m[2]), strings.EqualFold(m[1], "CHECK"), strings.Contains(strings.ToUpper(text), " DROP") && drops == 1)
		} else if m := metricLine().FindStringSubmatch(text); m != nil {
			for _, x := range v.Metrics {
				if x.Name == bare(m[1]) {
					l.Note = sparkline(x.Points, a, 140, 16, x.Name+" by version") + template.HTML(" <span>"+lastOf(x.Points)+"</span>")
				}
			}
		}
		out = append(out, l)
	}
	return out
}

// lastOf is the newest value.
func lastOf(ps []Point) string {
	if t := tell(ps); t.known > 0 {
		return Decimal(t.last.Value)
	}
	return unknown
}

// ruleNote is what came of a constraint or check; drops: it is the only one that drops.
func (v *Thing) ruleNote(s *Site, a *axis, name string, check, drops bool) template.HTML {
	i := slices.IndexFunc(v.Checks, func(c Check) bool { return c.Name == name })
	out := &svg{}
	switch {
	case i >= 0:
		c := v.Checks[i]
		out.f(`%v <span class="v-%v">%v</span>`, strip(c.Verdicts, a, 140, 14, name), looks(c.last().Verdict), c.last().text())
	case check:
		return ""
	case len(v.Broken[name]) > 0:
		by := v.byVersion(v.Broken[name])
		n := int64(0)
		for _, x := range by {
			n += x
		}
		out.f(`%v <a href="%v">%v rejected</a>`, spark(by, 140, 14, "b2", "rejected by version"),
			s.Rejects(Filter{Destination: v.Object.Name, Rule: name}), whole(n))
	case drops:
		var by []int64
		for _, c := range v.Object.Counts {
			by = append(by, c.Dropped)
		}
		out.f(`%v <span>%v dropped</span>`, spark(by, 140, 14, "b1", "dropped by version"), short(v.Object.Total().Dropped))
	case len(v.Object.Counts) > 0:
		return `<span class="soft">nothing rejected</span>`
	}
	return out.html()
}

// byVersion sets amounts against the object's versions.
func (v *Thing) byVersion(cs []Count) (out []int64) {
	at := map[int64]int64{}
	for _, c := range cs {
		at[c.Version] += c.Rejected
	}
	for _, c := range v.Object.Counts {
		out = append(out, at[c.Version])
	}
	return out
}

func (c Check) last() (v Verdict) {
	if n := len(c.Verdicts); n > 0 {
		v = c.Verdicts[n-1]
	}
	return v
}

func (v Verdict) text() string {
	t := map[string]string{"pass": "✓", "warn": "▲", "held": "■ held", "fail": "■ fail"}[looks(v.Verdict)]
	if t == "" {
		t = "?"
	}
	if v.Value != nil {
		return t + " " + Decimal(*v.Value)
	}
	return t
}

// Strip is a row of the table of checks.
type Strip struct {
	Check
	Picture                      template.HTML
	Now, State                   string
	Warned, Stopped, NotKnown, N int64
}

// Strips are the checks.
func (v *Thing) Strips(s *Site) (out []Strip) {
	for _, c := range v.Checks {
		a := &axis{s.File, v.Object.versions(), 2, 618}
		r := Strip{Check: c, Picture: strip(c.Verdicts, a, 620, 22, c.Name), Now: c.last().text(), State: looks(c.last().Verdict),
			N: int64(len(c.Verdicts))}
		for _, x := range c.Verdicts {
			switch looks(x.Verdict) {
			case "warn":
				r.Warned++
			case "held", "fail":
				r.Stopped++
			case "unknown":
				r.NotKnown++
			}
		}
		out = append(out, r)
	}
	return out
}

// VersionRow is a version in the table.
type VersionRow struct {
	Count
	Refused int64
	Origin  string
	At      string
	Bar     template.HTML
	Href    string
}

// Versions are the newest ones, the newest first.
func (v *Thing) Versions(s *Site) (out []VersionRow) {
	o, most := v.Object, int64(1)
	shown := o.Counts[max(0, len(o.Counts)-12):]
	for _, c := range shown {
		most = max(most, c.Written+c.refused())
	}
	for _, c := range slices.Backward(shown) {
		r := VersionRow{Count: c, Refused: c.refused(), Origin: v.Brought[c.Version], At: inList(s.File.At(c.Version)),
			Bar: share(c.Written, c.refused(), most)}
		if o.Kind == "stream" || o.Kind == "journal" || o.Kind == "rollup" {
			r.Href = s.At(o.Name, c.Version)
		}
		out = append(out, r)
	}
	return out
}

// Origins are the columns, and what they are made of.
func (v *Thing) Origins(s *Site) (out []Origin) {
	for _, c := range v.Object.Columns {
		r := Origin{Column: c, Href: s.Pick(v.Object.Name, c.Name)}
		if s.Report {
			r.Href = ""
		}
		for _, x := range c.From {
			href := s.Pick(x.Object, x.Column)
			r.Made = append(r.Made, Fact{Name: x.Object + "." + x.Column, Href: href})
		}
		out = append(out, r)
	}
	return out
}

// Made says that it is known what some columns are made of.
func (v *Thing) Made() bool {
	return slices.ContainsFunc(v.Object.Columns, func(c Column) bool { return len(c.From) > 0 })
}

// Origin is a column in the table of columns.
type Origin struct {
	Column
	Href string
	Made []Fact
}

// Grid is a table of values as they are stored: never rounded, never grouped.
type Grid struct {
	Columns []GridColumn
	Rows    [][]Cell
	More    bool
}

// GridColumn is a column of a Grid.
type GridColumn struct {
	Name, Type string
	Number     bool
}

// Cell is a value.
type Cell struct {
	Text string
	Null bool
	Href string
}

// Show is the value, cut where it is very long.
func (c Cell) Show() template.HTML {
	if c.Null {
		return unknown
	}
	return Seen(cut(c.Text, 400))
}

// Linked are the rows; of a journal the first key column leads to their lives. A value that was cut is no key.
func (v *Thing) Linked(s *Site) *Grid {
	g, at := v.Rows, []int{}
	journal, keys := v.Object.Name, v.Object.Keys
	for _, k := range keys {
		at = append(at, slices.IndexFunc(g.Columns, func(c GridColumn) bool { return c.Name == k }))
	}
	if len(at) == 0 || slices.Contains(at, -1) {
		return g
	}
	out := &Grid{Columns: g.Columns, More: g.More} // what was read is shared
	for _, row := range g.Rows {
		row = slices.Clone(row)
		out.Rows = append(out.Rows, row)
		key := make([]string, len(at))
		null := false
		for i, j := range at {
			key[i], null = row[j].Text, null || row[j].Null || len(row[j].Text) > 400
		}
		if !null {
			row[at[0]].Href = s.Life(journal, key, 0, "")
		}
	}
	return out
}
