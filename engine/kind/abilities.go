package kind

import (
	"context"
	"io"
	"time"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/sql"
)

// What an object may be able to do beside what its role (Source, Destination, Sink, Definition) asks of it. Whoever runs it asks for an
// ability by the name that it has here, and does without where it isn't there.

// Any object.
type (
	// Dropper takes what it made out of the file, as far as it is there.
	Dropper interface {
		Drop(context.Context, *duck.Tx) error
	}
	// Stale says why what it made in the file is behind, whatever its text: a model's file is another one, or tables are of an older
	// dsql. "": it isn't.
	Stale interface {
		Stale(context.Context, *duck.Tx, *Env) (string, error)
	}
	// Doubtful says, when it has been made, what about it is right and may not be meant.
	Doubtful interface{ Doubts() []*sql.Error }
	// Redacted is a declaration whose text, as the file keeps it, is another one: secrets don't stand in it.
	Redacted interface{ Stored() string }
	// Restorable is another object where it is what the file has: what it was made of is there too.
	Restorable interface{ Kept() Object }
	// Callable is called by its name in SQL.
	Callable interface{ Callable() }
	// Versioned is Callable, and so are its versions, as name_vN, and the macros that Versions lists.
	Versioned interface {
		Callable
		Versions() []string
	}
	// Outside is Callable, and where it says so its calls cost more than what is kept of them: what calls it is computed once.
	Outside interface {
		Callable
		Outside(env *Env) bool
	}
	// Rejecting is Outside, and may send the row that it fails for to dsql.rejects: called as At with the row's number before its arguments
	// it keeps count of those. At is a function's qualified name, nil where it doesn't.
	Rejecting interface {
		Outside
		At() []string
	}
	// Reading is a definition whose text reads what is declared: it comes after that, and keeps it from being dropped.
	Reading interface{ Reads() }
	// Checked is a statement of the script alone, which is checked when all that it declares stands.
	Checked interface {
		Check(context.Context, *duck.Conn, Relations) error
	}
	// Late is a definition whose text reads what may be made of the definition itself: it is bound when all that a script declares stands.
	Late interface {
		Bound(context.Context, *duck.Conn) error
	}
	// Referrer names declarations of sources, destinations and watchers without which it means nothing: they come before it, and stay as
	// long as it does.
	Referrer interface{ Refers() []string }
	// Caller names what is Callable, without which it means nothing, where no SQL of its text does: that comes before it and stays, too.
	Caller interface{ Calls() []string }
	// Undivided is a source or destination that may be unable to do its work a piece of the rows at a time, in processes that know nothing
	// of each other: the error says why, at its place, and what to do; nil: it is able to.
	Undivided interface{ Undivided() *sql.Error }
	// Explainer says for EXPLAIN what it does.
	Explainer interface {
		Explain(context.Context, *duck.Conn, Stored) (string, error)
	}
	// Describer answers DESCRIBE itself; else its columns are shown.
	Describer interface {
		Describe(context.Context, *duck.Conn, Fed) (*duck.Query, error)
	}
)

// Fed finds the stored columns whose values the inputs of what is called by one of the names are given as they are, in the inputs' order.
type Fed func(ctx context.Context, names, inputs []string) ([][]Held, error)

// Held is a column of a stored table.
type Held struct{ Table, Column string }

// Stored is the destination that a name is of, with its columns; nil columns: those that DuckDB says.
type Stored func(name string) (Object, []duck.Column)

// Relations finds what is declared under a name: its columns, and its kind, "" where there is none; and the names of all sources.
type Relations func(name string) (cols []duck.Column, kind string, sources []string)

// Query is a destination's query with what DuckDB's parser says of it.
type Query struct {
	Src    *sql.Source
	Span   sql.Span
	Tree   *tree.Tree  // nil where DuckDB makes none of it
	Input  sql.Span    // the relation whose rows it takes, with STREAM before it
	At     int         // where its name stands in the query
	As     *duck.Query // what follows where it has no alias of the user's
	Empty  *duck.Query // it without rows
	Beside bool        // other relations are read too
	Adds   bool        // what is read is an Adder
	Past   *Past
}

// Table is one that a destination has beside the one of its name: what its rows are, and columns of it that are another's (name of the
// table's, name of the destination's).
type Table struct {
	Table, What string
	Shows       map[string]string
}

// Past gives a relation as it was at a version, an expression, and its columns. It is nil where what a destination was before its time
// can't be told of that: other relations, rules, functions of dsql.
type Past struct {
	At      func(version *duck.Query) *duck.Query
	Columns []duck.Column
}

