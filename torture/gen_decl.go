package torture

import (
	"fmt"
	"slices"
)

// Random declarations and files.

// source is a new one; with the columns of one that there is, where both shall be taken.
func (g *gen) source(like *Decl) Decl {
	d := Decl{Kind: "source", Name: g.next("s"), Format: "csv", Snapshot: g.may("snapshot", .45)}
	for _, f := range []string{"json", "parquet"} {
		if g.may(f, either(f == "parquet" && g.on["bad_file"], .7, .35)) {
			d.Format = f
		}
	}
	d.Cols = []Column{{"id", "INTEGER"}, {"op", "VARCHAR"}, {"a", "VARCHAR"}, {"b", "INTEGER"}, {"t", "INTEGER"}}
	if d.Snapshot {
		d.Cols = []Column{{"id", "INTEGER"}, {"a", "VARCHAR"}, {"b", "INTEGER"}, {"day", "INTEGER"}}
	}
	if like != nil && like.Snapshot == d.Snapshot && fits(d.Format, like.extra()) && g.may("inputs", .8) {
		d.Cols = like.Cols
	} else if g.may("types", .7) {
		typ := one(g, filter(sortedKeys(types), func(t string) bool { return fits(d.Format, t) }))
		d.Cols = append(d.Cols, Column{"x", typ})
	}
	if !d.Snapshot && g.may("topic", .75) {
		d.Format, d.Partitions = "json", 1+g.below(2)
	}
	if g.may("bad", .2) {
		d.Bad = "SKIP"
	}
	if d.Format == "parquet" && g.may("bad_file", .3) {
		d.BadFile = "FAIL"
	}
	switch {
	case d.Snapshot:
	case d.Partitions > 0:
		if g.may("batch_rows", .5) {
			d.BatchRows = 2 + g.below(3)
		}
	case g.may("batch_files", .5) && (d.Format != "parquet" || !g.on["bad_file"]): // where a batch ends at a bad file the contract doesn't say
		d.BatchFiles = 2 + g.below(2)
	case g.may("batch_rows", .4) && d.Format != "parquet":
		d.BatchRows = 2 + g.below(3)
	}
	if d.Partitions+d.BatchFiles+d.BatchRows == 0 && g.may("schema", .2) {
		d.Change = failOnNew
	} else if g.may("schema", .8) {
		d.Change = addColumns
	}
	return d
}

// extra is the type of the column that is there for its type, "" without one.
func (d *Decl) extra() string {
	for _, c := range d.Cols {
		if c.Name == "x" {
			return c.Type
		}
	}
	return ""
}

func (g *gen) value(c Column) Value {
	if p := map[string]float64{"id": .04, "t": .04, "op": .1}; g.chance(orFloat(p[c.Name], .15)) {
		return nil
	}
	switch c.Name {
	case "id":
		return int64(1 + g.below(4))
	case "op":
		return one(g, []string{"u", "u", "u", "d"})
	case "a":
		return one(g, []string{"x", "y", "z", "w"})
	case "b":
		return int64(g.below(10))
	case "t":
		return int64(1 + g.below(15))
	case "c":
		return int64(100 + g.below(3))
	case "e":
		return one(g, []string{"p", "q"})
	}
	return one(g, types[c.Type]).text
}

func orFloat(p, other float64) float64 { return either(p == 0, other, p) }

