package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

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
		if err := tx.Run(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {t} (_row BIGINT, _why VARCHAR)", duck.Args{"t": t})); err != nil {
			return nil, 0, err
		}
		for some := range slices.Chunk(slices.Sorted(maps.Keys(rows)), mostLiterals) {
			values := duck.Each(", ", some, func(id int64) *duck.Query { return duck.SQL("({id}, {why})", duck.Args{"id": id, "why": rows[id]}) })
			if err := tx.Run(ctx, duck.SQL("INSERT INTO {t} VALUES {values}", duck.Args{"t": t, "values": values})); err != nil {
				return nil, 0, fmt.Errorf("keeping the rows that a function failed for: %w", err)
			}
		}
		return t, int64(len(rows)), nil
	}
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
		r.Warn(at.Errorf(code.Function, "%d rejects of %s are not replayed: a function in its query failed for them, and a replay goes on behind "+
			"the query", count, n.Name).WithHint(fmt.Sprintf("mend the function, then take them from where they came: REPLAY REJECTS FROM %s USING "+
			"'file', or REBUILD %s %s FROM SOURCE; what is called in a SET of RULES is replayed", n.Name, strings.ToUpper(n.Kind), n.Name)))
	}
	return duck.SQL("({where}) AND NOT {failed}", duck.Args{"where": where, "failed": failed}), nil
}

// mostLiterals is how many rows a statement has.
const mostLiterals = 2000
