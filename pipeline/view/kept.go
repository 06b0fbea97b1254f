package view

import (
	"time"

	"dsql/page"
)

// Kept is what came of questions that may be dear, for who reads a file in one state after the other while somebody looks at it: an
// experiment's exposures are all rows of a query of the user's. Each is asked again when it is as old as a number of times what it took, so
// that it takes a share of the time and no more, however often the file changes. Only one asks at a time.
type Kept struct {
	splits map[string]keptSplit
	behind bool // something was taken as it was, in the file that was read last
}

// keptSplit is what was found of an experiment's split.
type keptSplit struct {
	text  string // the declaration
	found []page.Finding
	at    time.Time
	took  time.Duration
}

// rest is how many times longer than it took an answer is good.
const rest = 20

func (k keptSplit) until() time.Time { return k.at.Add(rest * k.took) }

// split asks, or takes what was found.
func (k *Kept) split(name, text string, now time.Time, ask func() ([]page.Finding, error)) ([]page.Finding, error) {
	if k == nil {
		return ask()
	}
	if was, ok := k.splits[name]; ok && was.text == text && now.Before(was.until()) {
		k.behind = true
		return was.found, nil
	}
	begun := time.Now()
	found, err := ask()
	if err != nil {
		return nil, err
	}
	if k.splits == nil {
		k.splits = map[string]keptSplit{}
	}
	k.splits[name] = keptSplit{text, found, now, time.Since(begun)}
	return found, nil
}

// Due is when a file that was read just now is to be read again though nothing was committed (nanoseconds since 1970); 0: it needn't be.
func (k *Kept) Due(now time.Time) int64 {
	if !k.behind {
		return 0
	}
	k.behind = false
	due := int64(0)
	for _, s := range k.splits {
		if at := s.until().UnixNano(); at > now.UnixNano() && (due == 0 || at < due) {
			due = at
		}
	}
	return due
}
