package stream

import (
	"context"
	"slices"

	"dsql/engine"
	"dsql/sql"
)

// views are macros that work in any DuckDB client. Their parameters have names that no column has: a parameter would replace a
// column of its name, silently. The eras stand in them as constants, so that DuckDB folds all but those of the version that is asked for.
func (s *Stream) views(ctx context.Context, tx *engine.Tx, cols []engine.Column, eras []era) error {
	name := s.decl.Name
	p := func(base string) *engine.Query { return engine.Ident(engine.FreeName(base, cols)) }
	a := engine.Args{"t": engine.Ident(name), "cols": engine.Names(engine.ColumnNames(cols)), "rows": engine.Ident(name),
		"shown": shown(cols),
		"at":    engine.Ident(name + "_at"), "as_of": engine.Ident(name + "_as_of"), "changes": engine.Ident(name + "_changes"), "diff": engine.Ident(name + "_diff"),
		"v": p("at_version"), "ts": p("at_time"), "asof": engine.VersionAsOf(p("at_time")), "v1": p("from_version"), "v2": p("to_version"), "sign": p("_sign"),
		"none": engine.Each(", ", cols, func(c engine.Column) *engine.Query {
			return engine.SQL("NULL::{t} AS {n}", engine.Args{"t": engine.Type(c.Type), "n": engine.Ident(c.Name)})
		})}
	a["readable"] = s.readable(eras, engine.SQL("{v}", a), engine.SQL("OR {v} > newest AND getvariable('dsql_baseline') IS NULL", a))
	a["readable_first"], a["readable_both"] = s.readable(eras, engine.SQL("{v1}", a), engine.SQL("")), s.readable(eras, engine.SQL("least({v1}, {v2})", a), engine.SQL(""))
	texts := []string{atMacro, asOfMacro, changesMacro, diffMacro}
	if len(eras) > 0 {
		texts = []string{atMacro, turnedAsOf, turnedChanges, turnedDiff}
		a["rows"] = engine.SQL("(SELECT {cols}, _version FROM {t} UNION ALL SELECT {cols}, _version FROM {past})", a, engine.Args{"past": s.past()})
		a["turns"] = s.turns(eras, a)
		a["events"] = engine.Each(", ", eras, func(e era) *engine.Query { return engine.Lit(e.since) })
	}
	a["there"], a["there_first"], a["there_last"] = there(eras, engine.SQL("{v}", a)), there(eras, engine.SQL("{v1}", a)), there(eras, engine.SQL("{v2}", a))
	a["there_then"] = there(eras, engine.SQL("{asof}", a))
	for _, text := range texts {
		if err := tx.Run(ctx, engine.SQL(text, a)); err != nil {
			return err
		}
	}
	return nil
}

// viewsAnew are views over the eras that stand in the file.
func (s *Stream) viewsAnew(ctx context.Context, tx *engine.Tx, cols []engine.Column) error {
	eras, err := s.eras(ctx, tx)
	if err != nil {
		return err
	}
	return s.views(ctx, tx, cols, eras)
}

// shown are the columns beside change_type: a stored one of that name (a journal's changes have it) is change_type_1 there.
func shown(cols []engine.Column) *engine.Query {
	return engine.Each(", ", cols, func(c engine.Column) *engine.Query {
		if !sql.Same(c.Name, "change_type") {
			return engine.Ident(c.Name)
		}
		return engine.SQL("{c} AS {n}", engine.Args{"c": engine.Ident(c.Name), "n": engine.Ident(engine.FreeName("change_type_1", cols))})
	})
}

// there is a condition on _version: a row is there at a version, an expression.
func there(eras []era, version *engine.Query) *engine.Query {
	a := engine.Args{"v": version}
	if len(eras) == 0 {
		return engine.SQL("_version <= {v}", a)
	}
	cases := make([]*engine.Query, 0, len(eras))
	for _, e := range slices.Backward(eras) {
		cases = append(cases, engine.SQL("WHEN {v} >= {since} THEN _version >= {since} AND _version <= {v} OR {held}", a, engine.Args{"since": e.since, "held": among(e.held)}))
	}
	return engine.SQL("(CASE {cases} ELSE false END)", engine.Args{"cases": engine.Join(" ", cases...)})
}

