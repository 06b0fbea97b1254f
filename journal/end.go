package journal

import (
	"context"
	_ "embed"

	"dsql/engine/duck"
	"dsql/engine/fault"
)

// defaultMaxVectors is how many vectors of name__now an update may touch. An update costs about 0.1 MB of memory a vector that can't be
// spilled, until the next checkpoint; up to here it is by far the cheapest way, and its checkpoint too. Above, rows move.
const defaultMaxVectors = 1000

//go:embed end.sql
var endSQL string

var end = statements[struct{ Close, Kill, Move, Remove statement }](endSQL)

// end ends rows of name__now. ended is a relation of _rid, _t0…, and _act: 'close' closes the row at _t, 'kill' ends the belief
// in it, 'gone' does both. of is a relation of these rows with their _rid, for when they move.
func (w *writer) end(ctx context.Context, ended, of *duck.Query, vectors int64, kills bool) error {
	run := []statement{end.Move, end.Remove}
	if vectors <= w.j.maxVectors {
		if run = []statement{end.Close}; kills {
			run = append(run, end.Kill)
		}
	}
	if err := w.all(ctx, duck.Args{"ended": ended, "of": of}, run...); err != nil {
		return err
	}
	return fault.Fault(ctx, "journal-ended")
}
