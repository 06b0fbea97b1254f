package rollup

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/engine/fault"
	"dsql/engine/watermark"
	"dsql/sql"
	"dsql/sql/code"
)

// Event time. A window is closed once the watermark is LATENESS beyond its end. A row whose windows were all closed before its batch is no
// row of the rollup: it is a reject, and name__late has by what it is told from the others. So what is late is a part of what is stored,
// and nothing computes it again: the rollup is what its query gives over all rows but those.

var (
	lateTable   = duck.Ident("_dsql_rollup_late")     // of a batch, as name__late
	closedTable = duck.Ident("_dsql_rollup_sessions") // sessions that are closed
)

// inTime are the clauses of event time.
type inTime struct {
	lateness *sql.Span
	final    bool
	options  watermark.Options
	on       bool // one of them is there
}

func compileTime(d *sql.Decl) (t inTime, err error) {
	if v := d.Arg("LATENESS"); v != nil {
		t.lateness = &v.Exprs[0]
	}
	v := d.Arg("WATERMARK")
	t.on = t.lateness != nil || v != nil
	if e := d.Arg("EMIT"); e != nil {
		t.final = e.Text == "FINAL"
	}
	t.options, err = watermark.Compile(d, v)
	return t, err
}

// InTime: see watermark.User.
func (r *Rollup) InTime() (watermark.Options, bool) { return r.time.options, r.time.on }

// bindTime finds the window that event time is told by, and lets DuckDB judge LATENESS.
func (r *Rollup) bindTime(ctx context.Context, tx *duck.Tx, q *query) error {
	if err := r.bindFinal(); err != nil || !r.time.on {
		return err
	}
	clause := "WATERMARK"
	v := r.decl.Arg(clause)
	if r.time.lateness != nil {
		clause = "LATENESS"
		v = r.decl.Arg(clause)
	}
	at := r.decl.At(v.Keyword)
	for _, k := range q.keys {
		w := q.named(q.items[k].expr)
		if w == nil {
			continue
		}
		if q.timed != nil && !q.same(q.timed.time, w.time) {
			return q.fail(w.at, "%s needs one time of a row, and this is another than %s", clause, q.span(q.timed.time).Of(q.src)).
				WithHint("make a rollup of its own for each")
		}
		if q.timed == nil {
			q.timed = w
		}
		q.closing = append(q.closing, w)
	}
	if q.timed == nil {
		return at.Errorf(code.RollupTime, "%s needs a window among the groups: what has no end never closes", clause).
			WithHint("group by tumble(ts, size), hop(ts, size, slide) or session(ts, gap), and select it")
	}
	ts := q.edited(q.timed.time, q.edits)
	_, errs := tx.DescribeEach(ctx, []duck.Bound{
		{Query: q.plain(q.of.Empty, duck.Ident(watermark.VersionColumn), nil), At: at},
		{Query: q.plain(q.of.Empty, duck.SQL("make_timestamp({us})", duck.Args{"us": watermark.Micros(ts)}), nil), At: at}})
	if errs[0] != nil {
		return at.Errorf(code.RollupTime, "%s takes rows as they are stored, and here they come through a query of their own", clause).
			WithHint("make a stream of that query, and the rollup of the stream")
	}
	if errs[1] != nil {
		return at.Errorf(code.RollupTime, "%s needs a time, and %s is none", clause, q.span(q.timed.time).Of(q.src)).
			WithHint("the first argument of a window is a TIMESTAMP, a TIMESTAMPTZ or a DATE").WithCause(errs[1])
	}
	return r.bindLateness(ctx, tx)
}

