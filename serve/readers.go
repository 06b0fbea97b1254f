package serve

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"dsql/engine/duck"
)

// turns are how many requests may be at work at a time, and how many others wait.
type turns struct {
	free  chan struct{}
	queue int64
	waits atomic.Int64
	busy  atomic.Int64
}

func newTurns(n, queue int) *turns { return &turns{free: make(chan struct{}, n), queue: int64(queue)} }

// quick is how many statements run at a time that read rows by their place. Each is a millisecond of work for two threads: where all that wait
// begin at once they take the processors from each other, so that fewer are done in a second and the last much later than in their turn.
type quick chan struct{}

// quickTime is how long one waits at most: an endpoint that looks a row up may do something else that takes long.
const quickTime = 50 * time.Millisecond

func (q quick) begin() (end func()) {
	select {
	case q <- struct{}{}:
		return func() { <-q }
	default:
	}
	wait := time.NewTimer(quickTime)
	defer wait.Stop()
	select {
	case q <- struct{}{}:
		return func() { <-q }
	case <-wait.C:
		return func() {}
	}
}

// errQueue: too many requests wait already.
var errQueue = errors.New("the queue is full")

// begin waits for a request's turn.
func (t *turns) begin(ctx context.Context) error {
	select {
	case t.free <- struct{}{}:
	default:
		if t.waits.Add(1) > t.queue {
			t.waits.Add(-1)
			return errQueue
		}
		defer t.waits.Add(-1)
		select {
		case t.free <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	t.busy.Add(1)
	return nil
}

func (t *turns) over() {
	t.busy.Add(-1)
	<-t.free
}

// readers are the connections of requests. What a connection has bound it keeps.
type readers struct {
	*turns
	db    *duck.DB
	first *duck.Query // is run on each that is made; nil: nothing
	mu    sync.Mutex
	idle  []*reader
	all   []*reader
}

// reader is a connection with what was prepared on it. One request at a time has it.
type reader struct {
	conn  *duck.Conn
	bound map[string]*bound
}

func newReaders(db *duck.DB, t *turns, first *duck.Query) *readers {
	return &readers{turns: t, db: db, first: first}
}

// take gives a connection to a request, when it is its turn.
func (p *readers) take(ctx context.Context) (*reader, error) {
	if err := p.begin(ctx); err != nil {
		return nil, err
	}
	r, err := p.connection(ctx)
	if err != nil {
		p.over()
	}
	return r, err
}

// give takes it back.
func (p *readers) give(r *reader) {
	p.back(r)
	p.over()
}

// connection gives one that nobody has, whoever's turn it is.
func (p *readers) connection(ctx context.Context) (*reader, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		r := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return r, nil
	}
	p.mu.Unlock()
	c, err := p.db.Reader(ctx)
	if err != nil {
		return nil, err
	}
	r := &reader{conn: c, bound: map[string]*bound{}}
	p.mu.Lock()
	p.all = append(p.all, r)
	p.mu.Unlock()
	if p.first != nil {
		if err := c.Run(ctx, p.first); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return r, nil
}

func (p *readers) back(r *reader) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, r)
}

// close ends all that was prepared. Nobody has a connection any more.
func (p *readers) close() {
	for _, r := range p.all {
		for _, b := range r.bound {
			b.close()
		}
	}
}

// newest is the newest version that the connection's transaction sees.
func (r *reader) newest(ctx context.Context) (int64, error) {
	return r.conn.Int(ctx, duck.SQL("SELECT max(version) FROM dsql.versions"))
}

// begin opens a transaction that reads only, for several statements that must see one state; end closes it.
func (r *reader) begin(ctx context.Context) error { return r.conn.BeginReading(ctx) }

func (r *reader) end() error { return r.conn.EndReading() }

// errMoved: what is declared has changed since the request was looked at.
var errMoved = errors.New("what is declared has changed")

// beginAt is begin for what was prepared by a view: what is declared must be the same. It gives the state that is read.
func (r *reader) beginAt(ctx context.Context, v *view) (*view, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	now := &view{changes: v.changes}
	err := now.state(ctx, r.conn)
	if err == nil && now.declared != v.declared { // a statement would be bound to something else
		err = errMoved
	}
	if err != nil {
		_ = r.end() // an error may have ended it
		return nil, err
	}
	return now, nil
}
