package journal

import (
	"fmt"
	"strings"
)

// digits of the widest value of each integer type: in decimal for DECIMAL, in bits for floating point.
var integers = map[string]struct {
	unsigned      bool
	bits, decimal int
}{
	"TINYINT": {false, 7, 3}, "SMALLINT": {false, 15, 5}, "INTEGER": {false, 31, 10}, "BIGINT": {false, 63, 19}, "HUGEINT": {false, 127, 39},
	"UTINYINT": {true, 8, 3}, "USMALLINT": {true, 16, 5}, "UINTEGER": {true, 32, 10}, "UBIGINT": {true, 64, 20}, "UHUGEINT": {true, 128, 39},
}

// mantissa bits of floating point types.
var floats = map[string]int{"FLOAT": 24, "DOUBLE": 53}

// times from coarse to fine, as far as each holds all of the one before it.
var times = []string{"DATE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP"}

// widens says that a type holds every value of another without loss, and compares and orders them alike. VARCHAR holds all as
// text but orders them otherwise, so it is none.
func widens(from, to string) bool {
	if from == to {
		return true
	}
	a, integer := integers[from]
	if b, ok := integers[to]; ok && integer {
		return a.bits <= b.bits && (a.unsigned || !b.unsigned)
	}
	if m, ok := floats[to]; ok {
		if integer {
			return a.bits <= m
		}
		n, float := floats[from]
		return float && n <= m
	}
	if p, s, ok := decimal(to); ok {
		if integer {
			return a.decimal <= p-s
		}
		fp, fs, ok := decimal(from)
		return ok && fs <= s && fp-fs <= p-s
	}
	rank := func(t string) int {
		for i, x := range times {
			if x == t {
				return i
			}
		}
		return -1
	}
	return rank(from) >= 0 && rank(from) <= rank(to)
}

// decimal reads DECIMAL(p,s) as DuckDB writes it.
func decimal(t string) (precision, scale int, ok bool) {
	if !strings.HasPrefix(t, "DECIMAL(") {
		return 0, 0, false
	}
	_, err := fmt.Sscanf(t, "DECIMAL(%d,%d)", &precision, &scale)
	return precision, scale, err == nil
}

// prunes says that a type has zone maps and that its text, cast back, is the same value: a literal of it lets scans skip rows.
func prunes(t string) bool {
	if _, ok := integers[t]; ok {
		return true
	}
	if _, _, ok := decimal(t); ok {
		return true
	}
	return t == "DATE" || strings.HasPrefix(t, "TIMESTAMP") || t == "DOUBLE"
}
