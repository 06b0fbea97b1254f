package convert

import (
	"bytes"
	"fmt"
	"strings"
)

// timePattern is a compiled strptime pattern, as DuckDB's strptime reads it.
// https://duckdb.org/docs/stable/sql/functions/dateformat gives the specifiers.
type timePattern struct {
	text  string
	steps []patternStep
	Day   bool // it gives a date: a year at least
	clock bool // it gives a time of day
}

// patternStep reads one specifier, or a literal where spec is 0. Numbers may lack leading zeros (1/2/2024), but not where they stand
// side by side (20240102).
type patternStep struct {
	spec  byte
	tight bool
	text  string
}

const numeric = "YymdjHIMSfgn"

// CompilePattern takes DuckDB's specifiers but those that count weeks and %Z, whose names of time zones are ambiguous.
func CompilePattern(text string) (*timePattern, error) {
	p := &timePattern{text: text}
	src := strings.NewReplacer("%%", "%%", "%c", "%Y-%m-%d %H:%M:%S", "%x", "%Y-%m-%d", "%X", "%H:%M:%S").Replace(text)
	for i := 0; i < len(src); i++ {
		if src[i] != '%' {
			n := strings.IndexByte(src[i:], '%')
			if n < 0 {
				n = len(src) - i
			}
			p.steps = append(p.steps, patternStep{text: src[i : i+n]})
			i += n - 1
			continue
		}
		i++
		if i < len(src) && src[i] == '-' { // without padding; reading takes both
			i++
		}
		if i == len(src) {
			return nil, fmt.Errorf("the pattern '%s' ends in %%", text)
		}
		c := src[i]
		switch c {
		case '%':
			p.steps = append(p.steps, patternStep{text: "%"})
			continue
		case 'Y', 'y':
			p.Day = true
		case 'H', 'I':
			p.clock = true
		case 'm', 'b', 'B', 'd', 'j', 'a', 'A', 'M', 'S', 'f', 'g', 'n', 'p', 'z':
		default:
			return nil, fmt.Errorf("the pattern '%s' has %%%c, which is not read here (read are %%Y %%y %%m %%b %%B %%d %%j %%a %%A %%H %%I %%p "+
				"%%M %%S %%f %%g %%n %%z %%c %%x %%X %%%%)", text, c)
		}
		st := patternStep{spec: c}
		if n := len(p.steps); n > 0 && p.steps[n-1].spec != 0 && strings.IndexByte(numeric, c) >= 0 &&
			strings.IndexByte(numeric, p.steps[n-1].spec) >= 0 {
			st.tight, p.steps[n-1].tight = true, true
		}
		p.steps = append(p.steps, st)
	}
	if !p.Day && !p.clock {
		return nil, fmt.Errorf("the pattern '%s' gives neither a year (%%Y) nor an hour (%%H)", text)
	}
	return p, nil
}

var months = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
	"december"}
var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// Parse reads a whole text. Parts that the pattern doesn't have are those of 1970-01-01 00:00.
func (pt *timePattern) Parse(s []byte) (Instant, Fault) {
	p := timeScanner{s: trim(s)}
	t := civil{year: 1970, month: 1, day: 1, weekday: -1, half: -1}
	for _, st := range pt.steps {
		if !st.read(&p, &t) {
			return Instant{}, Wrong
		}
	}
	if !p.end() {
		return Instant{}, Wrong
	}
	return t.instant(pt.Day)
}

// civil is what a pattern reads of a time: what it doesn't name is as on 1970-01-01. -1: a weekday or half of the day that isn't named.
type civil struct {
	year, month, day, yearDay           int
	hour, minute, second, nanos, offset int
	weekday, half                       int
}

// read takes what a step of the pattern stands for.
func (st *patternStep) read(p *timeScanner, t *civil) (ok bool) {
	least := 1
	if st.tight {
		least = 2
	}
	switch st.spec {
	case 0:
		ok = bytes.HasPrefix(p.s[p.i:], []byte(st.text))
		p.i += len(st.text)
	case 'Y':
		t.year, ok = p.digits(4, 4)
	case 'y':
		t.year, ok = p.digits(least, 2)
		if t.year += 1900; t.year < 1969 {
			t.year += 100
		}
	case 'm':
		t.month, ok = p.digits(least, 2)
	case 'b':
		t.month, ok = p.name(months, 3)
		t.month++
	case 'B':
		t.month, ok = p.name(months, 0)
		t.month++
	case 'd':
		t.day, ok = p.digits(least, 2)
	case 'j':
		t.yearDay, ok = p.digits(2*least-1, 3)
		ok = ok && t.yearDay > 0
	case 'a':
		t.weekday, ok = p.name(weekdays, 3)
	case 'A':
		t.weekday, ok = p.name(weekdays, 0)
	case 'H':
		t.hour, ok = p.digits(least, 2)
		ok = ok && t.hour < 24
	case 'I':
		t.hour, ok = p.digits(least, 2)
		ok = ok && t.hour >= 1 && t.hour <= 12
	case 'p':
		t.half, ok = p.name([]string{"am", "pm"}, 0)
	case 'M':
		t.minute, ok = p.digits(least, 2)
		ok = ok && t.minute < 60
	case 'S':
		t.second, ok = p.digits(least, 2)
		ok = ok && t.second < 60
	case 'f':
		t.nanos, ok = p.scaled(6)
	case 'g':
		t.nanos, ok = p.scaled(3)
	case 'n':
		t.nanos, ok = p.scaled(9)
	case 'z':
		t.offset, ok = p.offset()
	default:
		ok = true
	}
	return ok
}

// instant is the time that was read; dated: a weekday must be that of its day.
func (t *civil) instant(dated bool) (Instant, Fault) {
	if t.half >= 0 {
		if t.hour == 0 || t.hour > 12 {
			return Instant{}, Wrong
		}
		t.hour = t.hour%12 + 12*t.half
	}
	if !validDate(t.year, t.month, t.day) {
		return Instant{}, Wrong
	}
	day := days(t.year, t.month, t.day)
	if t.yearDay > 0 {
		if day = days(t.year, 1, 1) + int64(t.yearDay) - 1; day >= days(t.year+1, 1, 1) {
			return Instant{}, Wrong
		}
	}
	if t.weekday >= 0 && dated && int((day%7+11)%7) != t.weekday { // 1970-01-01 was a Thursday
		return Instant{}, Wrong
	}
	return Instant{Seconds: day*86400 + int64(t.hour*3600+t.minute*60+t.second-t.offset), Nanos: int32(t.nanos)}, Fine
}

// scaled reads up to n digits of a fraction of a second: 5 for %f are 500,000 microseconds.
func (p *timeScanner) scaled(n int) (ns int, ok bool) {
	from := p.i
	ns, ok = p.digits(1, n)
	for k := p.i - from; k < 9; k++ {
		ns *= 10
	}
	return ns, ok
}

// name reads one of the names in any case, of which the first n letters are written (0: all).
func (p *timeScanner) name(names []string, n int) (int, bool) {
	for i, name := range names {
		if n > 0 {
			name = name[:n]
		}
		if e := p.i + len(name); e <= len(p.s) && strings.EqualFold(string(p.s[p.i:e]), name) {
			p.i = e
			return i, true
		}
	}
	return 0, false
}