// bindLateness: one below nothing would take all that is in order for too late, and NULL nothing ever.
func (r *Rollup) bindLateness(ctx context.Context, tx *duck.Tx) error {
	if r.time.lateness == nil {
		return nil
	}
	at := r.decl.At(*r.time.lateness)
	const hint = "write an interval: INTERVAL 10 MINUTES"
	a := duck.Args{"e": duck.User(r.decl.Src, *r.time.lateness)}
	_, errs := tx.DescribeEach(ctx, []duck.Bound{{Query: duck.SQL("SELECT epoch_us(NULL::TIMESTAMP - ({e}))", a), At: at}})
	if errs[0] != nil {
		return at.Errorf(code.TypeMismatch, "LATENESS is no length of time").WithHint(hint).WithCause(errs[0])
	}
	wrong, err := tx.Int(ctx, duck.SQL("SELECT coalesce((TIMESTAMP '2000-01-01' - ({e}) > TIMESTAMP '2000-01-01')::INTEGER, 1)", a))
	if err != nil {
		return err
	}
	if wrong == 1 {
		return at.Errorf(code.BadLateness, "LATENESS is negative or NULL").WithHint(hint)
	}
	return nil
}

// plain is the query's rows before they are put into windows: what list gives of those that it takes.
func (q *query) plain(rel, list, also *duck.Query) *duck.Query {
	flat := *q
	flat.windows = nil
	return flat.write(rel, list, also)
}

// marks are by what name__late tells rows: the version that brought it, its time, the window of a hop, the other groups of a session. All
// rows that are alike in these are late, or none.
func (q *query) marks(edits []edit) []*duck.Query {
	out := []*duck.Query{duck.SQL("_dsql_version"), q.edited(q.timed.time, edits)}
	switch q.timed.name {
	case "hop":
		out = append(out, q.timed.is)
	case "session":
		for _, k := range q.told() {
			out = append(out, q.edited(q.items[k].expr, edits))
		}
	}
	return out
}

// packed is a struct of values under the names that columns of name__late have; without values: of these columns.
func packed(n int, values []*duck.Query) *duck.Query {
	var parts []*duck.Query
	for i := range n {
		a := duck.Args{"k": keyColumn(i), "v": keyColumn(i)}
		if values != nil {
			a["v"] = values[i]
		}
		parts = append(parts, duck.SQL("{k} := ({v})", a))
	}
	return duck.SQL("struct_pack({p})", duck.Args{"p": duck.Join(", ", parts...)})
}

// taken is a condition on rows: they aren't late. nil: none ever is.
func (r *Rollup) taken(q *query, rel *duck.Query) *duck.Query {
	if r.time.lateness == nil {
		return nil
	}
	marks := q.marks(q.reading(rel))
	return duck.SQL("{row} NOT IN (SELECT {mark} FROM {late})",
		duck.Args{"row": packed(len(marks), marks), "mark": packed(len(marks), nil), "late": r.table("__late")})
}

// listed are values under the names of name__late.
func listed(values []*duck.Query) *duck.Query {
	var out []*duck.Query
	for i, v := range values {
		out = append(out, duck.SQL("({v}) AS {k}", duck.Args{"v": v, "k": keyColumn(i)}))
	}
	return duck.Join(", ", out...)
}

// defineLate makes name__late, anew where rows are told apart by other things now: then none is late any more.
func (r *Rollup) defineLate(ctx context.Context, tx *duck.Tx) error {
	have, err := tx.Table(ctx, r.decl.Name+"__late")
	if err != nil {
		return err
	}
	var want []duck.Column
	q := r.query
	if r.time.lateness != nil {
		marks := q.marks(q.reading(q.of.Empty))
		if want, err = tx.Describe(ctx, q.write(q.of.Empty, listed(marks), nil), r.decl.Place()); err != nil {
			return err
		}
	}
	a := duck.Args{"late": r.table("__late"), "d": r.decl.Name, "now": duck.Now, "too_late": tooLate, "name": r.decl.Name + "__late"}
	if len(want) > 0 {
		a["by"] = q.toldBy()
	}
	if len(have) == len(want) && (len(have) == 0 || fmt.Sprint(have) == fmt.Sprint(want)) {
		if len(have) == 0 {
			return nil
		}
		same, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary AND "+
			"lower(table_name) = lower({name}) AND coalesce(comment, {by}) = {by}", a))
		if err != nil || same > 0 {
			return err
		}
	}
	if err := tx.Run(ctx, duck.SQL("DROP TABLE IF EXISTS {late}", a), duck.SQL("UPDATE dsql.rejects SET replayed_at = {now} "+
		"WHERE destination = {d} AND replayed_at IS NULL AND starts_with(reason, {too_late})", a)); err != nil {
		return err
	}
	if len(want) == 0 {
		return watermark.Forget(ctx, tx, r.decl.Name)
	}
	a["cols"] = duck.Each(", ", want, func(c duck.Column) *duck.Query {
		return duck.SQL("{n} {t}", duck.Args{"n": duck.Ident(c.Name), "t": c.Type})
	})
	return tx.Run(ctx, duck.SQL("CREATE TABLE {late} ({cols})", a), duck.SQL("COMMENT ON TABLE {late} IS {by}", a))
}

