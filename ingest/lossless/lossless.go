// Package lossless owns the conversion of values without loss in SQL, for what DuckDB reads itself. ingest/convert does it for tokens.
package lossless

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/sql"
)

// Conversion without loss in SQL, for the columns of Parquet whose type is not the declared one: what convert.go does for text. A
// pair of types that isn't named here converts nothing but NULL. Where SQL can't tell that nothing is lost the value is bad: a
// value too much is kept in dsql.rejects rather than one too few.

// Converter is such a conversion of the columns of files.
type Converter struct {
	Conn       *duck.Conn
	lambdas    int      // of SQL that was made: each has a name of its own
	Undeclared []string // fields inside columns that the declared types don't have
}

// Convert converts v of type from to a field's type. bad is a condition that holds where a value that is not NULL would lose
// something, nil where none does.
func (r *Converter) Convert(ctx context.Context, v *duck.Query, from duck.Type, f batch.Field) (value, bad *duck.Query) {
	a := duck.Args{"v": v, "t": f.Type, "h": from}
	q := func(text string, more ...duck.Args) *duck.Query {
		return duck.SQL(text, append([]duck.Args{a}, more...)...)
	}
	to, is := FamilyOf(f.Type), FamilyOf(from)
	tried := func(text string) (value, bad *duck.Query) {
		x := q(text)
		a["x"] = x
		return x, q("{v} IS NOT NULL AND {x} IS NULL")
	}
	switch {
	case from == f.Type:
		return v, nil
	case is == Nothing:
		return q("NULL::{t}"), nil
	case f.Format != "" && (is == Text || is == number || is == float):
		return r.formatted(ctx, q, is, f)
	case f.Format == FormatStored && is == blob && (to == day || to == Zoned):
		return stamp96(q, f)
	case to == Text && is == blob:
		return tried("TRY(decode({v}))")
	case to == blob && is == Text:
		return q("encode({v})"), nil
	case to == Text && is == Nested:
		return q("to_json({v})::VARCHAR"), nil
	case to == Text && is == Zoned:
		return q("({v} AT TIME ZONE 'UTC')::VARCHAR || '+00'"), nil
	case to == Text:
		return q("{v}::VARCHAR"), nil
	case f.Type == "JSON" && is == Text:
		return tried("TRY_CAST({v} AS JSON)")
	case f.Type == "JSON" && is == blob:
		return tried("TRY_CAST(TRY(decode({v})) AS JSON)")
	case f.Type == "JSON":
		return q("to_json({v})"), nil
	case to == number && is == Text:
		return wholeText(q, f)
	case to == float && is == Text:
		// DuckDB takes 1_0 and 1e400, and is asked for neither.
		return q("TRY_CAST({v} AS {t})"),
			q("{v} IS NOT NULL AND (TRY_CAST({v} AS {t}) IS NULL OR contains({v}, '_') OR isinf(TRY_CAST({v} AS {t})) " +
				"AND NOT contains(lower({v}), 'inf'))")
	case to == float && (is == number || is == float): // rounding to the nearest is no loss, infinity is
		return q("TRY_CAST({v} AS {t})"),
			q("{v} IS NOT NULL AND (TRY_CAST({v} AS {t}) IS NULL OR isinf(TRY_CAST({v} AS {t})) AND NOT isinf({v}::DOUBLE))")
	case to == number && (is == number || is == float):
		return q("TRY_CAST({v} AS {t})"), q(thereAndBack)
	case to == Nested && is == Nested:
		if value, bad, ok := r.shaped(ctx, v, from, f); ok {
			return value, bad
		}
	case from == "TIME_NS" && f.Type == "TIME WITH TIME ZONE":
		return q("TRY_CAST(TRY_CAST({v} AS TIME) AS {t})"), q("{v} IS NOT NULL AND TRY_CAST({v} AS TIME)::TIME_NS IS DISTINCT FROM {v}")
	case is == Text && (to == day || to == clock || to == Zoned):
		return instantOf(q, f)
	case to == Zoned && is == day, to == day && is == Zoned, to == day && is == day:
		return fromTime(q, v, from, f)
	case is == Text && (to == boolean || to == other && !f.Type.ID().Temporal() || f.Type == "INTERVAL"):
		return tried("TRY_CAST({v} AS {t})")
	}
	if is != Text && is != blob && r.castable(ctx, from, f.Type) { // numbers and BOOLEAN, TIME in nanoseconds, INTERVAL, ENUM, arrays …
		return q("TRY_CAST({v} AS {t})"), q(thereAndBack)
	}
	return q("NULL::{t}"), q("{v} IS NOT NULL")
}

