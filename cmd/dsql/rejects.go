package main

import (
	"bytes"
	"context"
	"os"

	"dsql/pipeline/look"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

type rejectsCmd struct {
	fileArgs
	Name  string `arg:"" optional:"" complete:"name:source,stream,journal,rollup,sink" help:"One destination or source; all by default."`
	Where string `placeholder:"CONDITION" help:"Which of them: a condition on dsql.rejects."`
	Fix   string `placeholder:"FILE" complete:"file" help:"Write their records into a file of lines {\"id\", \"payload\"}: mend it for dsql replay --using."`
}

func (c *rejectsCmd) Run(ctx context.Context, s *streams) error {
	if c.Fix != "" && c.Name == "" {
		return sql.Errorf(code.Usage, "--fix writes what one destination or source rejected, and none is named").
			WithHint("dsql rejects NAME --fix " + c.Fix)
	}
	return c.inspect(ctx, s, func(o program.Options) error {
		if c.Fix == "" {
			return look.Rejects(ctx, o, c.Name, c.Where)
		}
		var b bytes.Buffer
		if err := look.RejectedRecords(ctx, o, c.Name, c.Where, &b); err != nil {
			return err
		}
		return os.WriteFile(c.Fix, b.Bytes(), 0o644)
	})
}
