package run

import (
	"context"
	"errors"
	"time"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/pyfunc"
	"dsql/quality"
	"dsql/rules"
	"dsql/sql"
)

// work is what one version has to take in: a source's batch, rejects to replay, or (neither) what stored tables have that some
// destination hasn't taken yet.
type work struct {
	in     *kind.Input
	active []*program.Node // the destinations it reaches, each after what it reads
	replay *replay
	idle   bool // a join gives rows that wait, though none are new
	turned bool // what a table stores was made anew or turned back: rows may be others that look the same
}

// replays: the version brings rejects back. What a check held comes as the batch that it was.
func (w work) replays() bool {
	return w.replay != nil && w.replay.hold == nil || w.in != nil && w.in.Redecoded
}

// batch runs one batch through the chains of its destinations in one transaction and one version.
//
//	SELECT → RULES → METRICS and CHECKS → write → version → places → COMMIT
func (r *runner) batch(ctx context.Context, w work) error {
	began, in := time.Now(), w.in
	var e event.BatchCommitted
	err := r.withRoom(func() error {
		pyfunc.Failed(r.Conn.DB) // what a batch that was rolled back counted is of no interest
		return r.update(ctx, func(tx *transaction) error { return r.chain(ctx, tx, w, &e) })
	})
	if err != nil {
		return r.gate(ctx, err)
	}
	if in != nil && in.Committed != nil {
		in.Committed(ctx)
	}
	r.sum.Versions++
	r.sum.Records += e.Records
	r.sum.Bad += e.Bad
	r.sum.Skipped += e.Skipped
	r.sum.Notice(in)
	r.sum.Count(e.Rows)
	e.Took = time.Since(began)
	e.Position, e.Total = r.reading.Done, r.reading.Total
	r.Emit(e)
	for _, w := range pyfunc.Failed(r.Conn.DB) {
		r.Warn(w)
	}
	return nil
}

// mostTries is how often a batch that finds no memory is tried again.
const mostTries = 3

// withRoom runs a batch; where memory runs out, and somebody can make room, once more.
func (r *runner) withRoom(batch func() error) error {
	err := batch()
	for tries := 0; tries < mostTries && duck.IsOutOfMemory(err) && r.Options.MakeRoom != nil && r.Options.MakeRoom(err); tries++ {
		err = batch()
	}
	return err
}

// chain is what a batch does in its transaction; e is what is told of it.
func (r *runner) chain(ctx context.Context, tx *transaction, w work, e *event.BatchCommitted) error {
	if err := tx.begin(ctx); err != nil {
		return err
	}
	in := w.in
	*e = event.BatchCommitted{Version: tx.version}
	if in != nil {
		e.Source, e.Origin, e.Records, e.Bad, e.Skipped, e.Unknown = in.Source, in.Origin, in.Records, in.BadCount, in.Skipped, in.Unknown
		kept, err := r.accountSource(ctx, tx.Tx, in, e.Version)
		if err != nil {
			return err
		}
		tx.rejected[r.Program.Relation(in.Source)] += kept
	}
	if w.replay != nil {
		if err := w.replay.take(ctx, tx.Tx); err != nil {
			return err
		}
	}
	for _, n := range w.active {
		rows, err := r.destination(ctx, tx, w, n, e)
		if err != nil {
			return placed(err, n)
		}
		tx.rejected[n] += rows.Rejected
		e.Rows = append(e.Rows, rows)
	}
	if err := r.limits(tx); err != nil {
		return err
	}
	if err := fault.Fault(ctx, "before-places"); err != nil {
		return err
	}
	if w.replay != nil {
		return w.replay.done(ctx, tx.Tx)
	}
	if in == nil {
		return nil
	}
	return in.Commit(ctx, tx.Tx, e.Version)
}

// placed gives an error of DuckDB's that has no place in the script that of the declaration whose batch it stopped.
func placed(err error, n *program.Node) error {
	var e *sql.Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	if c.Src != nil {
		if c.Hint == "" && duck.IsConversion(err) {
			c.Hint = "TRY_CAST(… AS type) makes NULL of what doesn't convert; nothing of this batch was written"
			return &c
		}
		return err
	}
	c.Src, c.Span = n.Obj.Decl().Src, n.Obj.Decl().NameAt
	if c.Hint == "" {
		c.Hint = "nothing of this batch was written; what was committed before stays"
	}
	return &c
}

// gate records what a failed check measured, or what a guard holds back: the batch itself is rolled back.
func (r *runner) gate(ctx context.Context, err error) error {
	var load *heldLoad
	var rerr error
	if f, ok := asFailure(err); ok {
		rerr = f.Record(ctx, r.Conn)
	} else if errors.As(err, &load) {
		rerr = load.Record(ctx, r)
	}
	if rerr != nil {
		return rerr
	}
	return err
}

