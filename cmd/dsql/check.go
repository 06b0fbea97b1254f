package main

import (
	"context"

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
	if c.Strict {
		keep := func(e *sql.Error) {
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
	err = program.Check(ctx, o)
	if len(doubts) == 0 {
		return err
	}
	return program.Collect(doubts, err).Err()
}
