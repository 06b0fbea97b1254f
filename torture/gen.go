package torture

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// features are what a seed may make. Each seed switches on about half of them, so that pairs meet which rarely would if all were on.
// Without any it makes the narrow core: files, streams, journals, versions.
var features = []string{"json", "parquet", "bad", "absent", "snapshot", "rules", "checks", "by", "unknown", "metrics", "over_table", "where", "group",
	"join", "join_history", "chain", "changes",
	"clauses", "late", "redeclare", "part", "replay", "hold", "rollback", "rebuild", "from_source", "replay_source", "vacuum", "drop", "kill",
	"copy", "respell", "sink", "batch_files", "batch_rows", "twins", "keys", "types", "inputs", "whole", "history", "topic", "score", "follow",
	"schema", "bad_file", "user", "scd1", "settings", "kafka_sink", "python", "erase", "prune", "rollup", "pairs"}

// known are faults that would hide others: what shows them is taken out of each declaration, unless -torture.with names the fault. An entry
// goes when its fault is mended: from then on the tester holds it.
var known = map[string]struct {
	what  string
	dodge func(g *gen, d *Decl)
}{}

// dodge takes out of a declaration what would show a known fault.
func (g *gen) dodge(d *Decl) {
	for _, k := range sortedKeys(known) {
		if !g.shown[k] && !g.shown["all"] {
			known[k].dodge(g, d)
		}
	}
}

// gen draws a plan from rapid, a step at a time: what makes sense next depends on what there is.
type gen struct {
	t       *rapid.T
	on      map[string]bool
	shown   map[string]bool // known faults that are made all the same
	counter map[string]int
	days    map[string]int // the newest load of a source
}

func newGen(may []string, shown []string) *gen {
	g := &gen{on: map[string]bool{}, shown: map[string]bool{}, counter: map[string]int{}, days: map[string]int{}}
	for _, f := range may {
		g.on[f] = true
	}
	for _, k := range shown {
		g.shown[k] = true
	}
	return g
}

// draw is the next step as one value of rapid's, so that its log has steps and not the bits that made them.
func (g *gen) draw(t *rapid.T, i int, m *Model) Step {
	return rapid.Custom(func(t *rapid.T) Step {
		if g.t = t; i == 0 {
			for _, f := range features { // all are drawn, so that a seed makes the same of those that may
				g.on[f] = g.chance(.55) && g.on[f]
			}
		}
		return g.step(m)
	}).Draw(t, fmt.Sprint("step ", i+1))
}

var bit = rapid.Bool()

// below is a number from 0 on, each as likely as the others. rapid's own ranges lean to small numbers and to their ends; what stands here
// shall come as often as its weight says, on every machine (rapid leans by logarithms), and a longer list shall move nothing that is drawn
// behind it. So it is made of fair bits, always of as many. Less is simpler: rapid's shrinking makes zeros of them.
func (g *gen) below(n int) int {
	const width = 16
	x := 0
	for range width {
		x = x<<1 | either(bit.Draw(g.t, ""), 1, 0)
	}
	return x * n >> width
}

// chance is true with a probability; of the simplest bits it is false.
func (g *gen) chance(p float64) bool { return g.below(10000) >= int((1-p)*10000+.5) }

// may says whether a feature is on, with some probability. It is drawn in any case: what is off moves nothing.
func (g *gen) may(feature string, p float64) bool { return g.chance(p) && g.on[feature] }

func one[T any](g *gen, list []T) T { return list[g.below(len(list))] }

func (g *gen) next(kind string) string {
	g.counter[kind]++
	return fmt.Sprintf("%s%d", kind, g.counter[kind])
}

// first is the step that begins a file.
func (g *gen) first() Step {
	m, s := NewModel(), Step{}
	var like *Decl
	for range 1 + g.below(2) {
		d := g.source(like)
		m.declare(&d)
		like = &d
		s.Decls = append(s.Decls, d)
		for range g.below(3) {
			s.Files = append(s.Files, g.file(&d))
		}
	}
	for range 1 + g.below(3) {
		d := g.destination(m)
		m.declare(&d)
		s.Decls = append(s.Decls, d)
	}
	if g.may("pairs", .6) {
		s.Decls = append(s.Decls, g.joined(m)...)
	}
	for range g.below(3) {
		if d, ok := g.rollup(m); ok && g.on["rollup"] {
			m.declare(&d)
			s.Decls = append(s.Decls, d)
		}
	}
	return s
}