// Touched says which of its rows a Total is to compute anew.
type Touched struct {
	First, Late bool // nothing was computed of it before; what it reads had versions before that
	Version     int64
	All         *duck.Query // all rows of what it reads
	// Moved are rows of it that came or went; nil: there may be others, so that all is computed.
	Moved *duck.Query
	// Came are those of them that came, with the version that brought each in a column _dsql_version; nil: some may have gone.
	Came *duck.Query
}

// A source.
type (
	// Tried is a source that makes batches of what a test gives in the place of what it would read.
	Tried interface {
		// Given decodes records in the source's own format, the first of which is its record number first. path is the file that they are
		// of, "" for none. done is called behind the batch.
		Given(ctx context.Context, c *duck.Conn, env *Env, cols []duck.Column, text, path string, first int64) (in *Input, done func(), err error)
		// Captures are the parts of a path, and whether it is one of the source's.
		Captures(path string) (map[string]string, bool)
		// Topic is where its records stand in, "" of files; Loads: its batches are whole tables.
		Topic() string
		Loads() bool
	}
	// Pieced is a source of which others may hand pieces over, each to another process: what it makes of them together is what it makes of
	// the whole. columns are those that it has.
	Pieced interface {
		Piece(ctx context.Context, c *duck.Conn, env *Env, columns []duck.Column, p Piece) (Reader, error)
	}
	// Continuer is a source that can say whether it reads what another reads: places go over from one to the other.
	Continuer interface{ Continues(other Object) bool }
	// Grouped is a source of which, where it says so, others decide what each process reads: the brokers of a consumer group.
	Grouped interface{ Grouped() bool }
	// Grower is a source whose columns grow while it is read: those that it has now, of those that it had.
	Grower interface {
		Added(had []duck.Column) []duck.Column
	}
	// Lagging is a source that others write to while it is read.
	Lagging interface {
		// Lag is a query of how far each destination is in each of its parts. The error says why the other end isn't known; the query
		// is there all the same.
		Lag(ctx context.Context, c *duck.Conn, env *Env) (*duck.Query, error)
	}
	// Poster is a source that sends its rejects outside too, once they are committed.
	Poster interface {
		// Posts says whether it does.
		Posts() bool
		// OpenPost connects. file is the id of the DuckDB file.
		OpenPost(ctx context.Context, env *Env, file string) (Post, error)
	}
	// Upserter is a sink that may keep a row a key: what such a one gets twice changes nothing outside.
	Upserter interface{ Upserts() bool }
	// RejectLimiter stops the run when more of its records than this are bad in it; -1: never.
	RejectLimiter interface{ RejectLimit() int64 }
	// Waiter is a source of which something may wait: it says what, as it is now.
	Waiter interface {
		Waits(ctx context.Context, c *duck.Conn, env *Env, destinations []string) ([]WaitingFile, error)
	}
)

// Piece is what is handed over of a file: from a place on, to the end of a record. Of Parquet, which is read where it is, places count rows.
type Piece struct {
	Path       string    // as the source's pattern leads to it
	Time       time.Time // when the file was last changed
	Byte, Line int64     // where Data begin in the file; lines are counted from 1
	Head       []byte    // the beginning of the file, where Data aren't that: what tells its header and its form
	Data       io.Reader
	More       bool   // the file goes on behind them
	At         string // where the file is on this machine; "": it isn't
	End        int64  // where the piece ends in it; 0: with the file
	Warn       func(*sql.Error)
}

// Post is where a Poster sends its rejects to.
type Post interface {
	// Send sends those of dsql.rejects whose id is above after, and at most last, in their order. They are safe out there when it returns.
	Send(ctx context.Context, c *duck.Conn, after, last int64) error
	Close() error
}

