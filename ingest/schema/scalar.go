package schema

import (
	"dsql/ingest/convert"
)

// Scalar is a value that is no record, array, map or union.
type Scalar struct {
	Int   int64   // boolean, int, long, enum: the symbol's number; a moment's seconds
	Nanos int32   // a moment's nanoseconds
	Float float64 // float, double
	Bytes []byte  // bytes, string, fixed: where they lie in the record; enum: the symbol
}

var plainLong = Type{Kind: KindLong}

// instant is a date's or timestamp's time.
func (t *Type) instant(n int64) convert.Instant {
	if t.Logical == LogicalDate {
		return convert.Instant{Seconds: n * 86400}
	}
	unit := int64(1)
	for range t.Scale {
		unit *= 10
	}
	sec, rest := n/unit, n%unit
	if rest < 0 {
		sec, rest = sec-1, rest+unit
	}
	return convert.Instant{Seconds: sec, Nanos: int32(rest * (1e9 / unit))}
}