// readable is a query of no row, and an error for a version that can't be read: one before the oldest that VACUUM left, or one that isn't
// there yet (as a BASELINE it is none yet). newest is a column of its.
func (s *Stream) readable(eras []era, version, yet *engine.Query) *engine.Query {
	oldest := int64(0)
	if len(eras) > 0 {
		oldest = eras[0].since
	}
	return engine.SQL(`(SELECT coalesce(max(version), 0) AS newest FROM dsql.versions)
		WHERE CASE WHEN {v} < {oldest} {yet} THEN error({why} || newest || ', and this is ' || ({v}))::BOOLEAN ELSE false END`,
		engine.Args{"v": version, "yet": yet, "oldest": oldest, "why": engine.SQL("{a} || {oldest} || ' to '", engine.Args{"a": "stream " + s.decl.Name + engine.CanBeRead, "oldest": oldest})})
}

// turns are the changes that the beginnings of eras made, each the difference of what was before and after it.
func (s *Stream) turns(eras []era, a engine.Args) *engine.Query {
	out := []*engine.Query{engine.SQL("")}
	for _, e := range eras[1:] {
		before, _ := at(eras, e.since-1)
		after, _ := at(eras, e.since)
		out = append(out, engine.SQL("SELECT "+changed+", {e}::BIGINT AS _version, {shown} FROM (SELECT *, {after}::INTEGER - {before}::INTEGER AS {sign} FROM {rows} WHERE {v1} < {e} AND {e} <= {v2}) "+net,
			a, engine.Args{"e": e.since, "before": among(before), "after": among(after)}))
	}
	return engine.Join(" UNION ALL ", out...)
}

const (
	atMacro      = `CREATE OR REPLACE MACRO {at}({v}) AS TABLE SELECT {cols} FROM {rows} WHERE {there} UNION ALL SELECT {none} FROM {readable}`
	asOfMacro    = `CREATE OR REPLACE MACRO {as_of}({ts}) AS TABLE SELECT {cols} FROM {t} WHERE {there_then}` // that version can be read
	changesMacro = `CREATE OR REPLACE MACRO {changes}({v1}, {v2}) AS TABLE SELECT 'insert' AS change_type, _version, {shown} FROM {t} WHERE _version > {v1} AND _version <= {v2}`
	diffMacro    = `CREATE OR REPLACE MACRO {diff}({v1}, {v2}) AS TABLE SELECT CASE WHEN {v1} <= {v2} THEN 'insert' ELSE 'delete' END AS change_type, _version, {shown}
		FROM {t} WHERE _version > least({v1}, {v2}) AND _version <= greatest({v1}, {v2})`

	// Of a stream that was turned back: rows that come and go with the same values are no difference. (A column that DuckDB parts rows by
	// comes back with 0.0 for -0.0; inside a row it stays as it is.)
	changed       = `CASE WHEN {sign} > 0 THEN 'insert' ELSE 'delete' END AS change_type`
	net           = `WHERE {sign} <> 0 QUALIFY sum({sign}) OVER (PARTITION BY row({cols})) * {sign} > 0 AND row_number() OVER (PARTITION BY row({cols}), {sign} ORDER BY _version DESC) <= abs(sum({sign}) OVER (PARTITION BY row({cols})))`
	turnedAsOf    = `CREATE OR REPLACE MACRO {as_of}({ts}) AS TABLE SELECT * FROM {at}({asof})`
	turnedChanges = `CREATE OR REPLACE MACRO {changes}({v1}, {v2}) AS TABLE SELECT 'insert' AS change_type, _version, {shown} FROM {rows} WHERE _version > {v1} AND _version <= {v2} AND _version NOT IN ({events}) {turns}
		UNION ALL SELECT NULL, NULL, {none} FROM {readable_first}`
	turnedDiff = `CREATE OR REPLACE MACRO {diff}({v1}, {v2}) AS TABLE SELECT ` + changed + `, _version, {shown} FROM (SELECT *, {there_last}::INTEGER - {there_first}::INTEGER AS {sign} FROM {rows}) ` + net + `
		UNION ALL SELECT NULL, NULL, {none} FROM {readable_both}`
)
