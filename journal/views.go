package journal

import (
	"context"
	"slices"

	"dsql/engine"
)

// views and macros (table macros) of a journal, by what follows its name.
var (
	views  = []string{"", "_history", "_bitemporal"}
	macros = []string{"_at", "_as_of", "_history_at", "_changes", "_diff", "__changes"}
	ofOne  = macros[:3] // of one parameter
)

// show makes the views and macros that read the journal in any DuckDB client, without dsql. They never name the catalog, so
// that they work where the file is attached. Each condition on a version is one range, or zone maps would not be used: an OR
// over two columns reads them all. The parameters have names that no column has: they would replace it, silently.
func (l *layout) show(ctx context.Context, tx *engine.Tx, at engine.Place, older bool) error {
	columns := append(append(l.Keys[:len(l.Keys):len(l.Keys)], l.Columns...), engine.Column{Name: changeType}, engine.Column{Name: engine.VersionColumn})
	for _, n := range append(l.from[:len(l.from):len(l.from)], l.to...) {
		columns = append(columns, engine.Column{Name: n})
	}
	param := func(base string) *engine.Query { return engine.Ident(engine.FreeName(base, columns)) }
	name := func(suffix string) *engine.Query { return engine.Ident(l.name + suffix) }
	values := append(l.keys[:len(l.keys):len(l.keys)], l.cols...)
	a := l.tables.With(engine.Args{
		"name": name(""), "history": name("_history"), "as_of": name("_as_of"), "state_table": l.tables["state"], "at": name("_at"), "history_at": name("_history_at"), "changes": name("_changes"), "all_changes": name("__changes"), "diff": name("_diff"),
		"bitemporal": name("_bitemporal"), "known_from": param("known_from"), "known_to": param("known_to"),
		"t": param("at_time"), "v": param("at_version"), "v1": param("from_version"), "v2": param("to_version"),
		"state": list("", values, l.from), "rows": list("", values, l.from, l.to), "values": list("", values),
		"from": engine.Ident(l.from[0]), "to": engine.Ident(l.to[0]),
		"differ": differ("_b", "_a", l.cols), "asof": engine.VersionAsOf(param("at_time")),
	})
	b, n := numbered("_b", len(values)), numbered("_n", len(values))
	a["before"], a["after"] = pairs(", ", "{x} AS {y}", b, values), pairs(", ", "{x} AS {y}", n, values)
	a["pairs"] = engine.SQL(pairsQuery, engine.Args{"both": engine.Join(", ", as("_b", values, b), as("_a", values, n)), "on": l.on("_b", "_a")})
	a["readable"], a["readable_first"], a["readable_both"] = l.readable(engine.SQL("{v}", a), notYet), l.readable(engine.SQL("{v1}", a), ""), l.readable(engine.SQL("least({v1}, {v2})", a), "")
	a["none"], a["none_from"], a["none_to"] = nulls(values), prefixed(nulls(l.from)), prefixed(nulls(l.to))
	a["open"] = each(", ", "NULL AS {c}", l.to)
	a["was"] = each(", ", "CASE WHEN _v_close <> 0 AND _v_close <= {v} THEN {c} END AS {c}", l.to, a)
	templates := []string{stateView, historyView, bitemporalView, atMacro, asOfMacro, historyAtMacro, allChangesMacro, changesMacro, diffMacro}
	if l.SCD == 1 {
		templates[1], templates[4] = historyNow, asOfStored
	}
	if older { // it may be the user's own: no older dsql made one
		if cols, err := tx.Table(ctx, l.name+"_bitemporal"); err != nil {
			return err
		} else if cols != nil {
			templates = slices.DeleteFunc(templates, func(t string) bool { return t == bitemporalView })
		}
	}
	for _, text := range templates {
		if _, err := tx.ExecAt(ctx, engine.SQL(text, a), at); err != nil {
			return err
		}
	}
	return nil
}

