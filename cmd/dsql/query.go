package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"dsql/pipeline"
	"dsql/sql"
)

type queryCmd struct {
	SQL string `arg:"" name:"sql" help:"The statements; - reads standard input."`
	DB  string `name:"db" placeholder:"FILE" help:"The DuckDB file; the only *.duckdb of the folder by default."`
}

func (c *queryCmd) Run(ctx context.Context, s *streams) error {
	text := c.SQL
	if text == "-" {
		b, err := io.ReadAll(s.in)
		if err != nil {
			return err
		}
		text = string(b)
	}
	if c.DB == "" {
		found, _ := filepath.Glob("*.duckdb")
		if len(found) != 1 {
			return &sql.Error{Code: "no-db", Exit: sql.ExitUsage, Msg: fmt.Sprintf("which file? There are %d *.duckdb here: %s", len(found), strings.Join(found, ", ")), Hint: "add --db FILE"}
		}
		c.DB = found[0]
	}
	var failed error
	err := pipeline.Query(ctx, pipeline.Options{DB: c.DB, Dir: ".", Events: func(e pipeline.Event) {
		if q, ok := e.(pipeline.Queried); ok && failed == nil {
			failed = s.show(ctx, q.Result)
		}
	}}, text)
	if err == nil {
		err = failed
	}
	return err
}
