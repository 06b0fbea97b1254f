package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// mostRemoteRows is how many rows /v1/query gives at most.
const mostRemoteRows = 1_000_000

// remote asks a server, one statement after the other, and shows its answers as those of a file.
func (c *queryCmd) remote(ctx context.Context, s *streams, text string) error {
	if c.DB != "" {
		return sql.Errorf(code.Usage, "--url and --db are two places to ask").WithHint("leave one of them out")
	}
	at, err := url.Parse(c.URL)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return sql.Errorf(code.Usage, "%s is no address of a server", c.URL).WithHint("write --url http://127.0.0.1:8080")
	}
	token := os.Getenv("DSQL_TOKEN")
	if c.TokenFile != "" {
		b, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return sql.Errorf(code.NoFile, "the token file %s can't be read: %s", c.TokenFile, cause(err)).WithCause(err).
				WithHint("put the token alone into a file")
		}
		token = strings.TrimSpace(string(b))
	}
	src := sql.NewSource("query", text)
	for _, sp := range statements(src) {
		q := remoteQuery{url: at.JoinPath("v1", "query").String(), token: token, src: src, span: sp}
		if err := q.show(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// statements are those of a text, without the semicolons.
func statements(src *sql.Source) (out []sql.Span) {
	at := sql.Span{Start: -1}
	for _, t := range append(sql.Tokens(src, sql.Span{End: len(src.Text)}), sql.Token{Kind: sql.Semi}) {
		switch {
		case t.Kind == sql.Semi && at.Start >= 0:
			out = append(out, at)
			at.Start = -1
		case t.Kind != sql.Semi && at.Start < 0:
			at = t.Span
		default:
			at.End = t.Span.End
		}
	}
	return out
}

// remoteQuery is a statement that a server is asked.
type remoteQuery struct {
	url, token string
	src        *sql.Source
	span       sql.Span
}

func (q *remoteQuery) show(ctx context.Context, s *streams) error {
	texts := s.cli.Output != "json" && s.cli.Output != "jsonl"
	body := jsonText(map[string]any{"sql": q.span.Of(q.src), "limit": mostRemoteRows, "texts": texts})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, q.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	if q.token != "" {
		r.Header.Set("Authorization", "Bearer "+q.token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return q.unreachable(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return q.problem(res)
	}
	rows := &remoteRows{d: json.NewDecoder(res.Body), texts: texts}
	if err := rows.head(); err != nil {
		return q.broken(err)
	}
	if err := s.showAs("", result{rows.columns, rows}); err != nil {
		return err
	}
	if !errors.Is(rows.err, io.EOF) {
		return q.broken(rows.err)
	}
	if rows.truncated {
		return sql.Errorf(code.TooLarge, "there are more rows: a server gives %s at most", count(mostRemoteRows)).WithExit(code.ExitFailed).
			WithHint("ask for fewer, by WHERE or LIMIT; DuckDB's own client has no limit of rows: docs/quack.md")
	}
	return nil
}

func (q *remoteQuery) unreachable(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	hint := "`dsql serve` starts a server; its first line says where"
	if unknown := (*tls.CertificateVerificationError)(nil); errors.As(err, &unknown) {
		hint = "SSL_CERT_FILE names a file with the certificate of who signed it"
	}
	return sql.Errorf(code.ServerUnreachable, "%s can't be asked: %s", q.url, err).WithHint(hint).WithCause(err)
}

func (q *remoteQuery) broken(err error) error {
	return sql.Errorf(code.ServerUnreachable, "the answer of %s broke off: %s", q.url, err).WithCause(err).
		WithHint("ask again; the server's log says what went wrong")
}

// problem is the error that a server tells, at its place in the statement.
func (q *remoteQuery) problem(res *http.Response) error {
	var p struct {
		Detail, Code, Hint string
		Line, Column       int
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil || json.Unmarshal(b, &p) != nil || p.Detail == "" {
		return sql.Errorf(code.ServerUnreachable, "%s answers %s, and is no server of dsql", q.url, res.Status).
			WithHint("--url is the address that `dsql serve` prints")
	}
	e := sql.Errorf(code.Of(p.Code), "%s", p.Detail).WithHint(p.Hint)
	if p.Line > 0 {
		e.Src = q.src
		e.Span.Start = q.offset(p.Line, p.Column)
		e.Span.End = e.Span.Start + 1
		for _, t := range sql.Tokens(q.src, q.span) {
			if t.Span.Start == e.Span.Start {
				e.Span = t.Span
			}
		}
	}
	if (e.Src == nil || e.Code.IsDuckDB()) && e.ExitCode() == code.ExitScript { // as of a file
		e = e.WithExit(code.ExitFailed)
	}
	return e
}

// offset is where a line and column of the statement are in the text that it is part of.
func (q *remoteQuery) offset(line, column int) int {
	text := q.span.Of(q.src)
	at := 0
	for ; line > 1; line-- {
		i := strings.IndexByte(text[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	for i := range text[at:] {
		if column--; column == 0 {
			return q.span.Start + at + i
		}
	}
	return q.span.End - 1
}

// remoteRows are the rows of an answer, as they come.
type remoteRows struct {
	d         *json.Decoder
	texts     bool
	columns   []duck.Column
	row       []json.RawMessage
	truncated bool
	err       error
}

// head reads what stands before the rows.
func (r *remoteRows) head() error {
	if err := r.expect(json.Delim('{'), "columns"); err != nil {
		return err
	}
	if err := r.d.Decode(&r.columns); err != nil {
		return err
	}
	return r.expect("rows", json.Delim('['))
}

func (r *remoteRows) expect(tokens ...json.Token) error {
	for _, want := range tokens {
		if t, err := r.d.Token(); err != nil {
			return err
		} else if t != want {
			return fmt.Errorf("%v stands where %v should", t, want)
		}
	}
	return nil
}

func (r *remoteRows) Next() bool {
	if r.err != nil {
		return false
	}
	if r.d.More() {
		r.err = r.read()
		return r.err == nil
	}
	if r.err = r.expect(json.Delim(']')); r.err != nil {
		return false
	}
	for r.d.More() {
		name, err := r.d.Token()
		var value any
		if r.err = errors.Join(err, r.d.Decode(&value)); r.err != nil {
			return false
		}
		if name == "truncated" {
			r.truncated = value == true
		}
	}
	if r.err = r.expect(json.Delim('}')); r.err == nil {
		r.err = io.EOF
	}
	return false
}

// read reads a row, whose values come in the order of the columns.
func (r *remoteRows) read() error {
	if err := r.expect(json.Delim('{')); err != nil {
		return err
	}
	r.row = r.row[:0]
	for r.d.More() {
		var value json.RawMessage
		if _, err := r.d.Token(); err != nil {
			return err
		}
		if err := r.d.Decode(&value); err != nil {
			return err
		}
		r.row = append(r.row, value)
	}
	if len(r.row) != len(r.columns) {
		return fmt.Errorf("a row has %d values, and there are %d columns", len(r.row), len(r.columns))
	}
	return r.expect(json.Delim('}'))
}

func (r *remoteRows) Text(i int) (string, bool) {
	var text *string
	if err := json.Unmarshal(r.row[i], &text); err != nil || text == nil {
		return "", false
	}
	return *text, true
}

func (r *remoteRows) JSON(i int) []byte { return r.row[i] }

func (r *remoteRows) Number(i int) bool { return r.columns[i].Type.ID().Number() }
