package run

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql/code"
)

// What a sink refused is written again as the rows that the versions brought: their numbers among these stand in dsql.rejects.

// sunkRows is a condition on rejects: they are rows of a sink that can be found again.
var sunkRows = duck.SQL(`starts_with(reason, 'sink: ') AND (original->>'row')::BIGINT > 0`)

// sunk is a row that a sink refused.
type sunk struct{ id, after, version, number int64 }

// replaySunk writes again what a sink refused and a condition holds for.
func (r *runner) replaySunk(ctx context.Context, n *program.Node, s kind.Sink, where *duck.Query) error {
	all, err := duck.Select(ctx, r.Conn, duck.SQL(`SELECT id, (original->>'after')::BIGINT, version, (original->>'row')::BIGINT FROM dsql.rejects
		WHERE destination = {sink} AND replayed_at IS NULL AND {sunk} AND ({where})
		ORDER BY version, 4`, duck.Args{"sink": n.Name, "where": where, "sunk": sunkRows}),
		func(row func(...any) error) (x sunk, err error) {
			return x, row(&x.id, &x.after, &x.version, &x.number)
		})
	if err != nil || len(all) == 0 {
		return err
	}
	if r.deliveries[n] != nil { // the outlet is at work
		if err := r.sinks(ctx, true, []*program.Node{n}); err != nil || r.stopped() {
			return err
		}
	}
	of := n.Inputs[0].Of
	out, err := r.outlet(ctx, n, s, edge{n, of})
	if err != nil {
		return err
	}
	w, ok := out.(kind.Rewriter)
	if !ok {
		return n.Obj.Decl().Errorf(code.NothingRemembered, "sink %s can't write rows again", n.Name).WithHint("select them from dsql.rejects")
	}
	for len(all) > 0 {
		some := 1
		for some < len(all) && all[some].version == all[0].version && all[some].after == all[0].after {
			some++
		}
		if err := r.rewrite(ctx, n, w, out, all[:some]); err != nil {
			return err
		}
		all = all[some:]
	}
	return nil
}

// rewrite writes rows of one Write again. Those that are refused again stay as they are.
func (r *runner) rewrite(ctx context.Context, n *program.Node, w kind.Rewriter, out kind.Outlet, rows []sunk) error {
	of := n.Inputs[0].Of
	d, _ := of.Destination()
	mark := rows[0].id
	var numbers []int64
	for _, x := range rows {
		numbers, mark = append(numbers, x.number), min(mark, x.id)
	}
	i := duck.Ident(duck.FreeName("_i", n.Cols))
	q := duck.SQL("SELECT {cols} FROM (SELECT *, row_number() OVER () AS {i} FROM ({rows})) WHERE {i} IN ({numbers}) ORDER BY {i}", duck.Args{
		"cols": duck.Names(duck.ColumnNames(n.Cols)), "rows": d.InOrder(rows[0].after, rows[0].version, n.Cols), "i": i,
		"numbers": duck.Each(", ", numbers, func(n int64) *duck.Query { return duck.Lit(n) })})
	if have, err := r.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM ({q})", duck.Args{"q": q})); err != nil || have != int64(len(rows)) {
		if err == nil {
			err = n.Obj.Decl().Errorf(code.NothingRemembered, "%s no longer has the rows of version %d", of.Name, rows[0].version).
				WithHint("they stand in dsql.rejects as JSON: column data")
		}
		return err
	}
	written, err := w.Rewrite(ctx, rows[0].version, q, numbers, mark)
	if err != nil {
		return err
	}
	refused := map[int64]bool{}
	for _, x := range out.Rejected() {
		refused[x.Number] = true
	}
	var ids []int64
	for i, x := range rows {
		if !refused[int64(i+1)] {
			ids = append(ids, x.id)
		}
	}
	r.sum.Sunk += written
	if len(refused) > 0 {
		r.Warn(n.Obj.Decl().Errorf(code.SinkRejects, "sink %s still can't write %d rows of version %d: %s", n.Name, len(refused), rows[0].version,
			out.Rejected()[0].Reason).WithHint("they stay in dsql.rejects"))
	}
	if len(ids) == 0 {
		return nil
	}
	return r.Conn.Update(ctx, func(tx *duck.Tx) error {
		return tx.Run(ctx, duck.SQL("UPDATE dsql.rejects SET replayed_at = {now} WHERE id IN ({ids})", duck.Args{"now": duck.Now,
			"ids": duck.Each(", ", ids, func(n int64) *duck.Query { return duck.Lit(n) })}))
	})
}
