// Package kind is the contract between the kinds of declarations and what runs them: sources, destinations, sinks, definitions, and the
// chain of rules and checks between. What a kind does stands in its own package.
package kind

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dsql/engine/duck"
	"dsql/sql"
)

// Kind joins a form of the language to its meaning: one value a kind, listed in pipeline/program/kinds.go.
type Kind struct {
	Syntax *sql.Syntax
	// Compile reads a declaration's clauses. It runs no SQL and touches no file; what it can't take is a *sql.Error at the
	// user's text. The result is a Source, a Destination, a Sink or a Definition.
	Compile func(*sql.Decl) (Object, error)
	// Verbs are the statements on this kind alone, beside those of pipeline/run/verbs.go.
	Verbs []Verb
	// Scripted: it belongs to the script alone. Nothing of it is stored; SHOW is its only verb, and shows what Shown makes of the script's.
	Scripted bool
	Shown    func([]*sql.Decl) *duck.Query
	// Outward: what it declares reaches beyond the file. A test leaves it out.
	Outward bool
	// Role is what Compile gives: which verbs a kind has beside its own goes by it.
	Role Role
	// List is what SHOW lists; nil: each declaration, what it reads, and its text.
	List *duck.Query
}

// Role is the part that what a kind declares has in a run.
type Role int

const (
	Defines Role = iota // a Definition
	Reads               // a Source
	Stores              // a Destination
	Sends               // a Sink
)

// Verb is a statement on what one kind declares: ALTER MODEL … USE VERSION.
type Verb struct {
	Syntax *sql.Syntax
	Run    Action
}

// Action runs a verb in a transaction of its own.
type Action func(ctx context.Context, tx *duck.Tx, d *sql.Decl) error

// Reads: it changes what is declared.
func (Action) Reads() bool { return false }

// Object is a compiled declaration. It is a value: nothing changes it, so that many runs may share one. What a run finds out belongs to
// readers and outlets, to the program, or to Env.
type Object interface {
	Decl() *sql.Decl
}

// Definition is an object that is done when it is defined: a model, a function, a list of rules.
type Definition interface {
	Object
	// Define makes it usable on this connection: inside the batch transaction of a run, or in a scratch one to check it.
	Define(ctx context.Context, tx *duck.Tx, env *Env) error
}

// Env is what a declaration may need to know of the run.
type Env struct {
	Dir string // folder that relative paths start at, see DirOf
	// Scratch: what is defined is looked at and rolled back. What would cost much and tells nothing may be left out.
	Scratch bool
	// Look: nothing is run behind it, so that what a run would find only when it comes to it may be looked for.
	Look bool
	// Sound are objects of which all that they make in the file was found there: they needn't look again in this run.
	Sound map[Object]bool
	known map[Object]any // see Known
	Share *Share         // of what sources have; nil: all
	// Declared is the declaration of a kind (in lower case) under a name, nil when there is none; Names are those of a kind.
	Declared func(kind, name string) Object
	Names    func(kind string) []string
}

// Sounds notes that all that an object makes in the file is there.
func (e *Env) Sounds(o Object) {
	if e.Sound == nil {
		e.Sound = map[Object]bool{}
	}
	e.Sound[o] = true
}

// Known is what a run knows of an object beside its declaration: begin makes it when the run first asks for it, and it ends with the run.
// An object has one such value.
func Known[T any](e *Env, o Object, begin func() T) T {
	if known, ok := e.known[o].(T); ok {
		return known
	}
	if e.known == nil {
		e.known = map[Object]any{}
	}
	known := begin()
	e.known[o] = known
	return known
}

// DirOf is the folder that relative paths in a declaration start at: that of its script.
func (e *Env) DirOf(d *sql.Decl) string {
	if d != nil && d.Src.Dir != "" {
		return d.Src.Dir
	}
	return e.Dir
}

// Source is a declared place that rows come from.
type Source interface {
	Object
	// Columns are the declared columns; where the declaration leaves them out, those found in what the source holds now, or
	// those pinned when that was first done. _meta comes behind them and is not listed.
	Columns(ctx context.Context, c *duck.Conn, env *Env, pinned []duck.Column) ([]duck.Column, error)
	// Open starts reading for the destinations (those that take the source's new rows): each at its own place.
	Open(ctx context.Context, c *duck.Conn, env *Env, cols []duck.Column, o ReadOptions) (Reader, error)
}

// ReadOptions say what the pipeline needs of a source's batches.
type ReadOptions struct {
	Destinations []string
	Progress     func(Progress)
	Warn         func(*sql.Error) // what the user should know and that stops nothing
	Aside        func(*sql.Error) // a file that can't be read was set aside, and why; nil: it stops the reader
	Waits        func()           // some file of it waits that might have been taken; nil: nobody asks
	// Follow: go on after the end, see Reader. Wake is called, from any goroutine, when Next has something again.
	Follow bool
	Wake   func()
	Look   time.Time       // when sources began to be looked at: what may still be being written is told by one time for all of them
	Stop   <-chan struct{} // closed: the run is to end; a Next that waits gives ErrIdle
	// Everything: from the first row that the source still has, for destinations that were emptied, in an open transaction.
	Everything bool
	// Headers are conditions by destination: one that has some gets no row of a record that doesn't meet all of them.
	Headers map[string][]HeaderTest
	Replay  *Replay // read again what was read before, to the places where the destinations stand
}

