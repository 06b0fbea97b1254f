package stream

import (
	"context"
	"slices"

	"dsql/engine/duck"
	"dsql/sql"
)

// views are macros that work in any DuckDB client. Their parameters have names that no column has: a parameter would replace a
// column of its name, silently. The eras stand in them as constants, so that DuckDB folds all but those of the version that is asked for.
func (s *Stream) views(ctx context.Context, tx *duck.Tx, cols []duck.Column, eras []era) error {
	if tx.Unread {
		return nil
	}
	name := s.decl.Name
	p := func(base string) *duck.Query { return duck.Ident(duck.FreeName(base, cols)) }
	a := duck.Args{"t": duck.Ident(name), "cols": duck.Names(duck.ColumnNames(cols)), "rows": duck.Ident(name),
		"shown": shown(cols),
		"at":    duck.Ident(name + "_at"), "as_of": duck.Ident(name + "_as_of"), "changes": duck.Ident(name + "_changes"),
		"diff": duck.Ident(name + "_diff"),
		"v":    p("at_version"), "ts": p("at_time"), "asof": duck.VersionAsOf(p("at_time")), "v1": p("from_version"), "v2": p("to_version"),
		"sign": p("_sign"),
		"none": duck.Each(", ", cols, func(c duck.Column) *duck.Query {
			return duck.SQL("NULL::{t} AS {n}", duck.Args{"t": c.Type, "n": duck.Ident(c.Name)})
		})}
	a["readable"] = s.readable(eras, duck.SQL("{v}", a), duck.SQL("OR {v} > newest AND getvariable('dsql_baseline') IS NULL", a))
	a["readable_first"], a["readable_both"] = s.readable(eras, duck.SQL("{v1}", a), duck.SQL("")),
		s.readable(eras, duck.SQL("least({v1}, {v2})", a), duck.SQL(""))
	texts := []string{atMacro, asOfMacro, changesMacro, diffMacro}
	if len(eras) > 0 {
		texts = []string{atMacro, turnedAsOf, turnedChanges, turnedDiff}
		a["rows"] = duck.SQL("(SELECT {cols}, _version FROM {t} UNION ALL SELECT {cols}, _version FROM {past})", a, duck.Args{"past": s.past()})
		a["turns"] = s.turns(eras, a)
		a["events"] = duck.Each(", ", eras, func(e era) *duck.Query { return duck.Lit(e.since) })
	}
	a["there"], a["there_first"], a["there_last"] = there(eras, duck.SQL("{v}", a)), there(eras, duck.SQL("{v1}", a)),
		there(eras, duck.SQL("{v2}", a))
	a["there_then"] = there(eras, duck.SQL("{asof}", a))
	for _, text := range texts {
		if err := tx.Run(ctx, duck.SQL(text, a)); err != nil {
			return err
		}
	}
	return nil
}

// viewsAnew are views over the eras that stand in the file.
func (s *Stream) viewsAnew(ctx context.Context, tx *duck.Tx, cols []duck.Column) error {
	eras, err := s.eras(ctx, tx)
	if err != nil {
		return err
	}
	return s.views(ctx, tx, cols, eras)
}

// shown are the columns beside change_type: a stored one of that name (a journal's changes have it) is change_type_1 there.
func shown(cols []duck.Column) *duck.Query {
	return duck.Each(", ", cols, func(c duck.Column) *duck.Query {
		if !sql.Same(c.Name, "change_type") {
			return duck.Ident(c.Name)
		}
		return duck.SQL("{c} AS {n}", duck.Args{"c": duck.Ident(c.Name), "n": duck.Ident(duck.FreeName("change_type_1", cols))})
	})
}

// there is a condition on _version: a row is there at a version, an expression.
func there(eras []era, version *duck.Query) *duck.Query {
	a := duck.Args{"v": version}
	if len(eras) == 0 {
		return duck.SQL("_version <= {v}", a)
	}
	cases := make([]*duck.Query, 0, len(eras))
	for _, e := range slices.Backward(eras) {
		cases = append(cases, duck.SQL("WHEN {v} >= {since} THEN _version >= {since} AND _version <= {v} OR {held}", a,
			duck.Args{"since": e.since, "held": among(e.held)}))
	}
	return duck.SQL("(CASE {cases} ELSE false END)", duck.Args{"cases": duck.Join(" ", cases...)})
}

