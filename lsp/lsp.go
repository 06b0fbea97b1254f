// Package lsp is the language server: what an editor asks of a script while it is written. What is right and wrong is package program's,
// how a script is laid out sqlfmt's, what may stand where the syntax table's; the server brings them to places in a text. It reads scripts
// as the editor has them, and never opens a script's DuckDB file.
//
// Answers come from the text alone, of which only the statements that changed are parsed again, behind the edit. The check, which takes as long as
// dsql check does, is a process of its own behind the edits: the next edit ends it, and nothing waits for it.
//
// JSON-RPC is sourcegraph/jsonrpc2's: it is small and maintained. The protocol's types are written down here, as far as they are spoken:
// the packages that have all of them are as large as the rest of the server is, and have not been released for years.
package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/sourcegraph/jsonrpc2"

	"dsql/pipeline/program"
	"dsql/sqlfmt"
)

// server is what one editor talks to. Requests come one after the other; checks run beside them.
type server struct {
	ctx      context.Context
	conn     *jsonrpc2.Conn
	language *program.Language
	checker  Checker // nil: nothing is checked

	mu        sync.Mutex // of what follows
	docs      map[string]*document
	parsed    map[string]*parsed // statements by their texts
	functions []string           // DuckDB's, once a check has told them

	checks sync.WaitGroup // what goes on behind the edits
	utf8   bool
	down   bool // shutdown was asked for
	exit   chan struct{}
}

// errExit: the editor ended the server without a word before.
var errExit = errors.New("exit without shutdown")

// Serve talks to an editor until that is gone, or ends it.
func Serve(ctx context.Context, in io.Reader, out io.Writer, language *program.Language, checker Checker) error {
	ctx, cancel := context.WithCancel(ctx)
	s := newServer(ctx, language, checker)
	s.conn = jsonrpc2.NewConn(ctx, jsonrpc2.NewBufferedStream(pipe{in, out}, jsonrpc2.VSCodeObjectCodec{}), s,
		jsonrpc2.SetLogger(quiet{}))
	select {
	case <-s.conn.DisconnectNotify():
	case <-s.exit:
	case <-ctx.Done():
	}
	cancel()
	s.checks.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if closed(s.exit) && !s.down {
		return errExit
	}
	return nil
}

func newServer(ctx context.Context, language *program.Language, checker Checker) *server {
	return &server{ctx: ctx, language: language, checker: checker, docs: map[string]*document{}, parsed: map[string]*parsed{},
		exit: make(chan struct{})}
}

// pipe is where the editor is.
type pipe struct {
	io.Reader
	io.Writer
}

func (pipe) Close() error { return nil }

// quiet: an editor that is gone is none of the user's concern.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// Handle answers a request or takes a notification.
func (s *server) Handle(ctx context.Context, conn *jsonrpc2.Conn, req *jsonrpc2.Request) {
	params := []byte("{}")
	if req.Params != nil {
		params = *req.Params
	}
	result, err := s.answer(req.Method, params)
	if req.Notif {
		return
	}
	var wrong *jsonrpc2.Error
	switch {
	case errors.As(err, &wrong):
		_ = conn.ReplyWithError(ctx, req.ID, wrong) // the editor is gone, which ends the server
	case err != nil:
		_ = conn.ReplyWithError(ctx, req.ID, &jsonrpc2.Error{Code: jsonrpc2.CodeInternalError, Message: err.Error()})
	default:
		_ = conn.Reply(ctx, req.ID, result)
	}
}