func (g *gen) file(src *Decl) File {
	f := File{Source: src.Name, Cols: names(src.Cols)}
	n := g.counter["file"]
	g.counter["file"]++
	at := either(g.chance(.9), n, 999-n) // some stand before older ones
	if src.Snapshot {
		at = g.day(src)
		f.Day = fmt.Sprintf("%03d", at)
	}
	f.Path = fmt.Sprintf("%s_%03d.%s", src.Name, at, src.Format)
	if g.may("absent", .25) && src.Partitions == 0 {
		gone := one(g, []string{"a", "b"})
		f.Cols = filter(f.Cols, func(c string) bool { return c != gone })
	}
	f.Cols = append(f.Cols, g.fresh(src)...)
	for range one(g, []int{0, 1, 2, 3, 3, 4, 6}) {
		r := Record{Values: Row{}}
		for _, c := range src.fields() {
			if has(f.Cols, c.Name) && c.Name != "day" {
				r.Values[c.Name] = g.value(c)
			}
		}
		r.Tombstone = src.Partitions > 0 && g.chance(.1)
		if g.may("bad", .12) && !r.Tombstone && src.Format != "parquet" {
			r.Bad = one(g, []string{"type", "short", "fraction"})
			if r.Bad == "fraction" && !has(f.Cols, "b") {
				r.Bad = "type"
			}
		}
		if r.Bad != "" { // what is new is told by good records alone
			for _, c := range extras {
				if !has(names(src.Cols), c.Name) {
					delete(r.Values, c.Name)
				}
			}
		}
		f.Rows = append(f.Rows, r)
	}
	if src.Snapshot && g.chance(.7) { // mostly a whole table with each key once
		for i := range f.Rows {
			f.Rows[i].Values["id"] = int64(i + 1)
		}
	}
	f.Broken = src.Format == "parquet" && g.may("bad_file", .35)
	if len(f.Rows) > 0 && g.may("twins", .3) {
		f.Rows = append(f.Rows, one(g, f.Rows))
	}
	return f
}

// mended are files that can't be read, as they should be.
func (g *gen) mended(m *Model) []File {
	var out []File
	for _, n := range m.order {
		for _, f := range m.files[n] {
			if f.Broken && m.sources[n] != nil && g.chance(.4) {
				f.Broken = false
				out = append(out, f)
			}
		}
	}
	return out
}

// day is the time of a load: mostly later than the one before, never one that was there.
func (g *gen) day(src *Decl) int {
	n := max(g.days[src.Name]+either(g.chance(.9), 1+g.below(3), -g.below(4)), 1)
	for used := fmt.Sprint(src.Name, " ", n); g.days[used] > 0; used = fmt.Sprint(src.Name, " ", n) {
		n++
	}
	g.days[fmt.Sprint(src.Name, " ", n)] = 1
	g.days[src.Name] = max(g.days[src.Name], n)
	return n
}

// destination is a new one over what there is.
func (g *gen) destination(m *Model) Decl {
	from := filter(m.order, func(n string) bool {
		switch d := m.decl(n); d.Kind {
		case "source":
			return true
		case "stream":
			return g.on["chain"]
		case "journal":
			return g.on["changes"]
		}
		return false
	})
	of := m.decl(one(g, from))
	cols := m.columns(of.Name)
	d := Decl{Kind: "stream", Name: g.next("d"), From: []string{of.Name}}
	feed := has(cols, "id") && has(cols, "t") && has(cols, "op") && !has(cols, "change_type") && of.Kind != "journal"
	if of.Snapshot && g.chance(.8) || !of.Snapshot && feed && g.chance(.55) {
		d.Kind = "journal"
		g.journal(&d, cols, of)
	} else {
		g.stream(&d, m, cols)
	}
	g.chain(&d, forms[d.Form].cols(cols))
	onError, last := one(g, []string{"REJECT", "REJECT", "NULL", "FAIL"}), g.chance(.5)
	if can := of.Kind == "source" && has(forms[d.Form].cols(cols), "a") && forms[d.Form].kind == ""; g.may("python", .3) && can {
		set := []Rule{{Python: onError}}
		d.Rules = either(last, append(d.Rules, set...), append(set, d.Rules...))
	}
	g.whole(&d, m, forms[d.Form].cols(cols))
	g.dodge(&d)
	twins := g.twins(m, of)
	if d.sequence()[0] == offsetColumn { // in a JSON file it is the record's byte
		twins = filter(twins, func(n string) bool { return m.decl(n).Partitions > 0 })
	}
	if d.Form == "" && len(twins) > 0 && g.may("inputs", .6) {
		d.From = append(d.From, one(g, twins))
	}
	return d
}

