package journal

import (
	"cmp"
	"slices"
	"strings"

	"dsql/engine/duck"
)

// A bucket is a part of a journal's keys that is kept in a file of its own. Which bucket a key is of stands in the names of files that
// others have stored: it may never change, whatever DuckDB does, and any engine must be able to compute it. So it goes by the key's
// canonical text and by MD5, and by no hash of an engine's own. testdata/buckets.txt holds what must stay.

// Buckets is the number of buckets beyond which all are alike: what is taken of MD5 has 28 bits.
const Buckets = 1 << 28

// Bucket is an expression of the bucket, from 0 to n-1, of a row with these keys; ok is false where a key is of a type whose equal values
// have no one text: at is which.
//
// The texts of the keys, NULL as none, stand in the order of their columns' names in lower case (KEYS may be written anew in another) with
// | between them. The first 28 bits of the MD5 of that are a number of which the first bit is the highest, which is taken modulo n. Keys
// that differ may have one text: then they are of one bucket, and nothing more.
func Bucket(keys []duck.Column, n int64) (q *duck.Query, at int, ok bool) {
	if at = slices.IndexFunc(keys, func(k duck.Column) bool { return keyText(k) == nil }); at >= 0 {
		return nil, at, false
	}
	keys = slices.SortedFunc(slices.Values(keys), func(a, b duck.Column) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	text := duck.Each(" || '|' || ", keys, func(k duck.Column) *duck.Query {
		return duck.SQL("coalesce({t}, '')", duck.Args{"t": keyText(k)})
	})
	return duck.SQL("CAST('0x' || left(md5({text}), 7) AS INTEGER) % {n}", duck.Args{"n": n, "text": text}), 0, true
}

// keyText is the text of a column's value; nil: there is none. Values that are equal have one text, and so have those of a type and of
// one that it may be widened to (duck.Type.Widens).
func keyText(c duck.Column) *duck.Query {
	name, shape := duck.Ident(c.Name), c.Type.Shape()
	x := duck.Args{"x": name, "text": duck.SQL("CAST({x} AS VARCHAR)", duck.Args{"x": name})}
	switch shape.ID {
	case duck.TypeDecimal:
		if shape.Scale == 0 {
			break
		}
		if shape.Width == shape.Scale { // .5, and 0.5 in a wider one
			x["text"] = duck.SQL("regexp_replace({text}, '^(-?)[.]', '\\10.')", x)
		}
		return duck.SQL("rtrim(rtrim({text}, '0'), '.')", x)
	case duck.TypeFloat, duck.TypeDouble: // both zeros are 0, all that is no number is nan, and a whole number is one of a BIGINT
		x["x"] = duck.SQL("CAST({x} AS DOUBLE)", x)
		return duck.SQL("CASE WHEN isnan({x}) THEN 'nan' WHEN abs({x}) < 9007199254740992 AND {x} = trunc({x}) THEN "+
			"CAST(CAST({x} AS BIGINT) AS VARCHAR) ELSE printf('%.16e', {x}) END", x)
	case duck.TypeBlob:
		return duck.SQL("lower(hex({x}))", x)
	case duck.TypeDate:
		return duck.SQL("CASE WHEN isfinite({x}) THEN {text} || ' 00:00:00' ELSE {text} END", x)
	case duck.TypeTimestampTZ: // its text would hang on the session's zone
		return duck.SQL("CAST(timezone('UTC', {x}) AS VARCHAR)", x)
	case duck.TypeBoolean, duck.TypeBigNum, duck.TypeVarchar, duck.TypeJSON, duck.TypeTime, duck.TypeTimeNS, duck.TypeTimeTZ, duck.TypeTimestamp,
		duck.TypeTimestampS, duck.TypeTimestampMS, duck.TypeTimestampNS, duck.TypeUUID, duck.TypeEnum, duck.TypeBit:
	default:
		if !shape.ID.Integer() {
			return nil // nested values; INTERVAL, of which 30 days equal a month
		}
	}
	return x["text"].(*duck.Query)
}
