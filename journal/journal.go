// Package journal keeps a non-duplicated record of data that changes: from a feed of events, which may come late, twice or in
// any order, or from loads of whole tables. It owns the tables of a journal, what an accepted row does to them, and the views
// and macros that read them at any time and version. Which rows are accepted, transactions, versions and accounts are the
// pipeline's.
//
// # Tables
//
//	name__now    keys, columns, valid_from…, valid_to…, _v_from, _v_close, _v_to   all open rows, and ended ones not yet moved away
//	name__past   the same                                                        ended rows
//	name__mem    keys, _s0…, _kind, columns, _v_from, _v_to                      what the rows don't tell: see below
//	name__state  one row: the highest sequence seen
//
// What they were made for is what the macro name__definition gives: a text in a table would take a block of 256 kB in the file.
//
// A row is believed in versions [_v_from, _v_to) and closed from version _v_close on; 0 is never. (Not NULL: it compresses to
// nothing, and ranges over it use zone maps.) So a change in order costs an update of two numbers and an insert, and every
// version can be read back. A late event ends the belief in the rows that it moves and adds their successors.
//
// # What is remembered
//
// The accepted events of a key are: the opening of each believed row; a delete at the end of each, where no other row starts;
// and what name__mem holds, by _kind:
//
//	N   an event that changed nothing: its image is that of the row that it lies in
//	E   an event with an image of its own: one that changed untracked columns only, and the opening of a row that shows others
//	D   a delete that closed nothing, or that has an image
//	RE  an event that was rejected as a conflict, so that its repeats are known
//	RD  such a delete
//	L   the time of a load, without keys
//	T   a TRUNCATE, without keys
//
// The same filter at a version gives the events that were known then, which is why a rollback is exact for late events too.
package journal

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/engine/watermark"
	"dsql/sql"
	"dsql/sql/code"
)

//go:embed read.sql
var readSQL string

var read = statements[struct{ New, NewReplaced, Ended, Deleted, InOrder, Life, Summary statement }](readSQL)

// Dated: New has _version.
func (j *Journal) Dated() {}

// Diff tells what differs between two versions.
func (j *Journal) Diff(v1, v2 int64) *duck.Query {
	return duck.SQL("{f}({v1}, {v2})", duck.Args{"f": j.table("_diff"), "v1": v1, "v2": v2})
}

// Stamped: see kind.Mover.
func (j *Journal) Stamped(cols []duck.Column) *duck.Query {
	t, where := j.Located()
	return duck.SQL("(SELECT {cols}, _v_from AS {v} FROM {t} WHERE {where})", duck.Args{"cols": duck.Names(duck.ColumnNames(cols)),
		"v": duck.Ident(watermark.VersionColumn), "t": duck.Ident(t), "where": where})
}

// Moved: see kind.Mover.
func (j *Journal) Moved(from, to int64, cols []duck.Column) *duck.Query {
	return duck.SQL("(SELECT {cols} FROM {f}({from}, {to}))",
		duck.Args{"cols": duck.Names(duck.ColumnNames(cols)), "f": j.table("__changes"), "from": from, "to": to})
}

// New are the changes of the state in versions (from, to], with _version. What is deleted has, in columns that the journal is ordered
// by, the place of the delete: a journal of these changes finds it behind the last one before.
func (j *Journal) New(from, to int64) *duck.Query {
	l := j.layout(&definition{Sequence: j.orders()})
	a := duck.Args{"changes": j.table("__changes"), "after": from, "upto": to, "keys": duck.Names(j.keyNames())}
	var ordering, ending, times duck.Names
	for i, sp := range j.order() {
		if name, bare := lastName(j.decl.Src, sp); bare && chosen(j.columns, name) && !containsFold(j.keyNames(), name) {
			ordering, ending, times = append(ordering, name), append(ending, l.to[i]), append(times, fmt.Sprintf("_t%d", i))
		}
	}
	if len(times) == 0 {
		return duck.SQL(string(read.New), l.words, a)
	}
	a["ordering"], a["ending"], a["times"] = ordering, ending, times
	ended := read.Ended
	if j.scd == 1 && j.feed() {
		ended = read.Deleted
	}
	return duck.SQL(string(read.NewReplaced), l.words, a, duck.Args{"ended": duck.SQL(string(ended), l.words, a)})
}

