package main

import (
	"context"
	"fmt"

	"dsql/pipeline"
)

type sourceCmd struct {
	Target string `arg:"" complete:"file" help:"Files by a pattern, or a topic: kafka://localhost:9092/topic."`
}

func (c *sourceCmd) Run(ctx context.Context, s *streams) error {
	text, err := pipeline.InspectSource(ctx, pipeline.Options{Dir: "."}, c.Target)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.out, text)
	return err
}
