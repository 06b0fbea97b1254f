package page

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// svg is SVG as it grows. The policy forbids style attributes: classes carry the look, attributes the geometry.
type svg struct{ strings.Builder }

// f adds markup. The placeholders are all %v: a float64 is a coordinate, a string is escaped, what is HTML already goes in as it is.
func (s *svg) f(markup string, args ...any) {
	for i, a := range args {
		switch a := a.(type) {
		case float64:
			args[i] = coordinate(a)
		case string:
			args[i] = plain(a)
		}
	}
	fmt.Fprintf(s, markup, args...)
}

func (s *svg) html() template.HTML { return template.HTML(s.String()) }

// path is the data of a path: letters and coordinates.
type path struct{ strings.Builder }

// to adds a command with its coordinates.
func (p *path) to(command string, at ...float64) {
	p.WriteString(command)
	for i, v := range at {
		if i > 0 {
			p.WriteByte(' ')
		}
		p.WriteString(coordinate(v))
	}
}

// d is the data as an attribute's value.
func (p *path) d() template.HTML { return template.HTML(p.String()) }

// coordinate has one decimal at most.
func coordinate(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0"
	}
	s := strings.TrimSuffix(strconv.FormatFloat(math.Round(v*10)/10, 'f', 1, 64), ".0")
	if s == "-0" {
		return "0"
	}
	return s
}

// ticks are about n round numbers from lo to hi.
func ticks(lo, hi float64, n int) (out []float64) {
	if !(hi > lo) || math.IsInf(hi-lo, 0) {
		return []float64{lo}
	}
	raw := (hi - lo) / float64(n)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if step*m >= raw {
			step *= m
			break
		}
	}
	if step == 0 || math.IsInf(step, 0) {
		return []float64{lo}
	}
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+step*1e-9 && len(out) < 3*n+3; i++ {
		out = append(out, i*step)
	}
	return out
}