// readable is a condition that is never true, and an error for a version that can't be read: one before the oldest that VACUUM or a
// rebuild into another shape left, or one that isn't there yet (as a BASELINE it is none yet: see quality). It stands in a branch of
// its own, where it costs one row.
func (l *layout) readable(version *engine.Query, yet string) *engine.Query {
	return engine.SQL("CASE WHEN {v} < oldest "+yet+" THEN error({why} || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions) || ', and this is ' || ({v}))::BOOLEAN ELSE false END",
		engine.Args{"v": version, "why": "journal " + l.name + engine.CanBeRead})
}

const notYet = "OR {v} > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL"

const (
	stateView   = `CREATE OR REPLACE VIEW {name} AS SELECT {state} FROM {now} WHERE _v_close = 0 AND _v_to = 0`
	historyView = `CREATE OR REPLACE VIEW {history} AS
		SELECT {rows} FROM {now} WHERE _v_to = 0 UNION ALL SELECT {rows} FROM {past} WHERE _v_to = 0`
	asOfMacro = `CREATE OR REPLACE MACRO {as_of}({t}) AS TABLE
		SELECT {state} FROM {now} WHERE _v_to = 0 AND {from} <= {t} AND ({to} IS NULL OR {to} > {t})
		UNION ALL SELECT {state} FROM {past} WHERE _v_to = 0 AND {from} <= {t} AND {to} > {t}`
	atMacro = `CREATE OR REPLACE MACRO {at}({v}) AS TABLE
		SELECT {state} FROM {now} WHERE _v_from <= {v} AND (_v_close = 0 OR _v_close > {v}) AND (_v_to = 0 OR _v_to > {v})
		UNION ALL SELECT {state} FROM {past} WHERE _v_from <= {v} AND (_v_close = 0 OR _v_close > {v}) AND (_v_to = 0 OR _v_to > {v})
		UNION ALL SELECT {none} {none_from} FROM {state_table} WHERE {readable}`
	historyAtMacro = `CREATE OR REPLACE MACRO {history_at}({v}) AS TABLE
		SELECT {state}, {was} FROM {now} WHERE _v_from <= {v} AND (_v_to = 0 OR _v_to > {v})
		UNION ALL SELECT {state}, {was} FROM {past} WHERE _v_from <= {v} AND (_v_to = 0 OR _v_to > {v})
		UNION ALL SELECT {none} {none_from} {none_to} FROM {state_table} WHERE {readable}`

	// A row that was open for a while and closed then was believed in two ways, one after the other.
	bitemporalView = `CREATE OR REPLACE VIEW {bitemporal} AS
		WITH _r AS (SELECT {rows}, _v_from, _v_close, _v_to FROM {now} UNION ALL SELECT {rows}, _v_from, _v_close, _v_to FROM {past})
		SELECT {state}, {open}, _v_from AS {known_from}, nullif(CASE WHEN _v_close <> 0 THEN _v_close ELSE _v_to END, 0) AS {known_to} FROM _r WHERE _v_close <> _v_from AND _v_to <> _v_from
		UNION ALL SELECT {rows}, _v_close, nullif(_v_to, 0) FROM _r WHERE _v_close <> 0 AND _v_to <> _v_close`

	// Of SCD type 1: the only history is that of versions.
	historyNow = `CREATE OR REPLACE VIEW {history} AS SELECT {rows} FROM {now} WHERE _v_to = 0`
	asOfStored = `CREATE OR REPLACE MACRO {as_of}({t}) AS TABLE
		SELECT * FROM {at}({asof})`

	// A row is the state from _v_from on until _v_close or, never closed, until _v_to. One that begins and ends in the same
	// version was never seen. A row that differs by its times alone is no change of the state.
	changesMacro = `CREATE OR REPLACE MACRO {changes}({v1}, {v2}) AS TABLE
		SELECT * FROM {all_changes}({v1}, {v2}) UNION ALL SELECT NULL, NULL, {none} FROM {state_table} WHERE {readable_first}`

	// What the pipeline hands to readers, which are never behind what they can read.
	allChangesMacro = `CREATE OR REPLACE MACRO {all_changes}({v1}, {v2}) AS TABLE
		WITH _b AS (
			SELECT {values}, _v_close AS _version FROM {now} WHERE _v_close > {v1} AND _v_close <= {v2} AND _v_close > _v_from
			UNION ALL SELECT {values}, _v_to FROM {now} WHERE _v_to > {v1} AND _v_to <= {v2} AND _v_close = 0 AND _v_to > _v_from
			UNION ALL SELECT {values}, _v_close FROM {past} WHERE _v_close > {v1} AND _v_close <= {v2} AND _v_close > _v_from
			UNION ALL SELECT {values}, _v_to FROM {past} WHERE _v_to > {v1} AND _v_to <= {v2} AND _v_close = 0 AND _v_to > _v_from),
		_a AS (
			SELECT {values}, _v_from AS _version FROM {now} WHERE _v_from > {v1} AND _v_from <= {v2} AND _v_close <> _v_from AND _v_to <> _v_from
			UNION ALL SELECT {values}, _v_from FROM {past} WHERE _v_from > {v1} AND _v_from <= {v2} AND _v_close <> _v_from AND _v_to <> _v_from),
		_c AS ({pairs} AND _b._version = _a._version
			WHERE _b._version IS NULL OR _a._version IS NULL OR {differ})
		SELECT CASE WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type, _version, {before} FROM _c WHERE _isb
		UNION ALL SELECT CASE WHEN _isb THEN 'update_after' ELSE 'insert' END, _version, {after} FROM _c WHERE _isa`

	// _b: rows of the state at the lower version that aren't in it at the higher; _a: the other way round.
	diffMacro = `CREATE OR REPLACE MACRO {diff}({v1}, {v2}) AS TABLE
		WITH _b AS (
			SELECT {values}, 1 AS _version FROM {now} WHERE _v_close > least({v1}, {v2}) AND _v_close <= greatest({v1}, {v2}) AND _v_from <= least({v1}, {v2})
			UNION ALL SELECT {values}, 1 FROM {now} WHERE _v_to > least({v1}, {v2}) AND _v_to <= greatest({v1}, {v2}) AND _v_close = 0 AND _v_from <= least({v1}, {v2})
			UNION ALL SELECT {values}, 1 FROM {past} WHERE _v_close > least({v1}, {v2}) AND _v_close <= greatest({v1}, {v2}) AND _v_from <= least({v1}, {v2})
			UNION ALL SELECT {values}, 1 FROM {past} WHERE _v_to > least({v1}, {v2}) AND _v_to <= greatest({v1}, {v2}) AND _v_close = 0 AND _v_from <= least({v1}, {v2})),
		_a AS (
			SELECT {values}, 1 AS _version FROM {now} WHERE _v_from > least({v1}, {v2}) AND _v_from <= greatest({v1}, {v2})
				AND (_v_close = 0 OR _v_close > greatest({v1}, {v2})) AND (_v_to = 0 OR _v_to > greatest({v1}, {v2}))
			UNION ALL SELECT {values}, 1 FROM {past} WHERE _v_from > least({v1}, {v2}) AND _v_from <= greatest({v1}, {v2})
				AND (_v_close = 0 OR _v_close > greatest({v1}, {v2})) AND (_v_to = 0 OR _v_to > greatest({v1}, {v2}))),
		_c AS ({pairs} WHERE _b._version IS NULL OR _a._version IS NULL OR {differ})
		SELECT CASE WHEN {v1} > {v2} THEN CASE WHEN _isa THEN 'update_after' ELSE 'insert' END WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type,
			{v2}::BIGINT AS _version, {before} FROM _c WHERE _isb
		UNION ALL SELECT CASE WHEN {v1} > {v2} THEN CASE WHEN _isb THEN 'update_before' ELSE 'delete' END WHEN _isb THEN 'update_after' ELSE 'insert' END,
			{v2}::BIGINT, {after} FROM _c WHERE _isa
		UNION ALL SELECT NULL, NULL, {none} FROM {state_table} WHERE {readable_both}`

	// The rows before and after, joined by key; {before} and {after} take them apart again.
	pairsQuery = `SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa, {both}
			FROM _b FULL JOIN _a ON {on}`
)

// nulls are as many NULLs as there are names.
func nulls(names []string) *engine.Query { return each(", ", "NULL", names) }
