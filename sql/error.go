package sql

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	"dsql/sql/code"
)

// Place is a part of a script: where an error is. The zero Place is none.
type Place struct {
	Src  *Source
	Span Span
}

// Text is what stands there.
func (p Place) Text() string { return p.Span.Of(p.Src) }

// Error is the one error type that users see. Error() is one greppable line; Render draws the source and the caret. It is made by Errorf
// and what follows it: d.Errorf(code.InUse, "%s reads it", name).WithHint("drop that first").
type Error struct {
	Src    *Source
	Span   Span
	Code   code.Code
	Msg    string // what is wrong and why; lower case, no full stop, no position
	Hint   string // what to do, as an imperative
	Note   []Note // "first declared here"
	Column string // the column that it is about, where whoever gets it can say more of that one
	Exit   int    // 0 means that of the code
	Err    error  // cause
}

// Note points at a second place that explains an error.
type Note struct {
	Src  *Source
	Span Span
	Msg  string
}

// Errorf makes an error at the place.
func (p Place) Errorf(c code.Code, format string, args ...any) *Error {
	return &Error{Src: p.Src, Span: p.Span, Code: c, Msg: fmt.Sprintf(format, args...)}
}

// Errorf makes an error that has no place in a script.
func Errorf(c code.Code, format string, args ...any) *Error {
	return Place{}.Errorf(c, format, args...)
}

// Place is where the error is.
func (e *Error) Place() Place { return Place{e.Src, e.Span} }

// WithHint says what to do. DidYouMean and Listed make the hints of names that nothing has.
func (e *Error) WithHint(text string) *Error {
	e.Hint = text
	return e
}

// WithNote adds a second place that explains the error.
func (e *Error) WithNote(at Place, format string, args ...any) *Error {
	e.Note = append(e.Note, Note{at.Src, at.Span, fmt.Sprintf(format, args...)})
	return e
}

// WithNotes adds those that another part of the script has for all of its errors.
func (e *Error) WithNotes(notes []Note) *Error {
	e.Note = append(e.Note, notes...)
	return e
}

// WithCause keeps the error that this one comes of.
func (e *Error) WithCause(err error) *Error {
	e.Err = err
	return e
}

// WithExit is for an error that ends the command otherwise than its code says.
func (e *Error) WithExit(exit int) *Error {
	e.Exit = exit
	return e
}

// InColumn names the column that the error is about.
func (e *Error) InColumn(name string) *Error {
	e.Column = name
	return e
}

// HasCode says that err is an error of one of these kinds, or comes of one.
func HasCode(err error, kinds ...code.Code) bool {
	var e *Error
	return errors.As(err, &e) && slices.Contains(kinds, e.Code)
}

func (e *Error) Error() string {
	if e.Src == nil {
		return e.Msg
	}
	return e.Src.Position(e.Span.Start).String() + ": " + e.Msg
}

func (e *Error) Unwrap() error { return e.Err }

// ExitCode is the command's exit code for this error.
func (e *Error) ExitCode() int { return cmp.Or(e.Exit, e.Code.Exit(), code.ExitScript) }

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
