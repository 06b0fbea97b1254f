// Package event is what a run tells while it goes, and what the command line asks of it. The progress bar, log lines, --events and tests
// read the same events.
package event

import (
	"slices"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// Event is what a run tells while it goes. The progress bar, log lines, --output jsonl and tests read the same ones.
type Event interface{ event() }

// ReadProgress: so much of the source was read so far.
type ReadProgress struct{ kind.Progress }

// BatchCommitted: a version is in the file.
type BatchCommitted struct {
	Version  int64
	Source   string // "" when the batch came from a stored table
	Origin   string
	Records  int64 // of the source
	Bad      int64
	Skipped  int64
	Unknown  int64 // values of fields that the source doesn't declare
	Rows     []DestinationRows
	Took     time.Duration
	Position int64 // bytes of the source done
	Total    int64 // bytes of the source to do, 0 if unknown
}

// DestinationRows accounts for one destination in a version: In = Written + Rejected + Dropped.
type DestinationRows struct {
	Kind, Name string
	In         int64
	Dropped    int64
	kind.Counts
}

func (d *DestinationRows) Add(o DestinationRows) {
	d.In += o.In
	d.Dropped += o.Dropped
	d.Counts = add(d.Counts, o.Counts)
}

// Warned: something the user should know that does not stop the run.
type Warned struct{ Err *sql.Error }

// Changed: a declaration was created, replaced or dropped.
type Changed struct{ Change Change }

// Queried: a statement of the user returned rows. The receiver reads them all before it returns. Title names one of several that make a
// command's answer.
type Queried struct {
	Result *duck.Result
	Title  string
}

// SinkWritten: a version's rows are safe in a sink, and the file knows it.
type SinkWritten struct {
	Sink          string
	Version, Rows int64
	Took          time.Duration
}

// Waiting: a run that follows has taken all that there is; what comes next wakes it.
type Waiting struct{}

// Following: a run that follows has run its script, and read each source to the end that was seen first. It goes on with what is new.
type Following struct{}

// UnknownFields is what a source had and nobody declared.
type UnknownFields struct {
	Values int64
	Names  []string // the first of them, sorted
}

// Finished: the run's sums.
type Finished struct {
	Versions                                          int64
	Records, Written, Rejected, Dropped, Bad, Skipped int64
	Unknown                                           map[string]*UnknownFields // by source
	Took                                              time.Duration
	Interrupted                                       bool  // stopped by the user after a whole batch
	Failed                                            bool  // an error ended the run; what is counted was committed before
	Sunk                                              int64 // rows that sinks wrote
	Waiting                                           []kind.WaitingFile
}

func (f *Finished) Count(rows []DestinationRows) {
	for _, d := range rows {
		f.Written += d.Written
		f.Rejected += d.Rejected
		f.Dropped += d.Dropped
	}
}

func (f *Finished) Notice(in *kind.Input) {
	if in == nil || in.Unknown == 0 {
		return
	}
	if f.Unknown == nil {
		f.Unknown = map[string]*UnknownFields{}
	}
	u := f.Unknown[in.Source]
	if u == nil {
		u = &UnknownFields{}
		f.Unknown[in.Source] = u
	}
	u.Values += in.Unknown
	u.Names = slices.Compact(slices.Sorted(slices.Values(append(u.Names, in.UnknownNames...))))
}

func (ReadProgress) event()   {}
func (BatchCommitted) event() {}
func (Warned) event()         {}
func (Changed) event()        {}
func (Queried) event()        {}
func (SinkWritten) event()    {}
func (Waiting) event()        {}
func (Following) event()      {}
func (Finished) event()       {}

// Change is one line of a plan.
type Change struct {
	Action string // create, change, rebuild, drop, none
	Kind   string
	Name   string
	What   []string // what differs, and what it will cost
}

func add(a, b kind.Counts) kind.Counts {
	return kind.Counts{Written: a.Written + b.Written, Rejected: a.Rejected + b.Rejected, Added: a.Added + b.Added,
		Changed: a.Changed + b.Changed, Removed: a.Removed + b.Removed, Unchanged: a.Unchanged + b.Unchanged}
}
