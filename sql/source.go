// Package sql is the front end of the language: sources and positions, the lexer, the statement splitter, the table-driven
// parser of dsql's own statements, their reference, and errors with a caret. It owns the shape of statements, not their
// meaning, and it never reads a SELECT: bodies are token ranges for DuckDB. It imports the standard library only.
package sql

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// Source is one named script. Offsets everywhere are bytes into Text. It doesn't change once made.
type Source struct {
	Name string
	Text string
	Dir  string // the folder that its relative paths start at; "": that of the run
	// breaks[i] counts the line feeds before byte i*block: a sparse index, so that a script that is all line feeds doesn't
	// take eight times its size.
	breaks []int
	of     *Source    // what it was made of by Rewritten; nil: it is as the user wrote it
	put    []replaced // where it differs from that
}

const block = 4096

// NewSource indexes the lines of text.
func NewSource(name, text string) *Source {
	s := &Source{Name: name, Text: text, breaks: make([]int, 1, len(text)/block+1)}
	for at := block; at <= len(text); at += block {
		s.breaks = append(s.breaks, s.breaks[len(s.breaks)-1]+strings.Count(text[at-block:at], "\n"))
	}
	return s
}

// Span is a half-open range of bytes.
type Span struct{ Start, End int }

// To spans from the start of a to the end of b.
func (a Span) To(b Span) Span { return Span{a.Start, b.End} }

// Of is the text that the span covers.
func (a Span) Of(s *Source) string { return s.Text[a.Start:a.End] }

// Position is 1-based; Col counts runes, as editors do.
type Position struct {
	File      string
	Line, Col int
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Position of a byte offset in the text that the user wrote; one outside the text is moved to its edge.
func (s *Source) Position(off int) Position {
	p := Place{s, Span{off, off}}.Written()
	s, off = p.Src, p.Span.Start
	off = min(max(off, 0), len(s.Text))
	return Position{s.Name, s.lineAt(off), utf8.RuneCountInString(s.Text[s.lineStart(off):off]) + 1}
}

// lineAt is the 1-based line of a byte offset inside the text.
func (s *Source) lineAt(off int) int {
	b := off / block
	return s.breaks[b] + strings.Count(s.Text[b*block:off], "\n") + 1
}

// lineStart is where the line of a byte offset inside the text begins.
func (s *Source) lineStart(off int) int { return strings.LastIndexByte(s.Text[:off], '\n') + 1 }

// Line is the text of 1-based line n without its end.
func (s *Source) Line(n int) string {
	if n < 1 {
		return ""
	}
	// The last block that starts within the lines before n.
	b := sort.Search(len(s.breaks), func(i int) bool { return s.breaks[i] >= n-1 }) - 1
	line, at := 1, 0
	if b > 0 {
		line, at = s.breaks[b]+1, b*block
	}
	for ; line < n; line++ {
		i := strings.IndexByte(s.Text[at:], '\n')
		if i < 0 {
			return ""
		}
		at += i + 1
	}
	l, _, _ := strings.Cut(s.Text[s.lineStart(at):], "\n")
	return strings.TrimSuffix(l, "\r")
}