// toldBy is of what the columns of name__late are, where they look the same and aren't: which input, which time, which groups. It is the
// comment of that table.
func (q *query) toldBy() string {
	name, alias := "", ""
	q.of.Tree.Walk(func(n tree.Node) bool {
		if t, ok := n.(*tree.Table); ok && t.At == q.of.At {
			name, alias = t.Name, cmp.Or(t.Alias, t.Name)
		}
		return true
	})
	out := []string{strings.ToLower(name)}
	parts := []part{q.timed.time}
	if q.timed.name == "session" {
		for _, k := range q.told() {
			parts = append(parts, q.items[k].expr)
		}
	}
	for _, p := range parts {
		text := ""
		for i := p.from; i < p.to; i++ {
			if q.is(i+1, ".") && sql.Same(sql.NameOf(q.word(i)), alias) {
				i++
				continue
			}
			text += " " + strings.ToLower(q.word(i))
		}
		out = append(out, text)
	}
	return strings.Join(out, ",")
}

const tooLate = "too_late: "

// Newest: see watermark.User.
func (r *Rollup) Newest(rows *duck.Query) *duck.Query {
	q := r.query
	ts := q.edited(q.timed.time, q.reading(rows))
	return duck.SQL("{q} GROUP BY 1", duck.Args{"q": q.plain(rows, duck.SQL("_dsql_part, {newest}, {ahead}",
		duck.Args{"newest": r.time.options.Newest(ts), "ahead": r.time.options.Ahead(ts)}), nil)})
}

// Judge: see watermark.User.
func (r *Rollup) Judge(ctx context.Context, tx *duck.Tx, b watermark.Batch) (int64, error) {
	if r.time.lateness == nil || b.Clock.UpTo == watermark.None {
		return 0, nil
	}
	q := r.query
	rows := duck.SQL("(FROM {all} WHERE _dsql_version > {from})", duck.Args{"all": b.All, "from": b.From})
	a := duck.Args{"late": lateTable, "name__late": r.table("__late"), "up_to": b.Clock.UpTo}
	var err error
	if q.timed.name == "session" {
		err = r.lateSessions(ctx, tx, b, rows, a)
	} else {
		marks := q.marks(q.reading(rows))
		_, err = tx.ExecAt(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {late} AS {q}", a, duck.Args{"q": q.write(rows,
			duck.SQL("DISTINCT {marks}", duck.Args{"marks": listed(marks)}), q.closed(b.Clock.UpTo))}), r.decl.Place())
		if err == nil {
			err = tx.Run(ctx, duck.SQL("INSERT INTO {name__late} FROM {late}", a))
		}
	}
	if err != nil {
		return 0, err
	}
	if some, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {late}", a)); err != nil || some == 0 {
		return 0, err
	}
	if err := fault.Fault(ctx, "rollup-judged"); err != nil {
		return 0, err
	}
	return r.rejectLate(ctx, tx, b, rows)
}

// Admit: see watermark.User. What was rejected of these rows is settled.
func (r *Rollup) Admit(ctx context.Context, tx *duck.Tx, b watermark.Batch, all bool) error {
	if r.time.lateness == nil {
		return nil
	}
	a := duck.Args{"late": r.table("__late"), "now": duck.Now, "d": r.decl.Name, "too_late": tooLate, "rows": duck.SQL("true")}
	if all {
		if err := tx.Run(ctx, duck.SQL("DELETE FROM {late}", a)); err != nil {
			return err
		}
	} else {
		a["rows"] = duck.SQL("data IN (SELECT {data} FROM {all} _r WHERE _dsql_version > {from})", duck.Args{"all": b.All, "from": b.From,
			"data": catalog.DataJSON("_r", duck.ColumnNames(b.Columns))})
	}
	return tx.Run(ctx, duck.SQL("UPDATE dsql.rejects SET replayed_at = {now} WHERE destination = {d} AND replayed_at IS NULL AND "+
		"starts_with(reason, {too_late}) AND {rows}", a))
}

