package run

import (
	"context"
	"errors"
	"maps"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/quality"
	"dsql/sql"
)

// progress is how far a run has come. It is a value: a transaction has one of its own, as things will be, and COMMIT puts it in the place
// of the run's. So there is nothing to be taken back where a transaction is rolled back.
type progress struct {
	version   int64                   // the last committed; in a transaction that makes one, that
	places    map[edge]int64          // how far a destination or sink has read a stored table
	latest    map[*program.Node]int64 // the last version that wrote a destination
	rejected  map[*program.Node]int64 // rows rejected in this run, by source or destination
	written   map[*program.Node]bool  // in this run, and not emptied since
	guarded   map[*program.Node]bool  // a guard may hold back a load of it
	reshaped  map[*program.Node]bool  // emptied by a new declaration: a REBUILD … FROM SOURCE is to fill it
	unsettled map[*program.Node]bool  // watchers that have measured versions of which outcomes may be known
	decided   decision                // what is to become of the load that a guard holds back
}

// edge says that a destination or sink takes a stored table's new rows.
type edge struct{ reader, input *program.Node }

func newProgress() progress {
	return progress{places: map[edge]int64{}, latest: map[*program.Node]int64{}, rejected: map[*program.Node]int64{},
		written: map[*program.Node]bool{}, guarded: map[*program.Node]bool{}, reshaped: map[*program.Node]bool{},
		unsettled: map[*program.Node]bool{}}
}

func (p progress) clone() progress {
	p.places, p.latest, p.rejected = maps.Clone(p.places), maps.Clone(p.latest), maps.Clone(p.rejected)
	p.guarded, p.reshaped, p.unsettled = maps.Clone(p.guarded), maps.Clone(p.reshaped), maps.Clone(p.unsettled)
	p.written = maps.Clone(p.written)
	return p
}

// behind: the input has versions that the reader hasn't taken.
func (p *progress) behind(e edge) bool { return p.latest[e.input] > p.places[e] }

// transaction is one of DuckDB's, and what is so once it is committed.
type transaction struct {
	*duck.Tx
	progress
	told     sql.List         // warnings
	times    map[edge][]taken // that rows of several parts have, by who takes them in event time
	verdicts *verdicts
}

// tell warns once the transaction is committed: else nothing of what it is about is there, and all of it comes again.
func (tx *transaction) tell(e *sql.Error) { tx.told = append(tx.told, e) }

// begin makes a version.
func (tx *transaction) begin(ctx context.Context) error {
	tx.version++
	return tx.Run(ctx, duck.SQL("INSERT INTO dsql.versions VALUES ({v}, {now})", duck.Args{"now": duck.Now, "v": tx.version}))
}

// update runs f in a transaction. f may run again (see gated.go).
func (r *runner) update(ctx context.Context, f func(tx *transaction) error) error {
	known := map[int]*quality.Judgement{}
	for {
		var tx *transaction
		err := r.Conn.Update(ctx, func(inner *duck.Tx) error {
			tx = &transaction{Tx: inner, progress: r.progress.clone(), verdicts: &verdicts{known: known}, times: map[edge][]taken{}}
			return f(tx)
		})
		switch {
		case errors.Is(err, errAgain):
			continue
		case err != nil:
			return err
		}
		r.progress = tx.progress
		for _, w := range tx.told {
			r.Warn(w)
		}
		return nil
	}
}