// InOrder are the changes that versions made, in each by key: what was before what is.
func (j *Journal) InOrder(from, to int64, cols []duck.Column) *duck.Query {
	return duck.SQL(string(read.InOrder), duck.Args{"shown": duck.Names(duck.ColumnNames(cols)), "changes": j.table("__changes"),
		"after": from, "upto": to, "keys": duck.Names(j.keyNames())})
}

func (j *Journal) keyNames() (out []string) {
	for _, k := range j.keys {
		out = append(out, k.Text)
	}
	return out
}

// NewColumns are the columns of New: change_type, the keys, the columns.
func (j *Journal) NewColumns(in []duck.Column) []duck.Column {
	d, err := j.resolve(in)
	if err != nil { // Define says so
		return in
	}
	out := append([]duck.Column{{Name: changeType, Type: "VARCHAR"}}, d.Keys...)
	return append(out, d.Columns...)
}

// Write takes a batch of events, or a load, into the journal.
func (j *Journal) Write(ctx context.Context, tx *duck.Tx, b *kind.Accepted) (kind.Counts, error) {
	w, err := j.writer(ctx, tx, b.Version)
	if err != nil {
		return kind.Counts{}, err
	}
	if err := w.take(b); err != nil {
		return kind.Counts{}, err
	}
	err = w.write(ctx)
	if rerr := w.untune(ctx); err == nil {
		err = rerr
	}
	if err == nil {
		err = w.drop(ctx)
	}
	if err != nil {
		return kind.Counts{}, err
	}
	return w.n, nil
}

func (w *writer) write(ctx context.Context) error {
	switch {
	case !w.Feed:
		return w.load(ctx)
	case w.b.Input != nil && w.b.Input.Truncate:
		return w.truncate(ctx)
	case w.SCD == 1:
		return w.merge(ctx)
	}
	return w.feed(ctx)
}

// writer is one Write.
type writer struct {
	*layout
	j       *Journal
	tx      *duck.Tx
	listing *listing // not nil: nothing is run
	b       *kind.Accepted
	v       int64
	known   bool // something was accepted before
	absent  map[string]bool
	was     []string // see columns
	temp    temps
	made    []*duck.Query // of these
	rows    int64         // in the batch
	groups  int64         // keys in the batch
	bare    int64         // rows in the batch without a key or sequence
	late    int64         // keys in the batch that have late events
	time    string        // of a load
	tuned   bool          // see tune
	seconds int64         // events that another image of the same key and sequence came before, in the batch
	n       kind.Counts
}

// writer reads the journal's definition for work on a version.
func (j *Journal) writer(ctx context.Context, tx *duck.Tx, version int64) (*writer, error) {
	d, known, err := j.stored(ctx, tx)
	if err != nil {
		return nil, err
	}
	w := &writer{j: j, tx: tx, v: version, known: known, layout: j.layout(d), absent: map[string]bool{}}
	w.speak()
	return w, nil
}

// take prepares for a batch.
func (w *writer) take(b *kind.Accepted) error {
	w.b = b
	have, err := w.j.resolve(b.Columns)
	if err != nil {
		return err
	}
	for _, c := range w.cols {
		if index(have.Columns, c) < 0 || containsFold(b.Absent, c) {
			w.absent[c] = true
		}
	}
	return nil
}

// stored reads the definition that the tables were made for. known says that name__state has a sequence.
func (j *Journal) stored(ctx context.Context, tx *duck.Tx) (d *definition, known bool, err error) {
	var text string
	ok, err := tx.Scan(ctx, duck.SQL(string(tables.Stored), j.words()), &text, &known)
	if err == nil && !ok {
		err = fmt.Errorf("%s__state is empty", j.decl.Name)
	}
	if err != nil {
		return nil, false, err
	}
	d = &definition{}
	return d, known, json.Unmarshal([]byte(text), d)
}