// twins are sources with the columns of one: FROM a, b takes both.
func (g *gen) twins(m *Model, of *Decl) []string {
	if of.Kind != "source" || of.Snapshot {
		return nil
	}
	var out []string
	for _, n := range m.order {
		if s := m.sources[n]; s != nil && s != of && slices.Equal(s.Cols, of.Cols) && s.Change != addColumns && of.Change != addColumns {
			out = append(out, s.Name)
		}
	}
	return out
}

func (g *gen) stream(d *Decl, m *Model, cols []string) {
	var can []string
	journals := func(form string) []string { // a history is joined by one column of time
		return filter(g.dims(d, m), func(n string) bool {
			return has(m.dests[n].cols, "a") && (form != "join_history" || len(m.dests[n].decl.Seq) < 2)
		})
	}
	for _, f := range sortedKeys(forms) {
		x := forms[f]
		dim := x.kind == "join" || x.kind == "join_history"
		if f == pairsForm || dim && (len(journals(f)) == 0 || has(cols, "da")) || f == "plus" && has(cols, "b2") || f == "score" && has(cols, "p") {
			continue
		}
		if (x.kind == "" || g.on[x.kind]) && !slices.ContainsFunc(x.need, func(c string) bool { return !has(cols, c) }) {
			can = append(can, f)
		}
	}
	d.Form = one(g, can)
	if k := forms[d.Form].kind; k == "join" || k == "join_history" {
		d.Dim = m.dests[one(g, journals(d.Form))].decl.Name
	}
	if g.may("clauses", .3) {
		d.Retain = "0 SECONDS"
	}
}

func (g *gen) journal(d *Decl, cols []string, of *Decl) {
	d.Keys = []string{"id"}
	if g.may("keys", .3) {
		d.Keys = one(g, [][]string{{"id", "a"}, {"a", "id"}, {"a"}})
	}
	if of.Partitions > 1 && !has(d.Keys, "id") {
		d.Keys = []string{"id"} // what comes first is the order of one partition
	}
	d.Now = g.may("scd1", .4)
	d.Form = one(g, []string{"", "", "star", "some", "replace"})
	if slices.ContainsFunc(forms[d.Form].need, func(c string) bool { return !has(cols, c) }) {
		d.Form = ""
	}
	if of.Snapshot {
		d.Columns = one(g, []List{{}, {}, {Star: true, Names: []string{"day"}}})
		if g.on["clauses"] {
			d.Keep, d.Guard = g.chance(.2), one(g, []int{0, 101, 101, 30, 50})
		}
		return
	}
	d.Seq, d.Delete = []string{"t"}, g.chance(.7)
	if g.may("keys", .3) && has(cols, "b") {
		d.Seq = []string{"t", "b"}
	}
	if of.Partitions > 0 && g.chance(.5) {
		d.Seq, d.Form = []string{offsetColumn}, either(d.Form == "some", "", d.Form)
	}
	d.Columns = one(g, []List{{}, {Star: true}, {Star: true, Names: []string{"op", "t"}}, {Star: true, Names: []string{"op"}},
		{Names: []string{"a", "b"}}})
	if !has(cols, "a") || !has(cols, "b") {
		d.Columns = List{}
	}
	if !g.on["clauses"] {
		return
	}
	d.Track = one(g, []List{{}, {}, {}, {Names: []string{"a"}}, {Star: true, Names: []string{"b"}}})
	stored := filter(forms[d.Form].cols(cols), func(c string) bool { return !has(d.Keys, c) })
	if !d.Columns.none() {
		stored = filter(d.Columns.of(stored), func(c string) bool { return !has(d.Keys, c) })
	}
	if slices.ContainsFunc(d.Track.Names, func(c string) bool { return !has(stored, c) }) || len(d.Track.of(stored)) == 0 {
		d.Track = List{}
	}
	if g.chance(.25) && !d.Now { // its random histories are in package journal
		d.IgnoreNull = one(g, [][]string{{"*"}, {"a"}})
		if !has(stored, "a") {
			d.IgnoreNull = nil
		}
	}
	if g.chance(.2) && of.Partitions < 2 {
		d.Late = 2 + g.below(5)
	}
	if g.chance(.2) {
		d.Retain = "0 SECONDS"
	}
}

