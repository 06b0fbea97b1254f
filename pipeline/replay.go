package pipeline

import (
	"context"

	"dsql/engine"
	"dsql/sql"
)

var replaySyntax = &sql.Syntax{Verb: "REPLAY REJECTS", NoName: true,
	Head:    []sql.Clause{{Keyword: "FROM", Arg: sql.ArgName, Required: true, Doc: "the destination that rejected them"}},
	Clauses: []sql.Clause{{Keyword: "WHERE", Arg: sql.ArgExpr, Doc: "which of them: a condition on dsql.rejects"}},
	Doc:     "Sends rejected rows through the destination's rules, checks and write again, in one new version. Each is replayed once; one that is rejected again stands there anew.",
	Example: "REPLAY REJECTS FROM orders WHERE rule = 'sane_qty'"}

// replay is rejected rows on their way through a destination's chain again. They enter behind the destination's query: what
// dsql.rejects keeps is the query's row, and what the rules made of it.
type replay struct {
	node  *node
	where *engine.Query
	force bool // past the checks
	rows  int64
}

func (p *replay) fresh() fresh {
	a := engine.Args{"t": engine.Ident(replayTable), "cols": engine.Names(engine.ColumnNames(p.node.cols))}
	rows := engine.SQL("(SELECT {cols}, _meta, _reject_id FROM {t})", a)
	return fresh{in: &input{plain: true, meta: true}, rel: rows, origin: p.origin(), force: p.force,
		input: &engine.Input{SourceOf: engine.SQL("_source"), Rows: rows, RowID: engine.SQL("_reject_id"), Raw: engine.SQL("(SELECT _meta, _payload, _reject_id, _source FROM {t})", a)}}
}

func (p *replay) origin() string { return "rejects of " + p.node.name }

// done marks the rows as replayed.
func (p *replay) done(ctx context.Context, tx *engine.Tx) error {
	return tx.Run(ctx, engine.SQL("UPDATE dsql.rejects SET replayed_at = {now} WHERE id IN (SELECT _reject_id FROM {t})", engine.Args{"now": engine.Now, "t": engine.Ident(replayTable)}))
}

// replayRejects is REPLAY REJECTS FROM name [WHERE …].
func (r *runner) replayRejects(ctx context.Context, d *sql.Decl) error {
	name := d.Arg("FROM").Names[0]
	n := r.p.relation(name.Text)
	if n == nil {
		return r.p.notDeclared("relation", name, d)
	}
	if _, ok := n.destination(); !ok {
		return &sql.Error{Src: d.Src, Span: name.Span, Code: "replay-source", Msg: name.Text + " is a source: what it rejects are records that could not be read", Hint: "mend the declaration and read its files again under another name, or replay from a destination"}
	}
	where := engine.SQL("true")
	if w := d.Arg("WHERE"); w != nil {
		where = engine.User(d.Src, w.Exprs[0])
	}
	return r.replayWhere(ctx, n, where, false)
}

// replayWhere replays the rejects of n that meet a condition; forced ones skip the checks, which held them.
func (r *runner) replayWhere(ctx context.Context, n *node, where *engine.Query, force bool) error {
	count := engine.SQL("SELECT count(*) FROM dsql.rejects WHERE destination = {name} AND replayed_at IS NULL AND ({where})", engine.Args{"name": n.name, "where": where})
	if found, err := r.conn.Int(ctx, count); err != nil || found == 0 {
		return err
	}
	all := map[*node]bool{}
	for _, m := range r.p.nodes {
		all[m] = m.bound
	}
	reach := r.downstream(n, all)
	active := []*node{n}
	for _, m := range r.p.sorted() {
		if reach[m] {
			active = append(active, m)
		}
	}
	return r.attempt(ctx, work{active: active, replay: &replay{node: n, where: where, force: force}})
}
