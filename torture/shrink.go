package torture

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// shrink makes a plan smaller as long as it shows a difference of the same kind. A try costs as much as a run of the plan, so it works on
// the plan's parts, largest first. rapid's shrinking knows no parts, only the bits that drew them, one by one: it takes hundreds of tries
// to take away what is one here, and what a bit moves is drawn otherwise from there on.
func shrink(ctx context.Context, p Plan, d *Difference, budget time.Duration, play func(context.Context, Plan) error) (Plan, *Difference,
	int) {
	end, tries := time.Now().Add(budget), 0
	p.Steps = p.Steps[:d.Step+1]
	try := func(cut Plan) bool {
		if time.Now().After(end) {
			return false
		}
		tries++
		var x *Difference
		if !errors.As(play(ctx, cut), &x) || x.Kind != d.Kind {
			return false
		}
		cut.Steps = cut.Steps[:x.Step+1]
		p, d = cut, x
		return true
	}
	for smaller := true; smaller && time.Now().Before(end); {
		smaller = false
		for _, cuts := range []func(*Plan) []func(){stepCuts, partCuts, flagCuts, rowCuts, clauseCuts} {
			for i := 0; ; {
				cut := p.copy()
				list := cuts(&cut)
				if i >= len(list) {
					break
				}
				list[i]()
				if try(cut) {
					smaller = true
				} else {
					i++
				}
			}
		}
	}
	return p, d, tries
}

// copy shares nothing with the plan.
func (p Plan) copy() Plan {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	out, err := ReadPlan(b)
	if err != nil {
		panic(err)
	}
	return out
}

// removal takes entry i out of a list.
func removals[T any](list *[]T) []func() {
	var out []func()
	for i := range *list {
		out = append(out, func() { *list = append((*list)[:i:i], (*list)[i+1:]...) })
	}
	return out
}

// stepCuts take steps away, or give the files of one to the step before it.
func stepCuts(p *Plan) []func() {
	out := removals(&p.Steps)
	for i := 1; i < len(p.Steps); i++ {
		s := &p.Steps[i]
		if len(s.Drops)+len(s.Decls)+len(s.User)+len(s.Verbs)+len(s.Later) == 0 {
			out = append(out, func() {
				p.Steps[i-1].Files = append(p.Steps[i-1].Files, s.Files...)
				p.Steps = append(p.Steps[:i:i], p.Steps[i+1:]...)
			})
		}
	}
	return out
}

func partCuts(p *Plan) []func() {
	var out []func()
	for i := range p.Steps {
		s := &p.Steps[i]
		out = append(out, removals(&s.Files)...)
		out = append(out, removals(&s.Later)...)
		out = append(out, removals(&s.Decls)...)
		out = append(out, removals(&s.Verbs)...)
		out = append(out, removals(&s.Set)...)
		out = append(out, removals(&s.User)...)
		out = append(out, removals(&s.Drops)...)
	}
	return out
}

func flagCuts(p *Plan) []func() {
	var out []func()
	for i := range p.Steps {
		s := &p.Steps[i]
		cut(&out, &s.Kill)
		cut(&out, &s.Spell)
		cut(&out, &s.Copied)
		cut(&out, &s.Part)
		cut(&out, &s.Prune)
		cut(&out, &s.Broker)
		if len(s.Look) > 0 {
			out = append(out, func() { s.Look = nil })
		}
	}
	return out
}

func rowCuts(p *Plan) []func() {
	var out []func()
	for i := range p.Steps {
		for j := range p.Steps[i].Files {
			cut(&out, &p.Steps[i].Files[j].Broken)
			out = append(out, removals(&p.Steps[i].Files[j].Rows)...)
		}
	}
	return out
}

func clauseCuts(p *Plan) []func() {
	var out []func()
	for i := range p.Steps {
		for j := range p.Steps[i].Decls {
			d := &p.Steps[i].Decls[j]
			out = append(out, removals(&d.Rules)...)
			out = append(out, removals(&d.Metrics)...)
			out = append(out, removals(&d.Checks)...)
			for k := range d.Checks {
				cut(&out, &d.Checks[k].By)
				cut(&out, &d.Checks[k].Unknown)
			}
			cut(&out, &d.Retain)
			cut(&out, &d.Late)
			cut(&out, &d.BatchFiles)
			cut(&out, &d.BatchRows)
			cut(&out, &d.Bad)
			cut(&out, &d.Change)
			cut(&out, &d.BadFile)
			cut(&out, &d.Guard)
			cut(&out, &d.Delete)
			cut(&out, &d.Now)
			for _, l := range []*List{&d.Track, &d.Columns} {
				if !l.none() {
					out = append(out, func() { *l = List{} })
				}
			}
			if len(d.IgnoreNull) > 0 {
				out = append(out, func() { d.IgnoreNull = nil })
			}
			if d.Kind != "rollup" && !has([]string{"", "group", pairsForm}, d.Form) {
				out = append(out, func() { d.Form, d.Dim = "", "" })
			}
			if d.extra() != "" {
				out = append(out, func() { d.Cols = filter(d.Cols, func(c Column) bool { return c.Name != "x" }) })
			}
		}
	}
	return out
}

// cut adds the removal of a value that is there.
func cut[T comparable](out *[]func(), at *T) {
	var zero T
	if *at != zero {
		*out = append(*out, func() { *at = zero })
	}
}
