package rollup

import (
	"context"
	"slices"

	"dsql/engine/catalog"
	"dsql/engine/duck"
)

// macros are those over the tables.
var macros = []string{"_at", "_as_of", "_changes", "_diff", "__changes"}

// views are what reads the rollup in any DuckDB client. Parameters have names that no column has: they would replace it, silently.
func (r *Rollup) views(ctx context.Context, tx *duck.Tx, cols []duck.Column) error {
	seen := append(slices.Clone(cols), duck.Column{Name: catalog.VersionColumn})
	if past := r.query.of.Past; past != nil {
		seen = append(seen, past.Columns...)
	}
	p := func(base string) *duck.Query { return duck.Ident(duck.FreeName(base, seen)) }
	a := duck.Args{"name": r.table(""), "now": r.table("__now"), "past": r.table("__past"), "at": r.table("_at"), "as_of": r.table("_as_of"),
		"changes": r.table("_changes"), "all_changes": r.table("__changes"), "diff": r.table("_diff"),
		"cols": duck.Names(duck.ColumnNames(cols)), "v": p("at_version"), "ts": p("at_time"), "asof": duck.VersionAsOf(p("at_time")),
		"v1": p("from_version"), "v2": p("to_version"),
		"none": duck.Each(", ", cols, func(c duck.Column) *duck.Query { return duck.SQL("NULL::{t}", duck.Args{"t": c.Type}) }),
		"group": duck.Each("", r.KeyNames(), func(k string) *duck.Query {
			return duck.SQL(", row({k})", duck.Args{"k": duck.Ident(k)})
		})}
	var since, first int64
	if _, err := tx.Scan(ctx, duck.SQL("SELECT since, after FROM dsql.eras WHERE destination = {d}", duck.Args{"d": r.decl.Name}),
		&since, &first); err != nil {
		return err
	}
	oldest := since
	a["first"], a["before"] = first, duck.SQL("SELECT {none} WHERE false", a)
	if past := r.query.of.Past; past != nil && first > 1 && oldest == 0 {
		a["before"] = r.query.full(past.At(duck.SQL("{v}", a)))
	} else if oldest = max(oldest, first); first == 1 && since == 0 {
		oldest = 0
	}
	a["readable"] = r.readable(oldest, duck.SQL("{v}", a), duck.SQL("OR {v} > newest AND getvariable('dsql_baseline') IS NULL", a))
	a["readable_first"], a["readable_both"] = r.readable(since-1, duck.SQL("{v1}", a), duck.SQL("")),
		r.readable(since-1, duck.SQL("least({v1}, {v2})", a), duck.SQL(""))
	for _, text := range []string{state, atMacro, asOfMacro, allChanges, changesMacro, diffMacro} {
		if _, err := tx.ExecAt(ctx, duck.SQL(text, a), r.decl.Place()); err != nil {
			return err
		}
		if tx.Unread {
			return nil
		}
	}
	return nil
}

// begins notes the version that was computed first: what the rollup is before that is asked of what it reads.
func (r *Rollup) begins(ctx context.Context, tx *duck.Tx, version int64) error {
	n, err := tx.Exec(ctx, duck.SQL("UPDATE dsql.eras SET after = {v}, through = {v} WHERE destination = {d} AND after = 0",
		duck.Args{"v": version, "d": r.decl.Name}))
	if err != nil || n == 0 {
		return err
	}
	return r.views(ctx, tx, r.cols)
}

// readable is a query of no row, and an error for a version that can't be read: one before the oldest, or one that isn't there yet (as a
// BASELINE it is none yet). newest is a column of its.
func (r *Rollup) readable(oldest int64, version, yet *duck.Query) *duck.Query {
	return duck.SQL(`(SELECT coalesce(max(version), 0) AS newest FROM dsql.versions)
		WHERE CASE WHEN {v} < {oldest} {yet} THEN error({why} || newest || ', and this is ' || ({v}))::BOOLEAN ELSE false END`,
		duck.Args{"v": version, "yet": yet, "oldest": oldest,
			"why": duck.SQL("{a} || {oldest} || ' to '", duck.Args{"a": "rollup " + r.decl.Name + duck.CanBeRead, "oldest": oldest})})
}

