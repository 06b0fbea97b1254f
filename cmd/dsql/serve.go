package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/serve"
	"dsql/sql"
)

type serveCmd struct {
	Script    []string      `arg:"" optional:"" complete:"file" help:"Script files, which are run first; without any the file is served as it is."`
	DB        string        `name:"db" placeholder:"FILE" complete:"file" help:"The DuckDB file; the first script's name with .duckdb by default."`
	Follow    bool          `help:"Go on with what comes, as run --follow does."`
	Listen    string        `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where requests are taken: ${default}; port 0 is any that is free."`
	Timeout   time.Duration `default:"30s" help:"How long an answer may take."`
	MaxBody   int64         `default:"16777216" placeholder:"BYTES" help:"How long a request's body may be."`
	LogFormat string        `enum:"json,text,none" default:"json" help:"The access log on stderr: ${enum}."`
	Events    string        `enum:"text,jsonl" default:"text" help:"How stderr tells what the run does: ${enum}."`
}

func (c *serveCmd) Run(ctx context.Context, s *streams) error {
	eo, err := c.options(s)
	if err != nil {
		return err
	}
	var told interface {
		event(event.Event)
		clear()
		stopping()
	} = newProgress(s, true)
	if c.Events == "jsonl" {
		s.events = &eventLines{w: s.err}
		told = s.events
	}
	var failed error
	eo.Follow, eo.Stop = c.Follow, s.batchEnd(told.stopping)
	eo.Events = func(e event.Event) {
		if q, ok := e.(event.Queried); ok {
			if told.clear(); failed == nil {
				failed = s.show(q.Result)
			}
			return
		}
		told.event(e)
	}
	limits := serve.Default
	limits.Time, limits.Body = c.Timeout, c.MaxBody
	o := serve.Options{Options: eo, Listen: c.Listen, LogText: c.LogFormat == "text", Grace: 10 * time.Second, Limits: limits,
		Listening: func(a net.Addr) {
			told.clear()
			if !s.cli.Quiet && c.Events == "text" {
				fmt.Fprintf(s.err, "serving %s on http://%s\n", shownFile(eo.DB), a)
			}
		}}
	if c.LogFormat != "none" {
		o.Log = s.err
	}
	err = serve.Run(ctx, o)
	told.clear()
	switch {
	case err != nil:
		return err
	case failed != nil:
		return failed
	case s.signals.ended.Load():
		return nil
	}
	return errInterrupted
}

// options are those of the run; without scripts the folder is the file's.
func (c *serveCmd) options(s *streams) (program.Options, error) {
	if len(c.Script) > 0 {
		args := scriptArgs{Script: c.Script, DB: c.DB}
		return args.options(s)
	}
	o := program.Options{Language: run.Language, DB: c.DB, Dir: filepath.Dir(c.DB)}
	if c.DB == "" {
		return o, &sql.Error{Code: "no-db", Exit: sql.ExitUsage, Msg: "there is nothing to serve", Hint: "name a script, or a file: --db FILE"}
	}
	if err := namesFile(c.DB); err != nil || !s.alone {
		return o, err
	}
	if _, err := enter(&o, []string{c.DB}); err != nil {
		return o, noFolder(err)
	}
	return o, nil
}

func shownFile(path string) string { return strings.TrimPrefix(path, "./") }
