package watch

import (
	"context"
	"math"

	"dsql/engine/duck"
)

// records are rows for dsql.metrics and dsql.monitor_bins.
type records struct {
	metrics, binned []*duck.Query
}

// atOnce is how many rows one INSERT takes: DuckDB's parser needs longer for a long list than its table does.
const atOnce = 500

func (r *records) metric(name string, v float64) {
	a := duck.Args{"name": name, "v": duck.Lit(nil)}
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		a["v"] = duck.SQL("{v}::DOUBLE", duck.Args{"v": v})
	}
	r.metrics = append(r.metrics, duck.SQL("({name}, {v})", a))
}

// bins notes a feature's counts. expected is how many of these values a bin would have with the baseline's shares.
func (r *records) bins(version int64, f feature, suffix string, b *bins, t tally, q []float64) {
	for i, n := range t.counts {
		a := duck.Args{"v": version, "input": f.name + suffix, "bin": i, "low": duck.Lit(nil), "high": duck.Lit(nil), "label": duck.Lit(nil),
			"n": n, "expected": duck.Lit(nil), "outcomes": duck.Lit(nil)}
		if f.number {
			if i > 0 {
				a["low"] = b.Edges[i-1]
			}
			if i < len(b.Edges) {
				a["high"] = b.Edges[i]
			}
		} else if i < len(b.Labels) {
			a["label"] = b.Labels[i]
		}
		if q != nil {
			a["expected"] = q[i] * float64(t.valid)
		}
		r.binned = append(r.binned, binRow(a))
	}
}

func binRow(a duck.Args) *duck.Query {
	return duck.SQL("({v}, {input}, {bin}, {low}, {high}, {label}, {n}, {expected}, {outcomes})", a)
}

// write puts the records of a version into the file, in the place of those that stand there: these are the metrics for which a condition
// is so.
func (r *records) write(ctx context.Context, tx *duck.Tx, monitor string, version int64, these *duck.Query) error {
	a := duck.Args{"m": monitor, "v": version, "these": these, "now": duck.Now}
	if err := tx.Run(ctx, duck.SQL("DELETE FROM dsql.metrics WHERE destination = {m} AND version = {v} AND {these}", a)); err != nil {
		return err
	}
	for _, part := range parts(r.metrics) {
		if err := tx.Run(ctx, duck.SQL("INSERT INTO dsql.metrics (destination, metric, version, recorded_at, value) SELECT {m}, name, "+
			"{v}, {now}, "+
			"value FROM (VALUES {rows}) t(name, value)", a.With(duck.Args{"rows": part}))); err != nil {
			return err
		}
	}
	for _, part := range parts(r.binned) {
		if err := tx.Run(ctx, duck.SQL("INSERT INTO dsql.monitor_bins SELECT {m}, * FROM (VALUES {rows}) t",
			a.With(duck.Args{"rows": part}))); err != nil {
			return err
		}
	}
	return nil
}

func parts(rows []*duck.Query) (out []*duck.Query) {
	for len(rows) > 0 {
		n := min(atOnce, len(rows))
		out = append(out, duck.Join(", ", rows[:n]...))
		rows = rows[n:]
	}
	return out
}