// destination runs one destination's chain.
func (r *runner) destination(ctx context.Context, tx *transaction, w work, n *program.Node, e *event.BatchCommitted) (event.DestinationRows,
	error) {
	if t, ok := n.Total(); ok {
		return r.total(ctx, tx, w, n, t, e)
	}
	d, _ := n.Destination()
	out := event.DestinationRows{Kind: n.Kind, Name: n.Name}
	inputs := n.Inputs
	if w.replay != nil && w.replay.node == n {
		inputs = nil
		b := w.replay.fresh()
		b.replay = w.replays()
		rows, err := r.write(ctx, tx, d, n, b, e.Version)
		if err != nil {
			return out, err
		}
		if w.replay.lateStay() {
			late, err := r.lateAgain(ctx, tx)
			if err != nil {
				return out, err
			}
			countLate(&rows, late)
		}
		out, e.Origin = rows, w.replay.origin()
		if err := r.account(ctx, tx.Tx, rows, e.Version, e.Origin); err != nil {
			return out, err
		}
	}
	batches, err := r.incoming(ctx, tx, w, n, inputs, e.Version)
	if err != nil {
		return out, err
	}
	for _, b := range batches {
		rows, err := r.write(ctx, tx, d, n, b, e.Version)
		if err != nil {
			return out, err
		}
		countLate(&rows, b.late)
		out.Add(rows)
		if e.Origin == "" {
			e.Origin = b.origin
		}
		if err := r.account(ctx, tx.Tx, rows, e.Version, b.origin); err != nil {
			return out, err
		}
		for _, of := range b.takes {
			if err := moved(ctx, tx, edge{n, of}, e.Version); err != nil {
				return out, err
			}
		}
	}
	tx.latest[n] = e.Version
	return out, nil
}

// write is the chain of one destination over one input's new rows: select, rule, measure and store, settle.
func (r *runner) write(ctx context.Context, tx *transaction, d kind.Destination, n *program.Node, b fresh, v int64) (event.DestinationRows,
	error) {
	out := event.DestinationRows{Kind: n.Kind, Name: n.Name}
	tx.DB.Witness().Enter(n.Name)
	defer tx.DB.Witness().Enter("")
	decided := tx.decision(n, b)
	if b.held != nil && b.held.discard {
		return discarded(ctx, tx, n, b.held, rules.Outcome{Rows: b.rel})
	}
	ctx, forget, lost, err := r.ahead(ctx, tx, d, n, &b, v)
	if err != nil {
		return out, err
	}
	defer forget()
	in := selected(d, n, &b)
	if b.input != nil && b.input.Truncate {
		return truncated(ctx, tx, d, n, in.rel, &kind.Accepted{Version: v, Columns: n.Cols, Rows: in.rel, HasRow: in.hasRow, Input: b.input})
	}
	discard, behind := decided != nil && decided.discard, b.rejectsBehind(n, in)
	ruled, err := n.Rules.Run(ctx, tx.Tx,
		rules.Batch{Failing: failing(n, in, tx.DB), Destination: n.Name, Source: in.source, Origin: b.origin, Version: v, Rel: in.rel,
			Columns: n.Cols, HasRow: in.hasRow, Input: b.input, Stage: !b.in.Plain, Keep: in.keep,
			KeepOriginal: n.Quality.Holds() || behind,
			Discard:      discard, Once: !n.Keyed() && n.Quality.Empty() && decided == nil && !r.parted(n, b.input)})
	if err != nil {
		return out, err
	}
	defer ruled.Close()
	if err := fault.Fault(ctx, "after-rules"); err != nil {
		return out, err
	}
	if discard {
		out, err := discarded(ctx, tx, n, decided, ruled)
		return out, errors.Join(err, r.forgetErased(ctx, tx, n, &out, v))
	}
	if behind {
		b.original(ruled)
	}
	erased, err := r.leaveErased(ctx, tx, n, &ruled)
	if err != nil {
		return out, err
	}
	acc := &kind.Accepted{Version: v, Columns: n.Cols, Rows: ruled.Rows, HasRow: in.hasRow, Input: b.input, Force: decided != nil,
		First: !tx.written[n]}
	tx.written[n] = true
	if b.in.Plain {
		acc.Sample = in.rel
	}
	if b.input != nil {
		acc.Absent = n.Absent(b.in, b.input, b.input.Absent)
		acc.AbsentIn, acc.Empty = n.AbsentIn(b.in, b.input), emptyLoad(n, d, b, r.erased[n])
	}
	q := quality.Batch{Destination: n.Name, Keyed: n.Keyed(), Origin: b.origin, Version: v, Rows: ruled.Rows, Table: tableAfter(n, ruled.Rows),
		Columns: n.Cols, HasRow: in.hasRow, Input: b.input, Source: in.source, Was: ruled.Was, Born: n.Born(), Replayed: b.replay}
	if b.held != nil { // what waits in its source because of a guard comes to the checks as any load
		q.Released = b.held.name
	}
	q.Rehearse = r.rehearsal(n)
	c, measured, err := gated(ctx, tx, d, n, acc, q)
	if err != nil {
		return out, heldBack(err, n, b)
	}
	if err := r.judged(ctx, tx, n, b, decided, measured, v); err != nil {
		return out, err
	}
	if len(measured.Held) == 0 {
		if err := r.noteTimes(ctx, tx, n, b, ruled.Rows, in.hasRow); err != nil {
			return out, err
		}
	}
	if err := ruled.Settle(ctx, tx.Tx); err != nil {
		return out, err
	}
	for _, w := range append(measured.Warnings, ruled.Warned...) {
		tx.tell(w)
	}
	out.Dropped, out.Counts = ruled.Dropped+erased, c
	out.Rejected += ruled.Rejected
	out.In = out.Written + out.Rejected + out.Dropped
	err = closes(out, ruled)
	out.Rejected, out.In = out.Rejected+lost, out.In+lost
	if err != nil {
		return out, err
	}
	return out, r.forgetErased(ctx, tx, n, &out, v)
}

