package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"dsql/pipeline/test"
)

// showCoverage has a line for each condition that went one way alone, or none.
func (s *streams) showCoverage(all []test.Covered) error {
	covered := 0
	for _, c := range all {
		if len(c.Never) == 0 {
			covered++
		}
	}
	fmt.Fprintf(s.out, "coverage: %d of %d seen both ways\n", covered, len(all))
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, c := range all {
		if len(c.Never) == 0 {
			continue
		}
		never := c.Never[0]
		if len(c.Never) > 1 {
			never = "seen"
		}
		p := c.At.Src.Position(c.At.Span.Start)
		what := strings.TrimRight(c.Kind+" "+c.Name, " ")
		fmt.Fprintf(w, "  never %s\t%s\tof %s\t%s:%d\n", never, printable(what), printable(c.Of), p.File, p.Line)
	}
	return w.Flush()
}

// testsLine is what --coverage adds to tests as JSON.
type testsLine struct {
	Tests    []testLine     `json:"tests"`
	Coverage []coverageLine `json:"coverage"`
}

type coverageLine struct {
	Of     string   `json:"of"`
	Kind   string   `json:"kind"`
	Name   string   `json:"name"`
	File   string   `json:"file"`
	Line   int      `json:"line"`
	Column int      `json:"column"`
	Seen   []string `json:"seen"`
	Never  []string `json:"never"`
}

func coverageLines(all []test.Covered) []coverageLine {
	out := []coverageLine{}
	for _, c := range all {
		p := c.At.Src.Position(c.At.Span.Start)
		out = append(out, coverageLine{c.Of, c.Kind, c.Name, p.File, p.Line, p.Col, c.Seen, c.Never})
	}
	return out
}
