// Package rollup is the destination that has a row a group. It owns one law: a rollup is what its query gives over all rows of what it
// reads, at every version. So it owns what of a query's groups rows touch, the windows of event time, and the tables and macros that keep
// the rows and those that they took the place of. Which rows its input has, and which of its own the rules accept, is not its business.
//
// # Tables
//
//	name__now   columns, _fold0 …, _v_from the rows of today, what else is kept of their groups (fold.go), and since which version
//	name__past  columns, _v_from, _v_to    rows that were so in versions [_v_from, _v_to)
//	name__final columns, _version, _nth    what EMIT FINAL has handed on
//	name__late  _k0, _k1 …                 of rows that came too late by what they are told, where windows close: see lateness.go
package rollup

import (
	"context"
	"fmt"
	"slices"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/engine/watermark"
	"dsql/sql"
)

// Kind is CREATE ROLLUP.
var Kind = kind.Kind{
	Syntax: &sql.Syntax{
		Keyword: "ROLLUP", Plural: "ROLLUPS",
		Clauses: append([]sql.Clause{
			{Keyword: "LATENESS", Arg: sql.ArgExpr,
				Doc: "a window closes when the watermark is this far beyond its end (never); a row whose window had closed before its batch is " +
					"rejected (too_late)"},
			{Keyword: "EMIT", Arg: sql.ArgChoice, Words: []string{"FINAL", "CHANGES"},
				Doc: "what STREAM name and sinks get: CHANGES (default), as of a journal; FINAL: each window once, when it closes"},
			watermark.Clause}, kind.ChainClauses...),
		Body: []sql.Clause{
			{Keyword: "AS", Arg: sql.ArgQuery, Required: true,
				Doc: "a SELECT with GROUP BY over all rows of the stream, journal or rollup marked STREAM, or else of the first in its FROM; " +
					"tumble(ts, size [, offset]), hop(ts, size, slide), session(ts, gap) and window_end(…) stand for windows of time"},
		},
		Doc: "A row a group, kept in step: at every version it is what its query gives over all rows of its input. A batch computes only the " +
			"groups anew that it touches.",
		Example: `CREATE SOURCE flights_in (carrier VARCHAR, sched_dep TIMESTAMP, dep_delay DOUBLE) FROM FILES ('in/*.csv', format csv);
CREATE STREAM flights FROM flights_in;
CREATE ROLLUP late_by_hour
  AS SELECT carrier, tumble(sched_dep, INTERVAL 1 HOUR) AS hour, count(*) AS n, avg(dep_delay) AS delay
     FROM STREAM flights WHERE dep_delay > 15 GROUP BY ALL`,
	},
	Role: kind.Stores,
	Compile: func(d *sql.Decl) (kind.Object, error) {
		t, err := compileTime(d)
		if err != nil {
			return nil, err
		}
		return &Rollup{decl: d, chain: kind.CompileChain(d), time: t}, nil
	},
}

// Rollup is a compiled CREATE ROLLUP; query is nil until it was read.
type Rollup struct {
	decl  *sql.Decl
	chain *kind.Chain
	time  inTime
	query *query
	cols  []duck.Column
}

func (r *Rollup) Decl() *sql.Decl    { return r.decl }
func (r *Rollup) Chain() *kind.Chain { return r.chain }

func (r *Rollup) table(suffix string) *duck.Query { return duck.Ident(r.decl.Name + suffix) }

// KeyNames are the grouped columns.
func (r *Rollup) KeyNames() []string {
	if r.query == nil {
		return nil
	}
	return r.query.keyNames()
}

// Fixed: see kind.Total.
func (r *Rollup) Fixed() []string { return r.KeyNames() }

// Dated: New has _version.
func (r *Rollup) Dated() {}

// stored are the columns in the file; none when it isn't there.
func (r *Rollup) stored(ctx context.Context, tx *duck.Tx) ([]duck.Column, error) {
	cols, err := tx.Table(ctx, r.decl.Name+"__now")
	return slices.DeleteFunc(cols, func(c duck.Column) bool { return c.Name == "_v_from" || isHidden(c.Name) }), err
}

// keptNames are the columns of a group's row: its own and hidden ones.
func (r *Rollup) keptNames() []string {
	return append(duck.ColumnNames(r.cols), duck.ColumnNames(r.query.hidden())...)
}

