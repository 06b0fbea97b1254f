// Package serve answers over HTTP from the one process that writes the file: endpoints, models, queries, and how it all goes. The writer
// has a connection of its own and stops for nobody; requests have theirs, and see whole versions. What a declaration means, and what a run
// does, is not decided here.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/serve/quack"
	"dsql/sql"
	"dsql/sql/code"
)

// Options say what is served and how. Those of the run are program.Options: without scripts what the file declares, with Follow on and on.
type Options struct {
	program.Options
	Listen     string        // host:port
	Log        io.Writer     // of requests, a line each; nil: none
	LogText    bool          // they are for people, not JSON
	Grace      time.Duration // how long requests may go on when the server is to end
	Limits     Limits
	Listening  func(net.Addr)          // is told where
	ReadTokens func() ([]Token, error) // reads Tokens again; nil: they stay
	Tokens     []Token                 // without any everybody may ask for everything, from this machine
	Hosts      []string                // names, and origins of pages, that requests may come by beside the machine's own
	TLS        *tls.Config
	Supervisor Supervisor
	// AllowReplay lets pages send rejects through the chain again.
	AllowReplay bool
}

// Limits are what one request, or all at a time, may take.
type Limits struct {
	Time    time.Duration // of a request that reads the file
	Body    int64         // bytes, unpacked
	Queue   int           // requests that may wait for a connection
	Readers int           // connections of requests
	Headers time.Duration // a client has so long to send its headers
	Slow    time.Duration // and so long for each part of a body or answer
	Clients int           // connections at a time
	Quack   quack.Limits
	Memory  int64 // of DuckDB, bytes; 0: as DuckDB has it
	Temp    int64 // of its temporary files; 0: half of what is free
}

// Default are the limits that serve starts with.
var Default = Limits{Time: 30 * time.Second, Body: 16 << 20, Queue: 512, Readers: 16, Headers: 10 * time.Second, Slow: 30 * time.Second,
	Clients: 4096, Quack: quack.Default}

// server is the state of one Run.
type server struct {
	o         Options
	began     time.Time
	nonce     string // tells this process's states from those of another
	mux       *http.ServeMux
	guard     guard
	metrics   *metrics
	loopback  bool // nobody else's machine gets here
	log       accessLog
	state     state
	quack     *quack.Server
	pages     pages
	replays   replays
	lags      lags
	ran       atomic.Bool  // the scripts have run: what they declare is there
	suspected atomic.Bool  // somebody looks whether the file is there
	stopped   atomic.Int64 // strangers that took too much room

	use  sync.RWMutex // held by whoever uses the file; for writing by who opens it again
	file *file
	jobs chan *job
	halt chan struct{} // closed: the server is ending
}

// Run serves until Options.Stop is closed: then no connection is taken any more, requests have Grace to end, and the batch in hand is
// finished. A script that is wrong ends it before anything begins.
func Run(ctx context.Context, o Options) error {
	if len(o.Scripts) > 0 {
		quiet := o.Options
		quiet.Events = nil
		if _, err := program.Check(ctx, quiet); err != nil {
			return err
		}
	} else if program.Existing(o.DB) == "" {
		return sql.Errorf(code.NoFile, "there is no file %s", o.DB).
			WithHint("name a script, which makes it, or another file: --db")
	}
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return sql.Errorf(code.NoAddress, "--listen %s is no host and port", o.Listen).
			WithHint("write --listen 127.0.0.1:8080").WithCause(err).WithExit(code.ExitUsage)
	}
	loopback := isLoopback(strings.ToLower(host))
	if !loopback && len(o.Tokens) == 0 {
		return sql.Errorf(code.TokenNeeded, "others can reach %s, and nobody would need a token", o.Listen).
			WithHint("`dsql token NAME --scope all --file tokens` makes one: add --token-file tokens, or set DSQL_TOKEN")
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return sql.Errorf(code.NoAddress, "the address %s can't be listened at: %v", o.Listen, bare(err)).
			WithHint("another process may have it: choose another one, --listen 127.0.0.1:0 takes any that is free").
			WithCause(err)
	}
	defer listener.Close()
	s := &server{o: o, began: time.Now(), nonce: fmt.Sprintf("%x-%x", time.Now().UnixNano(), os.Getpid()), jobs: make(chan *job),
		halt:     make(chan struct{}),
		loopback: loopback, guard: guard{tokens: o.Tokens}}
	s.log.init(o)
	if o.ReadTokens != nil && len(o.Tokens) > 0 {
		s.guard.fresh = NewFresh(o.Tokens, o.ReadTokens, s.warnOf)
	}
	s.state.told = func(word, why string) {
		o.Supervisor.tell("STATUS=" + strings.ReplaceAll(strings.TrimSuffix(word+": "+why, ": "), "\n", " "))
	}
	s.quack = quack.New(o.Limits.Quack, s.hold)
	if s.file, err = s.open(ctx); err != nil {
		return err
	}
	s.metrics = newMetrics(s)
	s.routes()
	return s.serve(ctx, listener)
}

