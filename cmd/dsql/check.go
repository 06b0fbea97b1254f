package main

import (
	"context"
	"fmt"

	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

type checkCmd struct {
	scriptArgs
	Strict bool `help:"Warnings are errors."`
}

func (c *checkCmd) Run(ctx context.Context, s *streams) error {
	o, err := c.options(s)
	if err != nil {
		return err
	}
	var doubts sql.List
	problems := []problem{}
	if c.Strict || s.cli.Output == "json" {
		keep := func(e *sql.Error) {
			if !c.Strict {
				problems = append(problems, problemOf("warning", e))
				return
			}
			strict := *e
			strict.Exit = code.ExitScript
			doubts = append(doubts, &strict)
		}
		o.Set.Warn = keep
		o.Events = func(e event.Event) {
			if w, ok := e.(event.Warned); ok {
				keep(w.Err)
			}
		}
	}
	size, err := program.Check(ctx, o)
	if len(doubts) > 0 {
		err = program.Collect(doubts, err).Err()
	}
	if s.cli.Output == "json" {
		return s.problems(problems, err)
	}
	if err != nil || s.cli.Quiet {
		return err
	}
	text := "ok: " + amount(int64(size.Declarations), "declaration")
	if size.Tests > 0 {
		text += ", " + amount(int64(size.Tests), "test")
	}
	_, err = fmt.Fprintln(s.out, text)
	return err
}

// problem is an error or warning as JSON: line and column count from 1, the end is behind its last character.
type problem struct {
	Severity  string `json:"severity"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	EndLine   int    `json:"end_line,omitempty"`
	EndColumn int    `json:"end_column,omitempty"`
}

func problemOf(severity string, e *sql.Error) problem {
	p := problem{Severity: severity, Code: e.Code.String(), Message: e.Msg, Hint: e.Hint}
	if e.Src != nil {
		at, end := e.Src.Position(e.Span.Start), e.Src.Position(e.Span.End)
		p.File, p.Line, p.Column, p.EndLine, p.EndColumn = at.File, at.Line, at.Col, end.Line, end.Col
	}
	return p
}

// problems prints all that was found, and gives the exit code of the first error.
func (s *streams) problems(found []problem, err error) error {
	list := program.Collect(nil, err)
	for _, e := range list {
		found = append(found, problemOf("error", e))
	}
	if _, werr := fmt.Fprintf(s.out, "%s\n", jsonText(found)); werr != nil {
		return werr
	}
	if len(list) > 0 {
		return reported{list[0].ExitCode()}
	}
	return nil
}
