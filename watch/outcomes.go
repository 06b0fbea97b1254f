package watch

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"

	"dsql/engine/duck"
	"dsql/sql/code"
)

// Outcomes come late, and change: an outcome belongs to the version of its score, whose measures are made anew when it comes. Which
// versions that are is told by a digest of each version's outcomes, and of the declaration, kept in dsql.monitor_outcomes. A version whose
// rows aren't all there any more (VACUUM) keeps what was measured of it.

// judged are the names of the metrics that outcomes make.
const judged = `(auc|log_loss|brier|calibration_[0-9]|precision|recall|accuracy|mae|rmse|r2|bias)(\[.*\])?`

// Settle measures how right scores are, of each version whose outcomes are others than before. all are the rows of all versions, with
// _version.
func (s *session) Settle(ctx context.Context, tx *duck.Tx, all *duck.Query) error {
	if s.actual == "" {
		return nil
	}
	if err := s.load(ctx, tx); err != nil || s.base == nil { // nothing was measured yet
		return err
	}
	if err := errors.Join(s.known01(ctx, tx), s.unambiguous(ctx, tx)); err != nil {
		return err
	}
	due, err := s.due(ctx, tx, all)
	if err != nil || len(due) == 0 {
		return err
	}
	versions := duck.Each(", ", due, func(d digest) *duck.Query { return duck.Lit(d.version) })
	for _, c := range append([]comparison{{value: duck.SQL("({p})", duck.Args{"p": s.query("PREDICTION")})}}, s.compared...) {
		if err := s.judge(ctx, tx, all, versions, c); err != nil {
			return err
		}
	}
	rows := duck.Each(", ", due, func(d digest) *duck.Query {
		return duck.SQL("({m}, {v}, {scored}, {known}, {digest})",
			duck.Args{"m": s.decl.Name, "v": d.version, "scored": d.scored, "known": d.known, "digest": d.text})
	})
	a := duck.Args{"m": s.decl.Name, "versions": versions, "rows": rows}
	return tx.Run(ctx, duck.SQL("DELETE FROM dsql.monitor_outcomes WHERE monitor = {m} AND version IN ({versions})", a),
		duck.SQL("INSERT INTO dsql.monitor_outcomes VALUES {rows}", a))
}

// known01 refuses numbers that are no class, of outcomes that are to be one.
func (s *session) known01(ctx context.Context, tx *duck.Tx) error {
	if !s.coded || s.labels {
		return nil
	}
	var other string
	some, err := tx.Scan(ctx, duck.SQL("SELECT CAST({c} AS VARCHAR) FROM ({q}) WHERE {c} NOT IN (0, 1) ORDER BY {c} LIMIT 1",
		duck.Args{"c": duck.Ident(s.actual), "q": s.query("ACTUALS")}), &other)
	if err != nil || !some {
		return err
	}
	at := s.place("ACTUALS")
	return s.fail(at.Span, code.TypeMismatch,
		fmt.Sprintf("%s tells classes, so outcomes are 0 or 1, and %s is %s", s.model().Text, s.actual, other),
		"say what is of the class: arr_delay > 15 AS late")
}

// unambiguous refuses outcomes that stand more than once for a key, and are not alike.
func (s *session) unambiguous(ctx context.Context, tx *duck.Tx) error {
	var key string
	some, err := tx.Scan(ctx, duck.SQL("SELECT concat_ws(', ', {on}) FROM ({q}) WHERE {y} IS NOT NULL GROUP BY {on} "+
		"HAVING min({y}) <> max({y}) ORDER BY {on} LIMIT 1", s.args()), &key)
	if err != nil || !some {
		return err
	}
	at := s.place("ACTUALS")
	return s.fail(at.Span, code.AmbiguousOutcome, fmt.Sprintf("ACTUALS gives several outcomes of %s, and they are not alike", key),
		"let it give one row of each key: that of the last event, say")
}

