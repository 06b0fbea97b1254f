package watch

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// What came of an experiment. A unit has the variant that it saw first, and what came of it counts from then on. A unit that saw several
// variants tells nothing of either: it is left out and counted.

// exposed has one row of each unit. Units are compared as texts, times to the microsecond in UTC.
const exposed = `WITH e(unit, variant, seen) AS (SELECT CAST(u AS VARCHAR), CAST(v AS VARCHAR), epoch_us(t) FROM ({exposures}) AS q(u, v, t)),
	units AS (SELECT unit, min(seen) AS seen, min(variant) AS variant, min(variant) <> max(variant) AS crossed
		FROM e WHERE unit IS NOT NULL AND variant IS NOT NULL AND seen IS NOT NULL GROUP BY unit) `

const exposure = "a unit, its variant, and when it was seen"

// Experiment is one that says what is exposed.
type Experiment interface {
	Result(context.Context, *duck.Conn) (*Result, error)
	Split(context.Context, *duck.Conn) (*Result, error) // without metrics
}

// Result is what came of an experiment.
type Result struct {
	Variants []Variant
	Crossed  int64   // units that saw several variants: left out
	Unknown  int64   // units that saw one that isn't declared: left out
	Bad      int64   // exposures without unit, variant or time
	Mismatch float64 // the probability that chance alone splits units so far from the weights; NaN: there are none
	Metrics  []Metric
}

// Variant is how many units saw it, and which share should have.
type Variant struct {
	Name   string
	Units  int64
	Wanted float64
}

// Metric is what came of the variants' units, in the order of Variants. The first one's differences are NaN.
type Metric struct {
	Name    string
	Effects []Effect
}

// Effect is a variant's mean over its units, its difference to that of the first variant, the difference's 95 % interval, and the
// probability of one as large where there is none. NaN: not known.
type Effect struct{ Mean, Difference, Low, High, P float64 }

// Broken: units did not come to the variants as declared, beyond what chance does; then no difference can be trusted.
func (r *Result) Broken() bool { return r.Mismatch < srmAlpha }

// Units says how many came to each variant, and how many should have.
func Units(variants []Variant) string {
	sum := int64(0)
	for _, v := range variants {
		sum += v.Units
	}
	var out []string
	for _, v := range variants {
		out = append(out, fmt.Sprintf("%s %d (%.0f wanted)", v.Name, v.Units, v.Wanted*float64(sum)))
	}
	return strings.Join(out, ", ")
}

func (e *experiment) exposures() (*duck.Query, sql.Place, bool) {
	v := e.decl.Arg("EXPOSURES")
	if v == nil {
		return nil, sql.Place{}, false
	}
	return duck.User(e.decl.Src, v.Exprs[0]), e.decl.At(v.Exprs[0]), true
}

func metricQuery(m *sql.Decl) (*duck.Query, sql.Place) {
	at := m.Arg("#0").Exprs[0]
	return duck.User(m.Src, at), m.At(at)
}

// Bound checks its queries, once all that is declared stands: what they read may be made of the experiment's own function.
func (e *experiment) Bound(ctx context.Context, c *duck.Conn) error {
	q, at, ok := e.exposures()
	if !ok {
		return nil
	}
	var errs sql.List
	_, err := threeColumns(ctx, c, q, at, "EXPOSURES", exposure)
	errs = add(errs, err)
	for _, m := range e.metrics {
		_, err := measured(ctx, c, m)
		errs = add(errs, err)
	}
	return errs.Err()
}

// threeColumns describes a query that has to give three, the last of them a time.
func threeColumns(ctx context.Context, c *duck.Conn, q *duck.Query, at sql.Place, what, which string) ([]duck.Column, error) {
	cols, err := c.Describe(ctx, q, at)
	if err != nil {
		return nil, err
	}
	if len(cols) != 3 {
		return nil, at.Errorf(code.TypeMismatch, "%s gives %d columns, and takes three: %s", what, len(cols), which).
			WithHint("select them in this order")
	}
	switch t := cols[2].Type; t {
	case "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "DATE", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S":
		return cols, nil
	default:
		return nil, at.Errorf(code.TypeMismatch, "the third column of %s, %s, is %s, and takes a time", what, cols[2].Name, t).
			WithHint("select when it was, as a TIMESTAMP")
	}
}

// measured is the value of a metric's row as a number.
func measured(ctx context.Context, c *duck.Conn, m *sql.Decl) (conversion bool, err error) {
	q, at := metricQuery(m)
	cols, err := threeColumns(ctx, c, q, at, "METRIC "+m.Name, "a unit, its value, and when it came")
	if err != nil {
		return false, err
	}
	conversion = cols[1].Type == "BOOLEAN"
	if !conversion && !numeric(cols[1].Type) {
		return false, at.Errorf(code.TypeMismatch, "the value of METRIC %s, %s, is %s, and takes a number or a BOOLEAN", m.Name, cols[1].Name,
			cols[1].Type).
			WithHint("write status = 'bought' to count what is so")
	}
	return conversion, nil
}

