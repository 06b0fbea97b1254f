package main

import (
	"context"
	"fmt"
	"time"

	"dsql/pipeline/event"
	"dsql/pipeline/run"
)

type runCmd struct {
	scriptArgs
	Follow        bool          `help:"Go on with what comes, until SIGTERM or Ctrl-C; the batch in hand is finished."`
	Snapshot      string        `placeholder:"FILE" complete:"file" help:"Keep a copy of the file for readers: a run lets no other process into its own."`
	SnapshotEvery time.Duration `default:"30s" help:"How often the copy is renewed."`
	Prune         bool          `help:"Drop what is declared in the file and not in the script, with all that it stores."`
	Yes           bool          `help:"Don't ask before --prune."`
	DryRun        bool          `help:"Check the script and say what would change; change nothing."`
	Trace         string        `placeholder:"FILE" complete:"file" help:"Write every statement that dsql runs into FILE, with its time."`
	Workers       int           `placeholder:"N" help:"Start N processes, each with a share of the sources and a file of its own: SCRIPT.1-of-N.duckdb."`
	Share         string        `placeholder:"K/N" help:"Take the K-th of N shares of the sources, into SCRIPT.K-of-N.duckdb."`
	Among         int           `hidden:"" help:"So many processes have this machine among them."`
	Events        string        `enum:"text,jsonl" default:"text" help:"How stderr tells what happens: ${enum}."`
}

func (c *runCmd) Run(ctx context.Context, s *streams) error {
	if c.Workers != 0 {
		return c.workers(ctx, s)
	}
	var told interface {
		event(event.Event)
		clear()    // before a result is printed
		stopping() // on another goroutine
	} = newProgress(s, c.Follow)
	if c.Events == "jsonl" {
		s.events = &eventLines{w: s.err}
		told = s.events
	}
	o, err := c.options(s)
	if err != nil {
		return err
	}
	if err := c.shares(s, &o); err != nil {
		return err
	}
	if err := c.mayPrune(ctx, s, o); err != nil { // before a signal means that a batch is to end
		return err
	}
	interrupted := false
	var failed error
	var finished *event.Finished
	o.Snapshot, o.SnapshotEvery = onCommandLine(c.left, c.Snapshot), c.SnapshotEvery
	t, err := newTrace(onCommandLine(c.left, c.Trace))
	if err != nil {
		return err
	}
	o.Trace = t.statements()
	o.DryRun, o.Follow, o.Prune, o.Stop = c.DryRun, c.Follow, c.Prune, s.batchEnd(told.stopping)
	o.Events = func(e event.Event) {
		switch e := e.(type) {
		case event.Queried:
			told.clear()
			if s.events != nil {
				s.events.result(e.Result)
			}
			if failed == nil {
				failed = s.show(e.Result)
			}
			return
		case event.Changed:
			if c.DryRun {
				printChange(s.out, e.Change)
			}
		case event.Finished:
			interrupted = e.Interrupted
			if finished = &e; s.events != nil { // the last line, behind an error
				return
			}
		}
		told.event(e)
	}
	err = run.Run(ctx, o)
	if terr := t.close(); err == nil {
		err = terr
	}
	told.clear()
	if err != nil && c.Follow && s.events == nil && ctx.Err() == nil {
		fmt.Fprint(s.err, (&progress{follows: true}).stamp("ERROR"))
		return reported{s.report(err)}
	}
	if s.events != nil && finished != nil {
		defer told.event(*finished)
		if err != nil && ctx.Err() == nil {
			err = reported{s.report(err)}
		}
	}
	switch {
	case err != nil:
		return err
	case failed != nil:
		return failed
	case interrupted && c.Follow && s.signals.ended.Load(): // that is how following ends
		return nil
	case interrupted:
		return errInterrupted
	}
	return nil
}
