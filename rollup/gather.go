package rollup

import (
	"context"
	"fmt"

	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/kind"
	"dsql/engine/watermark"
)

// What a batch does. The groups of the rows that came or went are touched: they are computed anew from all rows of what the rollup reads
// that are in one of them, by the user's own query, so there is nothing to be proved of an aggregate. A group that has no rows any more, or
// that HAVING or a rule leaves out, goes. Rows of a session hang on those around them: there all sessions of the other groups are touched.

// Temporary tables, of the rollup in hand.
var (
	touchedTable = duck.Ident("_dsql_rollup_touched") // groups, as _k0, _k1 …
	rowsTable    = duck.Ident("_dsql_rollup_rows")    // rows that were computed
	oldTable     = duck.Ident("_dsql_rollup_old")     // rows of name__now that these take the place of
	newTable     = duck.Ident("_dsql_rollup_new")     // those that aren't there already
)

// touched are the groups of rows.
func (q *query) touched(rows *duck.Query) *duck.Query {
	edits := q.reading(rows)
	var list []*duck.Query
	for i, k := range q.told() {
		list = append(list, duck.SQL("({x}) AS {n}", duck.Args{"x": q.edited(q.items[k].expr, edits), "n": keyColumn(i)}))
	}
	return q.write(rows, duck.SQL("DISTINCT {list}", duck.Args{"list": duck.Join(", ", list...)}), nil)
}

func keyColumn(i int) *duck.Query { return duck.Ident(fmt.Sprintf("_k%d", i)) }

// among is a condition: the group that these values are of is touched. (Inside a struct NULL is NULL.)
func among(values []*duck.Query) *duck.Query {
	var left, right []*duck.Query
	for i, v := range values {
		a := duck.Args{"k": keyColumn(i), "v": v}
		left, right = append(left, duck.SQL("{k} := ({v})", a)), append(right, duck.SQL("{k} := {k}", a))
	}
	return duck.SQL("struct_pack({left}) IN (SELECT struct_pack({right}) FROM {touched})",
		duck.Args{"left": duck.Join(", ", left...), "right": duck.Join(", ", right...), "touched": touchedTable})
}

// Query: see kind.Total.
func (r *Rollup) Query(all *duck.Query) *duck.Query { return r.query.full(all) }

// Gather: see kind.Total.
func (r *Rollup) Gather(ctx context.Context, tx *duck.Tx, t kind.Touched) (*duck.Query, error) {
	if t.First && (t.Late || r.query.of.Past != nil) {
		if err := r.begins(ctx, tx, t.Version); err != nil {
			return nil, err
		}
	}
	q := r.query
	if len(q.hidden()) > 0 { // a file of an older dsql has none, and nobody declares it anew
		if err := r.defineHidden(ctx, tx); err != nil {
			return nil, err
		}
	}
	gathered := duck.SQL("(SELECT {cols} FROM {rows})", duck.Args{"cols": duck.Names(duck.ColumnNames(r.cols)), "rows": rowsTable})
	if t.Moved != nil && t.Came != nil && q.merges() {
		if err := r.merge(ctx, tx, t); err != nil {
			return nil, err
		}
		return gathered, fault.Fault(ctx, "rollup-gathered")
	}
	some, stored, err := r.some(ctx, tx, t.All)
	if err != nil {
		return nil, err
	}
	compute := q.those(t.All, some)
	if t.Moved != nil && q.whole == "" {
		a := duck.Args{"t": touchedTable, "q": q.touched(t.Moved)}
		if _, err := tx.ExecAt(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {t} AS {q}", a), r.decl.Place()); err != nil {
			return nil, err
		}
		var held *duck.Query
		if compute, held, err = r.touchedOf(ctx, tx, t.All, some); err != nil {
			return nil, err
		}
		stored = duck.SQL("{held} AND {stored}", duck.Args{"held": held, "stored": stored})
	}
	a := duck.Args{"rows": rowsTable, "q": compute, "old": oldTable, "now": r.table("__now"), "cols": duck.Names(r.keptNames()),
		"stored": stored}
	if _, err := tx.ExecAt(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {rows} AS {q}", a), r.decl.Place()); err != nil {
		return nil, err
	}
	if _, err := tx.ExecAt(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {old} AS SELECT {cols}, _v_from, rowid AS _rid FROM {now} "+
		"WHERE {stored}",
		a), r.decl.Place()); err != nil {
		return nil, err
	}
	return gathered, fault.Fault(ctx, "rollup-gathered")
}

