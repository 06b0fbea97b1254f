package watermark

import (
	"context"

	"dsql/engine/duck"
)

// VersionColumn is what rows of an input have beside their columns: the version that brought each. PartColumn tells from which part a row
// is.
const (
	VersionColumn = "_dsql_version"
	PartColumn    = "_dsql_part"
)

// User is a destination that takes the rows of its first input in event time.
type User interface {
	// InTime says how the watermark goes on, and whether the declaration takes rows in event time at all.
	InTime() (Options, bool)
	// Newest is a query of PartColumn, and of the newest time that moves the watermark and that doesn't, in microseconds, of rows.
	Newest(rows *duck.Query) *duck.Query
	// Judge rejects the rows of a batch whose windows were closed before it, and says how many.
	Judge(ctx context.Context, tx *duck.Tx, b Batch) (int64, error)
	// Admit takes rows for what they are that a verb made anew or brought back: they didn't come now, so none of them is late. all: nor is
	// any other that is there.
	Admit(ctx context.Context, tx *duck.Tx, b Batch, all bool) error
	// Holds is why it needs all rows of its input for ever; "": it doesn't.
	Holds() string
	// Retain is a query of _dsql_row, of those of rows that it needs once it computes no window again that ended keep before what is closed.
	Retain(ctx context.Context, tx *duck.Tx, c *Clock, keep, rows *duck.Query, version int64) (*duck.Query, error)
	// Close closes, behind a batch, what the watermark has left behind: it sets the clock's UpTo. all are the rows of the input.
	Close(ctx context.Context, tx *duck.Tx, c *Clock, all *duck.Query, version int64) error
	// HandOnAgain hands on again what was handed on when it closed.
	HandOnAgain(ctx context.Context, tx *duck.Tx, c *Clock, all *duck.Query, version int64) error
}

// Batch is what is judged, or admitted: the rows of versions behind From.
type Batch struct {
	Clock         *Clock
	All           *duck.Query // all rows of the input, with VersionColumn
	Columns       []duck.Column
	From, Version int64
}
