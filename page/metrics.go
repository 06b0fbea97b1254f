package page

import (
	"html/template"
)

// usual is where nineteen of twenty of the earlier values lie, with a margin of a tenth.
func usual(ps []Point) (lo, hi float64) {
	v := values(ps)
	v = v[:max(len(v)-10, min(len(v), 10))]
	lo, hi = Quantile(v, .025), Quantile(v, .975)
	margin := (hi - lo) * .1
	return lo - margin, hi + margin
}

// Charts are the metrics, small.
func (v *Thing) Charts(s *Site) (out []template.HTML) {
	for _, m := range v.Metrics {
		versions := v.Object.versions()
		if len(versions) == 0 {
			for _, p := range m.Points {
				versions = append(versions, p.Version)
			}
		}
		c := line{name: m.Name, points: m.Points, versions: versions, file: s.File, w: 300, h: 96}
		if known := values(m.Points); len(known) > 8 {
			lo, hi := usual(m.Points)
			c.band = func(Point) (float64, float64) { return lo, hi }
			if x := known[len(known)-1]; len(known) > 20 && (x < lo || x > hi) {
				c.state = "warn"
			}
		}
		out = append(out, c.draw())
	}
	return out
}

// Hidden is how many metrics aren't shown.
func (v *Thing) Hidden() int64 { return int64(len(v.Names) - len(v.Metrics)) }

// Numbers are those of a chart, as a row of a table.
type Numbers struct {
	Name                      string
	Last, Median, Least, Most string
	LeastAt, MostAt           int64
	Unknown                   int64
}

// Numbers are the charts' as a table.
func (v *Thing) Numbers() (out []Numbers) {
	for _, m := range v.Metrics {
		t := tell(m.Points)
		n := Numbers{Name: m.Name, Last: unknown, Median: unknown, Least: unknown, Most: unknown, Unknown: int64(len(m.Points) - t.known)}
		if t.known > 0 {
			n.Last, n.Median, n.Least, n.Most = Decimal(t.last.Value), Decimal(Quantile(values(m.Points), .5)), Decimal(t.least.Value),
				Decimal(t.most.Value)
			n.LeastAt, n.MostAt = t.least.Version, t.most.Version
		}
		out = append(out, n)
	}
	return out
}
