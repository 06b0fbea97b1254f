package quality

import (
	"context"
	dbsql "database/sql"
	"slices"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Batch is what is measured: the rows that the rules let through.
type Batch struct {
	Destination, Source string
	Keyed               bool   // its rows change: name__changes has what is new in a version
	Origin              string // which file, offsets or versions, for messages
	Version             int64
	Rows                *duck.Query // a FROM-item of Columns, and _row where HasRow
	Table               *duck.Query // a FROM-item of the table as it will be after this batch, for OVER TABLE
	Columns             []duck.Column
	HasRow              bool
	Input               *kind.Input
	Was                 kind.Was // of a row _r of Rows: as in catalog.Rejection
	Born                int64    // versions after this one are the destination's own; older ones are of one that was dropped
	Replayed            bool     // these rows are rejects that come back: only checks OVER TABLE judge them, and they make no metrics
	// Rehearse, where there is one, is called before a statement that reads Rows, with what that is over some rows.
	Rehearse func(ctx context.Context, tx *duck.Tx, over func(rows *duck.Query) *duck.Query, rows *duck.Query) error
	Released string // the check that held these rows back until somebody released them: they are measured, and nothing stops them
}

// Result is what the checks of a batch came to, when none of those ON FAILURE FAIL failed.
type Result struct {
	Held     []string // checks ON FAILURE HOLD that failed: the batch's rows are in dsql.rejects under the first of them
	HeldRows int64
	Warnings []*sql.Error // checks ON FAILURE WARN that failed
}

// outcome is one item's result.
type outcome struct {
	item    *item
	value   dbsql.NullFloat64
	text    dbsql.NullString
	verdict string          // of a check
	broken  dbsql.NullInt64 // rows that break a check on rows, groups that fail one BY
	groups  dbsql.NullInt64 // how many groups a check BY had
	null    bool            // the verdict comes of what is unknown
	rows    []string        // up to maxRows of them, or up to showRows that explain why another check failed; JSON
	kept    bool            // rows broke a check of all rows
}

// Rows kept of each failed check on rows, and rows shown in an error.
const (
	maxRows  = 100
	showRows = 3
)

// Verdicts in dsql.checks. A check whose condition is NULL is unknown, and passes.
const (
	passed  = "pass"
	failed  = "fail" // ON FAILURE FAIL
	held    = "held" // ON FAILURE HOLD
	freed   = "released"
	warned  = "warn" // ON FAILURE WARN
	unknown = "unknown"
	ignored = "" // nothing is kept of it
)

var verdicts = map[string]string{fail: failed, hold: held, warn: warned}

// Measure computes all metrics and checks of a batch and records them. When a check ON FAILURE FAIL fails it records nothing and
// returns a *Failure, which keeps what was measured for after the rollback.
func (p *Program) Measure(ctx context.Context, tx *duck.Tx, b Batch) (Result, error) {
	j, err := p.Judge(ctx, tx, b)
	if err != nil {
		return Result{}, err
	}
	return p.Settle(ctx, tx, b, j)
}

// Judgement is what was measured, and not recorded yet.
type Judgement struct{ out []outcome }

// Holds: the batch goes to dsql.rejects.
func (j *Judgement) Holds() bool {
	return slices.ContainsFunc(j.out, func(o outcome) bool { return o.verdict == held })
}

// Judge computes all metrics and checks of a batch.
func (p *Program) Judge(ctx context.Context, tx *duck.Tx, b Batch) (*Judgement, error) {
	if p.Empty() {
		return &Judgement{}, nil
	}
	if p.baselines() {
		if err := tx.Run(ctx, duck.SQL("SET VARIABLE dsql_baseline = true")); err != nil {
			return nil, err
		}
	}
	e, err := p.prepare(ctx, tx, b)
	if err != nil {
		return nil, err
	}
	out, x, err := p.scan(ctx, tx, b, e)
	if err != nil {
		return nil, err
	}
	if b.Replayed { // a handful of rows is no batch like others
		for i := range out {
			if o := &out[i]; !o.item.check || !o.item.table {
				o.verdict = ignored
			}
		}
	}
	for i := range out {
		if err := p.collect(ctx, tx, b, x.parts[i], &out[i]); err != nil {
			return nil, err
		}
	}
	if b.Released != "" {
		if err := release(ctx, tx, b, out); err != nil {
			return nil, err
		}
	}
	if p.baselines() {
		err = tx.Run(ctx, duck.SQL("RESET VARIABLE dsql_baseline"))
	}
	return &Judgement{out}, err
}

// baselines: a check compares with a query of the user's, where a version that isn't there yet is none (see journal/views.go).
func (p *Program) baselines() bool {
	return slices.ContainsFunc(p.items, func(it item) bool { return it.baseline != nil })
}

// Settle records what was measured, and puts the rows of a batch that is held into dsql.rejects.
func (p *Program) Settle(ctx context.Context, tx *duck.Tx, b Batch, j *Judgement) (res Result, err error) {
	if p.Empty() {
		if b.Released != "" {
			return res, Released(ctx, tx, b.Destination, b.Released, b.Version)
		}
		return res, nil
	}
	out := j.out
	if f := newFailure(b, out); f != nil {
		return res, f
	}
	if err := record(ctx, tx, b.Destination, duck.Lit(b.Version), kept(b, out)); err != nil {
		return res, err
	}
	var first *outcome
	for i := range out {
		switch o := &out[i]; o.verdict {
		case held:
			if first == nil {
				first = o
			}
			res.Held = append(res.Held, o.item.name())
		case warned:
			res.Warnings = append(res.Warnings, o.warning(b))
		}
	}
	if first == nil {
		return res, nil
	}
	res.HeldRows, err = catalog.Reject(ctx, tx,
		catalog.Rejection{Destination: b.Destination, Source: b.Source, Version: b.Version, Input: b.Input, HasRow: b.HasRow, Was: b.Was,
			Rows:    b.Rows,
			Columns: b.Columns, Rule: duck.Lit(first.item.name()), Reason: duck.Lit("check: " + first.item.name() + ": " + first.item.text())})
	return res, err
}

// kept are the outcomes that are recorded.
func kept(b Batch, out []outcome) []outcome {
	if !b.Replayed {
		return out
	}
	return slices.DeleteFunc(slices.Clone(out), func(o outcome) bool { return o.verdict == ignored })
}

// release gives the check that held a batch back, and those that would stop it now, the verdict that says so.
func release(ctx context.Context, tx *duck.Tx, b Batch, out []outcome) error {
	found := false
	for i := range out {
		o := &out[i]
		own := o.item.check && sql.Same(o.item.name(), b.Released)
		if own || o.verdict == failed || o.verdict == held {
			o.verdict = freed
		}
		found = found || own
	}
	if found {
		return nil
	}
	return Released(ctx, tx, b.Destination, b.Released, b.Version)
}

// scan computes all items: in one statement, and those checks on rows that compare with metrics in a second.
func (p *Program) scan(ctx context.Context, tx *duck.Tx, b Batch, e *env) ([]outcome, *expansion, error) {
	out := make([]outcome, len(p.items))
	for i := range p.items {
		out[i].item = &p.items[i]
	}
	x := p.expand(e)
	if err := p.run(ctx, tx, b, x, out); err != nil {
		return nil, nil, err
	}
	later := *e
	later.metrics = func(i int) *duck.Query {
		o, t := out[i], p.metricType(i)
		switch {
		case o.text.Valid:
			return duck.SQL("CAST({v} AS {t})", duck.Args{"v": o.text.String, "t": t})
		case o.value.Valid:
			return duck.SQL("CAST({v} AS {t})", duck.Args{"v": o.value.Float64, "t": t})
		}
		return duck.SQL("NULL::{t}", duck.Args{"t": t})
	}
	second := p.expand(&later)
	if !second.empty() {
		if err := p.run(ctx, tx, b, second, out); err != nil {
			return nil, nil, err
		}
	}
	for i, pt := range second.parts {
		if pt.expr != nil {
			x.parts[i] = pt
		}
	}
	return out, x, nil
}

// run runs an expansion's statement and reads its row. Division by zero is NULL in it: a metric that can't be told is no failure.
func (p *Program) run(ctx context.Context, tx *duck.Tx, b Batch, x *expansion, out []outcome) (err error) {
	var cols []*duck.Query
	var dest []any
	conditions := make([]dbsql.NullBool, len(p.items))
	samples := make([]dbsql.NullString, len(p.items))
	for i := range p.items {
		it, o := &p.items[i], &out[i]
		if x.parts[i].expr == nil {
			continue
		}
		a := duck.Args{"v": duck.Ident(typeName(i)), "c": duck.Ident(conditionName(i))}
		switch {
		case isExact(it.typ): // beside the DOUBLE the text of what it doesn't hold
			a["t"] = it.typ
			cols = append(cols, duck.SQL("CAST({v} AS DOUBLE), CASE WHEN TRY_CAST(CAST({v} AS DOUBLE) AS {t}) IS DISTINCT FROM {v} THEN CAST({v} "+
				"AS VARCHAR) END", a))
		case isNumber(it.typ):
			cols = append(cols, duck.SQL("CAST({v} AS DOUBLE), NULL::VARCHAR", a))
		case it.typ == "BOOLEAN":
			cols = append(cols, duck.SQL("CAST(CAST({v} AS INTEGER) AS DOUBLE), NULL::VARCHAR", a))
		default:
			cols = append(cols, duck.SQL("NULL::DOUBLE, CAST({v} AS VARCHAR)", a))
		}
		dest = append(dest, &o.value, &o.text)
		if it.check {
			cols, dest = append(cols, duck.SQL("{c}", a)), append(dest, &conditions[i])
		}
		if it.grouped() {
			cols = append(cols, duck.SQL("{g}, {s}", duck.Args{"g": named("groups of %d", i), "s": named("some of %d", i)}))
			dest = append(dest, &o.groups, &samples[i])
		}
	}
	if len(cols) == 0 {
		return nil
	}
	restore, err := quietDivision(ctx, tx)
	if err != nil {
		return err
	}
	if b.Rehearse != nil {
		err = b.Rehearse(ctx, tx, func(rows *duck.Query) *duck.Query {
			return duck.SQL("FROM {scans}", duck.Args{"scans": x.scans(rows, b.Table)})
		}, b.Rows)
	}
	if err == nil {
		_, err = tx.Scan(ctx, duck.SQL("SELECT {cols} FROM ({q})",
			duck.Args{"cols": duck.Join(", ", cols...), "q": p.statement(x, b.Rows, b.Table)}), dest...)
	}
	if rerr := restore(); err == nil {
		err = rerr
	}
	if err != nil {
		return err
	}
	for i := range p.items {
		it, o := &p.items[i], &out[i]
		if x.parts[i].expr == nil || !it.check {
			continue
		}
		if o.judge(conditions[i]); o.verdict != unknown {
			tx.DB.Witness().Note(p.condition(it), o.verdict == passed)
		}
		if err := o.keep(samples[i]); err != nil {
			return err
		}
	}
	return nil
}

// judge gives a check its verdict.
func (o *outcome) judge(c dbsql.NullBool) {
	it := o.item
	switch {
	case !c.Valid && it.unknown == warn:
		o.verdict, o.null = warned, true
	case !c.Valid && it.unknown == fail: // no groups
		o.verdict = verdicts[it.action]
	case !c.Valid:
		o.verdict = unknown
	case c.Bool:
		o.verdict = passed
	default:
		o.verdict = verdicts[it.action]
	}
	if it.apart() {
		o.broken = dbsql.NullInt64{Int64: int64(o.value.Float64), Valid: true}
	}
}

// quietDivision makes DuckDB give NULL for a division by zero, and returns what puts the user's setting back.
func quietDivision(ctx context.Context, tx *duck.Tx) (restore func() error, err error) {
	var was string
	if _, err := tx.Scan(ctx, duck.SQL("SELECT current_setting('ieee_floating_point_ops')::VARCHAR"), &was); err != nil {
		return nil, err
	}
	if was != "true" {
		return func() error { return nil }, nil
	}
	if err := tx.Run(ctx, duck.SQL("SET ieee_floating_point_ops = false")); err != nil {
		return nil, err
	}
	return func() error {
		return tx.Run(context.WithoutCancel(ctx), duck.SQL("SET ieee_floating_point_ops = true"))
	}, nil
}

// collect fetches rows that show why a check failed: those that broke it, which are kept, or a few of those that it counts, which are shown
// where a gate closed.
func (p *Program) collect(ctx context.Context, tx *duck.Tx, b Batch, pt part, o *outcome) error {
	if !o.item.check || o.item.grouped() || o.verdict == passed || o.verdict == unknown || o.verdict == ignored {
		return nil
	}
	rel, cols := b.Rows, b.Columns
	if o.item.table {
		rel, cols = b.Table, p.stored
	}
	show := slices.DeleteFunc(slices.Clone(pt.examples), func(e example) bool { return !e.kept })
	a := duck.Args{"data": catalog.DataJSON("_r", duck.ColumnNames(cols)), "rel": rel, "n": maxRows, "order": duck.SQL("")}
	switch {
	case o.item.rows && o.null:
		a["cond"] = duck.SQL("({p}) IS NULL", duck.Args{"p": pt.predicate})
	case o.item.rows:
		a["cond"] = duck.SQL("NOT ({p})", duck.Args{"p": pt.predicate})
	case len(show) == 0 && (len(pt.examples) == 0 || o.verdict == warned): // a scan more, which only a closed gate is worth
		return nil
	default:
		if o.kept = len(show) > 0; !o.kept {
			show, a["n"] = pt.examples, showRows
		}
		a["cond"] = duck.Each(" OR ", show, func(e example) *duck.Query { return duck.SQL("({c})", duck.Args{"c": e.of(rel)}) })
		show = slices.DeleteFunc(slices.Clone(show), func(e example) bool { return e.order == nil })
		if len(show) > 0 {
			a["order"] = duck.SQL(" ORDER BY {by}",
				duck.Args{"by": duck.Each(", ", show, func(e example) *duck.Query { return duck.SQL("({o})", duck.Args{"o": e.order}) })})
		}
	}
	var err error
	o.rows, err = duck.Select(ctx, tx.Conn, duck.SQL("SELECT {data}::VARCHAR FROM {rel} AS _r WHERE {cond}{order} LIMIT {n}", a),
		func(row func(...any) error) (s string, err error) { return s, row(&s) })
	return err
}

// warning is a failed check ON FAILURE WARN.
func (o *outcome) warning(b Batch) *sql.Error {
	what := "failed"
	if o.null {
		what = "is unknown"
	}
	return o.item.decl.Errorf(code.Check, "the check %s of %s %s: %s, expected %s%s", o.item.name(), b.Destination, what, o.measured(),
		o.item.text(), kind.Whence(b.Origin, b.Version)).
		WithHint("see its history with: dsql checks " + b.Destination).WithNotes(o.item.note).WithExit(code.ExitFailed)
}
