package sql

import (
	"fmt"
	"io"
	"sort"
)

// Exit codes of the command, as the language page has them.
const (
	ExitFailed      = 1   // an error at run time
	ExitScript      = 2   // the script is wrong
	ExitGate        = 3   // a check, a guard or a limit stopped the run
	ExitUnreachable = 4   // a file, folder or broker can't be reached
	ExitUsage       = 80  // the command line is wrong
	ExitInterrupted = 130 // stopped by the user
)

// Error is the one error type that users see. Error() is one greppable line; Render draws the source and the caret.
// Src is nil where the error has no place in a script.
type Error struct {
	Src  *Source
	Span Span
	Code string // stable and documented in docs/errors.md: "unknown-clause"
	Msg  string // what is wrong and why; lower case, no full stop, no position
	Hint string // what to do, as an imperative
	Note []Note // "first declared here"
	Exit int    // 0 means ExitScript
	Err  error  // cause
}

// Note points at a second place that explains an error.
type Note struct {
	Src  *Source
	Span Span
	Msg  string
}

func (e *Error) Error() string {
	if e.Src == nil {
		return e.Msg
	}
	return e.Src.Position(e.Span.Start).String() + ": " + e.Msg
}

func (e *Error) Unwrap() error { return e.Err }

// ExitCode is the command's exit code for this error.
func (e *Error) ExitCode() int {
	if e.Exit == 0 {
		return ExitScript
	}
	return e.Exit
}

// Render writes the message, the line and a caret under the span.
func (e *Error) Render(w io.Writer) { e.RenderAs(w, "error") }

// RenderAs is Render with another word than "error": what only warns is no error.
func (e *Error) RenderAs(w io.Writer, word string) {
	if e.Src == nil {
		fmt.Fprintf(w, "%s: %s [%s]\n", word, e.Msg, e.Code)
	} else {
		fmt.Fprintf(w, "%s: %s: %s [%s]\n", e.Src.Position(e.Span.Start), word, e.Msg, e.Code)
		excerpt(w, e.Src, e.Span)
	}
	if e.Hint != "" {
		fmt.Fprintf(w, "  hint: %s\n", e.Hint)
	}
	for _, n := range e.Note {
		fmt.Fprintf(w, "%s: note: %s\n", n.Src.Position(n.Span.Start), n.Msg)
		excerpt(w, n.Src, n.Span)
	}
}

// List is all errors of a script.
type List []*Error

// maxErrors is how many errors of a script are shown.
const maxErrors = 20

func (l List) Error() string {
	if len(l) == 1 {
		return l[0].Error()
	}
	return fmt.Sprintf("%s (and %d more errors)", l[0].Error(), len(l)-1)
}

func (l List) Unwrap() []error {
	out := make([]error, len(l))
	for i, e := range l {
		out[i] = e
	}
	return out
}

// Err is nil for an empty list; else the errors by place, one of each, twenty at most.
func (l List) Err() error {
	return l.firstOf(func(e *Error) int { return e.Span.Start })
}

// firstOfLines is Err with the first of each line: what a parser says behind that mostly comes of it.
func (l List) firstOfLines() error {
	return l.firstOf(func(e *Error) int { return e.Src.lineAt(min(max(e.Span.Start, 0), len(e.Src.Text))) })
}

func (l List) firstOf(where func(*Error) int) error {
	if len(l) == 0 {
		return nil
	}
	sort.SliceStable(l, func(i, j int) bool { return l[i].Span.Start < l[j].Span.Start })
	var out List
	type place struct {
		src *Source
		at  int
	}
	seen := map[place]bool{}
	for _, e := range l {
		if e.Src != nil {
			at := place{e.Src, where(e)}
			if seen[at] {
				continue
			}
			seen[at] = true
		}
		if len(out) < maxErrors {
			out = append(out, e)
		}
	}
	return out
}
