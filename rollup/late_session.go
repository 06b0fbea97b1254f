package rollup

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/watermark"
)

// lateSessions finds the rows of a batch that would join a session which is closed, or be one that is closed from its beginning. rows are
// the batch's; what was stored before them is in b.All.
func (r *Rollup) lateSessions(ctx context.Context, tx *duck.Tx, b watermark.Batch, rows *duck.Query, a duck.Args) error {
	q := r.query
	same, mine := duck.SQL("true"), duck.SQL("true")
	told := q.told()
	if len(told) > 0 {
		if _, err := tx.ExecAt(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {t} AS {q}", duck.Args{"t": touchedTable, "q": q.touched(rows)}),
			r.decl.Place()); err != nil {
			return err
		}
		var keys []*duck.Query
		edits := q.reading(b.All)
		for _, k := range told {
			keys = append(keys, q.edited(q.items[k].expr, edits))
		}
		mine = among(keys)
		var each []*duck.Query
		for i := range told {
			each = append(each, duck.SQL("c.{c} IS NOT DISTINCT FROM n.{n}", duck.Args{"c": keyColumn(i), "n": keyColumn(i + 2)}))
		}
		same = duck.Join(" AND ", each...)
	}
	edits := q.reading(b.All)
	ts, gap := q.edited(q.timed.time, edits), q.timed.args[1]
	groups := make([]*duck.Query, 0, len(told))
	for _, k := range told {
		groups = append(groups, q.edited(q.items[k].expr, edits))
	}
	a = a.With(duck.Args{"closed": closedTable, "gap": gap, "same": same, "from": b.From})
	before := duck.SQL("_dsql_version <= {from} AND {mine} AND {taken}", a, duck.Args{"mine": mine, "taken": r.taken(q, b.All)})
	list := duck.SQL("{is} AS _start, max({ts}) AS _last", duck.Args{"is": q.timed.is, "ts": ts})
	if len(groups) > 0 {
		list = duck.SQL("{g}, {list}", duck.Args{"g": listed(groups), "list": list})
	}
	a["sessions"] = q.write(b.All, list, before)
	if _, err := tx.ExecAt(ctx, duck.SQL(`CREATE OR REPLACE TEMP TABLE {closed} AS
		SELECT * FROM ({sessions} GROUP BY ALL) WHERE {end} <= {up_to}`, a,
		duck.Args{"end": watermark.Micros(duck.SQL("(_last + ({gap}))", a))}), r.decl.Place()); err != nil {
		return err
	}
	a["new"] = q.plain(rows, duck.SQL("DISTINCT {m}", duck.Args{"m": listed(q.marks(q.reading(rows)))}), nil)
	if _, err := tx.ExecAt(ctx, duck.SQL(`CREATE OR REPLACE TEMP TABLE {late} AS SELECT n.* FROM ({new}) n WHERE EXISTS (FROM {closed} c
		WHERE {same} AND n._k1 <= c._last + ({gap}) AND c._start <= n._k1 + ({gap}))`, a), r.decl.Place()); err != nil {
		return err
	}
	if err := tx.Run(ctx, duck.SQL("INSERT INTO {name__late} FROM {late}", a)); err != nil {
		return err
	}
	// What is left makes sessions with what was there.
	marks := q.marks(edits)
	part := duck.SQL("{is}", duck.Args{"is": q.timed.is})
	if len(groups) > 0 {
		part = duck.SQL("{g}, {is}", duck.Args{"g": duck.Join(", ", groups...), "is": q.timed.is})
	}
	a["left"] = q.write(b.All, duck.SQL("{marks}, max({ts}) OVER (PARTITION BY {part}) AS _last",
		duck.Args{"marks": listed(marks), "ts": ts, "part": part}),
		duck.SQL("{mine} AND {taken}", duck.Args{"mine": mine, "taken": r.taken(q, b.All)}))
	var names []*duck.Query
	for i := range marks {
		names = append(names, keyColumn(i))
	}
	a["names"] = duck.Join(", ", names...)
	if _, err := tx.ExecAt(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {closed} AS SELECT DISTINCT {names} FROM ({left}) WHERE _k0 > "+
		"{from} AND {end} <= {up_to}",
		a, duck.Args{"end": watermark.Micros(duck.SQL("(_last + ({gap}))", a))}), r.decl.Place()); err != nil {
		return err
	}
	return tx.Run(ctx, duck.SQL("INSERT INTO {name__late} FROM {closed}", a), duck.SQL("INSERT INTO {late} FROM {closed}", a))
}
