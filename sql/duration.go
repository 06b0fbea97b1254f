package sql

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// units are those of a Duration in words, without their plural.
var units = map[string]time.Duration{"": time.Second, "millisecond": time.Millisecond, "ms": time.Millisecond, "second": time.Second,
	"sec": time.Second, "s": time.Second, "minute": time.Minute, "min": time.Minute, "m": time.Minute, "hour": time.Hour, "h": time.Hour,
	"day": 24 * time.Hour, "d": 24 * time.Hour}

// Duration is how long a text says: '500ms', '1h30m', '2 minutes', a number of seconds.
func Duration(text string) (time.Duration, bool) {
	if d, err := time.ParseDuration(strings.ReplaceAll(text, " ", "")); err == nil {
		return d, true
	}
	f := strings.Fields(strings.ToLower(text))
	if len(f) == 0 || len(f) > 2 {
		return 0, false
	}
	unit := ""
	if len(f) == 2 {
		if unit = f[1]; len(unit) > 2 {
			unit = strings.TrimSuffix(unit, "s")
		}
	}
	n, err := strconv.ParseFloat(f[0], 64)
	u, ok := units[unit]
	most := math.Abs(n*float64(u)) < math.MaxInt64 // no NaN is
	return time.Duration(n * float64(u)), ok && err == nil && most
}
