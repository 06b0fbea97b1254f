package main

import (
	"context"

	"dsql/pipeline/look"
	"dsql/pipeline/program"
)

type checksCmd struct {
	fileArgs
	Name string `arg:"" optional:"" complete:"name:stream,journal,rollup" help:"One destination, with rows that broke its checks; all by default."`
	Rows bool   `help:"Only the rows that broke checks, all that were kept: up to 100 a check."`
}

func (c *checksCmd) Run(ctx context.Context, s *streams) error {
	return c.inspect(ctx, s, func(o program.Options) error { return look.Checks(ctx, o, c.Name, c.Rows) })
}