// Left says that some file of the source waits that might have been taken.
func (o ReadOptions) Left() {
	if o.Waits != nil {
		o.Waits()
	}
}

// HeaderTest is met by a record whose last header of a name is one of some texts.
type HeaderTest struct {
	Name   string
	Values []string
}

// Replay says from where a source is read again: from its earliest, or from a time on. Nobody's place moves by it.
type Replay struct {
	Since *time.Time // UTC; nil: the earliest
}

// ErrColumns is what a reader gives when its source turns out to have columns that nobody knew of when it was opened. What it gave
// before counts; it is closed, Columns asked again, and opened again.
var ErrColumns = errors.New("the source has new columns")

// ErrAgain is what Commit gives where the batch must be rolled back because its source changed under it. The reader goes on with what
// is behind it; the batch comes again another time, and who should know was told.
var ErrAgain = errors.New("the source changed while it was read")

// ErrIdle is what a reader that follows gives when it has nothing at the moment, and any reader that waits when the run is to end.
var ErrIdle = errors.New("no new rows at the moment")

// Whence says in a message which rows it is about: where they came from, and (0: none) the version that has them.
func Whence(origin string, version int64) string {
	switch {
	case origin == "":
		return ""
	case version == 0:
		return " (" + origin + ")"
	}
	return fmt.Sprintf(" (%s, version %d)", origin, version)
}

// WaitingFile is a file that some destination of its source hasn't taken to its end.
type WaitingFile struct {
	Source       string   `json:"source"`
	Path         string   `json:"path"`
	Bytes        int64    `json:"bytes"`
	Destinations []string `json:"destinations"` // that lack it
	Why          string   `json:"why"`
	Until        string   `json:"until"` // a time, or what must happen
}

// NextRun is until when a file waits that nothing keeps from being taken.
const NextRun = "the next run"

// Clock is a time as users read it in a sentence.
func Clock(t time.Time) string {
	if t = t.UTC(); t.Nanosecond() > 0 {
		t = t.Truncate(time.Second).Add(time.Second)
	}
	return t.Format(time.DateTime) + " UTC"
}

// Progress of reading a source; Total and Done are in bytes, Total 0 where the end isn't known.
type Progress struct {
	Source, Item string // Item: the file or partition in hand
	Done, Total  int64
}

// Reader hands out batches, reading ahead of the writer by one.
type Reader interface {
	// Next is the next batch, or io.EOF at the end that was seen when the reader was opened. The batch is valid until Release.
	// A reader that was told to follow gives io.EOF once, when it has come to that end, and goes on with what is new; from then on
	// it doesn't wait but gives ErrIdle. One that can't follow stays at io.EOF: to see what is new it is opened again.
	Next(ctx context.Context) (*Input, error)
	Close() error
}

// Part is a part of what is read that gives its rows in an order of its own: a partition of a topic, or a source that has none.
type Part struct {
	Source, Topic string
	Partition     int32
}

// Input is a batch of a source: the new rows as a relation, and what has to be recorded with them. All of its relations can be
// scanned as often as needed until Release.
type Input struct {
	Source       string
	SourceOf     *duck.Query // of replayed rejects, which may be of several: an expression over Raw; Source is empty then
	Destinations []string    // whom this batch is for: those that stand at the same place
	// Rows is a FROM-item without alias giving the columns and _meta: a table function in place, or a reader of DuckDB's own.
	Rows *duck.Query
	// RowID is a BIGINT expression over a column _meta in scope that tells the batch's records apart and orders them by arrival.
	RowID *duck.Query
	// Raw is a FROM-item without alias giving, for each record, _meta and _payload (BLOB, the original bytes; NULL where the
	// format has none).
	Raw *duck.Query
	// Bad is a FROM-item giving the bad records: reason VARCHAR ("bad_record: …"), _meta, _payload, data JSON (what was
	// understood, NULL when nothing was), opening JSON (what the bytes can't be read without, else NULL). nil when there are none.
	Bad *duck.Query
	// Original is what a destination's SETs change, as it was before them: Struct is a FROM-item of _row and _was. nil where there is
	// none; it is each destination's own.
	Original *Was
	// Again says that some of this may have been read before, so that its bad records may be in dsql.rejects already; Replayed, that its
	// destinations still have what they took then.
	Again, Replayed bool
	// Redecoded: these are rejects of the source, decoded anew.
	Redecoded bool

	// AtEnd has the parts that are read, of a source that has some: this batch brings it to the end that is known of it, or not.
	AtEnd map[Part]bool

	Records, Good, BadCount, Skipped int64               // Records = Good + BadCount + Skipped
	Unknown                          int64               // values of fields that the declaration doesn't name
	UnknownNames                     []string            // the first of those fields
	Captures                         map[string]string   // parts of the file's path, by name
	FileTime                         time.Time           // when the file was last changed, UTC
	Snapshot                         bool                // the batch is a whole load of the table
	Absent                           []string            // declared columns that this batch's header or schema doesn't have (they read NULL)
	Truncate                         bool                // its rows say that all rows of the table are gone
	AbsentIn                         map[string][]string // of a load in several files: columns that a file doesn't have and another has
	Origin                           string              // which files or offsets: for dsql.version_rows
	// Commit records the new places in the batch's transaction: in dsql.files or dsql.offsets, by source and destination. Whoever is to
	// read from the beginning, or is dropped, has none there.
	Commit func(ctx context.Context, tx *duck.Tx, version int64) error
	// Blame says whether a batch failed because its file can't be read: then that was recorded and told, and the reader goes on behind
	// it. nil: that can't be why.
	Blame func(ctx context.Context) (bool, error)
	// Committed tells the world outside of the file that the places have moved; nil: nobody. What goes wrong there harms no row.
	Committed func(ctx context.Context)
	// Release gives the memory back. After the transaction has ended.
	Release func()
}

