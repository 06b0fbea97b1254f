package main

import (
	"fmt"
	"strings"

	"dsql/pipeline/event"
)

// changes are what a run did to declarations, to be told in one line: a model's new version or a drop makes no version of the file.
type changes []event.Change

var changeWords = []struct{ action, word string }{{"create", "declared"}, {"change", "changed"}, {"rebuild", "changed"},
	{"drop", "dropped"}}

// mostChanges is how many of a kind of change are told by name.
const mostChanges = 8

func (c changes) String() string {
	said := map[string][]string{}
	var parts []string
	for _, w := range changeWords {
		for _, ch := range c {
			if ch.Action == w.action {
				what := ch.Kind + " " + ch.Name
				if ch.Kind == "model" && len(ch.What) > 0 {
					what += " (" + strings.Join(ch.What, "; ") + ")"
				}
				said[w.word] = append(said[w.word], what)
			}
		}
	}
	for _, w := range changeWords {
		names := said[w.word]
		if delete(said, w.word); len(names) == 0 {
			continue
		}
		more := ""
		if n := len(names) - mostChanges; n > 0 {
			names, more = names[:mostChanges], fmt.Sprintf(" and %d more", n)
		}
		parts = append(parts, w.word+" "+strings.Join(names, ", ")+more)
	}
	return strings.Join(parts, "; ")
}

// tellChanges collects what a run changes, and tells it before its next version or its end.
func (p *progress) tellChanges(e event.Event) {
	switch e := e.(type) {
	case event.Changed:
		p.changes = append(p.changes, e.Change)
	case event.BatchCommitted, event.Waiting, event.Finished:
		if text := p.changes.String(); text != "" && !p.quiet {
			p.clear()
			p.flush()
			fmt.Fprintf(p.w, "%s%s\n", p.stamp("INFO"), text)
		}
		p.changes = nil
	}
}