// selection is what a destination's query gives of new rows.
type selection struct {
	rel    *duck.Query
	keep   []string // what goes on beside the query's columns: _meta, _version
	hasRow bool     // rel has _row
	source string   // "" where the rows come from a stored table
}

func selected(d kind.Destination, n *program.Node, b *fresh) selection {
	out := selection{rel: duck.SQL("({q})", duck.Args{"q": b.in.Query(b.rel)}), hasRow: b.in.Meta && b.input != nil && b.input.RowID != nil}
	if out.hasRow && b.in.Calls() {
		out.rel = duck.SQL("({q})", duck.Args{"q": b.in.QueryAt(b.rel, b.input.RowID)})
	}
	if b.of != nil {
		out.rel = n.Own(b.of, out.rel)
	}
	if b.input != nil {
		out.source = b.input.Source
	}
	if b.in.Meta && (program.Needs(d, catalog.MetaColumn) || b.input != nil && len(b.input.AbsentIn) > 0) {
		out.keep = append(out.keep, catalog.MetaColumn)
	}
	if program.Needs(d, catalog.VersionColumn) {
		if out.keep = append(out.keep, catalog.VersionColumn); !b.in.Dated { // what waited in dsql.rejects
			out.rel = duck.SQL("(SELECT *, NULL::BIGINT AS _version FROM {rel})", duck.Args{"rel": out.rel})
		}
	}
	if !out.hasRow && n.Rejecting() { // a number for functions in RULES
		out.rel, out.hasRow = duck.SQL("(SELECT *, row_number() OVER () AS _row FROM {rel})", duck.Args{"rel": out.rel}), true
	} else if out.hasRow {
		out.rel = duck.SQL("(SELECT *, {id} AS _row FROM {rel})", duck.Args{"id": b.input.RowID, "rel": out.rel})
		if b.in.Plain { // a record gives one row: what it was before the SETs is found by its number
			in := *b.input
			in.Original = n.Rules.Original(out.rel)
			b.input = &in
		}
	}
	return out
}

// rejectsBehind: a journal may reject rows behind SETs, and the query can't be asked again for what they were before.
func (b *fresh) rejectsBehind(n *program.Node, in selection) bool {
	return n.Keyed() && in.hasRow && b.input != nil && !b.in.Plain && len(n.Rules.Sets()) > 0
}

// original lets who rejects rows behind the rules find what the SETs changed, where a record gave one row.
func (b *fresh) original(ruled rules.Outcome) {
	in := *b.input
	in.Original = &kind.Was{Columns: ruled.Was.Columns, Struct: duck.SQL(
		"(SELECT _row, any_value({was}) AS _was FROM {rows} _r GROUP BY _row HAVING count(*) = 1)",
		duck.Args{"was": ruled.Was.Struct, "rows": ruled.Rows})}
	b.input = &in
}

// emptyLoad is the row that a load without rows, or one of which all may be left out, might have had, through the query and the SETs: its
// time may be computed there.
func emptyLoad(n *program.Node, d kind.Destination, b fresh, leaves bool) *duck.Query {
	in := b.input
	if !in.Snapshot || in.Good > 0 && !leaves || b.in.Of == nil || program.Needs(d, catalog.MetaColumn) && !b.in.Meta {
		return nil
	}
	meta := duck.SQL(`struct_pack(source := {source}, "timestamp" := {time}::TIMESTAMP, file := {file})::`+catalog.MetaType+` AS _meta`,
		duck.Args{"source": in.Source, "time": in.FileTime.UTC().Format(time.DateTime), "file": in.Origin})
	rel := duck.SQL("(SELECT {values}, {meta})",
		duck.Args{"meta": meta, "values": duck.Each(", ", b.in.Of.Cols, func(c duck.Column) *duck.Query {
			a := duck.Args{"t": c.Type, "n": duck.Ident(c.Name), "v": nil}
			for name, text := range in.Captures {
				if sql.Same(name, c.Name) {
					a["v"] = text
				}
			}
			return duck.SQL("{v}::{t} AS {n}", a)
		})})
	rel = duck.SQL("({q})", duck.Args{"q": b.in.Query(rel)})
	if n.Rejecting() { // what functions in RULES are told beside their arguments
		rel = duck.SQL("(SELECT *, NULL::BIGINT AS _row FROM {rel})", duck.Args{"rel": rel})
	}
	return n.Rules.Through(rel)
}
