package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/serve"
	"dsql/sql"
	"dsql/sql/code"
)

type serveCmd struct {
	Script      []string      `arg:"" optional:"" complete:"script" help:"Script files, which are run first; without any the file is served as it is."`
	DB          string        `name:"db" placeholder:"FILE" complete:"file" help:"The DuckDB file; the first script's name with .duckdb by default."`
	Set         []string      `placeholder:"NAME=VALUE" sep:"none" help:"The value of a parameter of the scripts; may be given several times."`
	Follow      bool          `help:"Go on with what comes, as run --follow does."`
	Listen      string        `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where requests are taken: ${default}; port 0 is any that is free."`
	Timeout     time.Duration `default:"30s" help:"How long an answer may take."`
	MaxBody     int64         `default:"16777216" placeholder:"BYTES" help:"How long a request's body may be."`
	Memory      size          `name:"memory-limit" placeholder:"SIZE" help:"How much memory DuckDB may take (4GB); four fifths of the machine's by default."`
	Temp        size          `name:"temp-limit" placeholder:"SIZE" help:"How long its temporary files may get; half of what is free by default."`
	TokenFile   string        `placeholder:"FILE" complete:"file" help:"Who may ask for what: lines that dsql token writes. DSQL_TOKEN is one more token."`
	AllowHost   []string      `placeholder:"NAME" help:"A host name, or an origin of pages (https://…), that requests may come by."`
	AllowReplay bool          `help:"The page of rejects may send them through the chain again; where there are tokens, by one for admin."`
	TLSCert     string        `name:"tls-cert" placeholder:"FILE" complete:"file" help:"The certificate, with those above it, in PEM."`
	TLSKey      string        `name:"tls-key" placeholder:"FILE" complete:"file" help:"Its key."`
	LogFormat   string        `enum:"json,text,none" default:"json" help:"The access log on stderr: ${enum}."`
	Events      string        `enum:"text,jsonl" default:"text" help:"How stderr tells what the run does: ${enum}."`
}

// size is a number of bytes, as DuckDB writes it.
type size int64

func (n *size) UnmarshalText(text []byte) error {
	bytes, ok := duck.BytesIn(string(text))
	if !ok || bytes < 1<<20 {
		return fmt.Errorf("%q is no size from 1 MB on: write 512MB or 4GiB", text)
	}
	*n = size(bytes)
	return nil
}

func (c *serveCmd) Run(ctx context.Context, s *streams) error {
	eo, left, err := c.options(s)
	if err != nil {
		return err
	}
	var told interface {
		event(event.Event)
		clear()
		stopping()
	} = newProgress(s, true)
	if c.Events == "jsonl" {
		s.events = &eventLines{w: s.err}
		told = s.events
	}
	var failed error
	eo.Follow, eo.Stop = c.Follow, s.batchEnd(told.stopping)
	eo.Events = func(e event.Event) {
		if q, ok := e.(event.Queried); ok {
			if told.clear(); failed == nil {
				failed = s.show(q.Result)
			}
			return
		}
		told.event(e)
	}
	readTokens := func() ([]serve.Token, error) {
		return serve.ReadTokens(onCommandLine(left, c.TokenFile), os.Getenv("DSQL_TOKEN"))
	}
	tokens, err := readTokens()
	if err != nil {
		return err
	}
	secure, err := c.secure(left, eo.Events)
	if err != nil {
		return err
	}
	limits := serve.Default
	limits.Time, limits.Body, limits.Memory, limits.Temp = c.Timeout, c.MaxBody, int64(c.Memory), int64(c.Temp)
	o := serve.Options{Options: eo, Listen: c.Listen, LogText: c.LogFormat == "text", Grace: 10 * time.Second, Limits: limits,
		Tokens: tokens, Hosts: c.AllowHost, TLS: secure, AllowReplay: c.AllowReplay,
		Supervisor: serve.SupervisorOf(os.Getenv), ReadTokens: readTokens,
		Listening: func(a net.Addr) {
			told.clear()
			if !s.cli.Quiet && c.Events == "text" {
				fmt.Fprintf(s.err, "serving %s on %s://%s\n", shownFile(eo.DB), map[bool]string{true: "https", false: "http"}[secure != nil], a)
			}
		}}
	if c.LogFormat != "none" {
		o.Log = s.err
	}
	err = serve.Run(ctx, o)
	told.clear()
	switch {
	case err != nil:
		return err
	case failed != nil:
		return failed
	case s.signals.ended.Load():
		return nil
	}
	return errInterrupted
}

// secure is the certificate that the server shows, read again when its files have changed; nil: none.
func (c *serveCmd) secure(left string, emit func(event.Event)) (*tls.Config, error) {
	if c.TLSCert == "" && c.TLSKey == "" {
		return nil, nil
	}
	read := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(onCommandLine(left, c.TLSCert), onCommandLine(left, c.TLSKey))
		if err != nil {
			return nil, sql.Errorf(code.BadCertificate, "the certificate can't be used: %v", err).
				WithHint("--tls-cert and --tls-key are two files in PEM").WithCause(err)
		}
		return &pair, nil
	}
	first, err := read()
	if err != nil {
		return nil, err
	}
	pair := serve.NewFresh(first, read, func(err error) { emit(event.Warned{Err: asWarning(err)}) })
	return &tls.Config{MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.Get(), nil }}, nil
}

// asWarning is an error of a file that was right when the server began.
func asWarning(err error) *sql.Error {
	var e *sql.Error
	if errors.As(err, &e) {
		return e
	}
	return sql.Errorf(code.Failed, "%s", err)
}

// options are those of the run; without scripts the folder is the file's. left is the folder that the command was typed in.
func (c *serveCmd) options(s *streams) (o program.Options, left string, err error) {
	if len(c.Script) > 0 {
		args := scriptArgs{Script: c.Script, DB: c.DB, Set: c.Set}
		o, err = args.options(s)
		return o, args.left, err
	}
	p, err := s.chosenProfile(".")
	if err != nil {
		return o, "", err
	}
	if c.DB == "" {
		c.DB, _ = p.database()
	}
	o = program.Options{Language: run.Language, DB: c.DB, Dir: filepath.Dir(c.DB)}
	if c.DB == "" {
		return o, "", sql.Errorf(code.NoDB, "there is nothing to serve").WithHint("name a script, or a file: --db FILE")
	}
	if err := namesFile(c.DB); err != nil || !s.alone {
		return o, "", err
	}
	if left, err = enter(&o, []string{c.DB}); err != nil {
		return o, "", noFolder(err)
	}
	return o, left, nil
}

func shownFile(path string) string { return strings.TrimPrefix(path, "./") }
