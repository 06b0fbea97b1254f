package main

import (
	"context"
	"path/filepath"
	"strings"

	"dsql/pipeline"
	"dsql/sql"
)

type replayCmd struct {
	fileArgs
	Name  string `arg:"" help:"The destination or source whose rejects are sent through again."`
	Where string `placeholder:"CONDITION" help:"Which of them: a condition on dsql.rejects."`
	Using string `placeholder:"FILE" complete:"file" help:"Lines {\"id\", \"payload\"} with records to take in place of theirs."`
}

func (c *replayCmd) Run(ctx context.Context, s *streams) error {
	quote := func(text, q string) string { return q + strings.ReplaceAll(text, q, q+q) + q }
	text := "REPLAY REJECTS FROM " + quote(c.Name, `"`)
	if c.Where != "" {
		text += " WHERE (" + c.Where + "\n)"
	}
	if c.Using != "" {
		path, err := filepath.Abs(c.Using)
		if err != nil {
			return err
		}
		text += " USING " + quote(path, "'")
	}
	return c.statement(ctx, s, text)
}

type execCmd struct {
	fileArgs
	SQL string `arg:"" name:"sql" help:"Statements: REPLAY REJECTS FROM orders, RELEASE HOLD orders …"`
}

func (c *execCmd) Run(ctx context.Context, s *streams) error { return c.statement(ctx, s, c.SQL) }

// statement runs statements on a file that is there.
func (a *fileArgs) statement(ctx context.Context, s *streams, text string) error {
	return a.inspect(ctx, s, func(o pipeline.Options) error {
		told := newProgress(s, false)
		defer told.clear()
		o.Dir = filepath.Dir(o.DB) // where the script is, as a rule
		o.Scripts, o.Stop = []*sql.Source{sql.NewSource("(command line)", text)}, s.batchEnd(told.stopping)
		show := o.Events
		o.Events = func(e pipeline.Event) {
			if _, ok := e.(pipeline.Queried); ok {
				told.clear()
				show(e)
				return
			}
			told.event(e)
		}
		return pipeline.Run(ctx, o)
	})
}