// args are what the statements on outcomes need.
func (s *session) args() duck.Args {
	var on []string
	for _, n := range s.names("ON") {
		on = append(on, n.Text)
	}
	y := duck.Ident(s.actual)
	if s.coded && !s.labels {
		y = duck.SQL("CASE {c} WHEN 0 THEN false WHEN 1 THEN true END", duck.Args{"c": y})
	}
	return duck.Args{"on": duck.Names(on), "q": s.query("ACTUALS"), "y": y, "m": s.decl.Name}
}

// digest tells the outcomes of a version from those of another time.
type digest struct {
	version, scored, known int64
	text                   string
}

// due are the versions whose outcomes are others than those that were measured.
func (s *session) due(ctx context.Context, tx *duck.Tx, all *duck.Query) ([]digest, error) {
	a := s.args().With(duck.Args{"rows": s.rowsOf(all), "declared": s.fingerprint()})
	return duck.Select(ctx, tx.Conn, duck.SQL(`SELECT v.version, v.scored, v.known, v.digest FROM (
			SELECT s._version AS version, count(*) AS scored, count(o._dsql_y) AS known,
				{declared} || ' ' || coalesce(sum(CASE WHEN o._dsql_y IS NOT NULL THEN CAST(hash({s.on}, o._dsql_y) AS HUGEINT) END), 0) AS digest
			FROM {rows} s LEFT JOIN (SELECT {on}, min({y}) AS _dsql_y FROM ({q}) WHERE {y} IS NOT NULL GROUP BY {on}) o USING ({on})
			GROUP BY s._version) v
		LEFT JOIN (FROM dsql.monitor_outcomes WHERE monitor = {m}) w USING (version)
		WHERE CASE WHEN w.version IS NULL THEN v.known > 0 ELSE w.scored = v.scored AND w.digest <> v.digest END
			AND version IN (SELECT version FROM dsql.metrics WHERE destination = {m}) ORDER BY v.version`, a),
		func(row func(...any) error) (d digest, err error) {
			return d, row(&d.version, &d.scored, &d.known, &d.text)
		})
}

// judge measures versions, of the scores themselves or of another version of the model on the same rows.
func (s *session) judge(ctx context.Context, tx *duck.Tx, all, versions *duck.Query, c comparison) error {
	a := s.args().With(duck.Args{"rows": s.rowsOf(all), "versions": versions, "p": c.value, "name": "", "number": duck.SQL("")})
	if c.name != "" {
		a["name"] = "[" + c.name + "]"
	}
	if !s.labels {
		a["number"] = duck.SQL(" AND NOT isnan(CAST(_dsql_p AS DOUBLE))")
	}
	groups := duck.SQL("SELECT version, {name} AS suffix, p, y FROM known", a)
	a["group"] = duck.SQL("''")
	if s.group != nil && c.name == "" {
		a["group"] = duck.SQL("'[' || {g} || ']'", duck.Args{"g": s.group})
		groups = duck.SQL("{groups} UNION ALL SELECT version, g, p, y FROM known", duck.Args{"groups": groups})
	}
	a["groups"] = groups
	// In an order of its own: a sum of floating-point numbers depends on the order, and a join gives rows in any.
	if err := tx.Run(ctx, duck.SQL(`CREATE OR REPLACE TEMP TABLE dsql_judged AS
		WITH known AS (SELECT s._version AS version, s._dsql_g AS g, s._dsql_p AS p, o._dsql_y AS y
			FROM (SELECT _version, {on}, {group} AS _dsql_g, {p} AS _dsql_p FROM {rows} WHERE _version IN ({versions})) s
			JOIN (SELECT {on}, min({y}) AS _dsql_y FROM ({q}) WHERE {y} IS NOT NULL GROUP BY {on}) o USING ({on})
			WHERE _dsql_p IS NOT NULL{number})
		FROM ({groups}) ORDER BY version, suffix, p, y`, a)); err != nil {
		return err
	}
	if c.name == "" {
		if err := s.clear(ctx, tx, versions); err != nil {
			return err
		}
	}
	err := s.formulas(ctx, tx)
	if err == nil && c.name == "" && s.class && !s.labels {
		err = s.binned(ctx, tx)
	}
	if err != nil {
		return err
	}
	return tx.Run(ctx, duck.SQL("DROP TABLE temp.dsql_judged"))
}

