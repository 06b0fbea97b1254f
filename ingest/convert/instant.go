package convert

import (
	"math"

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
