package run

import (
	"context"
	"sync"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
)

// What waits for a place outside is done aside while a run follows, so that brokers or a folder that are away hold up nobody else. An
// errand is a version that a sink writes, or rejects that are sent, on a connection of its own that only reads. At its turns the run sees
// whether it is over, and notes it then.

// turnTime is how long a sink that is well may hold up all else at a turn.
const turnTime = time.Second

// errand is what is done aside.
type errand struct {
	over   chan struct{}
	err    error // once it is over
	cancel context.CancelFunc
	slow   bool // it was waited for in vain
}

// start does f: aside where the run follows, else at once. Where the run is asked to end f has little time left.
func (r *runner) start(ctx context.Context, f func(context.Context) error) *errand {
	e := &errand{over: make(chan struct{})}
	ctx, e.cancel = kind.UntilStop(ctx, r.Options.Stop, hurry)
	do := func() {
		defer close(e.over)
		defer e.cancel()
		e.err = f(ctx)
	}
	if r.Options.Follow {
		go do()
	} else {
		do()
	}
	return e
}

// giveUp ends an errand. What it was about comes again.
func (e *errand) giveUp() {
	e.cancel()
	<-e.over
}

// wait says whether an errand of n is over, and waits for it for as long as the turn has. What has been waited for in vain isn't waited for
// again; who can't go on without it (must), and a run that is asked to end, wait for its end.
func (r *runner) wait(n *program.Node, e *errand, turn time.Time, must bool) bool {
	if e.slow || r.told[n] != nil {
		turn = time.Time{}
	}
	for {
		until := time.Until(turn)
		if must = must || r.stopped(); must {
			until = turnTime
		}
		late := time.NewTimer(until)
		select {
		case <-e.over:
		case <-r.Options.Stop:
			<-e.over
		case <-late.C:
		}
		late.Stop()
		select {
		case <-e.over:
			return true
		default:
		}
		if !must && !r.stopped() {
			e.slow = true
			return false
		}
		r.tellWhispers() // why it takes so long, maybe
	}
}

// underWay are those whose errands aren't over.
func (r *runner) underWay() (all []*program.Node) {
	for n := range r.deliveries {
		all = append(all, n)
	}
	for n, p := range r.posts {
		if p.under != nil {
			all = append(all, n)
		}
	}
	return all
}

// sentLast waits for what is still on its way when the run was asked to end.
func (r *runner) sentLast(ctx context.Context) error {
	if open := r.underWay(); len(open) > 0 && r.stopped() {
		return r.sinks(ctx, false, open)
	}
	return nil
}

// finish gives what is on its way to a place that is there a while to end, before it is given up: what of a version was written then would be
// written again.
func (r *runner) finish(ctx context.Context) error {
	end := time.Now().Add(hurry)
	for _, n := range r.underWay() {
		if w := r.deliveries[n]; w != nil && r.over(n, w.errand, end) {
			r.takeOver(n)
			err := w.err
			if err == nil && !w.waits {
				err = r.delivered(ctx, n, w, false)
			}
			if err != nil {
				if err := r.failedSink(n, err); err != nil {
					return err
				}
			}
		}
		if to := r.posts[n]; to != nil && to.under != nil && r.over(n, to.under.errand, end) {
			if err := r.posted(ctx, n); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// over waits for an errand, if its place outside is there.
func (r *runner) over(n *program.Node, e *errand, end time.Time) bool {
	e.slow = false
	return r.told[n] == nil && r.wait(n, e, end, false)
}

// line is the connection that errands of n read by: the run's own where nothing is done aside. Times are shown in the user's zone.
func (r *runner) line(ctx context.Context, n *program.Node) (*duck.Conn, error) {
	if !r.Options.Follow {
		return r.Conn, nil
	}
	c := r.lines[n]
	if c == nil {
		var err error
		if c, err = r.Conn.DB.Reader(ctx); err != nil {
			return nil, err
		}
		if r.lines == nil {
			r.lines = map[*program.Node]*duck.Conn{}
		}
		r.lines[n] = c
	}
	if zone := r.Conn.Setting("TimeZone"); zone != c.Setting("TimeZone") {
		return c, c.Run(ctx, duck.SQL("SET TimeZone = {zone}", duck.Args{"zone": zone}))
	}
	return c, nil
}

// hangUp closes the connection of n's errands, of which none is on its way.
func (r *runner) hangUp(n *program.Node) error {
	c := r.lines[n]
	if c == nil {
		return nil
	}
	delete(r.lines, n)
	return c.Close()
}

// whispers are warnings that errands gave, which the run tells at its turns.
type whispers struct {
	mu   sync.Mutex
	list []*sql.Error
}

func (w *whispers) add(e *sql.Error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, e)
}

func (w *whispers) take() []*sql.Error {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.list
	w.list = nil
	return list
}

// tellWhispers tells what errands warned of.
func (r *runner) tellWhispers() {
	for _, e := range r.whispers.take() {
		r.Warn(e)
	}
}
