package watch

import (
	"context"
	dbsql "database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// Judge says whether the alert fires, by what stands in the file. Of what isn't known yet nothing is said.
func (a *alert) Judge(ctx context.Context, c *duck.Conn, env *kind.Env) (kind.Finding, error) {
	f := kind.Finding{Object: a.object(env)}
	args := duck.Args{"of": a.of, "name": a.name, "n": a.versions, "now": duck.Now}
	switch a.what {
	case "ON CHECK":
		err := a.judgeRows(ctx, c, &f, duck.SQL(`SELECT version, value, verdict NOT IN ('pass', 'unknown', 'released') AS fires, verdict FROM dsql.checks
			WHERE lower(destination) = lower({of}) AND lower(name) = lower({name}) ORDER BY checked_at DESC, rowid DESC LIMIT {n}`, args))
		return f, err
	case "ON METRIC":
		f.Threshold = &a.threshold
		args["fires"] = a.compared("value")
		err := a.judgeRows(ctx, c, &f, duck.SQL(`SELECT version, value, coalesce({fires}, false) AS fires, '' FROM dsql.metrics
			WHERE lower(destination) = lower({of}) AND lower(metric) = lower({name}) AND value IS NOT NULL ORDER BY version DESC LIMIT {n}`, args))
		return f, err
	case "ON NO DATA":
		args["interval"] = duck.User(a.decl.Src, a.interval)
		var last string
		_, err := c.Scan(ctx, duck.SQL(`SELECT coalesce(strftime(last, '%Y-%m-%d %H:%M:%S'), ''), coalesce(last, born) < {now} - ({interval}) FROM (
			SELECT (SELECT max(committed_at) FROM dsql.versions v JOIN dsql.version_rows r USING (version)
					WHERE r.kind = 'source' AND lower(r.name) = lower({of}) AND r.rows_in > 0) AS last,
				(SELECT max(declared_at) FROM dsql.declarations WHERE kind = 'source' AND lower(name) = lower({of})) AS born)`, args), &last, &f.Fires)
		f.Known = err == nil
		f.Text = "nothing came of " + a.of + " for " + a.interval.Of(a.decl.Src)
		if last != "" {
			f.Text += ", the last at " + last + " UTC"
		}
		return f, err
	}
	if a.what == "ON EXPERIMENT" {
		return a.judgeSplit(ctx, c, env, f)
	}
	return a.judgeLag(ctx, c, env, f)
}

// compared is a condition on a value.
func (a *alert) compared(value string) *duck.Query {
	args := duck.Args{"v": duck.Ident(value), "x": a.threshold}
	switch {
	case a.above && a.equal:
		return duck.SQL("{v} >= {x}", args)
	case a.above:
		return duck.SQL("{v} > {x}", args)
	case a.equal:
		return duck.SQL("{v} <= {x}", args)
	}
	return duck.SQL("{v} < {x}", args)
}

// judgeRows fires where all of the newest rows do, and there are enough.
func (a *alert) judgeRows(ctx context.Context, c *duck.Conn, f *kind.Finding, q *duck.Query) error {
	type row struct {
		version dbsql.NullInt64
		value   dbsql.NullFloat64
		fires   bool
		verdict string
	}
	rows, err := duck.Select(ctx, c, q, func(scan func(...any) error) (r row, err error) {
		return r, scan(&r.version, &r.value, &r.fires, &r.verdict)
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	f.Known = true
	f.Fires = len(rows) == a.versions && !slices.ContainsFunc(rows, func(r row) bool { return !r.fires })
	f.Version = rows[0].version.Int64
	if rows[0].value.Valid {
		f.Value = &rows[0].value.Float64
	}
	f.Text = f.Object + " is " + rows[0].verdict
	if a.what == "ON METRIC" {
		f.Text = fmt.Sprintf("%s is %s", f.Object, strconv.FormatFloat(rows[0].value.Float64, 'g', 6, 64))
		if f.Fires {
			f.Text += fmt.Sprintf(", the limit is %s", strconv.FormatFloat(a.threshold, 'g', 6, 64))
		}
	}
	return nil
}

func (a *alert) judgeLag(ctx context.Context, c *duck.Conn, env *kind.Env, f kind.Finding) (kind.Finding, error) {
	s, ok := env.Declared("source", a.of).(kind.Lagging)
	if !ok {
		return f, nil
	}
	f.Threshold = &a.threshold
	q, err := s.Lag(ctx, c, env)
	if err != nil { // the brokers don't answer: nothing is known
		return f, nil
	}
	var lag dbsql.NullFloat64
	if _, err := c.Scan(ctx, duck.SQL("SELECT max(lag) FROM (SELECT sum(lag)::DOUBLE AS lag FROM ({q}) GROUP BY destination)",
		duck.Args{"q": q}), &lag); err != nil || !lag.Valid {
		return f, err
	}
	f.Known, f.Value = true, &lag.Float64
	_, err = c.Scan(ctx, duck.SQL("SELECT {c} FROM (SELECT {v}::DOUBLE AS v)", duck.Args{"c": a.compared("v"), "v": lag.Float64}), &f.Fires)
	f.Text = fmt.Sprintf("%.0f records of %s wait", lag.Float64, a.of)
	return f, err
}

// judgeSplit fires while chance doesn't split units so. A query that fails tells nothing; the report says so.
func (a *alert) judgeSplit(ctx context.Context, c *duck.Conn, env *kind.Env, f kind.Finding) (kind.Finding, error) {
	x, ok := env.Declared("experiment", a.of).(Experiment)
	if !ok {
		return f, nil
	}
	r, err := x.Split(ctx, c)
	if err != nil || math.IsNaN(r.Mismatch) {
		return f, ctx.Err()
	}
	limit := srmAlpha
	f.Known, f.Fires, f.Value, f.Threshold = true, r.Broken(), &r.Mismatch, &limit
	f.Text = f.Object + " is split as declared"
	if f.Fires {
		f.Text = fmt.Sprintf("%s isn't split as declared, by chance with p = %.2g: %s", f.Object, r.Mismatch, Units(r.Variants))
	}
	return f, nil
}