// defineHidden gives name__now the hidden columns that it is to have: without a value until a row's group is computed anew.
func (r *Rollup) defineHidden(ctx context.Context, tx *duck.Tx) error {
	have, err := tx.Table(ctx, r.decl.Name+"__now")
	if err != nil {
		return err
	}
	have = slices.DeleteFunc(have, func(c duck.Column) bool { return !isHidden(c.Name) })
	want := r.query.hidden()
	if slices.Equal(have, want) {
		return nil
	}
	for _, c := range have {
		if err := tx.Run(ctx, duck.SQL("ALTER TABLE {now} DROP COLUMN {c}", duck.Args{"now": r.table("__now"), "c": duck.Ident(c.Name)})); err != nil {
			return err
		}
	}
	for _, c := range want {
		if err := tx.Run(ctx, duck.SQL("ALTER TABLE {now} ADD COLUMN {c} {t}",
			duck.Args{"now": r.table("__now"), "c": duck.Ident(c.Name), "t": c.Type})); err != nil {
			return err
		}
	}
	return nil
}

// Define makes the tables, anew where the rows have other columns now.
func (r *Rollup) Define(ctx context.Context, tx *duck.Tx, in []duck.Column) error {
	reserved := []string{catalog.VersionColumn, catalog.MetaColumn, "change_type", "_v_from", "_v_to", "_row", "_rule"}
	for _, c := range in {
		if isHidden(c.Name) {
			reserved = append(reserved, c.Name)
		}
	}
	if err := kind.Unreserved(r.decl, in, reserved...); err != nil {
		return err
	}
	have, err := r.stored(ctx, tx)
	if err != nil {
		return err
	}
	same := len(have) > 0 && slices.Equal(have, in)
	if err := r.defineRetained(ctx, tx, same); err != nil {
		return err
	}
	if err := r.defineLate(ctx, tx); err != nil {
		return err
	}
	if err := r.defineFinal(ctx, tx, in, !same); err != nil {
		return err
	}
	if same {
		if err := r.defineHidden(ctx, tx); err != nil {
			return err
		}
		return r.views(ctx, tx, in)
	}
	since := duck.SQL("0")
	if len(have) > 0 {
		if err := r.dropRows(ctx, tx); err != nil {
			return err
		}
		since = duck.SQL("(SELECT coalesce(max(version), 0) + 1 FROM dsql.versions)")
	}
	cols := duck.Each(", ", in, func(c duck.Column) *duck.Query {
		return duck.SQL("{n} {t}", duck.Args{"n": duck.Ident(c.Name), "t": c.Type})
	})
	a := duck.Args{"cols": cols, "now": r.table("__now"), "past": r.table("__past"), "d": r.decl.Name, "since": since,
		"hidden": duck.Each("", r.query.hidden(), func(c duck.Column) *duck.Query {
			return duck.SQL(", {n} {t}", duck.Args{"n": duck.Ident(c.Name), "t": c.Type})
		})}
	for _, q := range []*duck.Query{duck.SQL("CREATE TABLE {now} ({cols}{hidden}, _v_from BIGINT)", a),
		duck.SQL("CREATE TABLE {past} ({cols}, _v_from BIGINT, _v_to BIGINT)", a),
		duck.SQL("INSERT INTO dsql.eras VALUES ({d}, {since}, 0, 0)", a)} {
		if _, err := tx.ExecAt(ctx, q, r.decl.Place()); err != nil {
			return err
		}
	}
	return r.views(ctx, tx, in)
}

// Changed says what becomes of what is stored under a new declaration: another query gives other rows for the past too.
func (r *Rollup) Changed(_ kind.Object, was, now []duck.Column) (what []string, anew bool) {
	if slices.Equal(was, now) {
		return []string{"all its groups are computed anew, in one version; older versions stay readable"}, true
	}
	return []string{"it has other columns: what it stores goes, versions too, and all its groups are computed anew"}, true
}

// Drop removes what Define made.
func (r *Rollup) Drop(ctx context.Context, tx *duck.Tx) error {
	a := duck.Args{"late": r.table("__late"), "final": r.table("__final")}
	if err := tx.Run(ctx, duck.SQL("DROP TABLE IF EXISTS {late}", a), duck.SQL("DROP TABLE IF EXISTS {final}", a)); err != nil {
		return err
	}
	if err := watermark.Forget(ctx, tx, r.decl.Name); err != nil {
		return err
	}
	return r.dropRows(ctx, tx)
}

// dropRows removes the rows and what shows them.
func (r *Rollup) dropRows(ctx context.Context, tx *duck.Tx) error {
	for _, m := range macros {
		if err := tx.Run(ctx, duck.SQL("DROP MACRO TABLE IF EXISTS {m}", duck.Args{"m": r.table(m)})); err != nil {
			return err
		}
	}
	a := duck.Args{"name": r.table(""), "now": r.table("__now"), "past": r.table("__past"), "d": r.decl.Name}
	return tx.Run(ctx, duck.SQL("DROP VIEW IF EXISTS {name}", a), duck.SQL("DROP TABLE IF EXISTS {now}", a),
		duck.SQL("DROP TABLE IF EXISTS {past}", a), duck.SQL("DELETE FROM dsql.eras WHERE destination = {d}", a))
}

