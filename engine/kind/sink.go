package kind

import (
	"context"
	"time"

	"dsql/engine/duck"
	"dsql/sql"
)

// Sink is a declared place outside of the file. It gets the new rows of one destination, a version at a time and in order, once they
// are committed; how far it is stands in dsql.places.
type Sink interface {
	Object
	Input() sql.Name // the destination
	// Bind checks the declaration against the columns of the rows that it will get. Nothing outside is touched.
	// keys are those that the destination has one row each of, nil where it has none.
	Bind(ctx context.Context, c *duck.Conn, env *Env, cols []duck.Column, keys []string) error
	Open(ctx context.Context, c *duck.Conn, env *Env, o SinkOptions) (Outlet, error)
	// Explain is what EXPLAIN SINK shows behind the columns.
	Explain(cols []duck.Column) string
}

// SinkOptions say what a sink should know of the run.
type SinkOptions struct {
	Columns []duck.Column    // of the rows
	File    string           // the id of the file: no other has it
	Copied  bool             // the file was a copy of another, whose versions may stand out there
	First   bool             // it never got a version before
	Follow  bool             // the run doesn't end by itself: wait for what is away
	Stop    <-chan struct{}  // closed: the run is to end, and nothing is waited for
	Warn    func(*sql.Error) // what the user should know and that stops nothing
}

// Outlet is an open sink.
type Outlet interface {
	// Write hands the rows of a version over, all or (with an error) perhaps some of them, and says how many. nil means that they are
	// safe out there. Where the run ends before that is recorded in the file the version comes again, with the same rows in the same
	// order: the outlet gives them the same names.
	Write(ctx context.Context, version int64, rows *duck.Query) (int64, error)
	// Recorded says that a version's place is in the file: it does not come again.
	Recorded(version int64) error
	// Rejected are the rows of the version written last that can't be written, with ON ROW ERROR REJECT.
	Rejected() []RefusedRow
	Close() error
}

// Gatherer is an Outlet that writes several versions at once: Write gets the rows of all of them, and the last one's number.
type Gatherer interface {
	// Gather says how many of the versions that are due are written now; 0: none yet. all: whatever they are. rows are those of all of them.
	// What a run had begun to write when it ended is written again before all else.
	Gather(ctx context.Context, due []DueVersion, rows *duck.Query, all bool) (int, error)
}

// DueVersion is a version that a sink hasn't written.
type DueVersion struct {
	Version, Rows int64
	Since         time.Time // it was committed, UTC
}

// RefusedRow is a row that a sink can't write.
type RefusedRow struct {
	Data, Reason string // Data: the row as JSON
	Number       int64  // among those that Write got, from 1
}

// Rewriter is an Outlet that takes rows again which it has refused.
type Rewriter interface {
	// Rewrite hands over the rows of these numbers, in their order, that a Write of a version has refused; what it writes it names by their
	// numbers, or by mark, which no other attempt at other rows has. Those that it refuses again are Rejected.
	Rewrite(ctx context.Context, version int64, rows *duck.Query, numbers []int64, mark int64) (int64, error)
}
