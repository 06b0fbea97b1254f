package look

import (
	"context"
	dbsql "database/sql"
	"errors"

	"dsql/engine/duck"
	"dsql/models"
	"dsql/pipeline/program"
	"dsql/pyfunc"
	"dsql/quality"
	"dsql/rules"
	"dsql/sql"
)

// learned shows the limits that checks learned, as they were when these were judged last.
func (v *Viewer) learned(ctx context.Context, name string) error {
	q, err := v.bands(ctx, name)
	if err != nil || q == nil {
		return err
	}
	return v.titled(ctx, "learned", q)
}

// bands are where the last verdicts let lie what checks compare with its own past; nil: no check does. A destination that doesn't bind any
// more has none: its script tells why.
func (v *Viewer) bands(ctx context.Context, name string) (*duck.Query, error) {
	var rows []*duck.Query
	lists := ""
	for _, n := range v.Program.Nodes {
		if n.Kind == "checks" {
			lists += n.Text()
		}
	}
	for _, n := range v.Program.Sorted() {
		d, ok := n.Destination()
		if !ok || len(d.Chain().Checks) == 0 || name != "" && !sql.Same(n.Name, name) || !quality.LooksBack(n.Text()+lists) {
			continue
		}
		if rows == nil { // what its query calls
			if err := errors.Join(models.Restore(ctx, v.Conn), pyfunc.Restore(ctx, v.Conn), rules.RegisterHelpers(v.Conn),
				v.Conn.Run(ctx, duck.SQL("SET ieee_floating_point_ops = false"))); err != nil {
				return nil, err
			}
			rows = []*duck.Query{}
		}
		if err := v.bound(ctx, n); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			continue
		}
		verdicts, err := v.lastVerdicts(ctx, n)
		if err != nil {
			return nil, err
		}
		bands, err := n.Quality.Bands(ctx, v.Conn, n.Name, n.Born(), verdicts)
		if err != nil {
			return nil, err
		}
		for _, b := range bands {
			rows = append(rows, duck.SQL("SELECT {d} AS destination, {c} AS \"check\", {of} AS measured, {v}::DOUBLE AS value, {lo}::DOUBLE AS low, "+
				"{hi}::DOUBLE AS high", duck.Args{"d": n.Name, "c": b.Check, "of": b.Of, "v": maybe(b.Value), "lo": maybe(b.Low), "hi": maybe(b.High)}))
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return duck.Join(" UNION ALL ", rows...), nil
}

func maybe(x dbsql.NullFloat64) *duck.Query {
	if !x.Valid {
		return duck.Lit(nil)
	}
	return duck.Lit(x.Float64)
}

// lastVerdicts are those of a destination's checks. A batch that failed is judged as the version that it would have been.
func (v *Viewer) lastVerdicts(ctx context.Context, n *program.Node) ([]quality.Judged, error) {
	return duck.Select(ctx, v.Conn, duck.SQL(`SELECT name, coalesce(version, (SELECT coalesce(max(version), 0) + 1 FROM dsql.versions
				WHERE committed_at <= checked_at)), checked_at::VARCHAR, value
		FROM dsql.checks WHERE destination = {d} QUALIFY row_number() OVER (PARTITION BY name ORDER BY checked_at DESC, rowid DESC) = 1 ORDER BY name`,
		duck.Args{"d": n.Name}), func(row func(...any) error) (j quality.Judged, err error) {
		var at string
		err = row(&j.Check, &j.Version, &at, &j.Value)
		j.At = duck.SQL("CAST({at} AS TIMESTAMP)", duck.Args{"at": at})
		return j, err
	})
}

// bound binds a declaration with all that it reads, and what stands behind its query.
func (v *Viewer) bound(ctx context.Context, n *program.Node) error {
	if n.Bound && n.Quality != nil {
		return nil
	}
	return v.Conn.Scratch(ctx, func(tx *duck.Tx) error {
		for _, m := range program.Ordered([]*program.Node{n}, (*program.Node).Needs) {
			if m.Bound {
				continue
			}
			if err := v.Program.Bind(ctx, tx, m); err != nil {
				return err
			}
		}
		return v.Program.Chain(ctx, tx, n)
	})
}