// bare is the error of a listener without the address, which stands before it.
func bare(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

func (s *server) serve(ctx context.Context, listener net.Listener) (err error) {
	h := &http.Server{Handler: s.handler(), ReadHeaderTimeout: s.o.Limits.Headers, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: s.log.errors()}
	served := make(chan error, 1)
	taken := bounded(listener, s.o.Limits.Clients)
	if h.TLSConfig = s.o.TLS; s.o.TLS != nil {
		go func() { served <- h.ServeTLS(taken, "", "") }()
	} else {
		go func() { served <- h.Serve(taken) }()
	}
	if s.o.Listening != nil {
		s.o.Listening(listener.Addr())
	}
	s.o.Supervisor.tell("READY=1")
	over := make(chan struct{})
	go s.watchdog(over)
	wrote := make(chan error, 1)
	go func() { wrote <- s.write(ctx, s.halt) }()
	asked := make(chan struct{})
	go func() { defer close(asked); s.askLags(ctx) }()
	running := true
	select {
	case <-s.o.Stop:
	case <-ctx.Done():
	case err = <-wrote: // what the writer can't go on from
		running = false
	case err = <-served:
	}
	s.state.set("stopping", "the server is ending")
	s.o.Supervisor.tell("STOPPING=1")
	close(s.halt)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Grace)
	defer cancel()
	if h.Shutdown(grace) != nil {
		err = errors.Join(err, h.Close())
	}
	if running {
		err = errors.Join(err, <-wrote)
	}
	<-asked
	close(over)
	s.use.Lock() // nobody reads any more
	defer s.use.Unlock()
	s.quack.Close()
	return errors.Join(err, s.file.close())
}

// file is the open database with all that was made for it.
type file struct {
	db        *duck.DB
	readers   *readers // of endpoints
	strangers *readers // of queries
	remote    *readers // of queries by quack, whose turns are those of strangers
	looker    *looker
	verdicts  verdicts
	answers   *answers // that are written down
	kept      *kept    // that were given
	bounds    *bounds
}

func (s *server) open(ctx context.Context) (*file, error) {
	db, err := program.OpenWriter(ctx, s.o.Options)
	if err != nil {
		return nil, err
	}
	cpus := runtime.GOMAXPROCS(0)
	strangers := newTurns(cpus, 16*cpus)
	f := &file{db: db, kept: newKept(), readers: newReaders(db, newTurns(s.o.Limits.Readers, s.o.Limits.Queue), nil),
		strangers: newReaders(db, strangers, nil),
		remote:    newReaders(db, strangers, tablesByName)}
	if err := db.Writer().Limit(ctx, s.o.Limits.Memory, tempLimit(s.o)); err != nil {
		return nil, errors.Join(err, f.close())
	}
	if f.bounds, err = newBounds(ctx, db, s.quack, &s.stopped); err != nil {
		return nil, errors.Join(err, f.close())
	}
	if f.looker, err = newLooker(ctx, s.o.Language, db, s.warnOf); err != nil {
		return nil, errors.Join(err, f.close())
	}
	if f.answers, err = newAnswers(ctx, db, s.warnOf); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *file) close() error {
	if f.answers != nil {
		f.answers.close()
	}
	if f.looker != nil {
		f.looker.indexes.close()
	}
	if f.bounds != nil {
		f.bounds.close()
	}
	f.readers.close()
	f.strangers.close()
	f.remote.close()
	return f.db.Close()
}

// reopen opens the file again after DuckDB gave it up: what was committed is there. Nothing uses it meanwhile.
func (s *server) reopen(ctx context.Context) error {
	s.use.Lock()
	defer s.use.Unlock()
	s.state.set("reopening", "DuckDB gave the file up after an error that it couldn't recover from")
	s.quack.Close()
	closed := s.file.close()
	f, err := s.open(ctx)
	if err != nil {
		return errors.Join(err, closed)
	}
	s.file = f
	return nil
}
