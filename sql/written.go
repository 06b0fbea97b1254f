package sql

import (
	"cmp"
	"slices"
	"strings"
)

// Edit puts a text in the place of a part of a source.
type Edit struct {
	Span Span
	Text string
}

// Rewritten is the source with other text in some places, which don't overlap. Whatever is said of it is shown in the text that the user
// wrote: positions in what was put in are those of what it stands for.
func (s *Source) Rewritten(edits []Edit) *Source {
	slices.SortFunc(edits, func(a, b Edit) int { return cmp.Compare(a.Span.Start, b.Span.Start) })
	var b strings.Builder
	from := 0
	var put []replaced
	for _, e := range edits {
		b.WriteString(s.Text[from:e.Span.Start])
		at := b.Len()
		b.WriteString(e.Text)
		put = append(put, replaced{Span{at, b.Len()}, e.Span})
		from = e.Span.End
	}
	b.WriteString(s.Text[from:])
	out := NewSource(s.Name, b.String())
	out.Dir, out.of, out.put = s.Dir, s, put
	return out
}

// replaced is a part of a rewritten source, and what it stands for in the one before.
type replaced struct{ here, was Span }

// before is a byte offset in the source that this one was made of: of one inside of what was put in its beginning, or its end.
func (s *Source) before(off int, end bool) int {
	i, _ := slices.BinarySearchFunc(s.put, off, func(r replaced, off int) int {
		if r.here.End < off || r.here.End == off && !end {
			return -1
		}
		return 1
	})
	switch {
	case i < len(s.put) && (s.put[i].here.Start < off || s.put[i].here.Start == off && !end):
		if end {
			return s.put[i].was.End
		}
		return s.put[i].was.Start
	case i == 0:
		return off
	}
	last := s.put[i-1]
	return off - last.here.End + last.was.End
}

// Written is the place in the text that the user wrote.
func (p Place) Written() Place {
	for p.Src != nil && p.Src.of != nil {
		p.Span = Span{p.Src.before(p.Span.Start, false), p.Src.before(p.Span.End, p.Span.End > p.Span.Start)}
		p.Src = p.Src.of
	}
	return p
}
