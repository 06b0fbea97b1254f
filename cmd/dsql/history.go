package main

import (
	"context"

	"dsql/pipeline"
)

type historyCmd struct {
	fileArgs
	Name string   `arg:"" help:"A journal."`
	Key  []string `required:"" placeholder:"VALUE" help:"The key's value, or NAME=VALUE; once for each key column."`
}

func (c *historyCmd) Run(ctx context.Context, s *streams) error {
	return c.inspect(ctx, s, func(o pipeline.Options) error { return pipeline.History(ctx, o, c.Name, c.Key) })
}
