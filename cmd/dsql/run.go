package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"dsql/pipeline"
)

type runCmd struct {
	scriptArgs
	DryRun bool `help:"Check the script and say what would change; change nothing."`
}

func (c *runCmd) Run(ctx context.Context, s *streams, stop <-chan struct{}) error {
	o, err := c.options(s)
	if err != nil {
		return err
	}
	p := newProgress(s)
	interrupted := false
	var failed error
	var mu sync.Mutex
	o.DryRun, o.Stop = c.DryRun, stop
	o.Events = func(e pipeline.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e := e.(type) {
		case pipeline.Queried:
			p.clear()
			if err := s.show(ctx, e.Result); err != nil {
				failed = errors.Join(failed, err)
			}
		case pipeline.Changed:
			if c.DryRun {
				printChange(s.out, e.Change)
			}
		case pipeline.Finished:
			interrupted = e.Interrupted
			p.event(e)
		default:
			p.event(e)
		}
	}
	err = pipeline.Run(ctx, o)
	p.clear()
	if err == nil {
		err = failed
	}
	if err == nil && interrupted {
		return errInterrupted
	}
	return err
}

type checkCmd struct{ scriptArgs }

func (c *checkCmd) Run(ctx context.Context, s *streams) error {
	o, err := c.options(s)
	if err != nil {
		return err
	}
	return pipeline.Check(ctx, o)
}

type planCmd struct{ scriptArgs }

func (c *planCmd) Run(ctx context.Context, s *streams) error {
	o, err := c.options(s)
	if err != nil {
		return err
	}
	changes, err := pipeline.PlanScript(ctx, o)
	if err != nil {
		return err
	}
	for _, ch := range changes {
		printChange(s.out, ch)
	}
	return nil
}

func printChange(w interface{ Write([]byte) (int, error) }, c pipeline.Change) {
	sign := map[string]string{"create": "+", "change": "~", "rebuild": "!", "none": "="}[c.Action]
	fmt.Fprintf(w, "%s %s %s\n", sign, c.Kind, c.Name)
	for _, what := range c.What {
		fmt.Fprintf(w, "    %s\n", what)
	}
}

type explainCmd struct {
	Script string `arg:"" help:"Script file; - reads standard input."`
	Name   string `arg:"" optional:"" help:"One declaration; all by default."`
	DB     string `name:"db" placeholder:"FILE" help:"The DuckDB file; the script's name with .duckdb by default."`
}

func (c *explainCmd) Run(ctx context.Context, s *streams) error {
	a := scriptArgs{Script: []string{c.Script}, DB: c.DB}
	o, err := a.options(s)
	if err != nil {
		return err
	}
	text, err := pipeline.Explain(ctx, o, c.Name)
	fmt.Fprint(s.out, text)
	return err
}
