package convert

import (
	"math"
	"math/bits"

	"dsql/engine/duck"
)

// epoch says what a number counts since 1970-01-01 00:00 UTC: its value is the number of decimal places below a second.
type epoch uint8

const (
	NoEpoch epoch = iota
	epochS
	epochMS
	epochUS
	epochNS
	epochDays
)

// Epochs are the words of FORMAT for them.
var Epochs = map[string]epoch{"epoch_s": epochS, "epoch_ms": epochMS, "epoch_us": epochUS, "epoch_ns": epochNS, "epoch_days": epochDays}

// EpochWords is what a message says there is.
const EpochWords = "epoch_s, epoch_ms, epoch_us, epoch_ns or epoch_days"

// places of days are none: half a day is no day.
func (e epoch) places() int {
	if e == epochDays {
		return 9
	}
	return 3 * (int(e) - 1)
}

// Instant is a time in UTC.
type Instant struct {
	Seconds  int64 // since 1970-01-01
	Nanos    int32 // 0 to 999,999,999
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
func (c *Column) putTime(v *duck.Vector, row int, s []byte, from Origin) Fault {
	if c.Epoch != NoEpoch {
		return c.putEpoch(v, row, trim(s))
	}
	if from == FromNumber {
		return aNumber
	}
	var t Instant
	f := Wrong
	switch {
	case c.Pattern != nil:
		t, f = c.Pattern.Parse(s)
	case c.ID == duck.TypeTime:
		return c.putClock(v, row, trim(s))
	case c.ID == duck.TypeDate:
		if d, ok := fastDate(s); ok {
			duck.Put(v, row, d)
			return Fine
		}
		t, f = parseInstant(trim(s))
	default:
		if x, ok := fastTimestamp(s); ok && places(c.ID) == 6 {
			duck.Put(v, row, x)
			return Fine
		}
		t, f = parseInstant(trim(s))
	}
	if f != Fine {
		return f
	}
	return c.PutInstant(v, row, t)
}

func (c *Column) PutInstant(v *duck.Vector, row int, t Instant) Fault {
	switch {
	case c.ID == duck.TypeDate && t.infinity != 0:
		duck.Put(v, row, int32(t.infinity)*math.MaxInt32)
		return Fine
	case c.ID == duck.TypeDate:
		if t.Nanos != 0 || t.Seconds%86400 != 0 || t.late {
			return notMidnight
		}
		d := t.Seconds / 86400
		if d < minDate || d >= math.MaxInt32 {
			return OutOfRange
		}
		duck.Put(v, row, int32(d))
		return Fine
	case c.ID == duck.TypeTime: // of a pattern: a time of day, on the first day
		if t.Nanos%1000 != 0 {
			return Losing
		}
		duck.Put(v, row, t.Seconds*1e6+int64(t.Nanos/1000))
		return Fine
	case t.infinity != 0:
		duck.Put(v, row, int64(t.infinity)*math.MaxInt64)
		return Fine
	}
	x, f := t.count(places(c.ID))
	if f == Fine {
		duck.Put(v, row, x)
	}
	return f
}

// The range of DuckDB's dates and timestamps: 290309-12-22 (BC) to 294247-01-10 04:00:54.775806 for times of a microsecond or
// longer, 5877642-06-25 (BC) to 5881580-07-10 for dates.
const (
	minDate    = -2147483646
	MinSeconds = -9223372022400
	MaxSeconds = math.MaxInt64 / 1000000
)

// count is the time in units of 10^-places seconds.
func (t Instant) count(places int) (int64, Fault) {
	unit := int64(1e9)
	for range places {
		unit /= 10
	}
	if int64(t.Nanos)%unit != 0 {
		return 0, Losing
	}
	if places == 9 {
		const limit = math.MaxInt64 / 1000000000
		if t.Seconds < -limit || t.Seconds > limit || t.Seconds == limit && int64(t.Nanos) >= math.MaxInt64%1000000000 {
			return 0, OutOfRange
		}
		return t.Seconds*1e9 + int64(t.Nanos), Fine
	}
	if t.Seconds < MinSeconds || t.Seconds > MaxSeconds || t.Seconds == MaxSeconds && int64(t.Nanos)/1000 >= math.MaxInt64%1000000 {
		return 0, OutOfRange
	}
	return t.Seconds*(1e9/unit) + int64(t.Nanos)/unit, Fine
}

// putEpoch converts a number that counts seconds, parts of them, or days.
func (c *Column) putEpoch(v *duck.Vector, row int, s []byte) Fault {
	neg, x, f := parseDecimal(s, 9-c.Epoch.places())
	if f != Fine {
		return f
	}
	const e9 = 1000000000
	if c.Epoch == epochDays {
		if x.Hi != 0 || x.Lo > math.MaxUint32 {
			return OutOfRange
		}
		hi, lo := bits.Mul64(x.Lo*86400, e9)
		x = U128{Hi: hi, Lo: lo}
	}
	if x.Hi >= 1<<28 { // the quotient fits an int64
		return OutOfRange
	}
	sec, ns := bits.Div64(x.Hi, x.Lo, e9)
	t := Instant{Seconds: int64(sec), Nanos: int32(ns)}
	if neg {
		t.Seconds = -t.Seconds
		if ns > 0 {
			t.Seconds, t.Nanos = t.Seconds-1, int32(e9-ns)
		}
	}
	return c.PutInstant(v, row, t)
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