// WholeLoads: what it takes is the whole table, so that rows can't come back one by one.
func (j *Journal) WholeLoads() bool { return !j.feed() }

func (j *Journal) table(suffix string) *duck.Query { return duck.Ident(j.decl.Name + suffix) }

// many is a number of rows from which the memory of temporary tables is worth a few statements.
const many = 10_000

// drop gives the memory of large temporary tables back; small ones are replaced by the next batch.
func (w *writer) drop(ctx context.Context) error {
	if w.rows < many {
		return nil
	}
	for _, t := range w.made {
		if err := w.tx.Run(ctx, duck.SQL("DROP TABLE IF EXISTS {t}", duck.Args{"t": t})); err != nil {
			return err
		}
	}
	return nil
}

// reject sends rows of a temporary table to dsql.rejects. reason is an expression over _r, the row.
func (w *writer) reject(ctx context.Context, rows, reason *duck.Query) error {
	if len(w.was) > 0 {
		rows = duck.SQL("(SELECT * REPLACE ({kept AS given}) FROM {rows})",
			duck.Args{"rows": rows, "kept": duck.Names(numbered("_was", len(w.was))), "given": duck.Names(w.was)})
	}
	if w.listing != nil {
		w.listing.add(refused, duck.SQL("SELECT {reason} AS reason, _r FROM {rows} AS _r", duck.Args{"reason": reason, "rows": rows}))
		return nil
	}
	source := ""
	if w.b.Input != nil {
		source = w.b.Input.Source
	}
	n, err := catalog.Reject(ctx, w.tx,
		catalog.Rejection{Destination: w.name, Source: source, Reason: reason, Rows: rows, Columns: w.b.Columns,
			Input: w.b.Input, HasRow: w.b.HasRow, Version: w.v})
	w.n.Rejected += n
	return err
}

// refused stands for what reject does, in a listing.
const refused statement = "rejects"

func init() { comments[refused] = "-- To dsql.rejects:\n" }

// Drop removes the journal's tables, views and macros.
func (j *Journal) Drop(ctx context.Context, tx *duck.Tx) error {
	for _, m := range macros {
		if err := tx.Run(ctx, duck.SQL("DROP MACRO TABLE IF EXISTS {m}", duck.Args{"m": j.table(m)})); err != nil {
			return err
		}
	}
	for _, v := range views {
		if err := tx.Run(ctx, duck.SQL("DROP VIEW IF EXISTS {v}", duck.Args{"v": j.table(v)})); err != nil {
			return err
		}
	}
	if err := tx.Run(ctx, duck.SQL("DROP MACRO IF EXISTS {m}", duck.Args{"m": j.table("__definition")})); err != nil {
		return err
	}
	for _, t := range []string{"__now", "__past", "__mem", "__state"} {
		if err := tx.Run(ctx, duck.SQL("DROP TABLE IF EXISTS {t}", duck.Args{"t": j.table(t)})); err != nil {
			return err
		}
	}
	return nil
}

// Stores is the table that tells what the others hold.
func (j *Journal) Stores() string { return j.decl.Name + "__state" }

// Makes are the names of what Define makes beside the journal's own.
func (j *Journal) Makes() (out []string) {
	for _, m := range slices.Concat(views[1:], []string{"__definition", "__now", "__past", "__mem", "__state"}, macros) {
		out = append(out, j.decl.Name+m)
	}
	return out
}

var _ kind.Destination = (*Journal)(nil)

// rebuildNeeded is the error for a change that stored data can't follow.
func (j *Journal) rebuildNeeded(at sql.Span, msg string) *sql.Error {
	return j.decl.At(at).Errorf(code.JournalRebuildNeeded, "%s", msg).
		WithHint(fmt.Sprintf("write it as it was, or add REBUILD JOURNAL %s FROM SOURCE behind it: what is stored goes, "+
			"versions too, and all that its inputs still have is taken in anew", j.decl.Name))
}