// shaped converts STRUCTs by the names of their fields, and lists by their elements: fields that the declared type doesn't have are
// left out, as JSON's are, and those that the file doesn't have are NULL.
func (r *Converter) shaped(ctx context.Context, v *duck.Query, from duck.Type, f batch.Field) (value, bad *duck.Query, ok bool) {
	l, err := r.Conn.NewLayout([]duck.Column{{Name: "have", Type: from}, {Name: "want", Type: f.Type}})
	if err != nil {
		return nil, nil, false
	}
	defer l.Close()
	have, want := l.Columns[0], l.Columns[1]
	a := duck.Args{"v": v}
	switch {
	case have.ID == duck.TypeStruct && want.ID == duck.TypeStruct:
		var fields, bads []*duck.Query
		for _, w := range want.Children {
			x := duck.SQL("NULL::{t}", duck.Args{"t": w.Type})
			if i := slices.IndexFunc(have.Children, func(h *duck.Node) bool { return strings.EqualFold(h.Name, w.Name) }); i >= 0 {
				h := have.Children[i]
				field, b := r.Convert(ctx, duck.SQL("struct_extract({v}, {n})", a, duck.Args{"n": h.Name}), h.Type,
					batch.Field{Name: w.Name, Type: w.Type, Format: f.Format})
				if x = field; b != nil {
					bads = append(bads, duck.SQL("({b})", duck.Args{"b": b}))
				}
			}
			fields = append(fields, duck.SQL("{n} := {x}", duck.Args{"n": duck.Ident(w.Name), "x": x}))
		}
		for _, h := range have.Children {
			named := func(w *duck.Node) bool { return strings.EqualFold(h.Name, w.Name) }
			if !slices.ContainsFunc(want.Children, named) && !slices.Contains(r.Undeclared, h.Name) {
				r.Undeclared = append(r.Undeclared, h.Name)
			}
		}
		if len(bads) > 0 {
			bad = duck.Join(" OR ", bads...)
		}
		return duck.SQL("CASE WHEN {v} IS NOT NULL THEN struct_pack({fields}) END", a, duck.Args{"fields": duck.Join(", ", fields...)}),
			bad, true
	case have.ID == duck.TypeList && want.ID == duck.TypeList:
		r.lambdas++
		e := duck.Ident(fmt.Sprintf("_e%d", r.lambdas))
		x, b := r.Convert(ctx, e, have.Children[0].Type, batch.Field{Name: f.Name, Type: want.Children[0].Type, Format: f.Format})
		a["e"], a["x"] = e, x
		if b != nil {
			bad = duck.SQL("coalesce(len(list_filter({v}, lambda {e}: coalesce({b}, false))), 0) > 0", a, duck.Args{"b": b})
		}
		return duck.SQL("list_transform({v}, lambda {e}: {x})", a), bad, true
	case have.ID == duck.TypeMap && want.ID == duck.TypeMap: // two keys may become one, which is no MAP
		x, b := r.Convert(ctx, duck.SQL("map_entries({v})", a), duck.ListOf(have.Children[0].Type),
			batch.Field{Name: f.Name, Type: duck.ListOf(want.Children[0].Type), Format: f.Format})
		made := duck.SQL("TRY(map_from_entries({x}))", duck.Args{"x": x})
		if a["x"], a["b"] = made, duck.SQL("false"); b != nil {
			a["b"] = b
		}
		return made, duck.SQL("{v} IS NOT NULL AND (({b}) OR {x} IS NULL)", a), true
	}
	return nil, nil, false
}

// castable asks DuckDB whether it casts between two types: otherwise a query with the cast would not run.
func (r *Converter) castable(ctx context.Context, from, to duck.Type) bool {
	_, err := r.Conn.Describe(ctx, duck.SQL("SELECT TRY_CAST(NULL::{h} AS {t}), TRY_CAST(NULL::{t} AS {h})",
		duck.Args{"h": from, "t": to}), sql.Place{})
	return err == nil
}

