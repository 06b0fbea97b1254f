package run

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// replay is rejected rows on their way through a destination's chain again. They enter behind the destination's query: what
// dsql.rejects keeps is the query's row, and what the rules made of it.
type replay struct {
	node  *program.Node
	where *duck.Query
	hold  *hold // these rows are what a check held back
	rows  int64
}

func (p *replay) fresh() fresh {
	a := duck.Args{"t": duck.Ident(replayTable), "cols": duck.Names(duck.ColumnNames(p.node.Cols))}
	rows := duck.SQL("(SELECT {cols}, _meta, _reject_id FROM {t} WHERE NOT _late)", a)
	in := &kind.Input{SourceOf: duck.SQL("_source"), Rows: rows, RowID: duck.SQL("_reject_id"),
		Raw: duck.SQL("(SELECT _meta, _payload, _reject_id, _source FROM {t})", a)}
	if h := p.hold; h != nil {
		in.Source, in.Origin, in.Snapshot, in.Captures, in.Absent = h.source, h.origin, h.load.Snapshot, h.load.Captures, h.load.Absent
		if h.load.Time != nil {
			in.FileTime = *h.load.Time
		}
	}
	return fresh{in: &program.Input{Plain: true, Meta: true}, rel: rows, origin: p.origin(), held: p.hold, input: in}
}

func (p *replay) origin() string {
	if p.hold != nil {
		return p.hold.origin
	}
	return "rejects of " + p.node.Name
}

// done marks the rows as replayed.
func (p *replay) done(ctx context.Context, tx *duck.Tx) error {
	return tx.Run(ctx, duck.SQL("UPDATE dsql.rejects SET replayed_at = {now} WHERE id IN (SELECT _reject_id FROM {t})",
		duck.Args{"now": duck.Now, "t": duck.Ident(replayTable)}))
}

var replayRejectsVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "REPLAY REJECTS", NoName: true,
		Head: []sql.Clause{{Keyword: "FROM", Arg: sql.ArgName, Required: true,
			Doc: "the destination that rejected them; or a source: its bad records are decoded anew; or a sink: it writes them again"}},
		Clauses: []sql.Clause{
			{Keyword: "WHERE", Arg: sql.ArgExpr, Doc: "which of them: a condition on dsql.rejects"},
			{Keyword: "USING", Arg: sql.ArgString,
				Doc: "a file of lines {\"id\", \"payload\"} (as `dsql rejects NAME --fix FILE` writes them): records to take in place of those"}},
		Doc: "Sends rejected rows through the destination's rules and write again, in one new version; bad records of a source through all " +
			"destinations that lack them. Each is replayed once; a row that is rejected again stands there anew, a record that is bad still stays.",
		Example: "REPLAY REJECTS FROM orders WHERE rule = 'sane_qty'"},
	Check: func(p *program.Program, d *sql.Decl) error {
		_, err := rejecter(p, d)
		return err
	},
	Plan: &program.Planned{Action: "REPLAY REJECTS", On: rejecter, Touches: replayed},
	Run:  action((*runner).replayRejects),
}

// rejecter is what REPLAY REJECTS names.
func rejecter(p *program.Program, d *sql.Decl) (*program.Node, error) {
	name := d.Arg("FROM").Names[0]
	if n := p.Relation(name.Text); n != nil {
		return n, nil
	}
	if n := p.Find("sink", name.Text); n != nil {
		if v := d.Arg("USING"); v != nil {
			return nil, d.At(v.Keyword).Errorf(code.ReplayUsing, "rejects of a sink have no bytes to be mended: they are rows of %s", n.Inputs[0].Of.Name).
				WithHint("change the topic's settings or the sink, and replay them as they are")
		}
		return n, nil
	}
	return nil, p.NotDeclared("relation", name, d)
}

// replayRejects is REPLAY REJECTS FROM name [WHERE …] [USING …].
func (r *runner) replayRejects(ctx context.Context, d *sql.Decl) error {
	n, err := rejecter(r.Program, d)
	if err != nil {
		return err
	}
	where := duck.SQL("true")
	if w := d.Arg("WHERE"); w != nil {
		where = duck.User(d.Src, w.Exprs[0])
	}
	if s, ok := n.Sink(); ok {
		return r.replaySunk(ctx, n, s, where)
	}
	using := d.Arg("USING")
	if using != nil {
		if err := r.readMended(ctx, d, using); err != nil {
			return err
		}
	}
	if _, ok := n.Source(); ok {
		return r.replayBad(ctx, d, n, where, using != nil)
	}
	if using != nil {
		if err := r.replayMended(ctx, d, n, where); err != nil || r.stopped() {
			return err
		}
		where = duck.SQL("({where}) AND id NOT IN (SELECT id FROM {using})", duck.Args{"where": where, "using": duck.Ident(usingTable)})
	}
	if n.QueryRejects() {
		if where, err = r.behindQuery(ctx, d, n, where); err != nil {
			return err
		}
	}
	return r.replayWhere(ctx, d, n, where)
}

// replayWhere replays the rejects of n that meet a condition. What is held back is left to RELEASE HOLD and DISCARD HOLD.
func (r *runner) replayWhere(ctx context.Context, d *sql.Decl, n *program.Node, where *duck.Query) error {
	var free, held int64
	if _, err := r.Conn.Scan(ctx, duck.SQL(`SELECT count(*) FILTER (NOT held), count(*) FILTER (held)
		FROM (SELECT {held} AS held FROM dsql.rejects WHERE destination = {name} AND replayed_at IS NULL AND ({where}))`,
		duck.Args{"name": n.Name, "where": where, "held": isHeld}), &free, &held); err != nil {
		return err
	}
	if l, ok := n.Obj.(kind.Loaded); ok && l.WholeLoads() && free > 0 {
		return d.At(d.Span).Errorf(code.ReplayLoads, "%s %s takes whole tables, and %d rejected rows of loads are none", n.Kind, n.Name, free).
			WithHint(fmt.Sprintf("mend the rules or the files, and run REBUILD %s %s FROM SOURCE: it takes all loads anew",
				strings.ToUpper(n.Kind), n.Name))
	}
	if held > 0 {
		r.Warn(d.At(d.Arg("FROM").Names[0].Span).Errorf(code.ReplayHeld, "%d rows that checks hold back were left as they are", held).
			WithHint(fmt.Sprintf("RELEASE HOLD %s takes them, DISCARD HOLD %s gives them up", n.Name, n.Name)))
	}
	if free == 0 {
		return nil
	}
	where = duck.SQL("({where}) AND NOT {held}", duck.Args{"where": where, "held": isHeld})
	return r.attempt(ctx, work{active: r.reached(n), replay: &replay{node: n, where: where}})
}

// isHeld is a condition on rows of dsql.rejects: they are what a check holds back.
var isHeld = duck.SQL(`EXISTS (FROM dsql.holds _h
	WHERE _h.destination = rejects.destination AND rejects.id BETWEEN _h.first_reject AND _h.last_reject)`)
