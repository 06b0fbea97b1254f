package main

import (
	"context"
	"io"

	"dsql/pipeline/look"
	"dsql/pipeline/program"
)

type profileCmd struct {
	fileArgs
	Name string `arg:"" complete:"name:source,stream,journal,rollup" help:"A table, view or macro of the file, a data file, or x.duckdb:t."`
}

func (c *profileCmd) Run(ctx context.Context, s *streams) error {
	var checks io.Writer // for programs there is the distribution alone
	if s.cli.Output == "table" {
		checks = s.out
	}
	c.outside = look.OfFiles(c.Name)
	return c.inspect(ctx, s, func(o program.Options) error { return look.Profile(ctx, o, c.Name, checks) })
}
