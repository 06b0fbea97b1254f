package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// thin stands between a number and its unit.
const thin = "\u202f"

// unknown is what a value reads as that isn't known: never zero.
const unknown = "–"

// whole is 1,234,567: tables show numbers in full.
func whole(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return minus(s)
}

// some is whole, and nothing for zero.
func some(n int64) string {
	if n == 0 {
		return ""
	}
	return whole(n)
}

func minus(s string) string { return strings.Replace(s, "-", "−", 1) }

// short is 1,234 up to 99,999, then 123 k, 1.23 M: for boxes and axes.
func short(n int64) string {
	switch f := float64(n); {
	case math.Abs(f) < 1e5:
		return whole(n)
	case math.Abs(f) < 1e6:
		return minus(fmt.Sprintf("%.0f%sk", f/1e3, thin))
	case math.Abs(f) < 1e9:
		return minus(fmt.Sprintf("%.3g%sM", f/1e6, thin))
	default:
		return minus(fmt.Sprintf("%.3g%sG", f/1e9, thin))
	}
}

// Decimal has three significant digits, for what was measured; whole numbers are whole.
func Decimal(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return unknown
	case math.IsInf(v, 0):
		return minus(strings.Replace(strings.TrimPrefix(fmt.Sprint(v), "+"), "Inf", "∞", 1))
	case a >= 1e12 || a > 0 && a < 1e-4:
		return minus(strings.Replace(fmt.Sprintf("%.1e", v), "e-0", "e-", 1))
	case a >= 1e5:
		return short(int64(math.Round(v)))
	case v == math.Trunc(v) || a >= 1000:
		return whole(int64(math.Round(v)))
	default:
		return minus(strconv.FormatFloat(v, 'f', max(0, 2-int(math.Floor(math.Log10(a)))), 64))
	}
}

// onAxis has the digits that the step between the ticks needs, and no more.
func onAxis(v float64, ticks []float64) string {
	switch {
	case math.Abs(v) < 1e-12:
		return "0"
	case len(ticks) < 2 || math.Abs(v) < 1e-4:
		return Decimal(v)
	case math.Abs(v) >= 1e5:
		return Decimal(v)
	}
	step, n := ticks[1]-ticks[0], 0
	for n < 6 && math.Abs(step*math.Pow10(n)-math.Round(step*math.Pow10(n))) > 1e-6 {
		n++
	}
	if n == 0 {
		return whole(int64(math.Round(v)))
	}
	return minus(strconv.FormatFloat(v, 'f', n, 64))
}

// Lasted is how long something took: 45 s, 12 min, 30 h, 8 d.
func Lasted(d time.Duration) string {
	switch {
	case d < 0:
		return "0" + thin + "s"
	case d < 90*time.Second:
		return fmt.Sprintf("%d%ss", int(d.Seconds()), thin)
	case d < 90*time.Minute:
		return fmt.Sprintf("%d%smin", int(d.Minutes()), thin)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d%sh", int(d.Hours()), thin)
	}
	return fmt.Sprintf("%d%sd", int(d.Hours()/24), thin)
}

// size is 211 B, 1.2 kB.
func size(n int64) string {
	switch f := float64(n); {
	case n < 1000:
		return fmt.Sprintf("%d%sB", n, thin)
	case f < 1e6:
		return fmt.Sprintf("%.3g%skB", f/1e3, thin)
	case f < 1e9:
		return fmt.Sprintf("%.3g%sMB", f/1e6, thin)
	default:
		return fmt.Sprintf("%.3g%sGB", f/1e9, thin)
	}
}

// percent is for shares of rows.
func percent(v float64) string {
	p := v * 100
	switch {
	case math.IsNaN(p):
		return unknown
	case p == 0:
		return "0" + thin + "%"
	case p < 0.01:
		return "<" + thin + "0.01" + thin + "%"
	case p < 1:
		return fmt.Sprintf("%.2f%s%%", p, thin)
	}
	return fmt.Sprintf("%.0f%s%%", p, thin)
}

// inList and inTitle are times in UTC, as lists and titles have them.
func inList(t time.Time) string {
	if t.IsZero() {
		return unknown
	}
	return t.UTC().Format("Jan 2 15:04")
}

func inTitle(t time.Time) string {
	if t.IsZero() {
		return unknown
	}
	return t.UTC().Format(time.DateTime)
}

// plural is "1 thing", "4 things".
func plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return whole(n) + " " + one + "s"
}

// cut shortens a text to n characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if r := []rune(s[:min(len(s), 4*n+4)]); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
