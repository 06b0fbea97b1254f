package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"dsql/pipeline"
	"dsql/sql"
)

// progress shows a run on stderr: on a terminal one line that is kept up to date, elsewhere a plain line for a batch, one a second
// at most. Both end with the run's sums.
type progress struct {
	w        io.Writer
	tty      bool
	quiet    bool
	began    time.Time
	last     time.Time // when something was written
	records  int64     // committed
	rejected int64
	drawn    bool // the line stands there
}

func newProgress(s *streams) *progress {
	_, tty := terminal(s.err)
	return &progress{w: s.err, tty: tty, quiet: s.cli.Quiet, began: time.Now()}
}

func (p *progress) event(e pipeline.Event) {
	switch e := e.(type) {
	case pipeline.Warned:
		p.clear()
		e.Err.RenderAs(p.w, "warning")
	case pipeline.ReadProgress:
		if p.tty && !p.quiet && time.Since(p.last) > 80*time.Millisecond {
			p.draw(e.Source, e.Item, e.Done, e.Total)
		}
	case pipeline.BatchCommitted:
		p.records += e.Records
		p.rejected += rejected(e)
		switch {
		case p.quiet:
		case p.tty:
			p.draw(e.Source, e.Origin, e.Position, e.Total)
		case time.Since(p.last) > time.Second:
			p.last = time.Now()
			fmt.Fprintf(p.w, "version %d: %s\n", e.Version, accounts(e))
		}
	case pipeline.Finished:
		p.clear()
		if !p.quiet && !(e.Failed && e.Versions == 0) {
			fmt.Fprintln(p.w, summary(e))
		}
	}
}

// rejected is what a batch rejected, bad records and rows of all destinations.
func rejected(e pipeline.BatchCommitted) int64 {
	n := e.Bad
	for _, d := range e.Rows {
		n += d.Rejected
	}
	return n
}

func accounts(e pipeline.BatchCommitted) string {
	parts := []string{e.Origin}
	if e.Source != "" {
		parts = append(parts, count(e.Records)+" records")
	}
	for _, d := range e.Rows {
		parts = append(parts, d.Name+" "+count(d.Written))
	}
	if n := rejected(e); n > 0 {
		parts = append(parts, count(n)+" rejected")
	}
	return strings.Join(parts, ", ")
}

func summary(e pipeline.Finished) string {
	switch {
	case e.Versions == 0 && e.Sunk > 0:
		return "nothing new; " + amount(e.Sunk, "row") + " to sinks"
	case e.Versions == 0:
		return "nothing new"
	}
	seconds := max(e.Took.Seconds(), 1e-3)
	s := fmt.Sprintf("%s, %s in %.1f s (%s/s): %s written", amount(e.Versions, "version"), amount(e.Records, "record"), seconds, count(int64(float64(e.Records)/seconds)), amount(e.Written, "row"))
	for _, x := range []struct {
		n    int64
		what string
	}{{e.Bad, "bad"}, {e.Rejected, "rejected"}, {e.Dropped, "dropped"}, {e.Skipped, "skipped"}} {
		if x.n > 0 {
			s += ", " + count(x.n) + " " + x.what
		}
	}
	if e.Sunk > 0 {
		s += ", " + amount(e.Sunk, "row") + " to sinks"
	}
	switch {
	case e.Failed:
		s = "committed before the error: " + s
	case e.Interrupted:
		s = "committed before the interruption: " + s
	}
	if e.Bad+e.Rejected > 0 {
		s += " (see dsql.rejects)"
	}
	for _, source := range slices.Sorted(maps.Keys(e.Unknown)) {
		s += "; " + undeclared(source, e.Unknown[source])
	}
	return s
}

// undeclared tells of the fields that a source doesn't name: they are in no table.
func undeclared(source string, u *pipeline.UnknownFields) string {
	var names []string
	more := ""
	for _, n := range u.Names {
		names = append(names, sql.ShownName(n))
	}
	if len(names) > 5 {
		names, more = names[:5], " …"
	}
	return fmt.Sprintf("%s of undeclared fields left out of %s: %s%s", amount(u.Values, "value"), source, strings.Join(names, ", "), more)
}

func amount(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return count(n) + " " + what
}

// count writes a number with separators: 1,234,567.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func (p *progress) draw(source, item string, done, total int64) {
	p.last, p.drawn = time.Now(), true
	bar := ""
	if total > 0 {
		n := int(20 * min(done, total) / total)
		bar = "[" + strings.Repeat("=", n) + strings.Repeat(" ", 20-n) + "] "
	}
	rate := float64(p.records) / time.Since(p.began).Seconds()
	line := fmt.Sprintf("%s%s: %s records, %s/s, %s rejected, %s", bar, source, count(p.records), count(int64(rate)), count(p.rejected), item)
	columns, _ := terminal(p.w)
	fmt.Fprint(p.w, eraseLine+cut(printable(line), columns-1)) // a line that reached the edge would wrap, and could not be erased
}

const eraseLine = "\r\x1b[K"

// clear takes the line away, so that something else can be printed.
func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.w, eraseLine)
		p.drawn = false
	}
}

func (p *progress) stopping() {
	line := "stopping after this batch; once more to roll it back\n"
	if p.tty {
		line = eraseLine + line
	}
	fmt.Fprint(p.w, line)
}
