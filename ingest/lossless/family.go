package lossless

import (
	"dsql/engine/duck"
	"dsql/ingest/batch"
)

type querier func(text string, more ...duck.Args) *duck.Query

// family is a kind of types that convert alike.
type family uint8

const (
	other   family = iota // UUID, ENUM, INTERVAL, …
	Nothing               // the type of NULL
	Text
	number // whole numbers and decimals
	float
	boolean
	blob
	day   // DATE and the TIMESTAMPs without a zone
	Zoned // TIMESTAMP WITH TIME ZONE
	clock // TIME
	Nested
)

func FamilyOf(t duck.Type) family {
	id := t.ID()
	switch id {
	case duck.TypeNull:
		return Nothing
	case duck.TypeVarchar:
		return Text
	case duck.TypeDecimal:
		return number
	case duck.TypeBoolean:
		return boolean
	case duck.TypeBlob:
		return blob
	case duck.TypeDate, duck.TypeTimestamp, duck.TypeTimestampS, duck.TypeTimestampMS, duck.TypeTimestampNS:
		return day
	case duck.TypeTimestampTZ:
		return Zoned
	case duck.TypeTime:
		return clock
	case duck.TypeUnion:
		return other
	}
	switch {
	case id.Integer():
		return number
	case id.Float():
		return float
	case id.Nested():
		return Nested
	}
	return other
}

// orNull is bad where x is NULL, and where bad holds.
func orNull(q querier, x, bad *duck.Query) *duck.Query {
	if bad == nil {
		return q("{v} IS NOT NULL AND {x} IS NULL", duck.Args{"x": x})
	}
	return q("{v} IS NOT NULL AND ({x} IS NULL OR ({bad}))", duck.Args{"x": x, "bad": bad})
}

// fromTime converts x, a time of type from, to a DATE or TIMESTAMP of whatever unit. What has no zone is UTC.
func fromTime(q querier, x *duck.Query, from duck.Type, f batch.Field) (value, bad *duck.Query) {
	if from == "TIMESTAMP WITH TIME ZONE" {
		x, from = q("({x} AT TIME ZONE 'UTC')", duck.Args{"x": x}), "TIMESTAMP"
	}
	a := duck.Args{"v": x, "h": from}
	if f.Type == "TIMESTAMP WITH TIME ZONE" {
		value, bad = q("TRY_CAST({v} AS TIMESTAMP) AT TIME ZONE 'UTC'", a), q(thereAndBack, a, duck.Args{"t": duck.Type("TIMESTAMP")})
		return value, bad
	}
	if from == f.Type {
		return x, nil
	}
	return q("TRY_CAST({v} AS {t})", a), q(thereAndBack, a)
}

// thereAndBack must give the same: 1.7 is no whole number, noon is no date.
const thereAndBack = "{v} IS NOT NULL AND (TRY_CAST({v} AS {t}) IS NULL OR TRY_CAST(TRY_CAST({v} AS {t}) AS {h}) IS DISTINCT FROM {v})"

// instantOf converts ISO 8601 text. DuckDB's cast to TIMESTAMP leaves offsets out and its cast to DATE leaves out the time, so
// the text becomes a TIMESTAMP in UTC first.
func instantOf(q querier, f batch.Field) (value, bad *duck.Query) {
	if f.Type == "TIME" {
		return q("TRY_CAST({v} AS TIME)"), q("{v} IS NOT NULL AND (NOT regexp_full_match({v}, {shape}) OR TRY_CAST({v} AS TIME) IS NULL)",
			duck.Args{"shape": `\s*` + clockText + `\s*`})
	}
	utc := q(`CASE WHEN regexp_full_match({v}, {local}) THEN TRY_CAST({v} AS TIMESTAMP)
			WHEN regexp_full_match({v}, {offset}) THEN TRY_CAST({v} AS TIMESTAMP WITH TIME ZONE) AT TIME ZONE 'UTC' END`,
		duck.Args{"local": `\s*` + dayText + `([ T]` + clockText + `)?\s*`,
			"offset": `\s*` + dayText + `[ T]` + clockText + `\s*` + offsetText + `\s*`})
	value, bad = fromTime(q, utc, "TIMESTAMP", f)
	return value, orNull(q, utc, bad)
}

// Texts of times that DuckDB reads without leaving anything out.
const (
	clockText  = `[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,6}0*)?)?`
	offsetText = `([zZ]|[uU][tT][cC]|[+-][0-9]{2}(:?[0-9]{2}(:?[0-9]{2})?)?)`
	dayText    = `[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}`
)
