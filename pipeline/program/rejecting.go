package program

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/sql"
	"dsql/sql/code"
)

// A function with ON ERROR REJECT sends the row that it fails for to dsql.rejects. Which row that is it is told by a number: where a
// destination's text calls it, the call becomes one of another function that takes the number first. Where the rows of the result don't
// have that number (behind a join, in an aggregate) the query is tried first, and then run without the rows that were rejected.

// rejecting are the functions that may reject a row of the destination, by name: what is called instead.
func (n *Node) rejecting() map[sql.Key]*duck.Query {
	out := map[sql.Key]*duck.Query{}
	for _, m := range n.beside {
		if f, ok := m.Obj.(kind.Rejecting); ok && f.At() != nil {
			out[sql.KeyOf(m.Name)] = duck.Ident(f.At()...)
		}
	}
	return out
}

// Rejecting: some function that it calls may reject a row.
func (n *Node) Rejecting() bool { return len(n.rejecting()) > 0 }

// QueryRejects: a function in its query may reject a row. What comes back of rejects goes on behind the query, which is not computed again.
func (n *Node) QueryRejects() bool {
	return slices.ContainsFunc(n.Inputs, func(in *Input) bool { return len(in.calls) > 0 })
}

// madeBy tells of a function or model that changes which destinations call it, and how many of their rows the older one has made: those stay.
func (p *Program) madeBy(ctx context.Context, tx *duck.Tx, f *Node, c *event.Change) error {
	if !f.callable() || c.Action != "change" {
		return nil
	}
	for _, n := range p.Nodes {
		if !slices.Contains(n.beside, f) || n.Stored == nil {
			continue
		}
		rows, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {t}", duck.Args{"t": duck.Ident(n.Name)}))
		if duck.IsMissing(err) {
			continue
		}
		if err != nil {
			return err
		}
		c.What = append(c.What, fmt.Sprintf("%d rows of %s %s were made by an older version and stay; REBUILD %s %s FROM SOURCE makes them anew",
			rows,
			n.Kind, n.Name, strings.ToUpper(n.Kind), n.Name))
	}
	return nil
}

// numberColumn is that of a stored table's rows, where a query calls functions that may reject them.
const numberColumn = "_number"

// bindCalls sees whether the calls in the query over an input can be given the number of a row.
func (in *Input) bindCalls(ctx context.Context, tx *duck.Tx, n *Node) error {
	in.calls, in.tried = nil, false
	if in.body == nil {
		return nil
	}
	calls := callsIn(in.body.src, in.body.span, n.rejecting())
	if len(calls) == 0 {
		return nil
	}
	_, source := in.Of.Source()
	in.calls, in.tried = calls, !source || !in.Meta || !in.RowByRow()
	number, rel := duck.SQL("CASE WHEN _meta IS NULL THEN 0 END::BIGINT"), rowless(tx.Conn, in.Of)
	if !source {
		number, rel = Number, duck.SQL("(SELECT *, NULL::BIGINT AS {n} FROM {rel})", duck.Args{"n": Number, "rel": rel})
	}
	_, errs := tx.DescribeEach(ctx, []duck.Bound{{Query: in.QueryAt(rel, number)}})
	if errs[0] == nil {
		return nil
	}
	at := calls[0].at
	return n.Obj.Decl().At(at).Errorf(code.FunctionReject,
		"%s is declared ON ERROR REJECT, and which row of %s it is called for can't be told here",
		at.Of(in.body.src), in.Of.Name).
		WithHint("call it where the rows of " + in.Of.Name +
			" are read, or in a stream of its own; or declare it ON ERROR NULL or FAIL").WithCause(errs[0])
}

// Number is the column of a stored table's rows that Input.QueryAt takes their number from.
var Number = duck.Ident(numberColumn)

// measuredCalls refuses such functions in METRICS and CHECKS: what is measured is no row.
func (p *Program) measuredCalls(n *Node, items []*sql.Decl) (errs sql.List) {
	functions := n.rejecting()
	for _, item := range items {
		for _, v := range item.Args {
			for _, sp := range v.Exprs {
				for _, c := range callsIn(item.Src, sp, functions) {
					errs = append(errs, item.At(c.at).Errorf(code.FunctionReject,
						"%s is declared ON ERROR REJECT, and what is measured of a batch has no row that could be rejected", c.at.Of(item.Src)).
						WithHint("measure a column that it was called for in the query or in RULES; or declare it ON ERROR NULL or FAIL"))
				}
			}
		}
	}
	return errs
}

// Calls: its query has calls that may reject a row, and its rows know of which they come.
func (in *Input) Calls() bool { return len(in.calls) > 0 && !in.tried }

// Tried: its query has calls that may reject a row, and its rows don't know of which they come, behind a join say: the query is to be tried
// first, and run without those rows.
func (in *Input) Tried() bool { return in.tried }

// QueryAt is Query, whose calls that may reject a row are given its number, an expression over _meta.
func (in *Input) QueryAt(rel, number *duck.Query) *duck.Query {
	if len(in.calls) == 0 {
		return in.Query(rel)
	}
	b := *in.body
	for _, c := range in.calls {
		b.edits = append(b.edits, edit{c.at, c.instead}, edit{sql.Span{Start: c.open, End: c.open}, c.before(number)})
	}
	slices.SortFunc(b.edits, func(x, y edit) int { return x.at.Start - y.at.Start })
	return b.query(rel)
}

// edit is text that stands in place of the user's.
type edit struct {
	at sql.Span
	q  *duck.Query
}

// call of a function in the user's text.
type call struct {
	at      sql.Span // of its name
	open    int      // behind the bracket
	instead *duck.Query
	empty   bool // it has no arguments
}

func (c call) before(number *duck.Query) *duck.Query {
	if c.empty {
		return number
	}
	return duck.SQL("{n}, ", duck.Args{"n": number})
}

// callsIn finds the calls of functions in a text.
func callsIn(src *sql.Source, sp sql.Span, functions map[sql.Key]*duck.Query) (out []call) {
	if len(functions) == 0 {
		return nil
	}
	toks := sql.Tokens(src, sp)
	for i := 0; i+1 < len(toks); i++ {
		text := func(i int) string { return toks[min(i, len(toks)-1)].Span.Of(src) }
		f := functions[sql.KeyOf(sql.NameOf(text(i)))]
		if f == nil || !IsName(toks[i]) || text(i+1) != "(" || i > 0 && text(i-1) == "." {
			continue
		}
		out = append(out, call{at: toks[i].Span, open: toks[i+1].Span.End, instead: f, empty: text(i+2) == ")"})
	}
	return out
}