// clear takes out what was measured of outcomes before.
func (s *session) clear(ctx context.Context, tx *duck.Tx, versions *duck.Query) error {
	a := duck.Args{"m": s.decl.Name, "versions": versions, "judged": judged, "calibration": calibration}
	return tx.Run(ctx,
		duck.SQL("DELETE FROM dsql.metrics WHERE destination = {m} AND version IN ({versions}) AND metric SIMILAR TO {judged}", a),
		duck.SQL("DELETE FROM dsql.monitor_bins WHERE monitor = {m} AND version IN ({versions}) AND "+
			"(input = {calibration} OR starts_with(input, {calibration} || '['))", a))
}

// The formulas, as scikit-learn has them. p is the prediction, y the outcome.
const (
	// values: mean_absolute_error, root_mean_squared_error, r2_score (NULL of one row; 1 or 0 where outcomes are all alike), mean of p − y.
	values = `SELECT version, suffix, unnest([{'n': 'mae', 'v': avg(abs(p - y))}, {'n': 'rmse', 'v': sqrt(avg((p - y) ** 2))},
			{'n': 'r2', 'v': CASE WHEN count(*) < 2 THEN NULL WHEN var_pop(y) > 0 THEN 1 - avg((p - y) ** 2) / var_pop(y)
				ELSE (max(abs(p - y)) = 0)::INTEGER END},
			{'n': 'bias', 'v': avg(p - y)}], recursive := true)
		FROM (SELECT version, suffix, CAST(p AS DOUBLE) AS p, CAST(y AS DOUBLE) AS y FROM temp.dsql_judged) GROUP BY version, suffix`
	// classes: brier_score_loss, log_loss (p kept 2⁻⁵² away from 0 and 1), precision_score and recall_score at the threshold; the first two
	// are NULL where a score is no probability, the others where nothing can be divided by.
	classes = `SELECT version, suffix, unnest([
			{'n': 'brier', 'v': CASE WHEN min(p) >= 0 AND max(p) <= 1 THEN avg((p - y) ** 2) END},
			{'n': 'log_loss', 'v': CASE WHEN min(p) >= 0 AND max(p) <= 1 THEN -avg(CASE WHEN y = 1 THEN ln(c) ELSE ln(1 - c) END) END},
			{'n': 'precision', 'v': sum(y) FILTER (p >= {threshold}) / nullif(count(*) FILTER (p >= {threshold}), 0)},
			{'n': 'recall', 'v': count(*) FILTER (p >= {threshold} AND y = 1) / nullif(sum(y), 0)}], recursive := true)
		FROM (SELECT version, suffix, p, y, least(greatest(p, 2.220446049250313e-16::DOUBLE), 1 - 2.220446049250313e-16::DOUBLE) AS c
			FROM (SELECT version, suffix, CAST(p AS DOUBLE) AS p, CAST(y AS INTEGER)::DOUBLE AS y FROM temp.dsql_judged)) GROUP BY version, suffix`
	// roc: roc_auc_score, the share of pairs of one of either class whose scores are in order, ties counting half; NULL of one class.
	roc = `SELECT version, suffix, 'auc', sum(pos * (below + neg / 2)) / nullif(sum(pos) * sum(neg), 0) FROM (
			SELECT version, suffix, pos, neg, sum(neg) OVER (PARTITION BY version, suffix ORDER BY p ROWS UNBOUNDED PRECEDING) - neg AS below
			FROM (SELECT version, suffix, CAST(p AS DOUBLE) AS p, count(*) FILTER (y)::DOUBLE AS pos, count(*) FILTER (NOT y)::DOUBLE AS neg
				FROM temp.dsql_judged GROUP BY ALL)) GROUP BY version, suffix`
	// right: accuracy_score of labels, which are texts or numbers.
	right = `SELECT version, suffix, 'accuracy', avg(({same})::INTEGER) FROM temp.dsql_judged GROUP BY version, suffix`
)

const calibration = "calibration"

