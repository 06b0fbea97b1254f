package program

import (
	"context"
	"fmt"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/engine/watermark"
	"dsql/sql/code"
)

// A destination whose query is over all rows of what it reads (kind.Total): it takes the rows of one stored table, and is in step with the
// others that its query names, which are its inputs too.

// Total: see kind.Total.
func (n *Node) Total() (kind.Total, bool) { t, ok := n.Obj.(kind.Total); return t, ok }

// inputs makes what else a total's query names inputs of its own: where one moves it is computed anew.
func (n *Node) alsoReads() {
	if _, ok := n.Total(); !ok || len(n.Inputs) == 0 {
		return
	}
	for _, w := range n.whole {
		if w != n.Inputs[0].Of {
			n.Inputs = append(n.Inputs, &Input{Of: w, Plain: true})
		}
	}
}

// bindTotal reads a total's query, and binds it over the columns of what it reads.
func (p *Program) bindTotal(ctx context.Context, tx *duck.Tx, n *Node, t kind.Total) error {
	in, d := n.Inputs[0], n.Obj.Decl()
	of, ok := in.Of.Destination()
	if !ok {
		return d.At(in.body.reads[in.body.fresh].at).Errorf(code.RollupQuery, "%s is a source, which keeps no rows that could be counted again",
			in.Of.Name).
			WithHint(fmt.Sprintf("store them: CREATE STREAM … FROM %s; and read that", in.Of.Name))
	}
	if _, ok := of.(kind.Mover); !ok {
		return d.At(in.body.reads[in.body.fresh].at).Errorf(code.RollupQuery, "%s %s doesn't tell which of its rows went", in.Of.Kind,
			in.Of.Name).
			WithHint("read a stream, a journal or a rollup")
	}
	if in.state = of.NewColumns(in.Of.Cols); in.Of.Changes() { // those of its rows, not of its changes
		in.state = in.state[1:]
	}
	if calls := callsIn(in.body.src, in.body.span, n.rejecting()); len(calls) > 0 {
		return d.At(calls[0].at).Errorf(code.FunctionReject, "%s is declared ON ERROR REJECT, and a row that a rollup computes is of many",
			calls[0].at.Of(in.body.src)).WithHint("call it in a stream, and roll that up; or declare it ON ERROR NULL or FAIL")
	}
	r := in.body.reads[in.body.fresh]
	empty := in.state
	if in.inTime(t) {
		empty = append(slices.Clone(in.state), duck.Column{Name: watermark.VersionColumn, Type: "BIGINT"})
	}
	q := kind.Query{Src: in.body.src, Span: in.body.span, Tree: in.body.tree, At: in.body.freshAt(), Empty: duck.Empty(empty),
		As: duck.SQL(""), Beside: len(n.whole)+len(n.Others) > 0}
	_, q.Adds = of.(kind.Adder)
	q.Input.Start, q.Input.End = r.from, r.to
	if !r.alias {
		q.As = duck.SQL(" AS {n}", duck.Args{"n": duck.Ident(r.name)})
	}
	if at := in.Of.Name + "_at"; !q.Beside && len(n.beside) == 0 && !in.Of.final() && len(t.Chain().Rules)+len(t.Chain().Checks) == 0 {
		q.Past = &kind.Past{Columns: in.state, At: func(version *duck.Query) *duck.Query {
			return duck.SQL("(SELECT {cols} FROM {at}({v}))",
				duck.Args{"cols": duck.Names(duck.ColumnNames(in.state)), "at": duck.Ident(at), "v": version})
		}}
	}
	read, err := t.Read(ctx, tx, q)
	if err != nil {
		return p.SourceHint(ctx, tx.Conn, err)
	}
	n.Obj, in.total = read, read
	if n.Cols, err = tx.Describe(ctx, in.Query(q.Empty), d.Place()); err != nil {
		return p.SourceHint(ctx, tx.Conn, err)
	}
	n.Cols = n.respelt(n.Cols)
	return nil
}

// fixed refuses a SET of a column that says what a row is about.
func (n *Node) fixed() error {
	t, ok := n.Total()
	if !ok {
		return nil
	}
	for _, set := range n.Rules.Sets() {
		for _, key := range t.Fixed() {
			if duck.Ident(set).Text == duck.Ident(key).Text {
				return n.Obj.Decl().Errorf(code.RollupQuery, "a SET changes %s, by which %s groups its rows", key, n.Name).
					WithHint("make it of the rows, in the query: its groups are other ones then")
			}
		}
	}
	return nil
}

// inTime: a total takes its rows in event time.
func (in *Input) inTime(t kind.Total) bool {
	u, ok := t.(watermark.User)
	if !ok {
		return false
	}
	_, on := u.InTime()
	return on
}

// All are all rows that a total's input has, with the version that brought each where they are taken in event time.
func (in *Input) All() *duck.Query {
	if m, ok := in.Of.Obj.(kind.Mover); ok && in.inTime(in.total) {
		return m.Stamped(in.state)
	} else if ok && in.Of.final() { // what it has handed on
		return duck.SQL("(SELECT * EXCLUDE ({v}) FROM {all})", duck.Args{"v": duck.Ident(watermark.VersionColumn), "all": m.Stamped(in.state)})
	}
	return duck.SQL("(SELECT {cols} FROM {t})", duck.Args{"cols": duck.Names(duck.ColumnNames(in.state)), "t": duck.Ident(in.Of.Name)})
}

// State are the columns of these rows.
func (in *Input) State() []duck.Column { return in.state }

// Moved are the rows of a total's input that came or went in versions (from, to].
func (in *Input) Moved(from, to int64) *duck.Query {
	m, ok := in.Of.Obj.(kind.Mover)
	if !ok {
		return nil
	}
	return m.Moved(from, to, in.state)
}

// Came are those of them that came, nil where some may have gone.
func (in *Input) Came(ctx context.Context, tx *duck.Tx, from, to int64) (*duck.Query, error) {
	a, ok := in.Of.Obj.(kind.Adder)
	if !ok {
		return nil, nil
	}
	return a.Came(ctx, tx, from, to, in.state)
}

// Computed is the input of rows that are the destination's already.
func (in *Input) Computed() *Input { return &Input{Of: in.Of, Plain: true} }
