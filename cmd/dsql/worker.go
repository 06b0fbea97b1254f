package main

import (
	"context"
	"os"
	"path/filepath"

	"dsql/sql"
	"dsql/sql/code"
	"dsql/worker"
)

type workerCmd struct {
	Plan    string `required:"" placeholder:"FILE" complete:"file" help:"The program as data: dsql explain SCRIPT -o json."`
	Threads int    `default:"1" help:"How many threads DuckDB takes."`
	Memory  string `placeholder:"SIZE" help:"How much memory DuckDB takes: 512MB, 2GB."`
	Check   bool   `help:"Only say whether the plan can be worked on in pieces."`
}

// Run does tasks that come on standard input.
func (c *workerCmd) Run(ctx context.Context, s *streams) error {
	text, err := os.ReadFile(c.Plan)
	if err != nil {
		return sql.Errorf(code.BadPlan, "the plan %s can't be read: %s", c.Plan, cause(err)).
			WithHint("make one: dsql explain SCRIPT -o json > plan.json").WithCause(err)
	}
	dir, err := filepath.Abs(filepath.Dir(c.Plan))
	if err != nil {
		return err
	}
	if s.alone { // relative paths start at the plan's folder, in DuckDB's statements too
		if err := os.Chdir(dir); err != nil {
			return noFolder(err)
		}
	}
	w, err := worker.Open(ctx, worker.Options{Plan: c.Plan, Text: text, Dir: dir, Threads: c.Threads, Memory: c.Memory})
	if err != nil {
		return err
	}
	defer w.Close()
	if c.Check {
		return nil
	}
	return w.Serve(ctx, s.in, s.out)
}
