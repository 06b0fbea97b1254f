package quality

import (
	"context"
	dbsql "database/sql"
	"math"
	"slices"

	"dsql/engine/duck"
)

// What a batch is measured beside: earlier values of metrics, baselines.

// prepare gets what the scan needs beforehand: histories and baselines.
func (p *Program) prepare(ctx context.Context, tx *duck.Tx, b Batch) (*env, error) {
	e := &env{batch: b, history: map[past]*duck.Query{}, bins: map[drift]bins{}, drifts: map[drift]*duck.Query{}, table: b.Table}
	for _, h := range p.needs.history {
		if _, ok := e.history[h]; ok {
			continue
		}
		v, err := history(ctx, tx.Conn, b, h)
		if err != nil {
			return nil, err
		}
		e.history[h] = v
	}
	var err error
	if e.spans, err = p.spans(ctx, tx, b, p.needs.spans); err != nil {
		return nil, err
	}
	for _, d := range p.needs.drifts {
		base, err := p.baseline(ctx, tx, b, d)
		if err != nil {
			return nil, err
		}
		rows := b.Rows
		if p.items[d.item].table {
			rows = b.Table
		}
		switch {
		case base == nil:
			e.drifts[d] = duck.SQL("NULL::DOUBLE")
		case d.of != "psi" || !binned(p.compared[d]):
			e.drifts[d], err = p.beside(ctx, tx, d, rows, base)
		default:
			e.bins[d], err = p.bins(ctx, tx, d, base)
		}
		if err != nil {
			return nil, err
		}
	}
	return e, nil
}

// history is a literal of what earlier versions recorded of a metric: those whose batch was held don't count, as it never
// reached the table, and neither does a NaN, which would make one of all that is computed from it.
func history(ctx context.Context, c *duck.Conn, b Batch, h past) (*duck.Query, error) {
	type recorded struct {
		value dbsql.NullFloat64
		text  dbsql.NullString
	}
	last, err := duck.Select(ctx, c, duck.SQL(`SELECT value, value_text FROM dsql.metrics
		WHERE lower(destination) = lower({d}) AND lower(metric) = {m} AND version < {v} AND version > {born}
		AND (value IS NOT NULL OR value_text IS NOT NULL) AND NOT coalesce(isnan(value), false)
		AND version NOT IN (SELECT version FROM dsql.checks WHERE lower(destination) = lower({d}) AND verdict = 'held' AND version IS NOT NULL)
		ORDER BY version DESC, recorded_at DESC LIMIT {n}`, duck.Args{"d": b.Destination, "m": h.metric, "v": b.Version, "born": b.Born, "n": h.n}),
		func(row func(...any) error) (r recorded, err error) { return r, row(&r.value, &r.text) })
	if err != nil {
		return nil, err
	}
	null := duck.SQL("NULL")
	if h.what == "previous" {
		switch {
		case len(last) < h.n:
			return null, nil
		case last[h.n-1].text.Valid: // what a DOUBLE doesn't hold stands there, too
			return duck.Lit(last[h.n-1].text.String), nil
		}
		return duck.Lit(last[h.n-1].value.Float64), nil
	}
	last = slices.DeleteFunc(last, func(r recorded) bool { return math.IsInf(r.value.Float64, 0) })
	var n, sum float64
	for _, r := range last {
		if r.value.Valid {
			n++
			sum += r.value.Float64
		}
	}
	if n == 0 {
		return null, nil
	}
	mean := sum / n
	if h.what == "mean" {
		return duck.Lit(mean), nil
	}
	if n < 2 {
		return null, nil
	}
	var squares float64
	for _, r := range last {
		if r.value.Valid {
			squares += (r.value.Float64 - mean) * (r.value.Float64 - mean)
		}
	}
	return duck.Lit(math.Sqrt(squares / (n - 1))), nil
}
