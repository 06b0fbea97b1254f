// Package quackclient is a client of quack, version 1, for tests: it takes answers apart by itself, to the last byte, and makes nothing
// larger than what it was sent.
package quackclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"dsql/serve/quack/wire"
)

// Client is a session.
type Client struct {
	URL     string
	Session string
	HTTP    *http.Client
}

// Message is a message as it is sent.
type Message struct {
	Kind    uint64
	Session string
	Body    func(w *wire.Writer) // its fields
}

// Bytes are the message's.
func (m Message) Bytes() []byte {
	var w wire.Writer
	w.Field(1)
	w.Uint(m.Kind)
	if m.Session != "" {
		w.Field(2)
		w.Text(m.Session)
	}
	w.Field(3)
	w.Uint(7)
	w.End()
	if m.Body != nil {
		m.Body(&w)
	}
	w.End()
	return w.B
}

// Connect begins a session of a client that speaks versions lo to hi.
func Connect(token string, lo, hi uint64) Message {
	return Message{Kind: 1, Body: func(w *wire.Writer) {
		w.Field(1)
		w.Text(token)
		w.Field(2)
		w.Text("v1.5.5")
		w.Field(3)
		w.Text("test")
		w.Field(4)
		w.Uint(lo)
		w.Field(5)
		w.Uint(hi)
	}}
}

// Failed is what a server says went wrong.
type Failed struct{ Text string }

func (e *Failed) Error() string { return e.Text }

// Dial connects.
func Dial(ctx context.Context, url, token string) (*Client, error) {
	c := &Client{URL: url + "/quack", HTTP: http.DefaultClient}
	a, err := c.Send(ctx, Connect(token, 1, 1))
	if err == nil {
		c.Session = a.Session
	}
	return c, err
}

// Send sends a message of the session, and takes the answer apart.
func (c *Client) Send(ctx context.Context, m Message) (*Answer, error) {
	m.Session = c.Session
	return c.Post(ctx, m.Bytes())
}

// Post sends any bytes.
func (c *Client) Post(ctx context.Context, body []byte) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%d %s", res.StatusCode, b)
	}
	a, err := Decode(b)
	if err != nil {
		return nil, err
	}
	if a.Kind == 100 {
		return nil, &Failed{a.Text}
	}
	return a, nil
}

// Rows are those of a statement.
type Rows struct {
	Names []string
	Types []*Type
	Rows  [][]any // that came so far
	More  bool

	c  *Client
	id wire.Huge
}

// Query runs a statement, and has its first rows.
func (c *Client) Query(ctx context.Context, sql string) (*Rows, error) {
	a, err := c.Send(ctx, Message{Kind: 3, Body: func(w *wire.Writer) {
		w.Field(1)
		w.Text(sql)
	}})
	if err != nil {
		return nil, err
	}
	if a.Kind != 4 {
		return nil, fmt.Errorf("a statement was answered by %d", a.Kind)
	}
	return &Rows{Names: a.Names, Types: a.Types, Rows: a.Rows, More: a.More, c: c, id: a.Result}, nil
}

// Fetch has the next rows; More is false behind the last.
func (r *Rows) Fetch(ctx context.Context) error {
	a, err := r.c.Send(ctx, r.Asks())
	if err != nil {
		return err
	}
	if a.Kind != 8 {
		return fmt.Errorf("more rows were answered by %d", a.Kind)
	}
	if len(a.Rows) == 0 {
		r.More = false
	}
	r.Rows = append(r.Rows, a.Rows...)
	return nil
}

// Asks is the message that asks for the next rows.
func (r *Rows) Asks() Message { return r.message(7) }

// Cancels is the one that cancels the statement.
func (r *Rows) Cancels() Message { return r.message(12) }

func (r *Rows) message(kind uint64) Message {
	return Message{Kind: kind, Body: func(w *wire.Writer) {
		w.Field(1)
		w.Huge(r.id)
	}}
}

// All are all rows of a statement.
func (c *Client) All(ctx context.Context, sql string) ([][]any, error) {
	r, err := c.Query(ctx, sql)
	for err == nil && r.More {
		err = r.Fetch(ctx)
	}
	if err != nil {
		return nil, err
	}
	return r.Rows, nil
}

// Close ends the session.
func (c *Client) Close(ctx context.Context) error {
	a, err := c.Send(ctx, Message{Kind: 11})
	if err == nil && a.Kind != 10 {
		err = errors.New("the end of a session isn't answered as one")
	}
	return err
}
