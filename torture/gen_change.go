package torture

import "slices"

// Another text of a declaration.

// changed is another text of a destination that what is stored can follow.
func (g *gen) changed(old *Decl) Decl {
	d := *old
	cols := []string{"id", "a", "b"}
	if d.Form == "group" {
		cols = []string{"a", "b"}
	}
	switch g.below(5) {
	case 0:
		d.Rules = nil
		g.part("rules", &d, cols)
	case 1:
		d.Checks = nil
		g.part("checks", &d, cols)
	case 2:
		if slices.ContainsFunc(d.Checks, func(c Check) bool { return checks[c.Expect].past != nil }) {
			break
		}
		d.Metrics = nil
		g.part("metrics", &d, cols)
	case 3: // what let nothing through does now
		d.Checks = slices.Clone(d.Checks)
		for i := range d.Checks {
			d.Checks[i].Fail = "WARN"
		}
		d.Rules = slices.Clone(d.Rules)
		for i := range d.Rules {
			d.Rules[i].Break = either(d.Rules[i].Break == "FAIL", "REJECT", d.Rules[i].Break)
		}
		if d.Kind == "journal" && len(d.Seq) == 0 {
			d.Guard = 101
		}
	case 4:
		g.clauses(&d)
	}
	g.dodge(&d)
	return d
}

// part draws one part of the chain anew.
func (g *gen) part(feature string, d *Decl, cols []string) {
	was := g.on
	g.on = map[string]bool{feature: true, "over_table": was["over_table"], "absent": was["absent"], "history": was["history"]}
	g.chain(d, cols)
	g.on = was
}

// clauses changes a journal's clauses.
func (g *gen) clauses(d *Decl) {
	switch {
	case d.Kind != "journal":
	case len(d.Seq) == 0:
		d.Guard = one(g, []int{101, 50, 30})
	case g.chance(.3):
		d.Late = one(g, []int{0, 2, 5})
	case g.chance(.5):
		d.Track = one(g, []List{{}, {Names: []string{"a"}}, {Names: []string{"b"}}, {Star: true, Names: []string{"b"}}})
		if slices.ContainsFunc(d.Track.Names, func(c string) bool { return has(d.Keys, c) }) {
			d.Track = List{}
		}
	case !d.Now:
		d.IgnoreNull = one(g, [][]string{nil, {"*"}, {"a"}})
	}
}

func (g *gen) sink(m *Model) Decl {
	from := g.dest(m).Name
	typ := m.extra(from)
	can := []string{"csv"}
	if fits("parquet", typ) {
		can = append(can, "parquet")
	}
	if typ != "DOUBLE" && typ != "JSON" && (typ == "" || !nested(typ)) { // JSON has no NaN, and other texts for what is nested
		can = append(can, "json")
	}
	d := Decl{Kind: "sink", Name: g.next("o"), Format: one(g, can), Folder: "out/" + g.next("folder"), From: []string{from}}
	topic, add := g.may("kafka_sink", .5), g.chance(.25)
	if !topic || !has(can, "json") {
		return d
	}
	d.Format, d.Folder, d.Topic = "json", "", g.next("out")
	if keys := m.decl(from).Keys; len(keys) > 0 {
		d.Key, d.Append = keys[0], add
	} else if has(m.columns(from), "id") {
		d.Key = "id"
	}
	return d
}

// extra is the type of the column x of what a name stands for.
func (m *Model) extra(name string) string {
	d := m.decl(name)
	for d.Kind != "source" {
		d = m.decl(d.From[0])
	}
	return d.extra()
}