// Split counts the units of each variant, and says whether chance may have split them so.
func (e *experiment) Split(ctx context.Context, c *duck.Conn) (*Result, error) {
	q, at, ok := e.exposures()
	if !ok {
		return nil, e.unsaid()
	}
	if _, err := threeColumns(ctx, c, q, at, "EXPOSURES", exposure); err != nil {
		return nil, err
	}
	r := &Result{}
	return r, e.split(ctx, c, q, r)
}

func (e *experiment) unsaid() *sql.Error {
	return e.decl.Errorf(code.MissingClause, "the experiment %s doesn't say where exposures stand", e.decl.Name).
		WithHint("declare it with EXPOSURES (SELECT user_id, variant, seen_at FROM exposures)").WithExit(code.ExitUsage)
}

// Result computes what came of the experiment until now.
func (e *experiment) Result(ctx context.Context, c *duck.Conn) (*Result, error) {
	q, _, ok := e.exposures()
	if !ok {
		return nil, e.unsaid()
	}
	if err := e.Bound(ctx, c); err != nil {
		return nil, err
	}
	r := &Result{}
	if err := e.split(ctx, c, q, r); err != nil {
		return nil, err
	}
	for _, m := range e.metrics {
		metric, err := e.compare(ctx, c, q, m, r.Variants)
		if err != nil {
			return nil, err
		}
		r.Metrics = append(r.Metrics, metric)
	}
	return r, nil
}

// split counts the units of each variant.
func (e *experiment) split(ctx context.Context, c *duck.Conn, q *duck.Query, r *Result) error {
	units := map[string]int64{}
	_, err := duck.Select(ctx, c, duck.SQL(exposed+"SELECT crossed, variant, count(*) FROM units GROUP BY ALL UNION ALL "+
		"SELECT NULL, '', count(*) FROM e WHERE unit IS NULL OR variant IS NULL OR seen IS NULL", duck.Args{"exposures": q}),
		func(row func(...any) error) (none struct{}, err error) {
			var crossed *bool
			var variant string
			var n int64
			if err := row(&crossed, &variant, &n); err != nil {
				return none, err
			}
			switch {
			case crossed == nil:
				r.Bad = n
			case *crossed:
				r.Crossed += n
			default:
				units[variant] = n
			}
			return none, nil
		})
	if err != nil {
		return err
	}
	sum := 0.0
	for _, v := range e.variants {
		sum += v.weight
	}
	var counts, weights []float64
	for _, v := range e.variants {
		n := units[v.name]
		delete(units, v.name)
		r.Variants = append(r.Variants, Variant{Name: v.name, Units: n, Wanted: v.weight / sum})
		if v.weight > 0 {
			counts, weights = append(counts, float64(n)), append(weights, v.weight)
		}
	}
	for _, n := range units {
		r.Unknown += n
	}
	r.Mismatch = chiSquare(counts, weights)
	return nil
}

// compare measures one metric of each variant's units. One that has no row has the value 0.
func (e *experiment) compare(ctx context.Context, c *duck.Conn, exposures *duck.Query, m *sql.Decl, variants []Variant) (Metric, error) {
	conversion, err := measured(ctx, c, m)
	if err != nil {
		return Metric{}, err
	}
	q, _ := metricQuery(m)
	a := duck.Args{"exposures": exposures, "metric": q, "value": duck.SQL("sum(CAST(v AS DOUBLE)) FILTER (isfinite(CAST(v AS DOUBLE)))")}
	if conversion {
		a["value"] = duck.SQL("CAST(bool_or(v) AS DOUBLE)")
	}
	found := map[string]sample{}
	_, err = duck.Select(ctx, c, duck.SQL(exposed+`, m AS (SELECT units.unit, {value} AS value FROM ({metric}) AS q(u, v, t)
		JOIN units ON units.unit = CAST(u AS VARCHAR) AND epoch_us(t) >= units.seen GROUP BY units.unit)
	SELECT variant, count(*), avg(coalesce(value, 0)), coalesce(var_samp(coalesce(value, 0)), 0) FROM units LEFT JOIN m USING (unit)
	WHERE NOT crossed GROUP BY variant`, a), func(row func(...any) error) (none struct{}, err error) {
		var name string
		var s sample
		err = row(&name, &s.n, &s.mean, &s.variance)
		found[name] = s
		return none, err
	})
	if err != nil {
		return Metric{}, err
	}
	out := Metric{Name: m.Name}
	for i, v := range variants {
		s, ok := found[v.Name]
		if !ok {
			s.mean = none
		}
		x := effect{none, none, none, none}
		if i > 0 {
			x = welch(found[variants[0].Name], s)
		}
		out.Effects = append(out.Effects, Effect{s.mean, x.difference, x.low, x.high, x.p})
	}
	return out, nil
}
