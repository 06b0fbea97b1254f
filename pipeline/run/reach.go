package run

import (
	"maps"
	"slices"
	"time"

	"dsql/engine/kind"
	"dsql/engine/watermark"
	"dsql/pipeline/program"
)

// Which parts of which sources there are, and which were read to their end, is known to the run alone: a new run knows nothing of an end until
// it has come to it.

// sources are how far they are read in this run.
type sources struct {
	at      map[kind.Part]bool // this part was read to the end that is known of it, or not
	reached map[string]bool    // all of a source was
}

func newSources() *sources { return &sources{map[kind.Part]bool{}, map[string]bool{}} }

// with is how far they are behind a batch.
func (s *sources) with(in *kind.Input) *sources {
	out := &sources{maps.Clone(s.at), maps.Clone(s.reached)}
	if in != nil {
		out.reached[in.Source] = false
		maps.Copy(out.at, in.AtEnd)
	}
	return out
}

// end notes that a source was read to its end.
func (s *sources) end(source string) {
	s.reached[source] = true
	for p := range s.at {
		if p.Source == source {
			s.at[p] = true
		}
	}
}

// expect tells a clock which parts there are of what a destination stores.
func (s *sources) expect(c *watermark.Clock, of *program.Node, now time.Time) {
	if of.Join() != nil { // a pair is of both sides, and comes when both are there
		c.Keep([]string{of.Name})
		c.Expect(kind.Part{Source: of.Name}, s.ended(of), now)
		return
	}
	direct := ofSources(of)
	var names []string
	for _, in := range mains(of) {
		names = append(names, in.Of.Name)
	}
	c.Keep(names)
	for _, in := range mains(of) {
		if _, ok := in.Of.Source(); !ok || !direct {
			c.Expect(kind.Part{Source: in.Of.Name}, s.ended(in.Of), now)
			continue
		}
		c.Expect(kind.Part{Source: in.Of.Name}, s.reached[in.Of.Name], now)
		for p, end := range s.at {
			if p.Source == in.Of.Name {
				c.Expect(p, end, now)
			}
		}
	}
}

// ended: all sources that feed a node were read to their end.
func (s *sources) ended(n *program.Node) bool {
	if _, ok := n.Source(); ok {
		return s.reached[n.Name] || slices.ContainsFunc(slices.Collect(maps.Keys(s.at)), func(p kind.Part) bool { return p.Source == n.Name }) &&
			!slices.ContainsFunc(slices.Collect(maps.Keys(s.at)), func(p kind.Part) bool { return p.Source == n.Name && !s.at[p] })
	}
	return !slices.ContainsFunc(n.Inputs, func(in *program.Input) bool { return !s.ended(in.Of) })
}

// ofSources: rows of a node are those of sources, so that it is known which part gave them.
func ofSources(n *program.Node) bool {
	return !n.Keyed() && !slices.ContainsFunc(n.Inputs, func(in *program.Input) bool { _, ok := in.Of.Source(); return !ok })
}

// mains are the inputs whose rows a node takes: a total reads others only beside.
func mains(n *program.Node) []*program.Input {
	if _, total := n.Total(); total {
		return n.Inputs[:1]
	}
	return n.Inputs
}
