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
	y, mo, d, yday, h, mi, sec, ns, off := 1970, 1, 1, 0, 0, 0, 0, 0, 0
	weekday, half := -1, -1
	for _, st := range pt.steps {
		ok := true
		least := 1
		if st.tight {
			least = 2
		}
		switch st.spec {
		case 0:
			ok = bytes.HasPrefix(p.s[p.i:], []byte(st.text))
			p.i += len(st.text)
		case 'Y':
			y, ok = p.digits(4, 4)
		case 'y':
			y, ok = p.digits(least, 2)
			if y += 1900; y < 1969 {
				y += 100
			}
		case 'm':
			mo, ok = p.digits(least, 2)
		case 'b':
			mo, ok = p.name(months, 3)
			mo++
		case 'B':
			mo, ok = p.name(months, 0)
			mo++
		case 'd':
			d, ok = p.digits(least, 2)
		case 'j':
			yday, ok = p.digits(2*least-1, 3)
			ok = ok && yday > 0
		case 'a':
			weekday, ok = p.name(weekdays, 3)
		case 'A':
			weekday, ok = p.name(weekdays, 0)
		case 'H':
			h, ok = p.digits(least, 2)
			ok = ok && h < 24
		case 'I':
			h, ok = p.digits(least, 2)
			ok = ok && h >= 1 && h <= 12
		case 'p':
			half, ok = p.name([]string{"am", "pm"}, 0)
		case 'M':
			mi, ok = p.digits(least, 2)
			ok = ok && mi < 60
		case 'S':
			sec, ok = p.digits(least, 2)
			ok = ok && sec < 60
		case 'f':
			ns, ok = p.scaled(6)
		case 'g':
			ns, ok = p.scaled(3)
		case 'n':
			ns, ok = p.scaled(9)
		case 'z':
			off, ok = p.offset()
		}
		if !ok {
			return Instant{}, Wrong
		}
	}
	if !p.end() {
		return Instant{}, Wrong
	}
	if half >= 0 {
		if h == 0 || h > 12 {
			return Instant{}, Wrong
		}
		h = h%12 + 12*half
	}
	if !validDate(y, mo, d) {
		return Instant{}, Wrong
	}
	day := days(y, mo, d)
	if yday > 0 {
		if day = days(y, 1, 1) + int64(yday) - 1; day >= days(y+1, 1, 1) {
			return Instant{}, Wrong
		}
	}
	if weekday >= 0 && pt.Day && int((day%7+11)%7) != weekday { // 1970-01-01 was a Thursday
		return Instant{}, Wrong
	}
	return Instant{Seconds: day*86400 + int64(h*3600+mi*60+sec-off), Nanos: int32(ns)}, Fine
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