// Destination is a declared table that batches are written to. What it stores can be read by its name: a table or view of the columns that
// come in, unless it is a Shaper.
type Destination interface {
	Object
	Chain() *Chain
	// Define creates what the destination needs for rows of these columns (without _meta), or alters it to fit. In check mode
	// it runs in a scratch transaction.
	Define(ctx context.Context, tx *duck.Tx, in []duck.Column) error
	// Write stores the accepted rows of a batch.
	Write(ctx context.Context, tx *duck.Tx, b *Accepted) (Counts, error)
	// New is a relation of what versions (from, to] brought, for those that read this destination as new rows.
	New(from, to int64) *duck.Query
	// NewColumns are the columns of New for stored columns in (a journal's changes have change_type as well).
	NewColumns(in []duck.Column) []duck.Column
	// InOrder is a query of what versions (from, to] brought, the columns of NewColumns: one version after the other, in an order that is
	// always the same.
	InOrder(from, to int64, cols []duck.Column) *duck.Query
}

// Maker is a declaration that makes more in the file than what has its name: views and macros, which others may read, and tables.
type Maker interface {
	Makes() []string // their names
	Stores() string  // the table that it can't do without
}

// Chain is the part of a destination that all kinds share.
type Chain struct {
	Body     *sql.Value  // AS query, nil where From is given
	From     []sql.Name  // FROM a, b
	Rules    []*sql.Decl // RULES items
	Metrics  []*sql.Decl // METRICS items
	Checks   []*sql.Decl // CHECKS items
	Limit    int64       // REJECT LIMIT n; -1: none
	Retain   *sql.Value  // RETAIN VERSIONS; nil: all of them
	Expected *sql.Value  // EXPECT COLUMNS; nil: any
}

// Accepted is what the chain hands to a destination: the rows after RULES that are to be stored.
type Accepted struct {
	Version int64
	Columns []duck.Column // without _meta
	// Rows is a FROM-item of the columns, and of _row where HasRow: the record's id in the batch, in order of arrival.
	Rows   *duck.Query
	HasRow bool
	// Sample is like Rows before its rules, and can be read more than once; nil where that would cost too much.
	Sample *duck.Query
	// Input is the batch of the source, nil where the new rows come from a stored table.
	Input *Input
	// Absent are the columns that this batch's file does not have.
	Absent []string
	// AbsentIn are columns that some files of a load do not have: which. Rows have _meta then.
	AbsentIn map[string][]string
	// Empty is a FROM-item of the row that a load without rows might have had: what its path says, NULL elsewhere. nil where that isn't known.
	Empty *duck.Query
	// Force takes a load that a guard would hold back.
	Force bool
	// First: nothing was written to it in this run before, or since it was emptied.
	First bool
}

// HeldBack is the error of a Write that a guard stopped: nothing of the load is taken until somebody decides about it (Force, or to skip
// it).
type HeldBack struct {
	Rows int64 // of the load
	Err  *sql.Error
}

func (h *HeldBack) Error() string { return h.Err.Error() }

// Unwrap is the error as users see it.
func (h *HeldBack) Unwrap() error { return h.Err }

// Counts account for a destination's rows in a version: rows accepted by the chain = Written + Rejected.
type Counts struct {
	Written, Rejected                  int64
	Added, Changed, Removed, Unchanged int64
}

// Was is what SETs changed of a row.
type Was struct {
	Columns []string
	Struct  *duck.Query // an expression giving these columns, as they were, as a STRUCT
}
