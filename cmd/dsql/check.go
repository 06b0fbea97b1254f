package main

import (
	"context"

	"dsql/pipeline/program"
)

type checkCmd struct{ scriptArgs }

func (c *checkCmd) Run(ctx context.Context, s *streams) error {
	o, err := c.options(s)
	if err != nil {
		return err
	}
	return program.Check(ctx, o)
}
