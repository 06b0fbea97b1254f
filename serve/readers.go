package serve

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"dsql/engine/duck"
)

// readers are the connections of requests. What a connection has bound it keeps.
type readers struct {
	db    *duck.DB
	free  chan *reader // nil: one that isn't made yet
	waits atomic.Int64
	queue int64
	mu    sync.Mutex
	all   []*reader
	busy  atomic.Int64
}

// reader is a connection with what was prepared on it. One request at a time has it.
type reader struct {
	conn  *duck.Conn
	bound map[string]*bound
}

func newReaders(db *duck.DB, n, queue int) *readers {
	p := &readers{db: db, queue: int64(queue), free: make(chan *reader, n)}
	for range n {
		p.free <- nil
	}
	return p
}

// errQueue: too many requests wait already.
var errQueue = errors.New("the queue is full")

// take gives a connection to a request, which waits for one that is free.
func (p *readers) take(ctx context.Context) (*reader, error) {
	var r *reader
	select {
	case r = <-p.free:
	default:
		if p.waits.Add(1) > p.queue {
			p.waits.Add(-1)
			return nil, errQueue
		}
		select {
		case r = <-p.free:
			p.waits.Add(-1)
		case <-ctx.Done():
			p.waits.Add(-1)
			return nil, ctx.Err()
		}
	}
	p.busy.Add(1)
	if r != nil {
		return r, nil
	}
	c, err := p.db.Reader(ctx)
	if err != nil {
		p.give(nil)
		return nil, err
	}
	r = &reader{conn: c, bound: map[string]*bound{}}
	p.mu.Lock()
	p.all = append(p.all, r)
	p.mu.Unlock()
	return r, nil
}

// give takes it back.
func (p *readers) give(r *reader) {
	p.busy.Add(-1)
	p.free <- r
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
func (r *reader) begin(ctx context.Context) error {
	return r.conn.Run(ctx, duck.SQL("BEGIN TRANSACTION READ ONLY"))
}

func (r *reader) end(ctx context.Context) error {
	_, err := r.conn.Exec(context.WithoutCancel(ctx), duck.SQL("ROLLBACK"))
	return err
}