// answer is Handle without the wire. A fault of one request is told, and the server goes on.
func (s *server) answer(method string, params []byte) (result any, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n%s\n", method, r, debug.Stack())
			err = fmt.Errorf("%s went wrong, and that is dsql's fault: %v", method, r)
		}
	}()
	switch method {
	case "initialize":
		return s.initialize(params)
	case "shutdown":
		s.down = true
		return nil, nil
	case "exit":
		if !closed(s.exit) {
			close(s.exit)
		}
		return nil, nil
	case "initialized", "textDocument/didSave", "workspace/didChangeConfiguration":
		return nil, nil
	case "textDocument/didOpen", "textDocument/didChange", "textDocument/didClose":
		return nil, s.edit(method, params)
	}
	var p documentParams
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, badParams(err)
	}
	d := s.docs[p.TextDocument.URI]
	if d == nil && strings.HasPrefix(method, "textDocument/") {
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams, Message: "the document isn't open: " + p.TextDocument.URI}
	}
	switch method {
	case "textDocument/completion":
		return s.complete(d, d.offset(p.Position)), nil
	case "textDocument/hover":
		return s.hover(d, d.offset(p.Position)), nil
	case "textDocument/definition":
		return s.definition(d, d.offset(p.Position)), nil
	case "textDocument/formatting":
		return s.format(d), nil
	}
	return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeMethodNotFound, Message: "dsql doesn't know " + method}
}

func badParams(err error) error {
	return &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams, Message: err.Error()}
}

func (s *server) initialize(params []byte) (any, error) {
	var p initializeParams
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, badParams(err)
	}
	encoding := "utf-16"
	for _, e := range p.Capabilities.General.PositionEncodings {
		if e == "utf-8" {
			s.utf8, encoding = true, e
		}
	}
	return initializeResult{ServerInfo: serverInfo{"dsql"}, Capabilities: capabilities{PositionEncoding: encoding, TextDocumentSync: 1,
		CompletionProvider: completionOptions{[]string{".", "$", "("}}, HoverProvider: true, DefinitionProvider: true,
		DocumentFormattingProvider: true}}, nil
}

// edit takes what a document has become.
func (s *server) edit(method string, params []byte) error {
	var p didChangeParams
	if err := json.Unmarshal(params, &p); err != nil {
		return badParams(err)
	}
	old := s.docs[p.TextDocument.URI]
	if method == "textDocument/didClose" {
		if old != nil {
			old.stop()
			delete(s.docs, old.uri)
			s.publish(publishParams{old.uri, old.version, []diagnostic{}})
		}
		return nil
	}
	item := p.TextDocument
	if method == "textDocument/didChange" {
		if old == nil || len(p.ContentChanges) == 0 {
			return nil
		}
		last := p.ContentChanges[len(p.ContentChanges)-1]
		if last.Range != nil {
			return badParams(errors.New("changes come as the whole text"))
		}
		item.Text = last.Text
	}
	d := newDocument(item, s.utf8)
	d.stop = func() {}
	if old != nil {
		d.columns, d.stop = old.columns, old.stop
	}
	s.docs[d.uri] = d
	s.checks.Go(func() { s.warm(d) })
	s.later(d)
	return nil
}

// publish tells the editor what a check found.
func (s *server) publish(p publishParams) {
	if s.conn != nil {
		_ = s.conn.Notify(s.ctx, "textDocument/publishDiagnostics", p) // the editor is gone, which ends the server
	}
}

// format answers with the edit that lays the script out; one with errors of syntax is left as it is.
func (s *server) format(d *document) []textEdit {
	out, err := sqlfmt.Format(d.src, s.language.Forms)
	was := d.src.Text
	if err != nil || out == was {
		return []textEdit{}
	}
	from, to := 0, 0 // whole lines that are the same at the beginning and the end
	for i := 0; i < len(was) && i < len(out) && was[i] == out[i]; i++ {
		if was[i] == '\n' {
			from = i + 1
		}
	}
	for i := 1; i <= len(was)-from && i <= len(out)-from && was[len(was)-i] == out[len(out)-i]; i++ {
		if was[len(was)-i] == '\n' {
			to = i - 1
		}
	}
	return []textEdit{{textRange{d.position(from), d.position(len(was) - to)}, out[from : len(out)-to]}}
}

// closed says that a channel was closed.
func closed(ch chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
