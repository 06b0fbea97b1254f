package main

import (
	"context"

	"dsql/pipeline/look"
	"dsql/pipeline/program"
)

type experimentCmd struct {
	fileArgs
	Name string `arg:"" complete:"name:experiment" help:"An experiment that is declared with EXPOSURES."`
}

func (c *experimentCmd) Run(ctx context.Context, s *streams) error {
	return c.inspect(ctx, s, func(o program.Options) error { return look.Experiment(ctx, o, c.Name) })
}
