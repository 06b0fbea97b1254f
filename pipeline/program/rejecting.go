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
)

// A function with ON ERROR REJECT sends the row that it fails for to dsql.rejects. Which row that is it is told by a number: where a
// destination's text calls it, the call becomes one of another function that takes the number first. Where no number of a row is to be
// had (behind a join, in an aggregate) the call stays as it is, and fails.

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
func (n *Node) QueryRejects() bool { return slices.ContainsFunc(n.Inputs, (*Input).Calls) }

// madeBy tells of a function that changes which destinations call it, and how many of their rows the older one has made: those stay.
func (p *Program) madeBy(ctx context.Context, tx *duck.Tx, f *Node, c *event.Change) error {
	if !f.outside() || c.Action != "change" {
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

// bindCalls sees whether the calls in the query over an input can be given the number of a row.
func (in *Input) bindCalls(ctx context.Context, tx *duck.Tx, n *Node) {
	in.calls = nil
	if in.body == nil || !in.Meta {
		return
	}
	calls := in.body.callsOf(n.rejecting())
	if len(calls) == 0 {
		return
	}
	in.calls = calls
	probe := duck.SQL("CASE WHEN _meta IS NULL THEN 0 END::BIGINT")
	if _, errs := tx.DescribeEach(ctx, []duck.Bound{{Query: in.QueryAt(empty(in.Of), probe)}}); errs[0] != nil {
		in.calls = nil
	}
}

// Calls: its query has calls that may reject a row.
func (in *Input) Calls() bool { return len(in.calls) > 0 }

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

// callsOf finds the calls of functions in the query.
func (b *body) callsOf(functions map[sql.Key]*duck.Query) (out []call) {
	if len(functions) == 0 {
		return nil
	}
	toks := sql.Tokens(b.src, b.span)
	for i := 0; i+1 < len(toks); i++ {
		text := func(i int) string { return toks[min(i, len(toks)-1)].Span.Of(b.src) }
		f := functions[sql.KeyOf(UnquoteName(text(i)))]
		if f == nil || !IsName(toks[i]) || text(i+1) != "(" || i > 0 && text(i-1) == "." {
			continue
		}
		out = append(out, call{at: toks[i].Span, open: toks[i+1].Span.End, instead: f, empty: text(i+2) == ")"})
	}
	return out
}
