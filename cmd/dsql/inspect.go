package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"dsql/pipeline"
	"dsql/sql"
)

// fileArgs are what commands on a file take.
type fileArgs struct {
	DB string `name:"db" placeholder:"FILE" complete:"file" help:"The DuckDB file; the only *.duckdb of the folder by default."`
}

func (a *fileArgs) options(ctx context.Context, s *streams, failed *error) (pipeline.Options, error) {
	if a.DB == "" {
		found, _ := filepath.Glob("*.duckdb")
		if len(found) != 1 {
			return pipeline.Options{}, &sql.Error{Code: "no-db", Exit: sql.ExitUsage, Msg: fmt.Sprintf("which file? There are %d *.duckdb here: %s", len(found), strings.Join(found, ", ")), Hint: "add --db FILE"}
		}
		a.DB = found[0]
	}
	return pipeline.Options{DB: a.DB, Dir: ".", Events: func(e pipeline.Event) {
		if q, ok := e.(pipeline.Queried); !ok {
			s.warn(e)
		} else if *failed == nil {
			*failed = s.show(q.Result)
		}
	}}, nil
}

// inspect runs f on the file of the command.
func (a *fileArgs) inspect(ctx context.Context, s *streams, f func(pipeline.Options) error) error {
	var failed error
	o, err := a.options(ctx, s, &failed)
	if err != nil {
		return err
	}
	if err := f(o); err != nil {
		return err
	}
	return failed
}

type historyCmd struct {
	fileArgs
	Name string   `arg:"" help:"A journal."`
	Key  []string `required:"" placeholder:"VALUE" help:"The key's value, or NAME=VALUE; once for each key column."`
}

func (c *historyCmd) Run(ctx context.Context, s *streams) error {
	return c.inspect(ctx, s, func(o pipeline.Options) error { return pipeline.History(ctx, o, c.Name, c.Key) })
}

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
	err := c.inspect(ctx, s, func(o pipeline.Options) (err error) {
		differs, err = pipeline.Diff(ctx, o, c.Name, c.V1, c.V2, s.cli.Output != "table")
		return err
	})
	if err == nil && differs && c.ExitCode {
		return errDiffers
	}
	return err
}

type modelsCmd struct{ fileArgs }

func (c *modelsCmd) Run(ctx context.Context, s *streams) error {
	return c.inspect(ctx, s, func(o pipeline.Options) error { return pipeline.Models(ctx, o) })
}

type statusCmd struct{ fileArgs }

func (c *statusCmd) Run(ctx context.Context, s *streams) error {
	return c.inspect(ctx, s, func(o pipeline.Options) error { return pipeline.Status(ctx, o) })
}
