package serve

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/pipeline/event"
	"dsql/pipeline/params"
	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
)

// The writer: one run after the other on the open file. First the scripts; then, following, what the file declares; between two batches
// whatever somebody asks for. Readers don't know of it.

// job is a text that somebody wants to run between two batches, as a script of its own.
type job struct {
	sources []*sql.Source
	emit    func(event.Event) // what the run tells; nil: nobody asks
	done    chan error
}

// How long the writer waits before it tries again what failed.
const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// write runs until halt is closed. It returns an error only where serving makes no sense: the scripts can't run.
func (s *server) write(ctx context.Context, halt <-chan struct{}) error {
	s.state.set("starting", "the script hasn't run yet")
	again := (*job)(nil) // what is run when the scripts have
	if s.o.Follow {
		again = &job{}
	}
	due, ran := &job{sources: s.o.Scripts}, false
	if len(s.o.Scripts) == 0 {
		due, ran = again, true
	}
	wait := firstRetry
	for {
		var failed *sql.Error
		var asked *job
		if due != nil {
			if s.ran.Store(ran); !ran { // later what was said stays said until it follows again
				s.state.started("catching up")
			}
			var following bool
			failed, asked, following = s.due(ctx, due, halt)
			if following || failed == nil { // what stands in the scripts beside declarations isn't run twice
				due, ran = again, true
				s.ran.Store(true)
			}
			if !ran && failed != nil && !keeps(failed) && !ended(halt) && ctx.Err() == nil {
				return failed
			}
		}
		switch {
		case ended(halt) || ctx.Err() != nil:
			if asked != nil {
				asked.done <- errStopping
			}
			return nil
		case failed != nil && s.gone(ctx, failed):
			if err := s.reopen(ctx); err != nil {
				if asked != nil {
					asked.done <- err
				}
				return err
			}
		case failed != nil && duck.IsOutOfMemory(failed) && s.makeRoom(failed): // it is tried again at once
		case asked == nil:
			if s.state.ended(failed); failed != nil {
				s.o.Emit(event.Warned{Err: failed})
			}
			asked, wait = s.pause(ctx, halt, failed, wait)
		}
		if asked != nil {
			err := s.asked(ctx, asked, halt)
			asked.done <- err
			if e := asError(err); e != nil && s.gone(ctx, e) {
				if err := s.reopen(ctx); err != nil {
					return err
				}
			}
		}
	}
}

// makeRoom ends what strangers do, where they do anything: then what the writer had no memory for is tried again at once.
// The writer alone calls it, which alone opens the file again.
func (s *server) makeRoom(err error) bool {
	n := s.file.bounds.clear()
	if n > 0 {
		s.o.Emit(event.Warned{Err: sql.Errorf(code.NoRoom, "the writer found no memory (%s): it tries again, and %d of the queries beside it are stopped",
			err, n).WithHint("raise --memory-limit, or let queries ask for less")})
	}
	return n > 0
}

// keeps says that an error of the first run is one that goes by: a gate that somebody opens, a broker that comes back.
func keeps(err *sql.Error) bool {
	return err.ExitCode() == code.ExitGate || err.ExitCode() == code.ExitUnreachable
}

// due is the run that goes on. Once it follows, a job that comes ends it after the batch in hand.
func (s *server) due(ctx context.Context, j *job, halt <-chan struct{}) (failed *sql.Error, asked *job, following bool) {
	began, over, watched, stop := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		began, jobs := began, (chan *job)(nil)
		for {
			select {
			case <-began:
				began, jobs, following = nil, s.jobs, true
				continue
			case <-halt:
			case asked = <-jobs:
			case <-over:
				return
			}
			close(stop)
			return
		}
	}()
	err := s.run(ctx, s.o.Follow, j.sources, stop, func(e event.Event) {
		if _, ok := e.(event.Following); ok {
			close(began)
		}
	})
	close(over)
	<-watched
	return asError(err), asked, following
}

// asked runs what somebody asked for.
func (s *server) asked(ctx context.Context, j *job, halt <-chan struct{}) error {
	return s.run(ctx, false, j.sources, halt, j.emit)
}

func (s *server) run(ctx context.Context, follow bool, scripts []*sql.Source, stop <-chan struct{}, emit func(event.Event)) error {
	o := s.o.Options
	o.Scripts, o.Follow, o.Stop = scripts, follow, stop
	if !slices.Equal(scripts, s.o.Scripts) { // the values are those of the server's own scripts
		o.Set = params.Set{}
	}
	o.MakeRoom = s.makeRoom
	o.Events = func(e event.Event) {
		s.state.event(e)
		emit(e)
		s.o.Emit(e)
	}
	s.use.RLock()
	defer s.use.RUnlock()
	return run.On(ctx, s.file.db, o)
}

// pause waits until there is something to do: a job, or (nil) what is due again, or the end.
func (s *server) pause(ctx context.Context, halt <-chan struct{}, failed *sql.Error, wait time.Duration) (*job, time.Duration) {
	var again <-chan time.Time
	if failed != nil && failed.ExitCode() != code.ExitGate { // a gate is opened by somebody
		again = time.After(wait)
		wait = min(2*wait, lastRetry)
	} else {
		wait = firstRetry
	}
	select {
	case <-halt:
	case <-ctx.Done():
	case <-again:
	case j := <-s.jobs:
		return j, firstRetry
	}
	return nil, wait
}

// errStopping: what was asked for isn't begun any more.
var errStopping = refuse(http.StatusServiceUnavailable, code.NotReady, "ask the next one", "the server is ending")

func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// asError is the first error of a script in err.
func asError(err error) *sql.Error {
	var e *sql.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return e
	}
	return sql.Errorf(code.Failed, "%s", err).WithCause(err)
}

// invalidated are DuckDB's words for a database that takes no statement any more.
const invalidated = "database has been invalidated"

// suspect looks whether DuckDB has given the file up, where an answer says so: the writer may have nothing to do that would show it.
func (s *server) suspect(e *sql.Error) {
	if !strings.Contains(e.Msg, invalidated) || !s.suspected.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer s.suspected.Store(false)
		if ended(s.halt) || !s.gone(context.Background(), e) { // a job ends the run that follows: not for a text that anybody may write
			return
		}
		j := &job{sources: []*sql.Source{sql.NewSource("look", "SELECT 1")}, emit: func(event.Event) {}, done: make(chan error, 1)}
		select {
		case s.jobs <- j:
			if err := <-j.done; err != nil { // it only looks: what it finds is done by who runs it
				return
			}
		case <-s.halt:
		}
	}()
}

// gone says that DuckDB has given the file up. A text alone doesn't: anybody may write it.
func (s *server) gone(ctx context.Context, e *sql.Error) bool {
	if !strings.Contains(e.Msg, invalidated) {
		return false
	}
	s.use.RLock()
	defer s.use.RUnlock()
	return s.file.looker.dead(ctx)
}
