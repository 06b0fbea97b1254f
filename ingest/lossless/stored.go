package lossless

import (
	"dsql/engine/duck"
	"dsql/ingest/batch"
)

// FormatStored is the format of what is read as it is stored: bytes may be an INT96.
const FormatStored = "\x00stored"

// int96 is the day since 1970 and the nanosecond in it of the twelve bytes of an INT96: first the nanosecond, the lowest byte first.
func int96(v *duck.Query) (days, nanos *duck.Query) {
	number := func(low, bytes int, t duck.Type) *duck.Query {
		var digits []*duck.Query
		for i := low + bytes - 1; i >= low; i-- {
			digits = append(digits, duck.SQL("substr(hex({v}), {i}, 2)", duck.Args{"v": v, "i": 2*i + 1}))
		}
		return duck.SQL("('0x' || {digits})::{t}", duck.Args{"digits": duck.Join(" || ", digits...), "t": t})
	}
	return duck.SQL("({n} - 2440588)", duck.Args{"n": number(8, 4, "BIGINT")}),
		duck.SQL("{n}::HUGEINT", duck.Args{"n": number(0, 8, "UBIGINT")})
}

// stamp96 converts an INT96.
func stamp96(q querier, f batch.Field) (value, bad *duck.Query) {
	days, nanos := int96(q("{v}"))
	a := duck.Args{"days": days, "nanos": nanos}
	if f.Type == "TIMESTAMP_NS" {
		x := q("make_timestamp_ns(TRY_CAST({days}::HUGEINT * 86400000000000 + {nanos} AS BIGINT))", a)
		return x, orNull(q, x, nil)
	}
	utc := q("TRY(make_timestamp(TRY_CAST({days} * 86400000000 + {nanos} // 1000 AS BIGINT)))", a)
	value, bad = fromTime(q, utc, "TIMESTAMP", f)
	if a["utc"], a["bad"] = utc, bad; bad == nil {
		a["bad"] = duck.SQL("false")
	}
	return value, q("{v} IS NOT NULL AND ({utc} IS NULL OR {nanos} % 1000 <> 0 OR ({bad}))", a)
}

// StoredText is the text of what is stored, with all its digits.
func StoredText(v *duck.Query, stored, from duck.Type) *duck.Query {
	a := duck.Args{"v": v, "zone": ""}
	if FamilyOf(from) == Zoned {
		a["zone"] = "+00"
	}
	if stored == "BLOB" && FamilyOf(from) == day {
		days, nanos := int96(v)
		a["days"], a["nanos"] = days, nanos
		return duck.SQL(`coalesce(
			strftime(TRY(make_timestamp(TRY_CAST({days} * 86400000000 + {nanos} // 1000 AS BIGINT))), '%Y-%m-%d %H:%M:%S.')
				|| lpad(({nanos} % 1000000000)::VARCHAR, 9, '0'), {v}::VARCHAR)`, a)
	}
	return duck.SQL("{v}::VARCHAR || {zone}", a)
}
