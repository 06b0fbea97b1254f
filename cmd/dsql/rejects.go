package main

import (
	"context"

	"dsql/pipeline"
)

type rejectsCmd struct {
	fileArgs
	Name string `arg:"" optional:"" help:"One destination or source; all by default."`
}

func (c *rejectsCmd) Run(ctx context.Context, s *streams) error {
	return c.inspect(ctx, s, func(o pipeline.Options) error { return pipeline.Rejects(ctx, o, c.Name) })
}
