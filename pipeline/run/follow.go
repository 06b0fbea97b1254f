package run

import (
	"context"
	"errors"
	"io"
	"time"

	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// lookEvery is how often sources that can't follow by themselves (files) are looked at again.
const lookEvery = time.Second

// following is a source that is read on and on.
type following struct {
	s  *program.Node
	rd kind.Reader // nil: to be opened again

	said   map[string]bool // warnings
	opened bool            // it was read before
	told   kind.Reminder   // that it can't be now
}

// Waits tells that a source is away.
func (f *following) Waits(r *runner, err error) {
	if !f.told.Due(time.Now()) {
		return
	}
	for _, e := range program.Collect(nil, err) {
		w := *e
		w.Hint = "waiting for it; the run goes on when it is back"
		r.Warn(&w)
	}
}

// follow is REFRESH that doesn't end: each source to the end seen now, in their order, and then whatever comes in any of them, until
// the run is stopped.
func (r *runner) follow(ctx context.Context) error {
	wanted := r.picked(nil)
	left := r.inOrder(wanted)
	if err := r.catchUp(ctx, wanted, left); err != nil {
		return err
	}
	woken := make(chan struct{}, 1)
	wake := func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
	var all []*following
	defer func() {
		for _, f := range all {
			if f.rd != nil {
				_ = f.rd.Close()
			}
		}
	}()
	look := time.Now()
	for i, s := range left {
		f := &following{s: s}
		all = append(all, f)
		if err := r.reopen(ctx, f, wanted, wake, look); err != nil {
			return err
		}
		if err := r.catchUp(ctx, wanted, left[i+1:]); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		r.Warn(sql.Errorf(code.NothingToFollow, "--follow has nothing to follow: no destination reads a source"))
		return nil
	}
	r.Emit(event.Following{})
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	waiting := false
	for !r.stopped() {
		some := false
		for _, f := range all {
			got, err := r.step(ctx, f, wanted)
			if err != nil {
				return err
			}
			some = some || got
		}
		if some {
			waiting = false
			continue
		}
		if !waiting {
			waiting = true
			r.Emit(event.Waiting{})
		}
		select {
		case <-woken:
		case <-r.Options.Stop:
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if err := r.whenIdle(ctx, all, wanted, wake); err != nil {
				return err
			}
		}
	}
	return nil
}

// reopen reads a source to the end that is seen now. A reader that follows stays open.
func (r *runner) reopen(ctx context.Context, f *following, wanted map[*program.Node]bool, wake func(), look time.Time) error {
	rd, err := r.open(ctx, f.s, wanted, kind.ReadOptions{Follow: true, Wake: wake, Look: look, Warn: f.once(r.Warn)})
	switch {
	case err != nil && f.opened && away(err): // it was there: the next look may find it again
		f.Waits(r, err)
		return nil
	case err != nil:
		return r.unlessStopped(err)
	}
	f.opened = true
	f.told.Over()
	if err := r.drain(ctx, f.s, rd, wanted); err != nil || r.stopped() {
		return errors.Join(err, rd.Close())
	}
	f.rd = rd
	return nil
}

// once says a warning one time, however often the source is looked at.
func (f *following) once(warn func(*sql.Error)) func(*sql.Error) {
	return func(e *sql.Error) {
		if e.Code == code.BrokerBack || e.Code == code.PartitionStuck || away(e) { // who tells that tells it once a minute
			warn(e)
			return
		}
		if f.said == nil {
			f.said = map[string]bool{}
		}
		if !f.said[e.Msg] {
			f.said[e.Msg] = true
			warn(e)
		}
	}
}

// step takes one batch of a source, if it has one.
func (r *runner) step(ctx context.Context, f *following, wanted map[*program.Node]bool) (got bool, err error) {
	if f.rd == nil || r.stopped() {
		return false, nil
	}
	in, err := f.rd.Next(ctx)
	switch {
	case errors.Is(err, kind.ErrIdle):
		return false, nil
	case errors.Is(err, io.EOF): // it can't follow
		rd := f.rd
		f.rd = nil
		return false, rd.Close()
	case err != nil && f.opened && away(err) && ctx.Err() == nil: // opened anew for new columns, say, while the brokers are away
		f.Waits(r, err)
		rd := f.rd
		f.rd = nil
		return false, rd.Close()
	case err != nil:
		return false, err
	}
	return true, r.take(ctx, f.s, in, wanted)
}

// whenIdle does what waits for a moment without rows: a snapshot, checks of what is watched, alerts, sinks whose place outside was away,
// and sources that couldn't be opened.
func (r *runner) whenIdle(ctx context.Context, all []*following, wanted map[*program.Node]bool, wake func()) error {
	if err := r.snapshot(ctx, false); err != nil {
		return err
	}
	if err := r.closeIdle(ctx); err != nil {
		return err
	}
	if err := r.watch(ctx, true); err != nil {
		return err
	}
	if err := r.alert(ctx); err != nil {
		return err
	}
	if err := r.sink(ctx); err != nil {
		return err
	}
	look := time.Now() // one source's files wait no longer than another's that came with them
	for _, f := range all {
		if f.rd != nil {
			continue
		}
		if err := r.reopen(ctx, f, wanted, wake, look); err != nil {
			return err
		}
	}
	return nil
}
