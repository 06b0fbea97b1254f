package main

import (
	"bytes"
	"context"
	"os"

	"dsql/pipeline/look"
	"dsql/pipeline/program"
)

type rejectsCmd struct {
	fileArgs
	Name string `arg:"" optional:"" help:"One destination or source; all by default."`
	Fix  string `placeholder:"FILE" complete:"file" help:"Write their records into a file of lines {\"id\", \"payload\"}: mend it for dsql replay --using."`
}

func (c *rejectsCmd) Run(ctx context.Context, s *streams) error {
	return c.inspect(ctx, s, func(o program.Options) error {
		if c.Fix == "" {
			return look.Rejects(ctx, o, c.Name)
		}
		var b bytes.Buffer
		if err := look.RejectedRecords(ctx, o, c.Name, &b); err != nil {
			return err
		}
		return os.WriteFile(c.Fix, b.Bytes(), 0o644)
	})
}
