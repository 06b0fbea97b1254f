package page

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// axis is where versions stand: each version of the object has the same width, and one without a value leaves its place empty.
type axis struct {
	file     *File
	versions []int64
	x0, x1   float64
}

// place is how many versions stand before one.
func (a *axis) place(version int64) int {
	i, _ := slices.BinarySearch(a.versions, version)
	return i
}

func (a *axis) x(version int64) float64 { return a.at(float64(a.place(version))) }

func (a *axis) at(place float64) float64 {
	if len(a.versions) < 2 {
		return (a.x0 + a.x1) / 2
	}
	return a.x0 + (a.x1-a.x0)*place/float64(len(a.versions)-1)
}

// name is what the axis calls a version: the month where the versions span some, the day, or the number.
func (a *axis) name() func(version int64) string {
	span := a.file.At(a.versions[len(a.versions)-1]).Sub(a.file.At(a.versions[0]))
	layout := ""
	switch {
	case span > 50*24*time.Hour:
		layout = "Jan"
	case span > 50*time.Hour:
		layout = "Jan 2"
	}
	return func(version int64) string {
		if layout == "" {
			return "v" + strconv.FormatInt(version, 10)
		}
		return a.file.At(version).UTC().Format(layout)
	}
}

// labels stand below a chart, never nearer to each other than gap.
func (a *axis) labels(s *svg, y, gap float64) {
	if len(a.versions) == 0 {
		return
	}
	name := a.name()
	was, end := "", math.Inf(-1)
	if n := name(a.versions[0]); n[0] != 'v' { // a month that had begun before
		was = n
	}
	for i, v := range a.versions {
		n := name(v)
		if n == was {
			continue
		}
		was = n
		if x := a.at(float64(i)); x-end > gap && x < a.x1-4 || len(a.versions) == 1 {
			s.f(`<path class="tk" d="M%v %vv4"/><text class="ax" x="%v" y="%v">%v</text>`, x, y, x+2, y+11, n)
			end = x
		}
	}
}

// timeAxis is where times stand, or numbers that order events: across a life.
type timeAxis struct {
	lo, hi, x0, x1 float64
	times          bool // in microseconds since 1970
}

func (a timeAxis) x(v float64) float64 {
	if a.hi <= a.lo {
		return a.x0
	}
	return a.x0 + (a.x1-a.x0)*(min(max(v, a.lo), a.hi)-a.lo)/(a.hi-a.lo)
}

func micros(v float64) time.Time { return time.UnixMicro(int64(v)).UTC() }

// stops are labelled places.
func (a timeAxis) stops(most float64) (at []float64, names []string) {
	if !a.times {
		at = ticks(a.lo, a.hi, 6)
		for _, v := range at {
			names = append(names, onAxis(v, at))
		}
		return at, names
	}
	span := time.Duration(a.hi-a.lo) * time.Microsecond
	layout, next := "15:04", func(t time.Time) time.Time { return t.Add(time.Hour).Truncate(time.Hour) }
	switch {
	case span > 700*24*time.Hour:
		layout, next = "2006", func(t time.Time) time.Time { return time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC) }
	case span > 50*24*time.Hour:
		layout, next = "Jan", func(t time.Time) time.Time { return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC) }
	case span > 50*time.Hour:
		layout, next = "Jan 2", func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC) }
	case span < 3*time.Hour:
		layout, next = "15:04", func(t time.Time) time.Time { return t.Add(time.Minute).Truncate(time.Minute) }
	}
	end := math.Inf(-1)
	for t := next(micros(a.lo)); float64(t.UnixMicro()) < a.hi && len(at) < 400; t = next(t) {
		if x := a.x(float64(t.UnixMicro())); x-end > most && x < a.x1-34 {
			at, names, end = append(at, float64(t.UnixMicro())), append(names, t.Format(layout)), x
		}
	}
	return at, names
}

// Quantile of values, by linear interpolation; NaN where there are none.
func Quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	at := q * float64(len(v)-1)
	lo := int(at)
	return v[lo] + (v[min(lo+1, len(v)-1)]-v[lo])*(at-float64(lo))
}

// values are those of the points that are known.
func values(ps []Point) (out []float64) {
	for _, p := range ps {
		if p.Known {
			out = append(out, p.Value)
		}
	}
	return out
}
