package main

import (
	"context"

	"dsql/pipeline/look"
	"dsql/pipeline/program"
)

type historyCmd struct {
	fileArgs
	Name string   `arg:"" complete:"name:journal" help:"A journal."`
	Key  []string `required:"" placeholder:"VALUE" help:"The key's value, or NAME=VALUE; once for each key column."`
}

func (c *historyCmd) Run(ctx context.Context, s *streams) error {
	return c.inspect(ctx, s, func(o program.Options) error { return look.History(ctx, o, c.Name, c.Key) })
}
