package kind

import (
	"context"

	"dsql/engine/duck"
	"dsql/sql"
)

// Watcher measures what the versions of a destination bring, once they are committed. What it finds stands in the file, in the transaction
// that notes how far it is in dsql.places.
type Watcher interface {
	Object
	Input() sql.Name // the destination
	// Bind checks the declaration against the columns of the rows; keyed: they are changes.
	Bind(ctx context.Context, c *duck.Conn, cols []duck.Column, keyed bool) error
	Open(ctx context.Context, c *duck.Conn, cols []duck.Column, keyed bool) (Watch, error)
}

// Watch is an open Watcher. After an error it isn't used again.
type Watch interface {
	// Measure takes in the new rows of a version.
	Measure(ctx context.Context, tx *duck.Tx, version int64, rows *duck.Query) error
	// Settle takes in what came later of what the declaration reads beside. all are the rows of all versions, with _version.
	Settle(ctx context.Context, tx *duck.Tx, all *duck.Query) error
}

// Alerter tells somebody of what it finds in the file.
type Alerter interface {
	Definition
	// Judge says how things are.
	Judge(ctx context.Context, c *duck.Conn, env *Env) (Finding, error)
	// Send hands a message over; nil: it was taken. It is called beside batches, and by no more than one at a time.
	Send(ctx context.Context, m Message) error
}

// Finding is what an Alerter sees. Known: there was something to judge by.
type Finding struct {
	Known, Fires     bool
	Object, Text     string
	Value, Threshold *float64
	Version          int64 // 0: none
}

// Message is what goes to a receiver: one that comes again has the same ID.
type Message struct {
	ID   string
	Body []byte // JSON
}
