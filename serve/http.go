package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/sql"
	"dsql/sql/code"
)

// problem is an answer that says what is wrong: RFC 9457, with the code of docs/errors.md.
type problem struct {
	Type   string    `json:"type"`
	Title  string    `json:"title"`
	Status int       `json:"status"`
	Detail string    `json:"detail"`
	Code   code.Code `json:"code"`
	Hint   string    `json:"hint,omitempty"`
	File   string    `json:"file,omitempty"`
	Line   int       `json:"line,omitempty"`
	Column int       `json:"column,omitempty"`
	Error  string    `json:"error,omitempty"` // the detail, where the Open Inference Protocol has it
}

// refusal is an error that a request ends in, with its status.
type refusal struct {
	status int
	err    *sql.Error
}

func (r *refusal) Error() string { return r.err.Msg }

// refuse makes one.
func refuse(status int, c code.Code, hint, format string, args ...any) *refusal {
	return &refusal{status, sql.Errorf(c, format, args...).WithHint(hint)}
}

// refusalOf is what a request is told of an error.
func refusalOf(ctx context.Context, err error) *refusal {
	var r *refusal
	var e *sql.Error
	switch {
	case errors.As(err, &r):
		return r
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return refuse(http.StatusGatewayTimeout, code.TimeLimit, "ask for less, or let whoever runs the server raise --timeout",
			"the answer took too long")
	case errors.Is(err, context.Canceled):
		return refuse(499, code.Gone, "", "the client went away")
	case errors.Is(err, errQueue):
		return refuse(http.StatusTooManyRequests, code.QueueFull, "try again later, or ask for less at a time", "too many requests wait already")
	case errors.As(err, &e):
		if duck.IsOutOfMemory(e) {
			return &refusal{http.StatusServiceUnavailable, e.WithHint(askForLess)}
		}
		return &refusal{http.StatusUnprocessableEntity, e}
	}
	return refuse(http.StatusInternalServerError, code.Failed, "", "%s", err)
}

