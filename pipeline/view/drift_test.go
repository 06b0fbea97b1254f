package view

import (
	"math"
	"testing"

	"dsql/page"
)

// What the baseline's own versions show goes before what the first versions had, and is the monitor's own verdict.
func TestDrifted(t *testing.T) {
	t.Parallel()
	series := func(vs ...float64) (out []page.Point) {
		for i, v := range vs {
			out = append(out, page.Point{Version: int64(i + 1), Value: v, Known: !math.IsNaN(v)})
		}
		return out
	}
	none := math.NaN()
	for name, c := range map[string]struct {
		psi, drift []page.Point
		usual      float64
		since      int64
		limit      float64
	}{
		"above what the baseline shows": {series(1, 1, 1), series(.5, 1.2, 1.3), .8, 2, 1},
		"it was, and is no more":        {series(1, 1, 1), series(1.5, 1.2, .9), .8, 0, 1},
		"again, after a gap":            {series(1, 1, 1, 1), series(1.5, .2, none, 1.1), .8, 4, 1},
		"never below 0.2":               {series(1, 1), series(.1, .1), .01, 0, .2},
		"by the first versions":         {series(.1, .1, .1, .1, .5), series(1, 1, 1, 1, 9), 0, 5, .2},
		"each weekday the same":         {series(18, 19, 18, 19, 18), nil, 0, 0, 1.25 * 18.95},
		"too little is known":           {series(9, none, 9), nil, 0, 0, none},
	} {
		j, limit := drifted(c.psi, c.drift, c.usual, nil)
		if j.since != c.since || math.Abs(limit-c.limit) > .2 || math.IsNaN(limit) != math.IsNaN(c.limit) {
			t.Errorf("%s: since %d, limit %v; want %d, %v", name, j.since, limit, c.since, c.limit)
		}
	}
}
