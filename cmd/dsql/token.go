package main

import (
	"errors"
	"fmt"
	"os"

	"dsql/serve"
	"dsql/sql"
	"dsql/sql/code"
)

type tokenCmd struct {
	Name  string   `arg:"" help:"Who the token is for; the access log has it."`
	Scope []string `default:"all" placeholder:"SCOPE" help:"What it is for: all, endpoints, models, query, status, admin, endpoints:NAME, models:NAME."`
	File  string   `placeholder:"FILE" complete:"file" help:"The token file of the server, which the line is added to; without it stderr has the line."`
}

// Run prints the token, which is kept nowhere.
func (c *tokenCmd) Run(s *streams) error {
	secret, line, err := serve.NewToken(c.Name, c.Scope)
	if err != nil {
		return err
	}
	if c.File == "" {
		fmt.Fprintln(s.err, line)
	} else if err := appendLine(c.File, line); err != nil {
		return sql.Errorf(code.NoRights, "the token file %s can't be written: %v", c.File, cause(err)).
			WithHint("check the rights of the file and of its folder").WithCause(err)
	}
	_, err = fmt.Fprintln(s.out, secret)
	return err
}

func appendLine(name, line string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, line); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}