// touchedOf is the query of the touched groups, of rows of which a condition holds (nil: any), and a condition on those that are stored.
func (r *Rollup) touchedOf(ctx context.Context, tx *duck.Tx, all, some *duck.Query) (compute, stored *duck.Query, err error) {
	q := r.query
	bounds, held, err := q.bounds(ctx, tx, all)
	if err != nil {
		return nil, nil, err
	}
	var values, columns []*duck.Query
	edits := q.reading(all)
	for _, k := range q.told() {
		values, columns = append(values, q.edited(q.items[k].expr, edits)), append(columns, duck.Ident(q.items[k].column))
	}
	if bounds = append(bounds, among(values)); some != nil {
		bounds = append(bounds, some)
	}
	return q.write(all, q.kept(all), duck.Join(" AND ", bounds...), "group", "having"),
		duck.Join(" AND ", append(held, among(columns))...), nil
}

// some are conditions on the rows that are read (nil: all are) and on those that are stored, whatever is touched: what came too late is none
// of its, and what is frozen is neither computed nor replaced.
func (r *Rollup) some(ctx context.Context, tx *duck.Tx, all *duck.Query) (rows, stored *duck.Query, err error) {
	rows, stored = r.taken(r.query, all), duck.SQL("true")
	if rows == nil {
		return rows, stored, nil
	}
	upTo, err := r.frozen(ctx, tx)
	if err != nil || upTo == watermark.None {
		return rows, stored, err
	}
	return duck.SQL("{taken} AND {open}", duck.Args{"taken": rows, "open": r.query.open(upTo)}), r.query.openStored(upTo), nil
}

// bounds are conditions on the rows that are read and on those that are stored, which say no more than that their window is touched, in a
// way that lets DuckDB leave out what lies before and behind.
func (q *query) bounds(ctx context.Context, tx *duck.Tx, all *duck.Query) (rows, stored []*duck.Query, err error) {
	edits := q.reading(all)
	for i, k := range q.told() {
		w := q.named(q.items[k].expr)
		if w == nil || w.name == "session" {
			continue
		}
		a := duck.Args{"k": keyColumn(i), "t": touchedTable, "size": w.args[1], "ts": q.edited(w.time, edits), "c": duck.Ident(q.items[k].column)}
		var none int64
		var first, last, end, of *string
		if _, err := tx.Scan(ctx, duck.SQL(`SELECT _none, _first::VARCHAR, _last::VARCHAR, TRY(_last + ({size}))::VARCHAR, typeof(_first)
			FROM (SELECT count(*) - count({k}) AS _none, min({k}) AS _first, max({k}) AS _last FROM {t})`, a), &none, &first, &last, &end, &of); err != nil {
			return nil, nil, err
		}
		if none > 0 || first == nil || end == nil || of == nil {
			continue
		}
		a["first"], a["last"], a["end"], a["of"] = *first, *last, *end, duck.Type(*of)
		rows = append(rows, duck.SQL("({ts}) >= {first}::{of} AND ({ts}) <= {end}::{of}", a))
		stored = append(stored, duck.SQL("{c} >= {first}::{of} AND {c} <= {last}::{of}", a))
	}
	return rows, stored, nil
}

