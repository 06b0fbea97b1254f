package ingest

import (
	"math"
	"math/bits"

	"dsql/engine/duck"
)

// epoch says what a number counts since 1970-01-01 00:00 UTC: its value is the number of decimal places below a second.
type epoch uint8

const (
	noEpoch epoch = iota
	epochS
	epochMS
	epochUS
	epochNS
	epochDays
)

// epochs are the words of FORMAT for them.
var epochs = map[string]epoch{"epoch_s": epochS, "epoch_ms": epochMS, "epoch_us": epochUS, "epoch_ns": epochNS, "epoch_days": epochDays}

// epochWords is what a message says there is.
const epochWords = "epoch_s, epoch_ms, epoch_us, epoch_ns or epoch_days"

// places of days are none: half a day is no day.
func (e epoch) places() int {
	if e == epochDays {
		return 9
	}
	return 3 * (int(e) - 1)
}

// instant is a time in UTC.
type instant struct {
	sec      int64 // since 1970-01-01
	ns       int32 // 0 to 999,999,999
	infinity int8  // 1 or -1: no time at all
	late     bool  // written as 24:00, the end of a day: which day is meant is no matter of course
}

// places of the time types below a second.
func places(id duck.TypeID) int {
	switch id {
	case duck.TypeTimestampS, duck.TypeDate:
		return 0
	case duck.TypeTimestampMS:
		return 3
	case duck.TypeTimestampNS:
		return 9
	}
	return 6
}

// putTime converts a date or time. Without FORMAT it reads ISO 8601 as DuckDB does: 2024-01-31, 2024/1/31, with a time behind a
// blank or T, digits below the second, and an offset (Z, UTC, +02, +0200, +02:00, +02:00:30) that is taken off.
func (c *column) putTime(v *duck.Vector, row int, s []byte, from origin) fault {
	if c.epoch != noEpoch {
		return c.putEpoch(v, row, trim(s))
	}
	if from == fromNumber {
		return aNumber
	}
	var t instant
	f := wrong
	switch {
	case c.pattern != nil:
		t, f = c.pattern.parse(s)
	case c.id == duck.TypeTime:
		return c.putClock(v, row, trim(s))
	case c.id == duck.TypeDate:
		if d, ok := fastDate(s); ok {
			duck.Put(v, row, d)
			return fine
		}
		t, f = parseInstant(trim(s))
	default:
		if x, ok := fastTimestamp(s); ok && places(c.id) == 6 {
			duck.Put(v, row, x)
			return fine
		}
		t, f = parseInstant(trim(s))
	}
	if f != fine {
		return f
	}
	return c.putInstant(v, row, t)
}

func (c *column) putInstant(v *duck.Vector, row int, t instant) fault {
	switch {
	case c.id == duck.TypeDate && t.infinity != 0:
		duck.Put(v, row, int32(t.infinity)*math.MaxInt32)
		return fine
	case c.id == duck.TypeDate:
		if t.ns != 0 || t.sec%86400 != 0 || t.late {
			return notMidnight
		}
		d := t.sec / 86400
		if d < minDate || d >= math.MaxInt32 {
			return outOfRange
		}
		duck.Put(v, row, int32(d))
		return fine
	case c.id == duck.TypeTime: // of a pattern: a time of day, on the first day
		if t.ns%1000 != 0 {
			return losing
		}
		duck.Put(v, row, t.sec*1e6+int64(t.ns/1000))
		return fine
	case t.infinity != 0:
		duck.Put(v, row, int64(t.infinity)*math.MaxInt64)
		return fine
	}
	x, f := t.count(places(c.id))
	if f == fine {
		duck.Put(v, row, x)
	}
	return f
}

// The range of DuckDB's dates and timestamps: 290309-12-22 (BC) to 294247-01-10 04:00:54.775806 for times of a microsecond or
// longer, 5877642-06-25 (BC) to 5881580-07-10 for dates.
const (
	minDate    = -2147483646
	minSeconds = -9223372022400
	maxSeconds = math.MaxInt64 / 1000000
)

