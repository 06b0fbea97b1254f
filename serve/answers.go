package serve

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"dsql/engine/duck"
	"dsql/pipeline/event"
	"dsql/sql/code"
)

// Answers of endpoints with LOG INTO are written by a connection of their own, many in one transaction: behind the answer, or with SYNC
// before it.

// logged is an answer to write down.
type logged struct {
	table, endpoint string
	at              time.Time
	version         int64
	request, answer []byte // JSON
	models          []use
	took            time.Duration
	done            chan error // not nil: somebody waits for the commit
}

// use is a version of a model that an endpoint calls.
type use struct {
	name    string
	version int
}

// How answers are gathered.
const (
	logEvery    = time.Second // what nobody waits for
	mostAtATime = 1000
	mostKept    = 50_000 // while they can't be written
)

// answers writes what was answered.
type answers struct {
	conn  *duck.Conn
	queue chan *logged
	end   chan struct{}
	ended chan struct{}
	warn  func(error)
}

func newAnswers(ctx context.Context, db *duck.DB, warn func(error)) (*answers, error) {
	c, err := db.Reader(ctx)
	if err != nil {
		return nil, err
	}
	a := &answers{conn: c, queue: make(chan *logged, mostKept), end: make(chan struct{}), ended: make(chan struct{}), warn: warn}
	go a.run()
	return a, nil
}

// keep takes an answer; what is to wait for waits here.
func (a *answers) keep(ctx context.Context, l *logged, sync bool) error {
	if sync {
		l.done = make(chan error, 1)
	}
	select {
	case a.queue <- l:
	default:
		return refuse(http.StatusServiceUnavailable, code.LogBehind, "see /v1/status for what keeps it from being written",
			"the log of %s can't take more answers", l.endpoint)
	}
	if !sync {
		return nil
	}
	select {
	case err := <-l.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close writes what is left.
func (a *answers) close() {
	close(a.end)
	<-a.ended
}

func (a *answers) run() {
	defer close(a.ended)
	var held []*logged
	tick := time.NewTicker(logEvery)
	defer tick.Stop()
	failing := false
	for {
		over, wait := false, false
		select {
		case l := <-a.queue:
			held = append(held, l)
			wait = l.done == nil && len(held) < mostAtATime
		case <-tick.C:
		case <-a.end:
			over = true
		}
		for more := !wait; more; { // others that came meanwhile go along
			select {
			case l := <-a.queue:
				held = append(held, l)
			default:
				more = false
			}
		}
		if wait || len(held) == 0 && !over {
			continue
		}
		for len(held) > 0 {
			n := min(len(held), mostAtATime)
			err := a.write(held[:n])
			for _, l := range held[:n] {
				if l.done != nil {
					l.done <- err
				}
			}
			if err != nil {
				if !failing {
					a.warn(err)
				}
				held = unanswered(held)
				failing = true
				break
			}
			held, failing = held[n:], false
		}
		if over {
			return
		}
	}
}

// unanswered are those that nobody waits for: they are tried again.
func unanswered(held []*logged) (out []*logged) {
	for _, l := range held {
		if l.done == nil && len(out) < mostKept {
			out = append(out, l)
		} else if l.done != nil {
			select {
			case l.done <- errors.New("the log can't be written"):
			default:
			}
		}
	}
	return out
}

// write commits answers, those of one table in one statement.
func (a *answers) write(rows []*logged) error {
	ctx := context.Background()
	tables := map[string][]*duck.Query{}
	for _, l := range rows {
		models := duck.Each(", ", l.models, func(u use) *duck.Query {
			return duck.SQL("{'name': {n}, 'version': {v}}", duck.Args{"n": u.name, "v": u.version})
		})
		tables[l.table] = append(tables[l.table], duck.SQL(`(make_timestamp({at}), {endpoint}, {version}, {request}, {answer},
			[{models}]::STRUCT("name" VARCHAR, "version" INTEGER)[], {ms})`, duck.Args{"at": l.at.UnixMicro(), "endpoint": l.endpoint, "version": l.version,
			"request": string(l.request), "answer": string(l.answer), "models": models, "ms": float64(l.took.Microseconds()) / 1000}))
	}
	return a.conn.Update(ctx, func(tx *duck.Tx) error {
		for table, values := range tables {
			if err := tx.Run(ctx, duck.SQL("INSERT INTO main.{t} VALUES {values}",
				duck.Args{"t": duck.Ident(table), "values": values})); err != nil {
				return err
			}
		}
		return nil
	})
}

// captured is an answer that is kept until it is written down.
type captured struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (c *captured) Header() http.Header         { return c.header }
func (c *captured) WriteHeader(status int)      { c.status = status }
func (c *captured) Write(b []byte) (int, error) { return c.body.Write(b) }

// answerLogged is answer for an endpoint with LOG INTO.
func (s *server) answerLogged(ctx context.Context, w *recorder, r *http.Request, v *view, at *served, a *asked) error {
	began := time.Now()
	c := &captured{header: w.Header()}
	rec := &recorder{ResponseWriter: c}
	if err := s.answer(ctx, rec, r, v, at, a); err != nil {
		return err
	}
	w.version = rec.version
	l := &logged{table: at.Log, endpoint: at.name, at: began.UTC(), version: rec.version, answer: bytes.TrimSpace(c.body.Bytes()),
		models: at.models, took: time.Since(began)}
	if l.request = a.objects[0]; a.array {
		l.request = bytes.Join([][]byte{[]byte("["), bytes.Join(a.objects, []byte(",")), []byte("]")}, nil)
	}
	switch a.media {
	case asCSV:
		l.answer = jsonText(c.body.String())
	case asArrow:
		l.answer = jsonText(base64.StdEncoding.EncodeToString(c.body.Bytes()))
	}
	if at.Sync {
		if err := s.file.answers.keep(ctx, l, true); err != nil {
			return refuse(http.StatusServiceUnavailable, code.LogBehind, "ask again", "the answer can't be written down: %v", err)
		}
	}
	if _, err := w.Write(c.body.Bytes()); err != nil || at.Sync {
		return err
	}
	return s.file.answers.keep(ctx, l, false)
}

// warnOf tells of answers that can't be written.
func (s *server) warnOf(err error) {
	e := asError(err)
	s.suspect(e)
	s.o.Emit(event.Warned{Err: e})
}