// A destination.
type (
	// Shaper is a destination whose stored rows have other columns than those that come in.
	Shaper interface {
		Stored(ctx context.Context, tx *duck.Tx, in []duck.Column) ([]duck.Column, error)
	}
	// Needy asks for a column of the batch beside those of its query: MetaColumn.
	Needy interface{ Needs(column string) bool }
	// Keyed has one row of each key: what it has seen it takes again without harm, a TRUNCATE ends its keys, and rows of it change. So New
	// tells what has changed, be it by a batch, a rollback or because it was filled anew, and what is measured over its table is known
	// behind the write. One that isn't keyed has rows that come once.
	Keyed interface{ KeyNames() []string }
	// Unsettled has the events of keys only, for somebody who knows all those of a key: what they come to isn't known, nor what they change.
	Unsettled interface{ Unsettled() (keys []string) }
	// Final is Keyed and, where it says so, hands rows on as a stream does: each once, without change_type.
	Final interface {
		Keyed
		Final() bool
	}
	// Located tells where its rows are: what a query reads of it are the rows of a table that meet a condition (nil: all of them). A row
	// that meets it no more never does again, none changes what Keyed says are its keys, and of one that is Keyed the newest row that
	// ever met it is the key's, or it has none. Of one that isn't Keyed no row changes.
	Located interface {
		Located() (table string, where *duck.Query)
	}
	// Dated says that its New has a column _version beside NewColumns: the version that brought the row.
	Dated interface{ Dated() }
	// Total is a destination whose query is over all rows of what it reads, as they are at each version, and not over the new ones.
	Total interface {
		Destination
		// Read is the destination with its query understood: it is another object, that has the columns of its rows.
		Read(context.Context, *duck.Tx, Query) (Total, error)
		// Query is its query over all rows, a FROM-item without alias.
		Query(all *duck.Query) *duck.Query
		// Gather computes rows anew, and gives a FROM-item of them, which can be read as often as needed and is what Write is handed
		// the accepted rows of.
		Gather(context.Context, *duck.Tx, Touched) (*duck.Query, error)
		// Fixed are columns that say what a row is about: no SET gives them another value.
		Fixed() []string
	}
	// Mover tells which rows of it versions (from, to] touched: those that came and those that went, and of a row that changed both.
	Mover interface {
		Moved(from, to int64, cols []duck.Column) *duck.Query
		// Stamped are all of its rows, with the version that brought each in a column _dsql_version.
		Stamped(cols []duck.Column) *duck.Query
	}
	// Adder is a Mover whose rows come, and seldom go: Came are those that versions (from, to] brought, with the version that brought each in
	// a column _dsql_version; nil where one of these versions took rows away or brought older ones back.
	Adder interface {
		Came(ctx context.Context, tx *duck.Tx, from, to int64, cols []duck.Column) (*duck.Query, error)
	}
	// Differ tells what differs between two versions: its columns, _version, and change_type: insert, delete, or update_before and
	// update_after.
	Differ interface {
		Diff(v1, v2 int64) *duck.Query
	}
	// Loaded takes whole tables where WholeLoads says so: rows alone are none.
	Loaded interface{ WholeLoads() bool }
	// Reshaper is another object where the script fills it anew: it may take another shape than what is stored has.
	Reshaper interface{ Reshaped() Object }
	// Historian says itself what becomes of what it stores when it takes the place of old; anew: it is emptied. was and now are the
	// columns of its rows.
	Historian interface {
		Changed(old Object, was, now []duck.Column) (what []string, anew bool)
	}
	// Rollbacker makes a new version that equals an old one.
	Rollbacker interface {
		Rollback(ctx context.Context, tx *duck.Tx, to, version int64) (Counts, error)
	}
	// Rebuilder computes what it stores from what it remembers.
	Rebuilder interface {
		Rebuild(ctx context.Context, tx *duck.Tx, version int64) (Counts, error)
	}
	// Vacuumer gives up what no version from oldest on needs, and says how many rows that were.
	Vacuumer interface {
		Vacuum(ctx context.Context, tx *duck.Tx, oldest int64) (int64, error)
	}
	// Eraser forgets a key from a version on, and says how many rows of the state that were: readers see it go. Erase takes all that is stored
	// of it out, whatever version showed it. key has a value for each of KeyNames.
	Eraser interface {
		Keyed
		Retract(ctx context.Context, tx *duck.Tx, key []*duck.Query, version int64) (state int64, err error)
		Erase(ctx context.Context, tx *duck.Tx, key []*duck.Query) (rows int64, err error)
	}
	// Beside has rows in other tables than the one of its name.
	Beside interface{ Beside() []Table }
	// Retainer gives up rows that nothing needs any more, where Retains says after which time: each of the queries gives _dsql_row of rows of
	// Numbered that somebody does. Rows of versions behind upTo stay.
	Retainer interface {
		Retains() *sql.Value
		Numbered() *duck.Query
		GiveUp(ctx context.Context, tx *duck.Tx, needed []*duck.Query, upTo int64) (int64, error)
	}
	// Emptier can be filled again from its inputs.
	Emptier interface {
		Empty(ctx context.Context, tx *duck.Tx, version int64) error
	}
	// Speaker tells the statements that take a batch in.
	Speaker interface {
		Statements(ctx context.Context, c *duck.Conn, in []duck.Column) (string, error)
	}
	// Biographer tells the life of a key, and sums a difference up.
	Biographer interface {
		Life(ctx context.Context, c *duck.Conn, key []string) (*duck.Query, error)
		Summary(ctx context.Context, c *duck.Conn, diff *duck.Query) (*duck.Query, error)
	}
)
