package page

import (
	"cmp"
	"html/template"
	"slices"
)

// Href is where a finding leads.
func (x Finding) Href(s *Site) string {
	switch {
	case x.Reject != "":
		return s.Rejects(Filter{Code: x.Reject, Destination: x.Object, Rule: x.Name})
	case s.File.Object(x.Object) == nil:
		return s.Flow()
	}
	return s.Object(x.Object)
}

// Picture is a finding's past.
func (x Finding) Picture(s *Site) template.HTML {
	a := &axis{file: s.File, x0: 1, x1: 149}
	if len(x.Strip) > 0 {
		for _, v := range x.Strip {
			a.versions = append(a.versions, v.Version)
		}
		return strip(x.Strip, a, 150, 16, x.Name)
	}
	for _, p := range x.Line {
		a.versions = append(a.versions, p.Version)
	}
	return sparkline(x.Line, a, 150, 20, x.Name)
}

// Sorted are findings, the worst first: what stops before what warns, and among equals what is rare.
func Sorted(fs []Finding) []Finding {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		rank := func(f Finding) int {
			if f.Bad {
				return 0
			}
			return 1
		}
		return cmp.Or(rank(a)-rank(b), cmp.Compare(a.Share, b.Share))
	})
	return fs
}

// Of is what a finding is about, by its whole name.
func (x Finding) Of() string {
	if x.Name == "" {
		return x.Object
	}
	return x.Object + "." + x.Name
}

// Summary is what is the matter, in a line of text.
func (x Finding) Summary() string {
	out := x.Text
	if x.Value != "" {
		out += ": " + x.Value
	}
	if x.Wants != "" {
		out += ", expected " + x.Wants
	}
	return out
}
