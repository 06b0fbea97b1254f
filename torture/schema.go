package torture

import (
	"slices"

	"dsql/sql/code"
)

// Fields that a source's declaration doesn't name, and what becomes of them: ON SCHEMA CHANGE, and declarations that name them later.

// extras are the fields that files and topics bring beside their source's columns.
var extras = []Column{{"c", "BIGINT"}, {"e", "VARCHAR"}}

// What ON SCHEMA CHANGE may say.
const (
	addColumns = "ADD COLUMNS"
	failOnNew  = "FAIL"
)

// fields are all that a record of a source may have.
func (d *Decl) fields() []Column {
	return append(slices.Clip(d.Cols), filter(extras, func(c Column) bool { return !has(names(d.Cols), c.Name) })...)
}

// declared are the columns that a declaration may name: those that were there from the beginning.
func declared(cols []string) []string {
	return filter(cols, func(c string) bool { return !has(names(extras), c) })
}

// given are the columns of a source's rows.
func (m *Model) given(src *Decl) []string {
	out := names(src.Cols)
	if src.Change != addColumns {
		return out
	}
	return append(out, filter(m.learned[low(src.Name)], func(c string) bool { return !has(out, c) })...)
}

// absent are the columns of a source that a file says nothing of.
func (m *Model) absent(src *Decl, f File) []string {
	return filter(m.given(src), func(c string) bool { return !has(f.Cols, c) && c != "day" })
}

// unknown are the columns of a file that its source doesn't have. JSON has only those of which there is a value.
func (m *Model) unknown(src *Decl, f File) []string {
	known := m.given(src)
	return filter(f.Cols, func(c string) bool {
		return !has(known, c) && (src.Format != "json" || slices.ContainsFunc(f.Rows, func(r Record) bool { return r.Values[c] != nil }))
	})
}

// bind looks at the files that no destination has begun (at all, when the declaration is another), as a run does before it reads: what they
// bring is known from the first one on.
func (m *Model) bind() {
	for n, src := range m.sources {
		for _, f := range m.files[n] {
			if !f.Broken && (m.anew[n] || !m.begun(n, f)) {
				m.learn(n, m.unknown(src, f))
			}
		}
		delete(m.anew, n)
	}
}

// begun says whether a destination has taken something of a file.
func (m *Model) begun(source string, f File) bool {
	for _, x := range m.dests {
		if has(lowered(x.decl.From), source) && x.taken[unit{file: f}.name()] {
			return true
		}
	}
	return false
}

// learn gives a source columns, and all that takes them by *: whether there were new ones.
func (m *Model) learn(source string, cols []string) (grew bool) {
	if m.sources[source].Change != addColumns || m.stop > 0 && m.version >= m.stop {
		return false
	}
	for _, c := range cols {
		if !has(m.given(m.sources[source]), c) {
			m.learned[source], grew = append(m.learned[source], c), true
			m.Tally["columns that files and topics brought"]++
		}
	}
	m.spread()
	return grew
}

// spread lets all destinations have the columns that their declarations give now. Those that are no longer given stay.
func (m *Model) spread() {
	for _, n := range m.sorted() {
		x := m.dests[n]
		x.stores = m.kept(x.decl)
		for _, c := range x.stores {
			if !has(x.cols, c) {
				x.cols = append(slices.Clip(x.cols), c)
			}
		}
	}
}

// meets is what ON SCHEMA CHANGE makes of the files of a batch before it is taken.
func (m *Model) meets(source string, g []unit) error {
	for _, u := range g {
		fresh := m.unknown(m.sources[source], u.file)
		if m.sources[source].Change == failOnNew && len(fresh) > 0 {
			return &exit{code: code.ExitFailed, why: "new fields"}
		}
		m.learn(source, fresh)
	}
	return nil
}

// back is a rejected row as it comes back: in the columns that its destination's query gives now.
func (m *Model) back(n string, r Rec) Rec {
	cols := forms[m.dests[n].decl.Form].cols(m.columns(m.dests[n].decl.From[0]))
	r.Row = r.Row.without(filter(names(extras), func(c string) bool { return !has(cols, c) })).filled(cols)
	return r
}

// fields are those of a part of a topic.
func (m *Model) fields(source string, cut offsets) []string {
	var out []string
	for p, at := range cut {
		for _, r := range m.topics[source][p][at[0]:at[1]] {
			out = append(out, filter(names(extras), func(c string) bool { return !r.Tombstone && r.Bad == "" && r.Values[c] != nil })...)
		}
	}
	slices.Sort(out) // the order of columns is none that is compared
	return out
}

// fresh are fields beside a source's columns, that a file brings.
func (g *gen) fresh(src *Decl) []string {
	var out []string
	for _, c := range extras {
		had := src.Name + " brought " + c.Name
		if !has(names(src.Cols), c.Name) && g.may("schema", either(g.counter[had] > 0, .7, .2)) {
			g.counter[had]++
			out = append(out, c.Name)
		}
	}
	return out
}

// widened declares a source with one more of the columns that its files may have.
func (g *gen) widened(m *Model, s *Step) {
	list := filter(m.order, func(n string) bool { return m.sources[n] != nil && len(m.sources[n].fields()) > len(m.sources[n].Cols) })
	if len(list) == 0 {
		return
	}
	s.Part = false // the contract doesn't say in which order the others are read then
	n := one(g, list)
	d := *m.sources[n]
	for _, c := range d.fields()[len(d.Cols):] {
		alone := !slices.ContainsFunc(m.readers(n), func(r *Decl) bool { return len(r.From) > 1 })
		if alone && !has(m.learned[n], c.Name) && g.chance(.7) {
			d.Cols = append(slices.Clip(d.Cols), c)
		}
	}
	if g.chance(.5) || d.Change == failOnNew {
		d.Change = one(g, []string{"", addColumns})
	}
	if slices.ContainsFunc(m.readers(n), func(r *Decl) bool { return len(r.From) > 1 }) {
		d.Change = ""
	}
	s.Decls = append(s.Decls, d)
}