// answerProblem writes a refusal of a request.
func answerProblem(w http.ResponseWriter, req *http.Request, r *refusal) {
	p := problem{Type: "about:blank", Title: http.StatusText(r.status), Status: r.status, Detail: r.err.Msg, Code: r.err.Code,
		Hint: r.err.Hint}
	if strings.HasPrefix(req.URL.Path, "/v2/") {
		p.Error = p.Detail
	}
	if r.err.Src != nil {
		at := r.err.Src.Position(r.err.Span.Start)
		p.File, p.Line, p.Column = at.File, at.Line, at.Col
	}
	switch r.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="dsql"`)
	}
	answerJSON(w, r.status, "application/problem+json", p)
}

func answerJSON(w http.ResponseWriter, status int, kind string, v any) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(append(jsonText(v), '\n')) // a client that went away
}

// jsonText is a value as JSON, with < > & as they are.
func jsonText(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // structs of texts and numbers can't fail
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// recorder notes what became of an answer, for the log and the counters.
type recorder struct {
	http.ResponseWriter
	status  int
	bytes   int64
	route   string // the pattern that took the request
	who     string // the token's name
	version int64
	code    code.Code // of a problem
	copy    []byte    // of what is written, while it isn't nil and isn't too long to be kept
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if w.copy != nil {
		if w.copy = append(w.copy, b...); len(w.copy) > mostKeptAnswer {
			w.copy = nil
		}
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find what is below.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// action answers a request, or says why not before it has written anything.
type action func(w *recorder, r *http.Request) error

// handle adds an action under a pattern; scope is what a token must have for it, "" nothing, "any" none in particular.
func (s *server) handle(pattern, scope string, f action) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		rec, ok := w.(*recorder)
		if !ok {
			panic("serve: a request that isn't recorded")
		}
		rec.route = pattern
		if err := s.allowed(rec, r, scope); err != nil {
			s.refused(rec, r, err)
			return
		}
		if err := f(rec, r); err != nil {
			s.refused(rec, r, err)
		}
	})
}

// refused answers with a problem, or breaks off an answer that has begun.
func (s *server) refused(w *recorder, r *http.Request, err error) {
	p := refusalOf(r.Context(), err)
	w.code = p.err.Code
	s.suspect(p.err)
	if w.status != 0 { // a client must not take half an answer for a whole one
		panic(http.ErrAbortHandler)
	}
	answerProblem(w, r, p)
}

// handler is what every request goes through: the log, panics, the guard against other hosts, the routes.
func (s *server) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		rec := &recorder{ResponseWriter: w}
		defer func() {
			what := recover()
			if err, _ := what.(error); what != nil && !errors.Is(err, http.ErrAbortHandler) {
				s.log.panicked(r, what, debug.Stack())
				if rec.code = code.Bug; rec.status == 0 {
					answerProblem(rec, r, refuse(http.StatusInternalServerError, code.Bug, "", "the server went wrong, and that is its own fault"))
					what = nil
				} else {
					what = http.ErrAbortHandler
				}
			}
			s.done(rec, r, began)
			if what != nil {
				panic(what)
			}
		}()
		rec.Header().Set("X-Content-Type-Options", "nosniff")
		if err := s.sameSite(r); err != nil {
			s.refused(rec, r, err)
			return
		}
		slow := http.NewResponseController(w)
		_ = slow.SetReadDeadline(began.Add(s.o.Limits.Slow))
		_ = slow.SetWriteDeadline(began.Add(s.o.Limits.Slow + s.o.Limits.Time))
		if err := fault.Fault(r.Context(), "request"); err != nil {
			s.refused(rec, r, err)
			return
		}
		s.mux.ServeHTTP(rec, r)
	})
}

// done is told of every request when it is over.
func (s *server) done(w *recorder, r *http.Request, began time.Time) {
	s.metrics.done(w, began)
	s.log.request(w, r, began)
}

// body reads a request's body, up to the limit.
func (s *server) body(w *recorder, r *http.Request) ([]byte, error) {
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, refuse(http.StatusUnsupportedMediaType, code.ContentEncoding, "send the body as it is", "a body in %s isn't taken",
			strconv.Quote(e))
	}
	var b bytes.Buffer
	b.Grow(int(min(max(0, r.ContentLength), mostPromised)) + bytes.MinRead) // so much is read without another allocation
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, s.o.Limits.Body))
	var large *http.MaxBytesError
	var slow net.Error
	switch {
	case errors.As(err, &large):
		return nil, refuse(http.StatusRequestEntityTooLarge, code.TooLarge,
			"send less at a time, or let whoever runs the server raise --max-body",
			"the body has more than %d bytes", large.Limit)
	case errors.As(err, &slow) && slow.Timeout():
		return nil, refuse(http.StatusRequestTimeout, code.TooSlow, "", "the body didn't come in time")
	case err != nil:
		return nil, refuse(http.StatusBadRequest, code.BadBody, "", "the body can't be read: %v", err)
	}
	return b.Bytes(), nil
}

// mostPromised is how much of a body gets its memory before it comes.
const mostPromised = 64 << 10

// isJSON refuses a body that says it is something else.
func isJSON(r *http.Request) error {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch kind = strings.ToLower(strings.TrimSpace(kind)); {
	case kind == "", kind == "application/json", strings.HasSuffix(kind, "+json"):
		return nil
	case kind == "application/x-www-form-urlencoded": // what curl -d says where it isn't told
		return nil
	}
	return refuse(http.StatusUnsupportedMediaType, code.MediaType, "send application/json", "a body of type %s isn't taken",
		strconv.Quote(kind))
}

// accessLog writes a line for each request.
type accessLog struct {
	mu   sync.Mutex
	w    io.Writer
	text bool
}

func (l *accessLog) init(o Options) { l.w, l.text = o.Log, o.LogText }

type logLine struct {
	Time    string    `json:"time"`
	Remote  string    `json:"remote"`
	Method  string    `json:"method"`
	Path    string    `json:"path"`
	Status  int       `json:"status"`
	Bytes   int64     `json:"bytes"`
	Ms      float64   `json:"ms"`
	Version int64     `json:"version,omitempty"`
	Token   string    `json:"token,omitempty"`
	Code    code.Code `json:"code,omitzero"`
}

func (l *accessLog) request(w *recorder, r *http.Request, began time.Time) {
	if l.w == nil {
		return
	}
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	x := logLine{began.UTC().Format("2006-01-02T15:04:05.000Z"), r.RemoteAddr, r.Method, r.URL.Path, status, w.bytes,
		float64(time.Since(began).Microseconds()) / 1000, w.version, w.who, w.code}
	if l.text {
		l.write(fmt.Appendf(nil, "%s %s %s %q %d %d %.1fms %s\n", x.Time, x.Remote, x.Method, x.Path, x.Status, x.Bytes, x.Ms, x.Code))
		return
	}
	l.write(append(jsonText(x), '\n'))
}

// panicked tells of a fault of the server's own.
func (l *accessLog) panicked(r *http.Request, what any, stack []byte) {
	l.write(append(jsonText(struct {
		Time   string `json:"time"`
		Error  string `json:"error"`
		Method string `json:"method"`
		Path   string `json:"path"`
		Stack  string `json:"stack"`
	}{time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), fmt.Sprint(what), r.Method, r.URL.Path, string(stack)}), '\n'))
}

func (l *accessLog) write(line []byte) {
	if l.w == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.Write(line) // a log that can't be written stops no request
}

// errors is where net/http tells of clients that don't speak HTTP: nowhere.
func (l *accessLog) errors() *log.Logger { return log.New(io.Discard, "", 0) }

// bounded is a listener that takes so many connections at a time; others wait in the system's queue.
func bounded(l net.Listener, most int) net.Listener {
	return &boundedListener{Listener: l, room: make(chan struct{}, most), closed: make(chan struct{})}
}

type boundedListener struct {
	net.Listener
	room   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func (l *boundedListener) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &boundedConn{Conn: c, leave: sync.OnceFunc(func() { <-l.room })}, nil
}

func (l *boundedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type boundedConn struct {
	net.Conn
	leave func()
}

func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
