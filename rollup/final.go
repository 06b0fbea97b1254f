package rollup

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/watermark"
	"dsql/sql/code"
)

// EMIT FINAL. What such a rollup hands on isn't what changes, but each group once, when its window closes, in order of its end. These rows
// stand in name__final with the version that closed them: so a kill gives none of a version or all.

// bindFinal refuses EMIT FINAL where nothing ever closes.
func (r *Rollup) bindFinal() error {
	if v := r.decl.Arg("EMIT"); r.time.final && r.time.lateness == nil {
		return r.decl.At(v.Keyword.To(v.Span)).Errorf(code.RollupTime, "EMIT FINAL needs LATENESS: without it no window ever closes").
			WithHint("add LATENESS INTERVAL 10 MINUTES: a window closes when the watermark is so far beyond its end")
	}
	return nil
}

// Final: see kind.Final.
func (r *Rollup) Final() bool { return r.time.final }

// defineFinal makes name__final, anew where the rows have other columns.
func (r *Rollup) defineFinal(ctx context.Context, tx *duck.Tx, cols []duck.Column, anew bool) error {
	a := duck.Args{"final": r.table("__final"), "cols": duck.Each(", ", cols, func(c duck.Column) *duck.Query {
		return duck.SQL("{n} {t}", duck.Args{"n": duck.Ident(c.Name), "t": c.Type})
	})}
	if anew || !r.time.final {
		if err := tx.Run(ctx, duck.SQL("DROP TABLE IF EXISTS {final}", a)); err != nil || !r.time.final {
			return err
		}
	}
	return tx.Run(ctx, duck.SQL("CREATE TABLE IF NOT EXISTS {final} ({cols}, _version BIGINT, _nth BIGINT)", a))
}

// Handed are the rows that versions (from, to] handed on.
func (r *Rollup) handed(from, to int64) *duck.Query {
	return duck.SQL("{final} WHERE _version > {from} AND _version <= {to}", duck.Args{"final": r.table("__final"), "from": from, "to": to})
}

// handOn hands on the groups whose windows closed when the time up to which they are went on from a time.
func (r *Rollup) handOn(ctx context.Context, tx *duck.Tx, all *duck.Query, after, upTo, version int64) error {
	if !r.time.final || after >= upTo {
		return nil
	}
	q := r.query
	a := duck.Args{"final": r.table("__final"), "now": r.table("__now"), "cols": duck.Names(duck.ColumnNames(r.cols)), "v": version,
		"after": after, "up_to": upTo, "join": duck.SQL(""), "keys": duck.Idents("", r.KeyNames()...)}
	if q.timed.name == "session" { // the end of one hangs on its rows
		keys := q.told()
		edits := q.reading(all)
		values, same := []*duck.Query{}, []*duck.Query{}
		for i, k := range keys {
			values = append(values, q.edited(q.items[k].expr, edits))
			same = append(same, duck.SQL("_n.{c} IS NOT DISTINCT FROM _e.{k}", duck.Args{"c": duck.Ident(q.items[k].column), "k": keyColumn(i)}))
		}
		for _, k := range q.keys {
			if q.named(q.items[k].expr) == q.timed || q.named(q.items[k].expr) != nil {
				same = append(same, duck.SQL("_n.{c} = _e._start", duck.Args{"c": duck.Ident(q.items[k].column)}))
			}
		}
		list := duck.SQL("{is} AS _start, {end} AS _end", duck.Args{"is": q.timed.is, "end": q.timed.ends})
		if len(values) > 0 {
			list = duck.SQL("{g}, {list}", duck.Args{"g": listed(values), "list": list})
		}
		a["join"] = duck.SQL(" AS _n JOIN ({q} GROUP BY ALL) AS _e ON {same}",
			duck.Args{"q": q.write(all, list, r.taken(q, all)), "same": duck.Join(" AND ", same...)})
		a["end"] = watermark.Micros(duck.SQL("_e._end"))
		a["cols"] = duck.Each(", ", r.cols, func(c duck.Column) *duck.Query { return duck.Ident("_n", c.Name) })
		a["keys"] = duck.Each(", ", r.KeyNames(), func(c string) *duck.Query { return duck.Ident("_n", c) })
	} else {
		a["end"] = q.storedEnd()
	}
	// A version may hand on twice: what had been idle before its batch, and what that closes.
	if _, err := tx.ExecAt(ctx, duck.SQL(`INSERT INTO {final} SELECT {cols}, {v}, row_number() OVER (ORDER BY {end}, {keys}) +
			(SELECT coalesce(max(_nth), 0) FROM {final} WHERE _version = {v}) FROM {now}{join}
		WHERE {end} > {after} AND {end} <= {up_to}`, a), r.decl.Place()); err != nil {
		return err
	}
	return fault.Fault(ctx, "rollup-handed")
}

// storedEnd is the end of a stored row's window in microseconds: of several the first.
func (q *query) storedEnd() *duck.Query {
	var ends []*duck.Query
	for _, k := range q.keys {
		if w := q.named(q.items[k].expr); w != nil {
			ends = append(ends, watermark.Micros(duck.SQL("({c} + ({size}))", duck.Args{"c": duck.Ident(q.items[k].column), "size": w.args[1]})))
		}
	}
	return duck.SQL("least({e})", duck.Args{"e": duck.Join(", ", ends...)})
}

// HandOnAgain hands all windows that are closed on again, in a version: see watermark.Again.
func (r *Rollup) HandOnAgain(ctx context.Context, tx *duck.Tx, c *watermark.Clock, all *duck.Query, version int64) error {
	return r.handOn(ctx, tx, all, watermark.None, c.UpTo, version)
}