// readable is a query of no row, and an error for a version that can't be read: one before the oldest that VACUUM left, or one that isn't
// there yet (as a BASELINE it is none yet). newest is a column of its.
func (s *Stream) readable(eras []era, version, yet *duck.Query) *duck.Query {
	oldest := int64(0)
	if len(eras) > 0 {
		oldest = eras[0].since
	}
	return duck.SQL(`(SELECT coalesce(max(version), 0) AS newest FROM dsql.versions)
		WHERE CASE WHEN {v} < {oldest} {yet} THEN error({why} || newest || ', and this is ' || ({v}))::BOOLEAN ELSE false END`,
		duck.Args{"v": version, "yet": yet, "oldest": oldest,
			"why": duck.SQL("{a} || {oldest} || ' to '", duck.Args{"a": "stream " + s.decl.Name + duck.CanBeRead, "oldest": oldest})})
}

// turns are the changes that the beginnings of eras made, each the difference of what was before and after it.
func (s *Stream) turns(eras []era, a duck.Args) *duck.Query {
	out := []*duck.Query{duck.SQL("")}
	for _, e := range eras[1:] {
		before, _ := at(eras, e.since-1)
		after, _ := at(eras, e.since)
		out = append(out, duck.SQL("SELECT "+changed+", {e}::BIGINT AS _version, {shown} FROM (SELECT *, {after}::INTEGER - {before}::INTEGER "+
			"AS {sign} FROM {rows} WHERE {v1} < {e} AND {e} <= {v2}) "+net,
			a, duck.Args{"e": e.since, "before": among(before), "after": among(after)}))
	}
	return duck.Join(" UNION ALL ", out...)
}

const (
	atMacro      = `CREATE OR REPLACE MACRO {at}({v}) AS TABLE SELECT {cols} FROM {rows} WHERE {there} UNION ALL SELECT {none} FROM {readable}`
	asOfMacro    = `CREATE OR REPLACE MACRO {as_of}({ts}) AS TABLE SELECT {cols} FROM {t} WHERE {there_then}` // that version can be read
	changesMacro = `CREATE OR REPLACE MACRO {changes}({v1}, {v2}) AS TABLE
		SELECT 'insert' AS change_type, _version, {shown} FROM {t} WHERE _version > {v1} AND _version <= {v2}`
	diffMacro = `CREATE OR REPLACE MACRO {diff}({v1}, {v2}) AS TABLE
		SELECT CASE WHEN {v1} <= {v2} THEN 'insert' ELSE 'delete' END AS change_type, _version, {shown}
		FROM {t} WHERE _version > least({v1}, {v2}) AND _version <= greatest({v1}, {v2})`

	// Of a stream that was turned back: rows that come and go with the same values are no difference. (A column that DuckDB parts rows by
	// comes back with 0.0 for -0.0; inside a row it stays as it is.)
	changed = `CASE WHEN {sign} > 0 THEN 'insert' ELSE 'delete' END AS change_type`
	net     = `WHERE {sign} <> 0 QUALIFY sum({sign}) OVER (PARTITION BY row({cols})) * {sign} > 0
		AND row_number() OVER (PARTITION BY row({cols}), {sign} ORDER BY _version DESC) <= abs(sum({sign}) OVER (PARTITION BY row({cols})))`
	turnedAsOf    = `CREATE OR REPLACE MACRO {as_of}({ts}) AS TABLE SELECT * FROM {at}({asof})`
	turnedChanges = `CREATE OR REPLACE MACRO {changes}({v1}, {v2}) AS TABLE
		SELECT 'insert' AS change_type, _version, {shown} FROM {rows} WHERE _version > {v1} AND _version <= {v2} AND _version NOT IN ({events}) {turns}
		UNION ALL SELECT NULL, NULL, {none} FROM {readable_first}`
	turnedDiff = `CREATE OR REPLACE MACRO {diff}({v1}, {v2}) AS TABLE SELECT ` + changed + `, _version, {shown}
		FROM (SELECT *, {there_last}::INTEGER - {there_first}::INTEGER AS {sign} FROM {rows}) ` + net + `
		UNION ALL SELECT NULL, NULL, {none} FROM {readable_both}`
)
