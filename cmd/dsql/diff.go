package main

import (
	"context"
	"errors"

	"dsql/pipeline/look"
	"dsql/pipeline/program"
)

type diffCmd struct {
	fileArgs
	Name     string `arg:"" help:"A stream or journal."`
	V1       int64  `arg:"" name:"v1" help:"The old version; 0 is before the first."`
	V2       int64  `arg:"" name:"v2" help:"The new version."`
	ExitCode bool   `help:"Exit with 1 when there is a difference."`
}

var errDiffers = errors.New("there is a difference")

func (c *diffCmd) Run(ctx context.Context, s *streams) error {
	differs := false
	s.paint = paintChange
	err := c.inspect(ctx, s, func(o program.Options) (err error) {
		differs, err = look.Diff(ctx, o, c.Name, c.V1, c.V2, s.cli.Output != "table")
		return err
	})
	if err == nil && differs && c.ExitCode {
		return errDiffers
	}
	return err
}

// paintChange colours the rows of a difference by what became of them, and of the new state of a changed row the values that are
// others now. Rows come with their change_type first; before is the row above.
func paintChange(before, row []cell, i int) string {
	const red, green, yellow = "\x1b[31m", "\x1b[32m", "\x1b[33m"
	switch row[0].text {
	case "insert":
		return green
	case "delete":
		return red
	case "update_before":
		if i == 0 {
			return red
		}
	case "update_after":
		if i == 0 || len(before) == len(row) && before[i] != row[i] {
			return yellow
		}
	}
	return ""
}