// Vacuum gives up the rows that no version from oldest on shows.
func (r *Rollup) Vacuum(ctx context.Context, tx *duck.Tx, oldest int64) (int64, error) {
	a := duck.Args{"past": r.table("__past"), "oldest": oldest, "d": r.decl.Name}
	n, err := tx.Exec(ctx, duck.SQL("DELETE FROM {past} WHERE _v_to <= {oldest}", a))
	if err != nil {
		return n, err
	}
	if err := tx.Run(ctx, duck.SQL("UPDATE dsql.eras SET since = greatest(since, {oldest}) WHERE destination = {d}", a)); err != nil {
		return n, err
	}
	return n, r.views(ctx, tx, r.cols)
}

// Stores is the table that it can't do without.
func (r *Rollup) Stores() string { return r.decl.Name + "__now" }

// Makes are the names of what stands beside the view of its name.
func (r *Rollup) Makes() (out []string) {
	for _, m := range append([]string{"__now", "__past", "__late", "__final"}, macros...) {
		out = append(out, r.decl.Name+m)
	}
	return out
}

// Beside: see kind.Beside.
func (r *Rollup) Beside() []kind.Table {
	out := []kind.Table{{Table: r.decl.Name + "__past", What: "rows of the key in older versions"},
		{Table: r.decl.Name + "__final", What: "rows of the key that were handed on"}}
	if q := r.query; q != nil && q.timed != nil && q.timed.name == "session" {
		shows := map[string]string{}
		for i, k := range q.told() {
			shows[fmt.Sprintf("_k%d", i+2)] = q.items[k].column
		}
		out = append(out, kind.Table{Table: r.decl.Name + "__late", What: "rows of the key that came too late", Shows: shows})
	}
	return out
}

// New are the changes of versions (from, to], with _version.
func (r *Rollup) New(from, to int64) *duck.Query {
	if r.time.final {
		return duck.SQL("(SELECT * EXCLUDE (_version, _nth), _version FROM {h})", duck.Args{"h": r.handed(from, to)})
	}
	return duck.SQL("(SELECT * EXCLUDE (_version), _version FROM {f}({from}, {to}))",
		duck.Args{"f": r.table("__changes"), "from": from, "to": to})
}

// NewColumns are change_type and its own.
func (r *Rollup) NewColumns(in []duck.Column) []duck.Column {
	if r.time.final {
		return in
	}
	return append([]duck.Column{{Name: "change_type", Type: "VARCHAR"}}, in...)
}

// InOrder are the changes that versions made, in each by group: what was before what is.
func (r *Rollup) InOrder(from, to int64, cols []duck.Column) *duck.Query {
	a := duck.Args{"cols": duck.Names(duck.ColumnNames(cols)), "f": r.table("__changes"), "from": from, "to": to,
		"order": duck.Idents("", append([]string{"_version"}, r.KeyNames()...)...)}
	if r.time.final {
		return duck.SQL("SELECT {cols} FROM {h} ORDER BY _version, _nth", a, duck.Args{"h": r.handed(from, to)})
	}
	return duck.SQL("SELECT {cols} FROM {f}({from}, {to}) ORDER BY {order}, change_type = 'update_after'", a)
}

// Moved: see kind.Mover.
func (r *Rollup) Moved(from, to int64, cols []duck.Column) *duck.Query {
	if r.time.final {
		return duck.SQL("(SELECT {cols} FROM {h})", duck.Args{"cols": duck.Names(duck.ColumnNames(cols)), "h": r.handed(from, to)})
	}
	return duck.SQL("(SELECT {cols} FROM {f}({from}, {to}))", duck.Args{"cols": duck.Names(duck.ColumnNames(cols)),
		"f": r.table("__changes"), "from": from, "to": to})
}

// Stamped: see kind.Mover.
func (r *Rollup) Stamped(cols []duck.Column) *duck.Query {
	if r.time.final {
		return duck.SQL("(SELECT {cols}, _version AS {v} FROM {final})", duck.Args{"cols": duck.Names(duck.ColumnNames(cols)),
			"v": duck.Ident(watermark.VersionColumn), "final": r.table("__final")})
	}
	return duck.SQL("(SELECT {cols}, _v_from AS {v} FROM {now})", duck.Args{"cols": duck.Names(duck.ColumnNames(cols)),
		"v": duck.Ident(watermark.VersionColumn), "now": r.table("__now")})
}

// Diff tells what differs between two versions.
func (r *Rollup) Diff(v1, v2 int64) *duck.Query {
	return duck.SQL("{f}({v1}, {v2})", duck.Args{"f": r.table("_diff"), "v1": v1, "v2": v2})
}

var (
	_ kind.Destination = (*Rollup)(nil)
	_ kind.Total       = (*Rollup)(nil)
)