// formulas writes the metrics of what stands in dsql_judged.
func (s *session) formulas(ctx context.Context, tx *duck.Tx) error {
	texts := []string{values}
	switch {
	case s.labels:
		texts = []string{right}
	case s.class:
		texts = []string{classes, roc}
	}
	threshold, err := s.threshold(ctx, tx)
	if err != nil {
		return err
	}
	same := duck.SQL("CAST(p AS VARCHAR) = CAST(y AS VARCHAR)")
	if s.coded {
		same = duck.SQL("p = y")
	}
	for _, t := range texts {
		q := duck.SQL("INSERT INTO dsql.metrics (destination, metric, version, recorded_at, value) "+
			"SELECT {m}, name || suffix, version, {now}, CASE WHEN isfinite(value) THEN value END FROM ({q}) t(version, suffix, name, value)",
			duck.Args{"m": s.decl.Name, "now": duck.Now, "q": duck.SQL(t, duck.Args{"threshold": threshold, "same": same})})
		if err := tx.Run(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// threshold is from which score on a row is of the class.
func (s *session) threshold(ctx context.Context, tx *duck.Tx) (float64, error) {
	v := s.decl.Arg("THRESHOLD")
	if v == nil {
		return 0.5, nil
	}
	var x dbsql.NullFloat64
	_, err := tx.Scan(ctx, duck.SQL("SELECT CAST(({t}) AS DOUBLE)", duck.Args{"t": s.query("THRESHOLD")}), &x)
	if err == nil && !x.Valid {
		return 0, s.fail(v.Exprs[0], code.TypeMismatch, "THRESHOLD is NULL", "write a number: THRESHOLD 0.5")
	}
	return x.Float64, err
}

// binned writes the calibration in ten bins of the same width, as calibration_curve has them (a bin has its upper end), and notes the
// outcomes in the bins of the score.
func (s *session) binned(ctx context.Context, tx *duck.Tx) error {
	var edges []*duck.Query
	for i := 1; i < 10; i++ {
		edges = append(edges, duck.SQL("(p > {e}::DOUBLE)::INTEGER", duck.Args{"e": float64(i) * 0.1}))
	}
	a := duck.Args{"m": s.decl.Name, "now": duck.Now, "bin": duck.Join(" + ", edges...), "calibration": calibration, "name": scored,
		"inner": duck.SQL("0")}
	var inner []*duck.Query
	for _, e := range s.base[scored].Edges {
		inner = append(inner, duck.SQL("(p > {e}::DOUBLE)::INTEGER", duck.Args{"e": e}))
	}
	if len(inner) > 0 {
		a["inner"] = duck.Join(" + ", inner...)
	}
	return tx.Run(ctx,
		duck.SQL(`INSERT INTO dsql.monitor_bins SELECT {m}, version, {calibration} || suffix, bin, bin / 10, (bin + 1) / 10, NULL, count(*), sum(p), sum(y)
			FROM (SELECT version, suffix, CAST(p AS DOUBLE) AS p, y::INTEGER AS y, {bin} AS bin FROM temp.dsql_judged) WHERE p BETWEEN 0 AND 1
			GROUP BY version, suffix, bin ORDER BY version, suffix, bin`, a),
		duck.SQL(`INSERT INTO dsql.metrics (destination, metric, version, recorded_at, value)
			SELECT {m}, {calibration} || '_' || bin || substr(input, length({calibration}) + 1), version, {now}, outcomes / n FROM dsql.monitor_bins
			WHERE monitor = {m} AND (input = {calibration} OR starts_with(input, {calibration} || '['))
				AND version IN (SELECT version FROM temp.dsql_judged)`, a),
		duck.SQL(`UPDATE dsql.monitor_bins b SET outcomes = j.n FROM (SELECT version, {name} || suffix AS input, bin, sum(y::INTEGER) AS n
				FROM (SELECT version, suffix, y, {inner} AS bin FROM (SELECT version, suffix, y, CAST(p AS DOUBLE) AS p FROM temp.dsql_judged))
				GROUP BY ALL) j
			WHERE b.monitor = {m} AND b.version = j.version AND b.input = j.input AND b.bin = j.bin`, a))
}