const (
	state   = `CREATE OR REPLACE VIEW {name} AS SELECT {cols} FROM {now}`
	atMacro = `CREATE OR REPLACE MACRO {at}({v}) AS TABLE SELECT {cols} FROM {now} WHERE _v_from <= {v}
		UNION ALL SELECT {cols} FROM {past} WHERE _v_from <= {v} AND _v_to > {v}
		UNION ALL SELECT * FROM ({before}) WHERE {v} < {first} UNION ALL SELECT {none} FROM {readable}`
	asOfMacro = `CREATE OR REPLACE MACRO {as_of}({ts}) AS TABLE SELECT * FROM {at}({asof})`

	// Of a version's changes those of one group are one row that came and one that went, or one of the two. (A column that DuckDB parts
	// rows by comes back with 0.0 for -0.0; inside a row it stays as it is.)
	kinds = `CASE WHEN _sign > 0 THEN CASE WHEN _both THEN 'update_after' ELSE 'insert' END
		WHEN _both THEN 'update_before' ELSE 'delete' END AS change_type`
	allChanges = `CREATE OR REPLACE MACRO {all_changes}({v1}, {v2}) AS TABLE SELECT ` + kinds + `, _version, {cols}
		FROM (SELECT *, count(*) OVER (PARTITION BY _version{group}) > 1 AS _both FROM (
			SELECT {cols}, _v_from AS _version, 1 AS _sign FROM {now} WHERE _v_from > {v1} AND _v_from <= {v2}
			UNION ALL SELECT {cols}, _v_from, 1 FROM {past} WHERE _v_from > {v1} AND _v_from <= {v2}
			UNION ALL SELECT {cols}, _v_to, -1 FROM {past} WHERE _v_to > {v1} AND _v_to <= {v2}))`
	changesMacro = `CREATE OR REPLACE MACRO {changes}({v1}, {v2}) AS TABLE SELECT * FROM {all_changes}({v1}, {v2})
		UNION ALL SELECT NULL, NULL, {none} FROM {readable_first}`
	diffMacro = `CREATE OR REPLACE MACRO {diff}({v1}, {v2}) AS TABLE SELECT ` + kinds + `, {v2}::BIGINT AS _version, {cols}
		FROM (SELECT *, count(*) OVER (PARTITION BY true{group}) > 1 AS _both FROM (
			SELECT * FROM (
				SELECT {cols}, -1 AS _sign FROM {at}({v1}) WHERE least({v1}, {v2}) < {first}
				UNION ALL SELECT {cols}, 1 FROM {at}({v2}) WHERE least({v1}, {v2}) < {first}
				UNION ALL SELECT {cols}, CASE WHEN {v1} <= {v2} THEN 1 ELSE -1 END FROM {now}
					WHERE least({v1}, {v2}) >= {first} AND _v_from > least({v1}, {v2}) AND _v_from <= greatest({v1}, {v2})
				UNION ALL SELECT {cols}, CASE WHEN {v1} <= {v2} THEN 1 ELSE -1 END FROM {past}
					WHERE least({v1}, {v2}) >= {first} AND _v_from > least({v1}, {v2}) AND _v_from <= greatest({v1}, {v2}) AND _v_to > greatest({v1}, {v2})
				UNION ALL SELECT {cols}, CASE WHEN {v1} <= {v2} THEN -1 ELSE 1 END FROM {past}
					WHERE least({v1}, {v2}) >= {first} AND _v_from <= least({v1}, {v2}) AND _v_to > least({v1}, {v2}) AND _v_to <= greatest({v1}, {v2}))
			QUALIFY count(*) OVER (PARTITION BY row({cols})) = 1))
		UNION ALL SELECT NULL, NULL, {none} FROM {readable_both}`
)
