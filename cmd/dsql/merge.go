package main

import (
	"context"
	"fmt"

	"dsql/pipeline/merge"
	"dsql/pipeline/run"
)

type mergeCmd struct {
	Files []string `arg:"" complete:"file" help:"The files of all shares, as run --workers made them."`
	DB    string   `name:"db" required:"" placeholder:"FILE" complete:"file" help:"The file that is made of them; it isn't there yet."`
}

// Run makes one file of those of all shares.
func (c *mergeCmd) Run(ctx context.Context, s *streams) error {
	sum, err := merge.Merge(ctx, merge.Options{Language: run.Language, Files: c.Files, To: c.DB})
	if err == nil && !s.cli.Quiet {
		fmt.Fprintf(s.err, "%s: %d versions of %d files, %d rows\n", c.DB, sum.Versions, sum.Files, sum.Rows)
	}
	return err
}
