package quack

import (
	"errors"
	"fmt"

	"dsql/engine/duck"
	"dsql/serve/quack/wire"
)

// The messages of version 1, which DuckDB 1.5 speaks. Each is an object that says what it is, and one of that kind. Version 3, of DuckDB
// 2.0, has others over the same codec: it would be another file like this one, chosen when a client connects.

// version is that of the protocol.
const version = 1

// kind is what a message is.
type kind uint64

const (
	connectRequest  kind = 1
	connectResponse kind = 2
	prepareRequest  kind = 3
	prepareResponse kind = 4
	fetchRequest    kind = 7
	fetchResponse   kind = 8
	appendRequest   kind = 9
	success         kind = 10
	disconnect      kind = 11
	cancelRequest   kind = 12
	cancelResponse  kind = 13
	failure         kind = 100
)

// none is an index that isn't there.
const none = ^uint64(0)

// request is a message of a client.
type request struct {
	kind    kind
	session string
	token   string // connect
	min     uint64 // versions that the client speaks
	max     uint64
	sql     string    // prepare
	result  wire.Huge // fetch, cancel
}

var errOther = errors.New("the message is none of quack's version 1, which DuckDB 1.5 speaks: another version has other fields")

// read takes a message apart. What isn't answered anyway is left unread.
func read(body []byte) (*request, error) {
	q, r := &request{}, wire.Reader{B: body}
	object := func(field func(n uint16) bool) error {
		for n := r.Field(); n != wire.End; n = r.Field() {
			if !field(n) && r.Err == nil {
				return errOther
			}
		}
		return r.Err
	}
	if err := object(func(n uint16) bool {
		switch n {
		case 1:
			q.kind = kind(r.Uint())
		case 2:
			q.session = r.Text()
		case 3: // the client's number of the statement
			r.Uint()
		default:
			return false
		}
		return true
	}); err != nil {
		return nil, err
	}
	fields := map[kind]func(n uint16) bool{connectRequest: q.connectField(&r), prepareRequest: q.prepareField(&r),
		fetchRequest:  q.resultField(&r),
		cancelRequest: q.resultField(&r), disconnect: func(uint16) bool { return false }}[q.kind]
	if fields == nil {
		return q, nil
	}
	if err := object(fields); err != nil {
		return nil, err
	}
	if len(r.B) > 0 {
		return nil, fmt.Errorf("%d bytes stand behind the message", len(r.B))
	}
	return q, nil
}

func (q *request) connectField(r *wire.Reader) func(n uint16) bool {
	return func(n uint16) bool {
		switch n {
		case 1:
			q.token = r.Text()
		case 2, 3: // the client's DuckDB and its platform
			r.Bytes()
		case 4:
			q.min = r.Uint()
		case 5:
			q.max = r.Uint()
		default:
			return false
		}
		return true
	}
}

func (q *request) prepareField(r *wire.Reader) func(n uint16) bool {
	return func(n uint16) bool {
		if n == 1 {
			q.sql = r.Text()
		}
		return n == 1
	}
}

func (q *request) resultField(r *wire.Reader) func(n uint16) bool {
	return func(n uint16) bool {
		if n == 1 {
			q.result = r.Huge()
		}
		return n == 1
	}
}

// head begins an answer.
func head(w *wire.Writer, k kind, session string) {
	w.Field(1)
	w.Uint(uint64(k))
	if session != "" {
		w.Field(2)
		w.Text(session)
	}
	w.Field(3)
	w.Uint(none)
	w.End()
}

// plain is an answer that says nothing more.
func plain(w *wire.Writer, k kind) {
	head(w, k, "")
	w.End()
}

// failed is an answer that says what went wrong.
func failed(w *wire.Writer, text string) {
	head(w, failure, "")
	w.Field(1)
	w.Text(text)
	w.End()
}

// connected tells a client its session.
func connected(w *wire.Writer, session, duckdb string) {
	head(w, connectResponse, session)
	w.Field(1)
	w.Text(duckdb)
	w.Field(2)
	w.Text("dsql") // the platform
	w.Field(3)
	w.Uint(version)
	w.End()
}

// chunks are encoded rows, those of one answer.
type chunks struct {
	n uint64
	wire.Writer
}

// field writes them, where there are some.
func (c *chunks) field(w *wire.Writer, n uint16) {
	if c.n > 0 {
		w.Field(n)
		w.Uint(c.n)
		w.B = append(w.B, c.B...)
	}
}

// prepared are a result's columns with its first rows.
func prepared(w *wire.Writer, columns []*duck.Node, types []byte, first *chunks, more bool, id wire.Huge) {
	head(w, prepareResponse, "")
	w.Field(1)
	w.B = append(w.B, types...)
	w.Field(2)
	w.Uint(uint64(len(columns)))
	for _, c := range columns {
		w.Text(c.Name)
	}
	if more {
		w.Field(3)
		w.Bool(true)
	}
	first.field(w, 4)
	w.Field(5)
	w.Huge(id)
	w.End()
}

// fetched are the next rows; none behind the last. batch counts them: clients fetch several at a time.
func fetched(w *wire.Writer, next *chunks, batch uint64) {
	head(w, fetchResponse, "")
	next.field(w, 1)
	if next.n == 0 {
		batch = none
	}
	w.Field(2)
	w.Uint(batch)
	w.End()
}