// step is the next step of a file that the model knows.
func (g *gen) step(m *Model) Step {
	if len(m.dests) == 0 {
		return g.first()
	}
	s := Step{Part: g.chance(.15)}
	for _, n := range m.order {
		if src := m.sources[n]; src != nil && g.chance(.55) {
			for range 1 + g.below(2) {
				s.Files = append(s.Files, g.file(src))
			}
		}
	}
	s.Files = append(s.Files, g.mended(m)...)
	g.deed(m, &s)
	if s.Part && len(s.Verbs) == 0 {
		s.Verbs = append(s.Verbs, Verb{Do: "refresh"})
	}
	if g.may("respell", .4) {
		s.Spell = 1 + g.below(1<<16)
	}
	erases := slices.ContainsFunc(s.Verbs, func(v Verb) bool { return v.Do == "erase" }) // no version says how far that is
	if g.may("kill", .25) && len(s.Drops) == 0 && len(s.Decls) == 0 && !erases {
		s.Kill = 1 + g.below(40)
	}
	if g.may("follow", .25) && s.Kill == 0 && len(s.Verbs)+len(s.Drops) == 0 {
		for _, n := range m.order {
			if src := m.sources[n]; src != nil && src.BatchFiles == 0 {
				if f := g.file(src); len(f.Rows) > 0 && !f.Broken {
					s.Later = append(s.Later, f)
				}
			}
		}
	}
	if g.may("topic", .3) {
		s.Broker = one(g, []string{"away", "stumbles"})
	}
	s.Copied = g.may("copy", .1) && len(m.sinks) == 0
	if g.may("user", .4) && len(s.Decls)+len(s.Drops) == 0 {
		s.User = g.user(m)
	}
	for _, x := range settings {
		// where the user's own statements make things is theirs
		if elsewhere := strings.Contains(x, "'dsql'"); g.may("settings", .12) && !(elsewhere && len(s.User) > 0) {
			s.Set = append(s.Set, x)
		}
	}
	for range 7 {
		s.Look = append(s.Look, g.below(looks))
	}
	return s
}

// deed adds what else a step does beside taking new files.
func (g *gen) deed(m *Model, s *Step) {
	names := []string{"nothing"}
	weights := []int{4}
	for _, v := range sortedKeys(verbs) {
		if verbs[v].weight > 0 && g.on[verbs[v].feature] {
			names, weights = append(names, v), append(weights, verbs[v].weight)
		}
	}
	for _, d := range deeds {
		if g.on[d.feature] {
			names, weights = append(names, d.feature), append(weights, 2)
		}
	}
	pick := names[g.weighted(weights)]
	for _, d := range deeds {
		if d.feature == pick {
			d.draw(g, m, s)
		}
	}
	v, ok := verbs[pick]
	if !ok || v.draw == nil {
		return
	}
	if x, there := v.draw(g, m); there {
		x.Do = pick
		s.Verbs = append(s.Verbs, x)
	}
}

func (g *gen) weighted(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	at := g.below(sum)
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	panic("weights without a sum")
}

func sortedKeys[T any](m map[string]T) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// deeds are changes of the script. A new one is an entry here, and a word in features.
var deeds = []struct {
	feature string
	draw    func(g *gen, m *Model, s *Step)
}{
	{"redeclare", func(g *gen, m *Model, s *Step) { s.Decls = append(s.Decls, g.changed(g.dest(m))) }},
	{"late", func(g *gen, m *Model, s *Step) {
		if len(m.dests) < 6 {
			s.Decls = append(s.Decls, g.destination(m))
		}
	}},
	{"sink", func(g *gen, m *Model, s *Step) {
		if len(m.sinks) < 2 {
			s.Decls = append(s.Decls, g.sink(m))
		}
	}},
	{"schema", (*gen).widened},
	{"pairs", func(g *gen, m *Model, s *Step) {
		if d, ok := g.pairs(m); ok && len(m.dests) < 7 {
			s.Decls = append(s.Decls, d)
		}
	}},
	{"rollup", func(g *gen, m *Model, s *Step) {
		if len(m.rollups) > 0 && g.chance(.3) {
			s.Decls = append(s.Decls, g.rolled(m))
		} else if d, ok := g.rollup(m); ok && len(m.rollups) < 5 {
			s.Decls = append(s.Decls, d)
		}
	}},
	{"drop", func(g *gen, m *Model, s *Step) {
		free := filter(m.order, func(n string) bool {
			return m.sources[n] == nil && len(m.readers(n)) == 0 && (m.dests[n] == nil || len(m.dests) > 1)
		})
		if len(free) == 0 {
			return
		}
		n := one(g, free)
		d := *m.decl(n)
		s.Drops = []Verb{{Do: "drop", Name: d.Name}}
		if d.Kind == "sink" {
			d.Folder = either(d.Topic == "", "out/"+g.next("folder"), "")
			d.Topic = either(d.Topic == "", "", g.next("out"))
		}
		if g.chance(.5) {
			s.Decls = append(s.Decls, d)
		}
	}},
	{"prune", func(g *gen, m *Model, s *Step) {
		n := one(g, m.order)
		gone := append(m.below(n), n)
		left := filter(m.sorted(), func(d string) bool { return !has(gone, d) })
		if s.Prune, s.Part = true, false; len(left) == 0 { // it has nothing to drop
			return
		}
		for _, n := range gone {
			s.Drops = append(s.Drops, Verb{Do: "drop", Name: m.decl(n).Name})
		}
		s.Files = filter(s.Files, func(f File) bool { return !has(gone, low(f.Source)) })
	}},
}

// dest is some destination.
func (g *gen) dest(m *Model) *Decl { return m.dests[one(g, m.sorted())].decl }

// someDest is a verb on some destination that fits, false where none does.
func (g *gen) someDest(m *Model, fits func(*Dest) bool) (Verb, bool) {
	list := filter(m.sorted(), func(n string) bool { return fits(m.dests[n]) })
	if len(list) == 0 {
		return Verb{}, false
	}
	return Verb{Name: m.dests[one(g, list)].decl.Name}, true
}