// count is the time in units of 10^-places seconds.
func (t instant) count(places int) (int64, fault) {
	unit := int64(1e9)
	for range places {
		unit /= 10
	}
	if int64(t.ns)%unit != 0 {
		return 0, losing
	}
	if places == 9 {
		const limit = math.MaxInt64 / 1000000000
		if t.sec < -limit || t.sec > limit || t.sec == limit && int64(t.ns) >= math.MaxInt64%1000000000 {
			return 0, outOfRange
		}
		return t.sec*1e9 + int64(t.ns), fine
	}
	if t.sec < minSeconds || t.sec > maxSeconds || t.sec == maxSeconds && int64(t.ns)/1000 >= math.MaxInt64%1000000 {
		return 0, outOfRange
	}
	return t.sec*(1e9/unit) + int64(t.ns)/unit, fine
}

// putEpoch converts a number that counts seconds, parts of them, or days.
func (c *column) putEpoch(v *duck.Vector, row int, s []byte) fault {
	neg, x, f := parseDecimal(s, 9-c.epoch.places())
	if f != fine {
		return f
	}
	const e9 = 1000000000
	if c.epoch == epochDays {
		if x.hi != 0 || x.lo > math.MaxUint32 {
			return outOfRange
		}
		hi, lo := bits.Mul64(x.lo*86400, e9)
		x = u128{hi: hi, lo: lo}
	}
	if x.hi >= 1<<28 { // the quotient fits an int64
		return outOfRange
	}
	sec, ns := bits.Div64(x.hi, x.lo, e9)
	t := instant{sec: int64(sec), ns: int32(ns)}
	if neg {
		t.sec = -t.sec
		if ns > 0 {
			t.sec, t.ns = t.sec-1, int32(e9-ns)
		}
	}
	return c.putInstant(v, row, t)
}

// fastDate reads 2024-01-31.
func fastDate(s []byte) (int32, bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	y, m, d := two(s[0:])*100+two(s[2:]), two(s[5:]), two(s[8:])
	if y > 9999 || !validDate(y, m, d) {
		return 0, false
	}
	return int32(days(y, m, d)), true
}

// fastTimestamp reads 2024-01-31 12:34:56, with T or a blank, up to six digits below the second, and Z behind.
func fastTimestamp(s []byte) (int64, bool) {
	if len(s) < 19 || s[4] != '-' || s[7] != '-' || s[10] != ' ' && s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	y, m, d := two(s[0:])*100+two(s[2:]), two(s[5:]), two(s[8:])
	h, mi, sec := two(s[11:]), two(s[14:]), two(s[17:])
	if y > 9999 || h > 23 || mi > 59 || sec > 59 || !validDate(y, m, d) {
		return 0, false
	}
	us, i := int64(0), 19
	if i < len(s) && s[i] == '.' {
		p := int64(1000000)
		for i++; i < len(s) && s[i]-'0' <= 9; i++ {
			p /= 10
			us = us*10 + int64(s[i]-'0')
		}
		if p == 0 || i == 20 {
			return 0, false
		}
		us *= p
	}
	if i < len(s) && !(i+1 == len(s) && s[i] == 'Z') {
		return 0, false
	}
	return (days(y, m, d)*86400+int64(h*3600+mi*60+sec))*1e6 + us, true
}

// two reads two digits; what isn't two digits gives a number too large for any part of a time.
func two(s []byte) int {
	a, b := s[0]-'0', s[1]-'0'
	if a > 9 || b > 9 {
		return 1 << 20
	}
	return int(a)*10 + int(b)
}

func validDate(y, m, d int) bool {
	return m >= 1 && m <= 12 && d >= 1 && (d <= 28 || d <= monthDays(y, m))
}

func monthDays(y, m int) int {
	if m == 2 {
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (m+m>>3)&1
}

// days is the number of days from 1970-01-01 to a date of the proleptic Gregorian calendar; year 0 is 1 BC.
// (H. Hinnant, chrono-compatible low-level date algorithms: days_from_civil.)
func days(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	return int64(era)*146097 + int64(365*yoe+yoe/4-yoe/100+(153*(m-3)+2)/5+d-1) - 719468
}
