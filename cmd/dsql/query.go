package main

import (
	"context"

	"dsql/pipeline/look"
	"dsql/pipeline/program"
)

type queryCmd struct {
	fileArgs
	URL       string `name:"url" placeholder:"URL" help:"Ask a server, as dsql serve is, in the place of a file: http://127.0.0.1:8080."`
	TokenFile string `name:"token-file" placeholder:"FILE" complete:"file" help:"The token for it, alone in a file; DSQL_TOKEN by default."`
	SQL       string `arg:"" name:"sql" help:"The statements; - reads standard input."`
}

func (c *queryCmd) Run(ctx context.Context, s *streams) error {
	text, err := s.text(c.SQL)
	if err != nil {
		return err
	}
	if c.URL != "" {
		return c.remote(ctx, s, text)
	}
	return c.inspect(ctx, s, func(o program.Options) error { return look.Query(ctx, o, text) })
}
