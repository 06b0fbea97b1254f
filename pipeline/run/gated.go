package run

import (
	"context"
	"errors"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/quality"
)

// METRICS and CHECKS stand before the write: what they hold back isn't written. What is measured OVER TABLE of a journal is known only
// behind it, as the journal alone knows what late events, deletes and loads make of its table. Where that holds the batch back, the
// transaction is rolled back and the batch runs again, with the verdict known.

// verdicts are those of the batches that were held so, by their place among all that one transaction judges.
type verdicts struct {
	known map[int]*quality.Judgement
	next  int
}

// errAgain rolls a transaction back that runs again.
var errAgain = errors.New("a check over the table holds the batch back")

// gated measures and writes.
func gated(ctx context.Context, tx *transaction, d kind.Destination, n *program.Node, acc *kind.Accepted,
	b quality.Batch) (c kind.Counts, res quality.Result, err error) {
	if !n.Keyed() || !n.Quality.Whole() {
		if res, err = n.Quality.Measure(ctx, tx.Tx, b); err != nil {
			return c, res, err
		}
		if len(res.Held) > 0 {
			return kind.Counts{Rejected: res.HeldRows}, res, nil
		}
		c, err = d.Write(ctx, tx.Tx, acc)
		return c, res, err
	}
	i := tx.verdicts.next
	tx.verdicts.next++
	j := tx.verdicts.known[i]
	if j == nil {
		if c, err = d.Write(ctx, tx.Tx, acc); err != nil {
			return c, res, err
		}
		if j, err = n.Quality.Judge(ctx, tx.Tx, b); err != nil {
			return c, res, err
		}
		if j.Holds() {
			tx.verdicts.known[i] = j
			return c, res, errAgain
		}
	}
	if res, err = n.Quality.Settle(ctx, tx.Tx, b, j); len(res.Held) > 0 {
		c = kind.Counts{Rejected: res.HeldRows}
	}
	return c, res, err
}

// tableAfter is the destination's table as it will be, for what is measured OVER TABLE: a journal's as it is once the batch is written.
func tableAfter(n *program.Node, rows *duck.Query) *duck.Query {
	a := duck.Args{"t": duck.Ident(n.Name), "cols": duck.Names(duck.ColumnNames(n.Cols)), "rows": rows}
	if n.Keyed() {
		return duck.SQL("(FROM {t})", a)
	}
	return duck.SQL("(SELECT {cols} FROM {t} UNION ALL SELECT {cols} FROM {rows})", a)
}
