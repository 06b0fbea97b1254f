// Package quack is DuckDB's own remote protocol, version 1, as a server of reads speaks it: its messages, sessions, and results that are
// read part by part. Bodies of POST /quack go in and come out; whose they are, what may be asked, and on what, its Host says.
//
// A session is a name that a client was told, and no connection: a thousand of them cost nothing. A seat is a connection with a transaction
// that stays open between two messages; there are few, and each for a time.
package quack

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"dsql/engine/duck"
	"dsql/serve/quack/wire"
	"dsql/sql"
	"dsql/sql/code"
)

// Host is the server around it, as one message meets it. While a message is answered the file stays open.
type Host interface {
	// Admit says whether a token is for queries.
	Admit(token string) error
	// Work runs f when it is its turn, behind all that isn't a stranger's where it takes longer than a moment.
	Work(ctx context.Context, f func() error) error
	// Open gives a connection that reads tables of the schema dsql by their names too, until release.
	Open(ctx context.Context) (c *duck.Conn, release func(), err error)
	// Check refuses what strangers can't ask.
	Check(ctx context.Context, c *duck.Conn, src *sql.Source) error
	// Version is what the transaction sees that was begun on a connection that was just opened.
	Version(ctx context.Context, c *duck.Conn) (int64, error)
	// Kept is the answer to a statement that was given in the state that the file is in; nil: there is none. Keep keeps one, if it is known to
	// be the same as long as that state lasts, or always is; it is the last use of the connection.
	Kept(ctx context.Context, text string) []byte
	Keep(ctx context.Context, c *duck.Conn, text string, answer []byte, always bool)
	// Stamp says of what version the answer is.
	Stamp(version int64)
	// Tell is what is told of an error.
	Tell(ctx context.Context, err error) *sql.Error
}

// Limits bound what clients can leave behind.
type Limits struct {
	Sessions int           // at a time; the one that nobody used for longest makes way
	Seats    int           // results that aren't read to their end, and transactions
	Idle     time.Duration // a seat that nobody asks for so long is given up
	Life     time.Duration // and one that has lasted so long
	Batch    int           // bytes of rows in an answer, beyond which it takes no more chunks
}

// Default are the limits that a server starts with.
var Default = Limits{Sessions: 4096, Seats: 64, Idle: 2 * time.Minute, Life: 30 * time.Minute, Batch: 1 << 18}

// yields is how long a seat is left alone, if nobody else needs it.
const yields = 5 * time.Second

// Server answers messages.
type Server struct {
	limits Limits
	hold   func(f func())

	mu       sync.Mutex
	sessions map[string]*session
	seats    map[*seat]bool // that stay between messages
}

// New makes a server. hold runs f while the file stays open.
func New(l Limits, hold func(f func())) *Server {
	return &Server{limits: l, hold: hold, sessions: map[string]*session{}, seats: map[*seat]bool{}}
}

// session is a client that gave a token.
type session struct {
	id    string
	token string // asked for again with each message: it may be one no more
	used  time.Time

	// The server's lock is held for these.
	open    map[*seat]bool      // whose transactions go on, or may
	results map[wire.Huge]*seat // where answers are read part by part, also those that came to their end a while ago
	tx      *seat               // the client began a transaction
}

// Answer answers a message, also one that it can't read, into w. What is left to do is done by after, when the answer is on its way.
func (s *Server) Answer(ctx context.Context, h Host, w *wire.Writer, body []byte) (after func()) {
	w.B = w.B[:0]
	after, err := s.answer(ctx, h, w, body)
	if err != nil {
		w.B = w.B[:0]
		failed(w, text(h.Tell(ctx, err)))
	}
	if after == nil {
		after = func() {}
	}
	return after
}

func (s *Server) answer(ctx context.Context, h Host, w *wire.Writer, body []byte) (after func(), err error) {
	q, err := read(body)
	if err != nil {
		return nil, sql.Errorf(code.BadBody, "%s", err).WithHint("clients of DuckDB 1.5 speak to dsql: ATTACH 'quack:…'")
	}
	if q.kind == connectRequest {
		return nil, s.connect(h, w, q)
	}
	ses := s.session(q.session)
	if ses == nil {
		return nil, sql.Errorf(code.NoSession, "there is no such connection").
			WithHint("the server was started anew, perhaps: DETACH it and ATTACH it again")
	}
	if err := h.Admit(ses.token); err != nil {
		return nil, err
	}
	switch q.kind {
	case prepareRequest:
		return s.prepare(ctx, h, w, ses, q.sql)
	case fetchRequest:
		return nil, s.fetch(ctx, h, w, ses, q.result)
	case cancelRequest:
		s.cancel(ses, q.result)
		plain(w, cancelResponse)
	case disconnect:
		plain(w, success)
		return func() { s.drop(ses) }, nil
	case appendRequest:
		return nil, sql.Errorf(code.RefusedSQL, "nothing can be written through this connection").
			WithHint("rows come in by the sources of the script that is served")
	default:
		return nil, sql.Errorf(code.BadBody, "messages of kind %d aren't for servers", q.kind).WithHint("another version of quack has others")
	}
	return nil, nil
}

// connect begins a session.
func (s *Server) connect(h Host, w *wire.Writer, q *request) error {
	if q.min > version || q.max < version {
		return sql.Errorf(code.BadBody, "the client speaks versions %d to %d of quack, and dsql speaks %d", q.min, q.max, version).
			WithHint("take a client of DuckDB 1.5")
	}
	if err := h.Admit(q.token); err != nil {
		return err
	}
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return err
	}
	ses := &session{id: strings.ToUpper(hex.EncodeToString(b[:])), token: q.token, used: time.Now(), open: map[*seat]bool{},
		results: map[wire.Huge]*seat{}}
	s.mu.Lock()
	var oldest *session
	if len(s.sessions) >= s.limits.Sessions {
		for _, other := range s.sessions {
			if oldest == nil || other.used.Before(oldest.used) {
				oldest = other
			}
		}
	}
	s.sessions[ses.id] = ses
	s.mu.Unlock()
	if oldest != nil {
		s.drop(oldest)
	}
	connected(w, ses.id, duck.Version())
	return nil
}

// session is the one of that name, which is used; nil: there is none.
func (s *Server) session(id string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	ses := s.sessions[id]
	if ses != nil {
		ses.used = time.Now()
	}
	return ses
}

// drop forgets a session with all that it has open.
func (s *Server) drop(ses *session) {
	s.mu.Lock()
	delete(s.sessions, ses.id)
	seats := slices.Collect(maps.Keys(ses.open))
	s.mu.Unlock()
	s.end(seats, errGone)
}

// cancel ends what runs, or is open, of a session: one result, or where it isn't named all of them.
func (s *Server) cancel(ses *session, id wire.Huge) {
	s.mu.Lock()
	seats := slices.Collect(maps.Keys(ses.open))
	if t := ses.results[id]; t != nil {
		seats = []*seat{t}
	}
	s.mu.Unlock()
	s.end(seats, errCancelled)
}

// Close ends all that is open, before the file is closed. Sessions stay: they go on with the file that is opened next.
func (s *Server) Close() {
	s.mu.Lock()
	seats := slices.Collect(maps.Keys(s.seats))
	s.mu.Unlock()
	s.end(seats, errReopened)
}

// Open is how many results and transactions are open, and of how many sessions there are.
func (s *Server) Open() (seats, sessions int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seats), len(s.sessions)
}

// text is an error as a client shows it, with the place below.
func text(e *sql.Error) string {
	var b strings.Builder
	e.Render(&b)
	return strings.TrimSpace(strings.TrimPrefix(b.String(), "error: "))
}