// wholeText converts text to a whole number or decimal. DuckDB rounds 1.7 and takes 0x1F and 1_000, so the text must be one that
// can't be rounded: no digits but zeros behind the scale; or, with an exponent, so few digits that a DOUBLE tells numbers apart.
func wholeText(q querier, f batch.Field) (value, bad *duck.Query) {
	_, scale, _ := f.Type.Decimal() // of others it is 0
	return q("TRY_CAST({v} AS {t})"),
		q(`{v} IS NOT NULL AND (TRY_CAST({v} AS {t}) IS NULL OR NOT regexp_full_match({v}, {plain}) AND NOT (regexp_full_match({v}, {exponent})
				AND length(regexp_replace(split_part(lower({v}), 'e', 1), '[^0-9]', '', 'g')) <= 15
				AND abs(TRY_CAST({v} AS DOUBLE)) < 9007199254740992 AND TRY_CAST({v} AS DOUBLE) = TRY_CAST({v} AS {t})::DOUBLE))`,
			duck.Args{"plain": fmt.Sprintf(`\s*[+-]?[0-9]+(\.[0-9]{0,%d}0*)?\s*`, scale),
				"exponent": `\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]{1,2}\s*`})
}

// formatted converts by a column's FORMAT: a number that counts from 1970, or text by a strptime pattern.
func (r *Converter) formatted(ctx context.Context, q querier, is family, f batch.Field) (value, bad *duck.Query) {
	a := duck.Args{"format": f.Format}
	if unit := epochUnits[f.Format]; unit != nil {
		return counted(q, is, f, unit)
	}
	if f.Format == "base64" && is == Text {
		x := q("TRY(from_base64({v}))")
		return x, orNull(q, x, nil)
	}
	if is != Text {
		return q("NULL::{t}"), q("{v} IS NOT NULL")
	}
	parsed := q("CASE WHEN regexp_matches({v}, '[0-9]') THEN try_strptime({v}, {format}) END", a) // it takes 'epoch' by any pattern
	a["parsed"] = parsed
	if f.Type == "TIME" { // the pattern has no day
		return q("{parsed}::TIME", a), q("{v} IS NOT NULL AND {parsed} IS NULL", a)
	}
	from := duck.Type("TIMESTAMP") // with a zone or nanoseconds in the pattern it is another
	if cols, err := r.Conn.Describe(ctx, q("SELECT try_strptime('', {format})", a), sql.Place{}); err == nil {
		from = cols[0].Type
	}
	value, bad = fromTime(q, parsed, from, f)
	return value, orNull(q, parsed, bad)
}

// epochUnits are how many microseconds the words of FORMAT count by.
var epochUnits = map[string]*duck.Query{"epoch_s": duck.SQL("1000000"), "epoch_ms": duck.SQL("1000"), "epoch_us": duck.SQL("1"),
	"epoch_ns": duck.SQL("0.001"), "epoch_days": duck.SQL("86400000000")}

// counted converts a number of units since 1970, as a decimal, which holds the digits of any of them. A DOUBLE must be the nearest to that
// decimal.
func counted(q querier, is family, f batch.Field, unit *duck.Query) (value, bad *duck.Query) {
	a := duck.Args{"unit": unit, "count": q("TRY_CAST({v} AS DECIMAL(29, 9))")}
	a["us"] = q("TRY({count} * {unit})", a)
	lost := "{us} <> round({us})"
	var at *duck.Query
	if f.Type == "TIMESTAMP_NS" {
		a["us"] = q("TRY({count} * {unit} * 1000)", a)
		at = q("TRY(make_timestamp_ns(TRY_CAST({us} AS BIGINT)))", a)
		value = at
	} else {
		at = q("TRY(make_timestamp(TRY_CAST({us} AS BIGINT)))", a)
		value, bad = fromTime(q, at, "TIMESTAMP", f)
	}
	a["bad"] = orNull(q, at, bad)
	if f.Format == "epoch_days" { // half a day is no day
		lost += " OR {count} <> round({count})"
	}
	switch is {
	case float:
		lost += " OR {count}::DOUBLE <> {v}::DOUBLE"
	case Text:
		lost += " OR NOT regexp_full_match({v}, {shape})"
		a["shape"] = `\s*[+-]?[0-9]+(\.[0-9]{1,9}0*)?\s*`
	}
	return value, q("{bad} OR {v} IS NOT NULL AND ("+lost+")", a)
}

// Cast converts v, a value of type from, to another type by the rules of "No silent damage". bad is a condition that holds where it
// would lose something, nil where it never does.
func Cast(ctx context.Context, c *duck.Conn, v *duck.Query, from, to duck.Type) (value, bad *duck.Query) {
	return (&Converter{Conn: c}).Convert(ctx, v, from, batch.Field{Type: to})
}
