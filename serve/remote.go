package serve

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"sync"

	"dsql/engine/duck"
	"dsql/serve/quack/wire"
	"dsql/sql"
)

// remote answers POST /quack: DuckDB's own clients.
func (s *server) remote(w *recorder, r *http.Request) error {
	body, err := s.body(w, r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.o.Limits.Time)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s.use.RLock()
	defer s.use.RUnlock()
	answer, ok := messages.Get().(*wire.Writer)
	if !ok {
		panic("serve: a buffer of another kind")
	}
	defer func() {
		if cap(answer.B) <= mostKeptBytes {
			messages.Put(answer)
		}
	}()
	after := s.quack.Answer(ctx, &caller{s: s, w: w, r: r, stop: stop}, answer, body)
	defer after()
	w.Header().Set("Content-Type", "application/vnd.duckdb")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer.B)))
	_, _ = w.Write(answer.B) // a client that went away; what it left is given up later
	_ = http.NewResponseController(w).Flush()
	return nil
}

// messages are buffers for answers.
var messages = sync.Pool{New: func() any { return &wire.Writer{} }}

// mostKeptBytes is how long a buffer may be that is used again.
const mostKeptBytes = 8 << 20

// hold runs f while the file stays open.
func (s *server) hold(f func()) {
	s.use.RLock()
	defer s.use.RUnlock()
	f()
}

// tablesByName lets tables of the schema dsql be found by their names: a client of quack leaves schemas out.
var tablesByName = duck.SQL("SET search_path = 'main,dsql'")

// caller is a request by quack: the quack.Host of its message.
type caller struct {
	s *server
	w *recorder
	r *http.Request

	stop   context.CancelCauseFunc // ends what the message runs
	before *view                   // the connection was opened
	sure   bool                    // that its transaction sees the state of before
}

func (c *caller) Admit(token string) error {
	if c.s.guard.none() {
		return nil
	}
	return c.s.admit(c.w, c.r, token, "query")
}

func (c *caller) Work(ctx context.Context, f func() error) error {
	t := c.s.file.remote.turns
	if err := t.begin(ctx); err != nil {
		return err
	}
	defer t.over()
	return c.s.file.bounds.run(c.stop, f)
}

func (c *caller) Open(ctx context.Context) (*duck.Conn, func(), error) {
	p := c.s.file.remote
	var err error
	if c.before, err = c.s.file.looker.view(ctx); err != nil {
		return nil, nil, err
	}
	rd, err := p.connection(ctx)
	if err != nil {
		return nil, nil, err
	}
	return rd.conn, func() { p.back(rd) }, nil
}

func (c *caller) Check(ctx context.Context, conn *duck.Conn, src *sql.Source) error {
	return c.s.file.check(ctx, conn, src)
}

func (c *caller) Version(ctx context.Context, conn *duck.Conn) (int64, error) {
	if v := c.before; v.epoch%2 == 0 && v.epoch == c.s.file.db.Epoch() { // nothing was committed since
		c.sure = true
		return v.version, nil
	}
	return (&reader{conn: conn}).newest(ctx)
}

// quackKey begins what answers to clients of quack are kept under: no version of an endpoint does.
const quackKey = "\x00quack\x00"

func (c *caller) Kept(ctx context.Context, text string) []byte {
	f := c.s.file
	v, err := f.looker.view(ctx)
	if err != nil {
		return nil
	}
	known := f.kept.get(quackKey+text, v.epoch)
	if known == nil || v.epoch != f.db.Epoch() {
		return nil
	}
	c.w.stamp(known.version)
	return known.body
}

func (c *caller) Keep(ctx context.Context, conn *duck.Conn, text string, answer []byte, always bool) {
	if f := c.s.file; c.sure && len(answer) <= mostKeptAnswer && (always || f.verdicts.steady(ctx, conn, c.before, text)) {
		f.kept.put(&keptAnswer{key: quackKey + text, epoch: c.before.epoch, version: c.before.version, body: bytes.Clone(answer)})
	}
}

func (c *caller) Stamp(version int64) { c.w.stamp(version) }

func (c *caller) Tell(ctx context.Context, err error) *sql.Error {
	r := refusalOf(ctx, err)
	c.w.code = r.err.Code
	return r.err
}
