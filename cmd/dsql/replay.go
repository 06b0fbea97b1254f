package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
)

type replayCmd struct {
	fileArgs
	Name  string `arg:"" complete:"name:source,stream,journal,rollup,sink" help:"The destination, source or sink whose rejects are sent through again."`
	Where string `placeholder:"CONDITION" help:"Which of them: a condition on dsql.rejects."`
	Using string `placeholder:"FILE" complete:"file" help:"Lines {\"id\", \"payload\"} with records to take in place of theirs."`
}

func (c *replayCmd) Run(ctx context.Context, s *streams) error {
	quote := func(text, q string) string { return q + strings.ReplaceAll(text, q, q+q) + q }
	text := "REPLAY REJECTS FROM " + quote(c.Name, `"`)
	if c.Where != "" {
		text += " WHERE (" + c.Where + "\n)"
	}
	if c.Using != "" {
		path, err := filepath.Abs(c.Using)
		if err != nil {
			return err
		}
		text += " USING " + quote(path, "'")
	}
	return c.statement(ctx, s, text)
}

type execCmd struct {
	fileArgs
	SQL string `arg:"" name:"sql" help:"Statements: REPLAY REJECTS FROM orders, RELEASE HOLD orders …; - reads standard input."`
}

func (c *execCmd) Run(ctx context.Context, s *streams) error {
	text, err := s.text(c.SQL)
	if err != nil {
		return err
	}
	return c.statement(ctx, s, text)
}

// text is an argument, or what - stands for.
func (s *streams) text(arg string) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	b, err := io.ReadAll(s.in)
	return string(b), err
}

// statement runs statements on a file that is there, in its folder: the script is there, as a rule, and so what it names.
func (a *fileArgs) statement(ctx context.Context, s *streams, text string) error {
	return a.inspect(ctx, s, func(o program.Options) error {
		if _, err := os.Stat(o.DB); errors.Is(err, fs.ErrNotExist) {
			return sql.Errorf(code.NoFile, "there is no file %s", o.DB).WithHint("`dsql run` makes it; --db names another one")
		}
		if o.Dir = filepath.Dir(o.DB); s.alone {
			if _, err := enter(&o, []string{o.DB}); err != nil {
				return noFolder(err)
			}
		}
		told := newProgress(s, false)
		defer told.clear()
		o.Scripts, o.Stop = []*sql.Source{sql.NewSource("(command line)", text)}, s.batchEnd(told.stopping)
		show, interrupted := o.Events, false
		o.Events = func(e event.Event) {
			switch f := e.(type) {
			case event.Queried:
				told.clear()
				show(e)
				return
			case event.Finished:
				interrupted = f.Interrupted
			}
			told.event(e)
		}
		err := run.Run(ctx, o)
		if err == nil && interrupted {
			err = errInterrupted
		}
		return err
	})
}
