package main

import (
	"context"
	"io"

	"dsql/pipeline/look"
	"dsql/pipeline/program"
)

type queryCmd struct {
	fileArgs
	SQL string `arg:"" name:"sql" help:"The statements; - reads standard input."`
}

func (c *queryCmd) Run(ctx context.Context, s *streams) error {
	text := c.SQL
	if text == "-" {
		b, err := io.ReadAll(s.in)
		if err != nil {
			return err
		}
		text = string(b)
	}
	return c.inspect(ctx, s, func(o program.Options) error { return look.Query(ctx, o, text) })
}
