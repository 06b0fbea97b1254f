package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"dsql/pipeline"
)

// progress shows a run on stderr: one line that is kept up to date on a terminal, else a plain line a batch (one a second at most)
// and a last one.
type progress struct {
	w        io.Writer
	tty      bool
	quiet    bool
	began    time.Time
	last     time.Time
	records  int64
	rejected int64
	drawn    bool
}

func newProgress(s *streams) *progress {
	return &progress{w: s.err, tty: terminal(s.err), quiet: s.cli.Quiet, began: time.Now()}
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
		p.rejected += e.Bad
		for _, d := range e.Rows {
			p.rejected += d.Rejected
		}
		switch {
		case p.quiet:
		case p.tty:
			p.draw(e.Source, e.Origin, e.Position, e.Total)
		case time.Since(p.last) > time.Second || p.last.IsZero():
			p.last = time.Now()
			fmt.Fprintf(p.w, "version %d: %s\n", e.Version, accounts(e))
		}
	case pipeline.Finished:
		if !p.quiet && !(e.Failed && e.Versions == 0) {
			p.clear()
			fmt.Fprintln(p.w, summary(e))
		}
	}
}

func accounts(e pipeline.BatchCommitted) string {
	parts := []string{e.Origin}
	if e.Source != "" {
		parts = append(parts, fmt.Sprintf("%s records", count(e.Records)))
	}
	for _, d := range e.Rows {
		parts = append(parts, fmt.Sprintf("%s %s", d.Name, count(d.Written)))
	}
	bad := e.Bad
	for _, d := range e.Rows {
		bad += d.Rejected
	}
	if bad > 0 {
		parts = append(parts, count(bad)+" rejected")
	}
	return strings.Join(parts, ", ")
}

func summary(e pipeline.Finished) string {
	if e.Versions == 0 {
		return "nothing new"
	}
	s := fmt.Sprintf("%d versions, %s records in %.1f s (%s/s): %s rows written", e.Versions, count(e.Records), e.Took.Seconds(), count(int64(float64(e.Records)/e.Took.Seconds())), count(e.Written))
	for _, x := range []struct {
		n    int64
		what string
	}{{e.Bad, "bad records"}, {e.Rejected, "rejected"}, {e.Dropped, "dropped"}, {e.Skipped, "skipped"}} {
		if x.n > 0 {
			s += fmt.Sprintf(", %s %s", count(x.n), x.what)
		}
	}
	if e.Failed {
		s = "committed before the error: " + s
	}
	if e.Bad+e.Rejected > 0 {
		s += " (see dsql.rejects)"
	}
	return s
}

// count writes a number with thin separators: 1,234,567.
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
	fmt.Fprintf(p.w, "\r\x1b[K%s%s %s: %s records, %s/s, %s rejected", bar, source, item, count(p.records), count(int64(rate)), count(p.rejected))
}

// clear takes the line away, so that something else can be printed.
func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.drawn = false
	}
}
