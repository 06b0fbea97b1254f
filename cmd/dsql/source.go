package main

import (
	"context"
	"fmt"

	"dsql/pipeline/look"
	"dsql/pipeline/program"
)

type sourceCmd struct {
	Target         string `arg:"" complete:"file" help:"Files by a pattern, or a topic: kafka://localhost:9092/topic."`
	SchemaRegistry string `placeholder:"URL" help:"The schema registry of a topic in Avro."`
}

func (c *sourceCmd) Run(ctx context.Context, s *streams) error {
	text, err := look.InspectSource(ctx, program.Options{Dir: "."}, c.Target, c.SchemaRegistry)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.out, text)
	return err
}
