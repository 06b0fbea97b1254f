package convert

import (
	"math"
	"math/bits"

	"dsql/engine/duck"
)

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
	var f Fault
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

// putClock converts a time of day. An offset can't be taken off without a day, so only that of UTC may stand behind it.
func (c *Column) putClock(v *duck.Vector, row int, s []byte) Fault {
	p := timeScanner{s: s}
	sec, ns, f := p.clock()
	if f != Fine {
		return f
	}
	if !p.end() {
		if off, ok := p.offset(); !ok || !p.end() || off != 0 {
			return Wrong
		}
	}
	if ns%1000 != 0 {
		return Losing
	}
	duck.Put(v, row, int64(sec)*1e6+int64(ns/1000))
	return Fine
}
