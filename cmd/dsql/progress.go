package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/sql"
)

// progress shows a run on stderr: on a terminal one line that is kept up to date, elsewhere a plain line for a batch, one a second
// at most. Both end with the run's sums.
type progress struct {
	w         io.Writer
	tty       bool
	quiet     bool
	began     time.Time
	last      time.Time // when something was written
	records   int64     // committed
	refused   refused
	drawn     bool // the line stands there
	follows   bool // lines have the time
	held      *versions
	waits     bool  // that was told
	once      bool  // in the log, at all
	committed int64 // the last version
	changes   changes
}

// versions are those that one line is about, when they come faster than lines.
type versions struct {
	first, last int64
	batch       event.BatchCommitted // the first
	records     int64
	refused     refused
	written     map[string]int64
	order       []string
}

func (v *versions) add(e event.BatchCommitted) {
	if v.first == 0 {
		v.first, v.batch, v.written = e.Version, e, map[string]int64{}
	}
	v.last = e.Version
	v.records += e.Records
	v.refused.add(e)
	for _, d := range e.Rows {
		if _, ok := v.written[d.Name]; !ok {
			v.order = append(v.order, d.Name)
		}
		v.written[d.Name] += d.Written
	}
}

// String is "3: …" for one version, "4–9: …" for several.
func (v *versions) String() string {
	if v.first == v.last {
		return fmt.Sprintf("version %d: %s", v.first, accounts(v.batch))
	}
	parts := []string{count(v.records) + " records"}
	for _, name := range v.order {
		parts = append(parts, name+" "+count(v.written[name]))
	}
	parts = append(parts, v.refused.parts()...)
	return fmt.Sprintf("versions %d–%d: %s", v.first, v.last, strings.Join(parts, ", "))
}

func newProgress(s *streams, follows bool) *progress {
	_, tty := terminal(s.err)
	return &progress{w: s.err, tty: tty, quiet: s.cli.Quiet, began: time.Now(), follows: follows}
}

func (p *progress) event(e event.Event) {
	p.tellChanges(e)
	switch e := e.(type) {
	case event.Warned:
		p.clear()
		p.flush()
		fmt.Fprint(p.w, p.stamp("WARN"))
		e.Err.RenderAs(p.w, "warning")
	case event.ReadProgress:
		if p.tty && !p.quiet && time.Since(p.last) > 80*time.Millisecond {
			p.draw(e.Source, e.Item, e.Done, e.Total)
		}
	case event.BatchCommitted:
		p.records += e.Records
		p.refused.add(e)
		switch {
		case p.quiet:
		case p.tty:
			p.draw(e.Source, e.Origin, e.Position, e.Total)
		default:
			if p.held == nil {
				p.held = &versions{}
			}
			if p.held.add(e); time.Since(p.last) > time.Second {
				p.flush()
			}
		}
		p.waits, p.committed = false, e.Version
	case event.Waiting:
		if p.flush(); p.quiet || p.waits {
			return
		}
		p.waits = true
		text := "waiting for what comes"
		if p.committed > 0 {
			text += fmt.Sprintf("; version %d was committed last", p.committed)
		}
		p.clear()
		if p.tty { // it stays until something comes
			p.drawn = true
			fmt.Fprintf(p.w, "%s%s%s", eraseLine, p.stamp(""), text)
		} else if !p.once {
			p.once = true
			fmt.Fprintf(p.w, "%s%s\n", p.stamp("INFO"), text)
		}
	case event.Finished:
		p.clear()
		p.flush()
		if !p.quiet && !(e.Failed && e.Versions == 0) {
			fmt.Fprintln(p.w, p.stamp("INFO")+summary(e))
		}
		if !p.quiet {
			tellWaiting(p.w, e.Waiting)
		}
	}
}

// flush writes the line that waits for a second to go by.
func (p *progress) flush() {
	if p.held != nil && !p.quiet {
		fmt.Fprintf(p.w, "%s%s\n", p.stamp("INFO"), p.held)
		p.last = time.Now()
	}
	p.held = nil
}

// stamp is the time and the level, in the log of a run that follows; a line that is drawn over has no level.
func (p *progress) stamp(level string) string {
	if !p.follows {
		return ""
	}
	if level != "" {
		level = fmt.Sprintf("%-5s ", level)
	}
	return time.Now().Format("2006-01-02 15:04:05 ") + level
}

// refused is what wasn't taken: a record that can't be read is bad, a row that breaks a rule or check is rejected.
type refused struct{ bad, rejected int64 }

func (f *refused) add(e event.BatchCommitted) {
	f.bad += e.Bad
	for _, d := range e.Rows {
		f.rejected += d.Rejected
	}
}

// parts are its words in a line.
func (f refused) parts() (out []string) {
	if f.bad > 0 {
		out = append(out, count(f.bad)+" bad")
	}
	if f.rejected > 0 {
		out = append(out, count(f.rejected)+" rejected")
	}
	return out
}

func accounts(e event.BatchCommitted) string {
	parts := []string{e.Origin}
	if e.Source != "" {
		parts = append(parts, count(e.Records)+" records")
	}
	for _, d := range e.Rows {
		parts = append(parts, d.Name+" "+count(d.Written))
	}
	var f refused
	f.add(e)
	return strings.Join(append(parts, f.parts()...), ", ")
}

func summary(e event.Finished) string {
	switch {
	case e.Versions == 0 && e.Sunk > 0:
		return "nothing new; " + amount(e.Sunk, "row") + " to sinks"
	case e.Versions == 0:
		return "nothing new"
	}
	seconds := max(e.Took.Seconds(), 1e-3)
	s := fmt.Sprintf("%s, %s in %.1f s (%s/s): %s written", amount(e.Versions, "version"), amount(e.Records, "record"), seconds,
		count(int64(float64(e.Records)/seconds)), amount(e.Written, "row"))
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

// maxWaiting is how many files that wait are told of one by one.
const maxWaiting = 5

// tellWaiting says which files a run leaves, why, and until when.
func tellWaiting(w io.Writer, files []kind.WaitingFile) {
	for i, f := range files {
		if i == maxWaiting {
			fmt.Fprintf(w, "waiting: %s more (`dsql status` lists them)\n", amount(int64(len(files)-i), "file"))
			return
		}
		fmt.Fprintf(w, "waiting: %s, until %s (%s)\n", printable(f.Path), f.Until, printable(f.Why))
	}
}

// undeclared tells of the fields that a source doesn't name: they are in no table.
func undeclared(source string, u *event.UnknownFields) string {
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
	parts := []string{count(p.records) + " records", count(int64(rate)) + "/s"}
	line := p.stamp("") + bar + source + ": " + strings.Join(append(append(parts, p.refused.parts()...), item), ", ")
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
