package torture

import "slices"

// Joins of two streams: each pair of their rows once, with the version that brings the later one, whatever becomes of either later on.

const pairsForm = "pairs"

// pairsOf is the form of such a query.
var pairsOf = form{kind: "pairs", need: []string{"id", "a"},
	text: func(w *writer, d *Decl, _ string) string {
		return "AS SELECT x.id, x.a, y.b FROM STREAM " + w.name(d.From[0]) + " x JOIN STREAM " + w.name(d.From[1]) + " y ON x.id = y.id"
	},
	cols: func([]string) []string { return []string{"id", "a", "b"} },
	rows: func(_ *Model, _ *Decl, in []Rec) []Rec { return in }}

// joined are two streams as their source has them, and their join.
func (g *gen) joined(m *Model) []Decl {
	var out []Decl
	for range 2 {
		d := Decl{Kind: "stream", Name: g.next("d"), From: []string{m.sources[one(g, sortedKeys(m.sources))].Name}}
		g.chain(&d, m.columns(d.From[0]))
		m.declare(&d)
		out = append(out, d)
	}
	if d, ok := g.pairs(m); ok {
		m.declare(&d)
		out = append(out, d)
	}
	return out
}

// pairs draws a join of streams that there are, false where none fit.
func (g *gen) pairs(m *Model) (Decl, bool) {
	can := filter(m.sorted(), func(n string) bool {
		x := m.dests[n]
		return !x.journal() && !slices.ContainsFunc(pairsOf.need, func(c string) bool { return !has(x.stores, c) })
	})
	if len(can) == 0 {
		return Decl{}, false
	}
	of := m.dests[one(g, can)].decl
	others := filter(m.sorted(), func(n string) bool {
		x := m.dests[n]
		return !x.journal() && n != low(of.Name) && has(x.stores, "id") && has(x.stores, "b")
	})
	if len(others) == 0 {
		return Decl{}, false
	}
	d := Decl{Kind: "stream", Name: g.next("d"), Form: pairsForm, From: []string{of.Name, m.dests[one(g, others)].decl.Name}}
	g.chain(&d, pairsOf.cols(nil))
	g.dodge(&d)
	return d, true
}

// met are the pairs that a join's sides bring up to a version: new rows of the first with all of the second, and those of the first that were
// there before with new ones of the second.
func (m *Model) met(x *Dest) []Rec {
	var out []Rec
	m.Tally["joins that were computed"]++
	a, b := low(x.decl.From[0]), low(x.decl.From[1])
	for _, l := range m.dests[a].rows {
		for _, r := range m.dests[b].rows {
			id := l.row["id"]
			if fresh := l.version > x.place[a] || r.version > x.place[b]; fresh && id != nil && id == r.row["id"] {
				out = append(out, Rec{Row: Row{"id": id, "a": l.row["a"], "b": r.row["b"]}})
			}
		}
	}
	return out
}
