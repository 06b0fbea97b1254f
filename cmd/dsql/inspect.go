package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"dsql/pipeline/event"
	"dsql/pipeline/look"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
)

// fileArgs are what commands on a file take.
type fileArgs struct {
	DB string `name:"db" placeholder:"FILE" complete:"file" help:"The DuckDB file; the only *.duckdb of the folder by default."`

	outside bool // what is asked for is in other files: none is needed
}

func (a *fileArgs) options(ctx context.Context, s *streams, failed *error) (program.Options, error) {
	if err := a.choose(ctx, s); err != nil {
		return program.Options{}, err
	}
	return program.Options{Language: run.Language, DB: a.DB, Dir: ".", Events: func(e event.Event) {
		if q, ok := e.(event.Queried); !ok {
			s.warn(e)
		} else if *failed == nil {
			*failed = s.titled(q.Title, q.Result)
		}
	}}, nil
}

// choose finds the file that is meant: that of --db, of DSQL_DB, of the profile, or the only one of the folder.
func (a *fileArgs) choose(ctx context.Context, s *streams) error {
	p, err := s.chosenProfile(".")
	if err != nil {
		return err
	}
	if a.DB == "" {
		a.DB, _ = p.database()
	}
	if a.DB == "" && !a.outside {
		found, _ := filepath.Glob("*.duckdb")
		meant := found
		if len(found) > 1 { // copies for readers stand beside the file that is meant, and files that aren't dsql's
			meant = slices.DeleteFunc(slices.Clone(found), func(name string) bool { return !run.MayBeMeant(ctx, name) })
		}
		switch {
		case len(found) == 0:
			return sql.Errorf(code.NoDB, "which file? There is no *.duckdb here").
				WithHint("add --db FILE; `dsql run` makes one beside its script, of the same name")
		case len(meant) != 1:
			return sql.Errorf(code.NoDB, "which file? There are %d *.duckdb here: %s", len(found), strings.Join(found, ", ")).
				WithHint("add --db FILE")
		}
		a.DB = meant[0]
	}
	return namesFile(a.DB)
}

// inspect runs f on the file of the command.
func (a *fileArgs) inspect(ctx context.Context, s *streams, f func(program.Options) error) error {
	var failed error
	o, err := a.options(ctx, s, &failed)
	if err != nil {
		return err
	}
	err = f(o)
	if ended := s.endShow(); failed == nil {
		failed = ended
	}
	if err != nil {
		return err
	}
	return failed
}

type modelsCmd struct{ fileArgs }

func (c *modelsCmd) Run(ctx context.Context, s *streams) error {
	return c.inspect(ctx, s, func(o program.Options) error { return look.Models(ctx, o) })
}

type statusCmd struct {
	fileArgs
	Config bool `help:"What settings commands here would take, and where each comes from."`
}

func (c *statusCmd) Run(ctx context.Context, s *streams) error {
	if c.Config {
		return s.showConfig(ctx, &c.fileArgs)
	}
	return c.inspect(ctx, s, func(o program.Options) error {
		o.Dir = filepath.Dir(o.DB) // where the script is, as a rule, and what it reads
		return look.Status(ctx, o)
	})
}
