// Package worker is `dsql worker`: a process that does the rows of a program a piece at a time, for whoever hands pieces to many of them. It
// owns the protocol on its pipes and what a task is; what is made of rows is made by pipeline/run, as in any run. It knows nothing of who
// cuts, schedules and stores.
package worker

import (
	"bufio"
	"context"
	"errors"
	"io"
	"path/filepath"
	"time"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
)

// Options are what the command line asks for.
type Options struct {
	Plan    string // what messages call it
	Text    []byte
	Dir     string // the folder that relative paths start at
	Threads int
	Memory  string // DuckDB's memory_limit; "": its own
}

// Worker is a program that waits for tasks.
type Worker struct {
	plan    *plan
	options Options
	trial   *run.Trial
	zone    string // the session's time zone, as the script leaves it
	at      string // the time that the trial has: "": it goes on
	told    []*sql.Error
}

// Open makes a plan's program ready. What of it can't be spread is an error.
func Open(ctx context.Context, o Options) (w *Worker, err error) {
	p, err := readPlan(o.Plan, o.Text)
	if err != nil {
		return nil, err
	}
	opts := program.Options{Language: p.language(), Scripts: p.scripts(), Dir: o.Dir}
	stmts, err := p.statements(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := p.apart(stmts); err != nil {
		return nil, err
	}
	w = &Worker{plan: p, options: o}
	if w.trial, err = run.NewTrial(ctx, opts, stmts, nil); err != nil {
		return nil, p.unmade(err)
	}
	if err := w.ready(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// ready makes sure that the program can be spread, and settles what the process may use.
func (w *Worker) ready(ctx context.Context) error {
	c, p := w.trial.Conn, w.plan
	if err := errors.Join(w.trial.Program.Spread(ctx, c, program.OnOneMachine), p.sameModels(ctx, c)); err != nil {
		return err
	}
	for _, n := range w.trial.Program.Nodes {
		if e, ok := n.Obj.(*events); ok {
			if err := e.bucketed(n.Cols); err != nil {
				return err
			}
			if err := e.byItself(ctx, n); err != nil {
				return err
			}
		}
	}
	if err := w.settle(ctx, c); err != nil {
		return err
	}
	w.zone = c.Setting("TimeZone")
	w.trial.Warned(func(e *sql.Error) { w.told = append(w.told, e) })
	return nil
}

// settle says what a file may use of the machine.
func (w *Worker) settle(ctx context.Context, c *duck.Conn) error {
	if err := c.Run(ctx, duck.SQL("SET threads = {n}", duck.Args{"n": max(w.options.Threads, 1)})); err != nil {
		return err
	}
	if w.options.Memory != "" {
		if err := c.Run(ctx, duck.SQL("SET memory_limit = {m}", duck.Args{"m": w.options.Memory})); err != nil {
			return sql.Errorf(code.Usage, "--memory %s is none: %s", w.options.Memory, err).WithHint("write it as DuckDB does: 512MB, 2GB").WithCause(err)
		}
	}
	return nil
}

// Close ends it.
func (w *Worker) Close() error { return w.trial.Close() }

// Serve does the tasks that come on in, to its end, and answers on out. Its error is of the pipes; what is wrong with a task is its answer.
func (w *Worker) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	tasks, buffered := newMessages(in), bufio.NewWriterSize(out, 256<<10)
	a := &answers{buffered}
	for {
		head, err := tasks.next()
		if errors.Is(err, io.EOF) {
			return buffered.Flush()
		}
		if err != nil {
			return err
		}
		if err := w.task(ctx, head, tasks, a); err != nil {
			return err
		}
		if err := buffered.Flush(); err != nil {
			return err
		}
	}
}

// task does one, and says what went wrong with it.
func (w *Worker) task(ctx context.Context, head []byte, data io.Reader, out *answers) error {
	t, err := w.read(head)
	switch {
	case err != nil:
	case t.journal != nil:
		err = w.bucket(ctx, t, data, out)
	default:
		err = w.do(ctx, t, data, out)
	}
	var lost wrong
	var pipe brokenPipe
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &lost):
		return lost.err
	case errors.As(err, &pipe):
		return pipe.error
	}
	a := answer{Kind: "error"}
	if t != nil {
		a.Task = t.Task
	}
	for _, e := range program.Collect(nil, err) {
		a.Errors = append(a.Errors, messageOf(e))
	}
	return out.put(a, nil)
}

// brokenPipe: answers can't be written.
type brokenPipe struct{ error }

// setTime makes the time that of a task.
func (w *Worker) setTime(ctx context.Context, at string) error {
	var q *duck.Query
	if at != "" {
		q = duck.Lit(at)
	}
	ok, err := w.trial.Again(ctx, q)
	if err != nil || !ok {
		return errors.Join(err, errGrown(ok))
	}
	if at != w.at {
		w.at = at
		return w.trial.Conn.Run(ctx, duck.SQL("SET TimeZone = {z}", duck.Args{"z": w.zone}))
	}
	return nil
}

func errGrown(ok bool) error {
	if ok {
		return nil
	}
	return sql.Errorf(code.NotSpread, "a source has other columns now than where the plan was made").WithHint("make the plan anew")
}

// path is a file as the worker finds it.
func (w *Worker) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(w.options.Dir, name)
}

// timeOf is a time of a header; "": none.
func timeOf(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, sql.Errorf(code.BadTask, "%s is no time: %q", field, text).WithHint("write it as 2026-01-31T08:00:00Z")
	}
	return t.UTC(), nil
}
