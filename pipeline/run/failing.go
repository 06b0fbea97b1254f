package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/pyfunc"
	"dsql/sql"
	"dsql/sql/code"
)

// failing gives the rows of a batch that functions with ON ERROR REJECT failed for, once they were called; nil: none may.
func failing(n *program.Node, in selection, db *duck.DB) func(context.Context, *duck.Tx) (*duck.Query, int64, error) {
	if !n.Rejecting() || !in.hasRow {
		return nil
	}
	pyfunc.Rejected(db) // of a batch that was rolled back
	return func(ctx context.Context, tx *duck.Tx) (*duck.Query, int64, error) {
		rows := pyfunc.Rejected(tx.DB)
		if len(rows) == 0 {
			return nil, 0, nil
		}
		t := duck.Ident("temp", "dsql_failing")
		return t, int64(len(rows)), keepFailing(ctx, tx, t, rows)
	}
}

// keepFailing makes a table of rows by number, and why functions failed for them.
func keepFailing(ctx context.Context, tx *duck.Tx, t *duck.Query, rows map[int64]string) error {
	if err := tx.Run(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {t} (_row BIGINT, _why VARCHAR)", duck.Args{"t": t})); err != nil {
		return err
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(rows)), mostLiterals) {
		values := duck.Each(", ", some, func(id int64) *duck.Query { return duck.SQL("({id}, {why})", duck.Args{"id": id, "why": rows[id]}) })
		if err := tx.Run(ctx, duck.SQL("INSERT INTO {t} VALUES {values}", duck.Args{"t": t, "values": values})); err != nil {
			return fmt.Errorf("keeping the rows that a function failed for: %w", err)
		}
	}
	return nil
}

// tried sends the rows of an input for which functions in the query fail to dsql.rejects, where the query's own rows don't know which those
// are: it runs over the others then.
func (r *runner) tried(ctx context.Context, tx *transaction, n *program.Node, b *fresh, v int64) (int64, error) {
	if !b.in.Tried() {
		return 0, nil
	}
	number, rows := program.Number, b.rel
	if b.input != nil {
		number = b.input.RowID
	} else {
		rows = duck.Ident("temp", "dsql_tried")
		if err := tx.Run(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {t} AS SELECT *, row_number() OVER () AS {n} FROM {rel}",
			duck.Args{"t": rows, "n": number, "rel": b.rel})); err != nil {
			return 0, err
		}
	}
	if number == nil {
		return 0, nil
	}
	lost, left := map[int64]string{}, rows
	t := duck.Ident("temp", "dsql_lost")
	a := duck.Args{"rows": rows, "number": number, "t": t}
	pyfunc.Rejected(tx.DB) // of a batch that was rolled back
	for {
		if err := pyfunc.Try(ctx, tx.Conn, b.in.QueryAt(left, number)); err != nil {
			return 0, err
		}
		failed := pyfunc.Rejected(tx.DB)
		if len(failed) == 0 {
			break
		}
		maps.Copy(lost, failed)
		if err := keepFailing(ctx, tx.Tx, t, lost); err != nil {
			return 0, err
		}
		left = duck.SQL("(SELECT * FROM {rows} WHERE {number} NOT IN (SELECT _row FROM {t}))", a)
	}
	if b.rel = left; b.input == nil {
		b.rel = duck.SQL("(SELECT * EXCLUDE ({number}) FROM {left})", a, duck.Args{"left": left})
	}
	if len(lost) == 0 {
		return 0, nil
	}
	return catalog.Reject(ctx, tx.Tx,
		catalog.Rejection{Destination: n.Name, Source: b.source(), Version: v, Input: b.input, HasRow: b.input != nil,
			Columns: b.in.Of.Cols, Reason: duck.SQL("_r._why"),
			Rows: duck.SQL("(SELECT s.*, t._why FROM (SELECT *, {number} AS _row FROM {rows}) s JOIN {t} t USING (_row))", a)})
}

func (b *fresh) source() string {
	if b.input == nil {
		return ""
	}
	return b.input.Source
}

// behindQuery leaves out of a replay the rows for which a function in the query failed: they have no value of it, and the query isn't
// computed again. It says so.
func (r *runner) behindQuery(ctx context.Context, d *sql.Decl, n *program.Node, where *duck.Query) (*duck.Query, error) {
	failed := duck.SQL("starts_with(reason, 'function: ')")
	count, err := r.Conn.Int(ctx,
		duck.SQL("SELECT count(*) FROM dsql.rejects WHERE destination = {d} AND replayed_at IS NULL AND ({where}) AND {failed}",
			duck.Args{"d": n.Name, "where": where, "failed": failed}))
	if err != nil {
		return nil, err
	}
	if count > 0 {
		at := sql.Place{Src: d.Src, Span: d.Arg("FROM").Span}
		r.Warn(at.Errorf(code.Function,
			"%d rejects of %s are not replayed: a function in its query failed for them, and a replay goes on behind "+
				"the query", count, n.Name).WithHint(fmt.Sprintf("mend the function, then take them from where they came: REPLAY REJECTS FROM %s USING "+
			"'file', or REBUILD %s %s FROM SOURCE; what is called in a SET of RULES is replayed", n.Name, strings.ToUpper(n.Kind), n.Name)))
	}
	return duck.SQL("({where}) AND NOT {failed}", duck.Args{"where": where, "failed": failed}), nil
}

// mostLiterals is how many rows a statement has.
const mostLiterals = 2000
