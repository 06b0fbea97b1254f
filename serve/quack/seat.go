package quack

import (
	"context"
	"sync/atomic"
	"time"

	"dsql/engine/duck"
	"dsql/serve/quack/wire"
	"dsql/sql"
	"dsql/sql/code"
)

// seat is a connection with a transaction: that of a statement, until its rows are read to the end, or one that the client began. It has
// one result at a time, as a connection of DuckDB does.
type seat struct {
	of       *session
	explicit bool          // the client began it, and ends it
	busy     chan struct{} // holds one while somebody uses what is below
	began    time.Time
	used     time.Time // written with both locks held, the server's and its own
	batch    uint64    // answers behind the first one of its result

	conn     *duck.Conn // nil: nothing was asked yet, or it has ended
	version  int64      // that it sees; -1: nobody knows yet
	release  func()
	result   *result   // nil: none, or read to its end
	finished wire.Huge // the result that was
	ended    error     // why nothing can be asked of it any more
	timer    *time.Timer
	stop     atomic.Pointer[context.CancelFunc] // of what runs, or can be fetched
}

// result is the rows of a statement, as far as they aren't read.
type result struct {
	id    wire.Huge
	st    *duck.Statement
	rows  *duck.Chunks
	types []byte // of its columns, encoded
}

// Why a seat has ended.
var (
	errGone      = over("the connection was closed")
	errCancelled = over("the statement was cancelled")
	errReopened  = over("the server opened its file again")
	errIdle      = over("nobody asked for its rows for too long")
	errOld       = over("it took too long until all of it was read")
	errYielded   = over("others needed its place, and nobody was reading its rows")
	errNext      = over("another statement was begun in the same transaction")
	errDone      = over("its transaction is over")
	errUnknown   = over("there is none of that name, or not any more")
)

func over(why string) *sql.Error {
	return sql.Errorf(code.ResultGone, "the result is there no more: %s", why).WithHint("ask again")
}

// errAborted is told until the client ends the transaction.
var errAborted = sql.Errorf(code.ResultGone, "the transaction was ended by an error, or because nothing was asked in it for too long").
	WithHint("ROLLBACK, and begin another one")

// seat gives a session one for a statement: that of its transaction, or a new one.
func (s *Server) seat(ses *session) *seat {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, t := range ses.results { // clients ask several times at once, also behind the last rows
		if !ses.open[t] && time.Since(t.used) > s.limits.Idle {
			delete(ses.results, id)
		}
	}
	if ses.tx != nil {
		return ses.tx
	}
	return ses.sit(false)
}

// sit adds a seat. The server's lock is held.
func (ses *session) sit(explicit bool) *seat {
	t := &seat{of: ses, explicit: explicit, busy: make(chan struct{}, 1), began: time.Now(), used: time.Now(),
		version: -1}
	ses.open[t] = true
	return t
}

func (t *seat) lock(ctx context.Context) error {
	select {
	case t.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *seat) unlock() { <-t.busy }

// link gives what runs on a seat a context that outlasts the message, but not its cancelling.
func (t *seat) link(ctx context.Context) (run context.Context, unlink func() bool) {
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t.stop.Store(&cancel)
	return run, context.AfterFunc(ctx, cancel)
}

// close ends its transaction. It is locked.
func (t *seat) close(why error) {
	if t.ended != nil {
		return
	}
	t.ended = why
	if t.timer != nil {
		t.timer.Stop()
	}
	t.forget()
	if t.conn != nil {
		_ = t.conn.EndReading() // an error has ended it
		t.release()
		t.conn = nil
	}
	if stop := t.stop.Load(); stop != nil {
		(*stop)()
	}
}

// forget drops what isn't read of its result.
func (t *seat) forget() {
	if t.result != nil {
		t.result.rows.Close()
		t.result.st.Close()
		t.result = nil
	}
}

// end closes seats, what runs on them first, and forgets them. A client that comes for one is told why.
func (s *Server) end(seats []*seat, why error) {
	for _, t := range seats {
		if stop := t.stop.Load(); stop != nil {
			(*stop)()
		}
		t.busy <- struct{}{}
		s.leave(t, why)
		t.unlock()
	}
}

// leave closes a seat, which is locked.
func (s *Server) leave(t *seat, why error) {
	t.close(why)
	s.mu.Lock()
	defer s.mu.Unlock()
	t.used = time.Now()
	delete(s.seats, t)
	delete(t.of.open, t)
}

// keep lets a seat stay open after a message; where there are too many, one that nobody uses makes way. The seat is locked.
func (s *Server) keep(t *seat) error {
	s.mu.Lock()
	t.used = time.Now()
	var idle *seat
	full := !s.seats[t] && len(s.seats) >= s.limits.Seats
	for other := range s.seats {
		if full && len(other.busy) == 0 && (idle == nil || other.used.Before(idle.used)) {
			idle = other
		}
	}
	gone := t.of != s.sessions[t.of.id]
	if full = full && (idle == nil || time.Since(idle.used) < yields); !full && !gone {
		s.seats[t] = true
	}
	s.mu.Unlock()
	switch {
	case gone:
		return errGone
	case full:
		return sql.Errorf(code.QueueFull, "%d results are open already that aren't read to their end", s.limits.Seats).
			WithHint("read them to the end, or ask for fewer rows")
	case idle != nil:
		go s.hold(func() { s.end([]*seat{idle}, errYielded) })
	}
	wait := min(s.limits.Idle, time.Until(t.began.Add(s.limits.Life)))
	if t.timer == nil {
		t.timer = time.AfterFunc(wait, func() { s.hold(func() { s.expire(t) }) })
	} else {
		t.timer.Reset(wait)
	}
	return nil
}

// Shed ends the open result or transaction that nobody has used for longest, and isn't being used; false: there is none.
func (s *Server) Shed(why *sql.Error) bool {
	s.mu.Lock()
	var idle *seat
	for t := range s.seats {
		if len(t.busy) == 0 && (idle == nil || t.used.Before(idle.used)) {
			idle = t
		}
	}
	if idle != nil {
		select {
		case idle.busy <- struct{}{}:
		default: // somebody has just come for it: who waits for them would wait for who asks this
			idle = nil
		}
	}
	s.mu.Unlock()
	if idle == nil {
		return false
	}
	defer idle.unlock()
	s.leave(idle, why)
	return true
}

// expire ends a seat that nobody uses, or that has been there too long.
func (s *Server) expire(t *seat) {
	t.busy <- struct{}{}
	defer t.unlock()
	switch {
	case t.ended != nil:
	case time.Since(t.began) >= s.limits.Life:
		s.leave(t, errOld)
	case time.Since(t.used) >= s.limits.Idle:
		s.leave(t, errIdle)
	}
}

// alive: its transaction takes statements.
func (t *seat) alive() bool {
	_, err := t.conn.Int(context.Background(), duck.SQL("SELECT 1"))
	return err == nil
}