// Write puts accepted rows in the place of those that Gather found.
func (r *Rollup) Write(ctx context.Context, tx *duck.Tx, b *kind.Accepted) (n kind.Counts, err error) {
	names, from := duck.ColumnNames(r.cols), b.Rows
	hidden := r.query.hidden()
	if len(hidden) > 0 { // then nothing decides on its rows: see query.unfoldable
		from = rowsTable
	}
	row := func(names []string) *duck.Query {
		if len(names) == 0 {
			return duck.SQL("true")
		}
		return duck.SQL("struct_pack({v})", duck.Args{"v": duck.Each(", ", names, func(c string) *duck.Query {
			return duck.SQL("{c} := {c}", duck.Args{"c": duck.Ident(c)})
		})})
	}
	a := duck.Args{"rows": from, "kept": duck.Names(r.keptNames()), "old": oldTable, "new": newTable, "now": r.table("__now"), "past": r.table("__past"),
		"cols": duck.Names(names), "row": row(names), "key": row(r.KeyNames()), "v": b.Version}
	// The rows are computed once: their rules stand in the query. _v_to: it is stored as it is.
	if err := tx.Run(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {new} AS SELECT {kept}, {row} IN (SELECT {row} FROM {old}) AS _v_to "+
		"FROM {rows}",
		a)); err != nil {
		return n, err
	}
	if n.Written, err = tx.Int(ctx, duck.SQL("SELECT count(*) FROM {new}", a)); err != nil {
		return n, err
	}
	if err := r.keep(ctx, tx, hidden); err != nil {
		return n, err
	}
	if err := tx.Run(ctx, duck.SQL("DELETE FROM {old} WHERE {row} IN (SELECT {row} FROM {new} WHERE _v_to)", a)); err != nil {
		return n, err
	}
	if n.Unchanged, err = tx.Exec(ctx, duck.SQL("DELETE FROM {new} WHERE _v_to", a)); err != nil {
		return n, err
	}
	if err := tx.Run(ctx, duck.SQL("INSERT INTO {past} ({cols}, _v_from, _v_to) SELECT {cols}, _v_from, {v} FROM {old} WHERE _v_from < {v}", a)); err != nil {
		return n, err
	}
	if n.Removed, err = tx.Exec(ctx, duck.SQL("DELETE FROM {now} WHERE rowid IN (SELECT _rid FROM {old})", a)); err != nil {
		return n, err
	}
	if err := fault.Fault(ctx, "rollup-removed"); err != nil {
		return n, err
	}
	if n.Added, err = tx.Exec(ctx, duck.SQL("INSERT INTO {now} ({kept}, _v_from) SELECT {kept}, {v} FROM {new}", a)); err != nil {
		return n, err
	}
	if n.Changed, err = tx.Int(ctx, duck.SQL("SELECT count(*) FROM {new} WHERE {key} IN (SELECT {key} FROM {old})", a)); err != nil {
		return n, err
	}
	n.Added, n.Removed = n.Added-n.Changed, n.Removed-n.Changed
	return n, r.drop(ctx, tx, n)
}

// keep brings the hidden columns of rows in step that stay as they are.
func (r *Rollup) keep(ctx context.Context, tx *duck.Tx, hidden []duck.Column) error {
	if len(hidden) == 0 {
		return nil
	}
	names := duck.ColumnNames(hidden)
	return tx.Run(ctx, duck.SQL("UPDATE {now} AS _u SET {set} FROM {old} o JOIN {new} n ON {same} WHERE _u.rowid = o._rid AND n._v_to AND {moved}",
		duck.Args{"now": r.table("__now"), "old": oldTable, "new": newTable, "same": r.query.sameGroup("o", "n"),
			"set": duck.Each(", ", names, func(c string) *duck.Query {
				return duck.SQL("{c} = {n}", duck.Args{"c": duck.Ident(c), "n": duck.Ident("n", c)})
			}),
			"moved": duck.SQL("row({o}) IS DISTINCT FROM row({n})", duck.Args{"o": duck.Idents("o", names...), "n": duck.Idents("n", names...)})}))
}

// many is a number of rows from which the memory of temporary tables is worth a few statements.
const many = 10_000

// drop gives the memory of large temporary tables back; small ones are replaced by the next batch.
func (r *Rollup) drop(ctx context.Context, tx *duck.Tx, n kind.Counts) error {
	if n.Written+n.Removed < many {
		return nil
	}
	for _, t := range []*duck.Query{cameTable, touchedTable, rowsTable, oldTable, newTable} {
		if err := tx.Run(ctx, duck.SQL("DROP TABLE IF EXISTS {t}", duck.Args{"t": t})); err != nil {
			return err
		}
	}
	return nil
}