// dims are journals of ids that a declaration may read whole.
func (g *gen) dims(d *Decl, m *Model) []string {
	return filter(m.sorted(), func(n string) bool {
		x := m.dests[n]
		return x.journal() && low(d.From[0]) != n && low(d.Name) != n && slices.Equal(x.decl.Keys, []string{"id"})
	})
}

// whole adds a constraint or a check that reads a journal whole.
func (g *gen) whole(d *Decl, m *Model, cols []string) {
	dims := g.dims(d, m)
	if !g.on["whole"] || len(dims) == 0 || !has(cols, "id") {
		return
	}
	dim := m.dests[one(g, dims)].decl.Name
	if g.chance(.4) {
		d.Rules = append(d.Rules, Rule{Name: "in_it", In: dim, Break: one(g, []string{"REJECT", "DROP", "WARN"})})
	}
	if g.chance(.4) {
		d.Checks = append(d.Checks, Check{Name: "known_ids", Orphans: dim, Fail: "WARN"})
	}
}

// chain draws RULES, METRICS and CHECKS over columns.
func (g *gen) chain(d *Decl, cols []string) {
	ok := func(need []string) bool {
		return !slices.ContainsFunc(need, func(c string) bool { return !has(cols, c) })
	}
	if g.may("rules", .6) {
		d.Rules = nil
		for i := range 1 + g.below(3) {
			if g.chance(.4) {
				if s := filter(sortedKeys(sets), func(s string) bool { return ok([]string{sets[s].col}) }); len(s) > 0 {
					d.Rules = append(d.Rules, Rule{Set: one(g, s)})
				}
				continue
			}
			c := filter(sortedKeys(conds), func(c string) bool { return ok(conds[c].cols) })
			if len(c) > 0 {
				d.Rules = append(d.Rules, Rule{Name: fmt.Sprint("c", i), Expect: one(g, c),
					Break: one(g, []string{"REJECT", "REJECT", "REJECT", "DROP", "DROP", "WARN", "WARN", either(g.chance(.4), "FAIL", "WARN")})})
			}
		}
	}
	stored := cols
	if d.Kind == "journal" && !d.Columns.none() {
		stored = append(d.Columns.of(cols), d.Keys...)
	}
	over := func(p float64, need []string) bool { // what a journal doesn't store its table doesn't have
		return g.may("over_table", p) && !slices.ContainsFunc(need, func(c string) bool { return !has(stored, c) })
	}
	if g.may("metrics", .6) {
		d.Metrics = nil
		for i := range 1 + g.below(2) {
			a := filter(sortedKeys(aggs), func(a string) bool { return ok(aggs[a].cols) })
			agg := one(g, a)
			d.Metrics = append(d.Metrics, Metric{fmt.Sprint("m", i), agg, over(.3, aggs[agg].cols)})
		}
	}
	if g.may("checks", .6) {
		d.Checks = nil
		for i := range 1 + g.below(2) {
			c := one(g, filter(sortedKeys(checks), func(c string) bool {
				return ok(checks[c].needs()) && (checks[c].past == nil || g.on["history"] && len(d.Metrics) > 0 && d.Metrics[0].Agg != "is_unique(id)")
			}))
			x := Check{Name: fmt.Sprint("k", i), Expect: c, Fail: one(g, []string{"WARN", "HOLD", "HOLD", "FAIL"})}
			if checks[c].past == nil && has(cols, "a") && g.may("by", .3) {
				x.By = "a"
			}
			if g.may("unknown", .3) {
				x.Unknown = one(g, []string{"PASS", "WARN", "FAIL"})
			}
			needs := slices.Clone(checks[c].needs())
			if x.By != "" {
				needs = append(needs, x.By)
			}
			x.Over = checks[c].rows == "" && checks[c].past == nil && over(.25, needs)
			d.Checks = append(d.Checks, x)
		}
	}
}