// closed is a condition on rows in windows: theirs ended at a time or before.
func (q *query) closed(upTo int64) *duck.Query {
	return duck.SQL("({c})", duck.Args{"c": duck.Each(" OR ", q.closing, func(w *window) *duck.Query {
		return duck.SQL("{us} <= {up_to}", duck.Args{"us": watermark.Micros(w.ends), "up_to": upTo})
	})})
}

// rejectLate writes the late rows to dsql.rejects: of a hop those of which every window is closed.
func (r *Rollup) rejectLate(ctx context.Context, tx *duck.Tx, b watermark.Batch, rows *duck.Query) (int64, error) {
	q := r.query
	joined := !direct(q.sel.From, q.of.At) // then a row may come several times, and counts once
	if joined {
		rows = duck.SQL("(SELECT *, row_number() OVER () AS _dsql_row FROM {rows})", duck.Args{"rows": rows})
	}
	edits := q.reading(rows)
	marks := q.marks(edits)
	n := len(marks)
	if q.timed.name == "hop" {
		n = 2
	}
	also := duck.SQL("{row} IN (SELECT {mark} FROM {late})",
		duck.Args{"row": packed(n, marks[:n]), "mark": packed(n, nil), "late": lateTable})
	if q.timed.name == "hop" {
		last := duck.SQL("(time_bucket(({slide}), ({ts})) + ({size}))", duck.Args{"slide": q.timed.args[2], "size": q.timed.args[1],
			"ts": q.edited(q.timed.time, edits)})
		also = duck.SQL("{also} AND {us} <= {up_to}", duck.Args{"also": also, "us": watermark.Micros(last), "up_to": b.Clock.UpTo})
	}
	cols := duck.SQL("{as}.*", duck.Args{"as": q.called()})
	late := q.plain(rows, duck.SQL("{cols}, {ts} AS _dsql_time", duck.Args{"cols": cols, "ts": q.edited(q.timed.time, edits)}), also)
	if joined {
		late = duck.SQL("SELECT DISTINCT * FROM ({q})", duck.Args{"q": late})
	}
	return catalog.Reject(ctx, tx, catalog.Rejection{Destination: r.decl.Name, Version: b.Version, Columns: b.Columns,
		Reason: duck.SQL("{too_late} || 'the window of ' || _r._dsql_time::VARCHAR || ' had closed: what ended up to ' || {up_to}::VARCHAR || "+
			"' is closed'",
			duck.Args{"too_late": tooLate, "up_to": watermark.Time(b.Clock.UpTo)}),
		Rows: duck.SQL("({q})", duck.Args{"q": late})})
}

// called is the name that the relation has in the query whose rows are taken.
func (q *query) called() *duck.Query {
	name := ""
	q.of.Tree.Walk(func(n tree.Node) bool {
		if t, ok := n.(*tree.Table); ok && t.At == q.of.At {
			if name = t.Alias; name == "" {
				name = t.Name
			}
		}
		return true
	})
	return duck.Ident(name)
}

// Close: see watermark.User.
func (r *Rollup) Close(ctx context.Context, tx *duck.Tx, c *watermark.Clock, all *duck.Query, version int64) error {
	if r.time.lateness == nil || c.Watermark == watermark.None {
		return nil
	}
	upTo, err := tx.Int(ctx, duck.SQL("SELECT epoch_us({w} - ({l}))",
		duck.Args{"w": watermark.Time(c.Watermark), "l": duck.User(r.decl.Src, *r.time.lateness)}))
	if err != nil {
		return err
	}
	was := c.UpTo
	c.UpTo = max(c.UpTo, upTo)
	return r.handOn(ctx, tx, all, was, c.UpTo, version)
}

var _ watermark.User = (*Rollup)(nil)
