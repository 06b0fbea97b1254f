package program

import (
	"math"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/engine/kind"
	"dsql/sql"
)

// Who tests a script may want to know which ways its conditions have gone (duck.Witness). Those of RULES, CHECKS and DELETE WHEN are told by
// who owns them; here stand those of queries, and the models that a destination's rows are given to.

// watch tells the witness of a destination's query and models.
func (n *Node) watch(c *duck.Conn) {
	w := c.DB.Witness()
	if w == nil {
		return
	}
	_, total := n.Obj.(kind.Total) // it reads its query itself
	for _, in := range n.Inputs {
		if b := in.body; b != nil && !b.noted && !total {
			b.noted = true
			for _, at := range b.wheres() {
				x := duck.Condition{Of: n.Name, Kind: duck.Where, At: sql.Place{Src: b.src, Span: at}}
				before, behind := w.Around(x, false)
				b.edits = append(b.edits, edit{sql.Span{Start: at.Start, End: at.Start}, before}, edit{sql.Span{Start: at.End, End: at.End}, behind})
			}
		}
	}
	for _, m := range n.beside {
		if _, model := m.Obj.(kind.Versioned); model {
			w.Expect(duck.Condition{Of: n.Name, Kind: duck.Model, Name: m.Name, At: n.calledAt(m)})
		}
	}
}

// calledAt is where a destination's text calls a model; of one that it calls by something else it is the destination's name.
func (n *Node) calledAt(m *Node) sql.Place {
	d := n.Obj.Decl()
	if calls := callsIn(d.Src, d.Span, map[sql.Key]*duck.Query{sql.KeyOf(m.Name): duck.Ident(m.Name)}); len(calls) > 0 {
		return d.At(calls[0].at)
	}
	return d.Place()
}

// wheres are the conditions of WHERE in the query, in its common table expressions and in the queries that it reads. Those in expressions
// are left alone: they may be about a row outside.
func (b *body) wheres() (out []sql.Span) {
	if b.tree == nil {
		return nil
	}
	toks := sql.Tokens(b.src, b.span)
	b.tree.Walk(func(n tree.Node) bool {
		if q, ok := n.(*tree.Subquery); ok && !q.InFrom {
			return false
		}
		s, ok := n.(*tree.Select)
		if !ok || s.Where == nil {
			return true
		}
		first := math.MaxInt // of what has a place in the condition
		tree.Walk(s.Where, func(n tree.Node) bool {
			if at, ok := tree.Place(n); ok {
				first = min(first, at)
			}
			return true
		})
		if at := whereAt(b.src, toks, b.span.Start+first); first < math.MaxInt && at.End > at.Start && !slices.Contains(out, at) {
			out = append(out, at)
		}
		return true
	})
	return out
}

// behindWhere are the words that may follow WHERE in a query.
var behindWhere = []string{"GROUP", "HAVING", "WINDOW", "QUALIFY", "ORDER", "LIMIT", "OFFSET", "UNION", "INTERSECT", "EXCEPT", "USING", "SELECT"}

// whereAt is the innermost condition behind WHERE that has a place in it; empty where there is none.
func whereAt(src *sql.Source, toks []sql.Token, place int) (found sql.Span) {
	is := func(i int, words ...string) bool {
		return i >= 0 && i < len(toks) && slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(toks[i].Span.Of(src), w) })
	}
	for i := range toks {
		if !is(i, "WHERE") || is(i-1, "(") && is(i-2, "FILTER") || i+1 == len(toks) {
			continue
		}
		end, depth := i+1, 0
		for ; end < len(toks); end++ {
			if is(end, "(", "[", "{") {
				depth++
			} else if is(end, ")", "]", "}") {
				depth--
			}
			if depth < 0 || depth == 0 && is(end, behindWhere...) {
				break
			}
		}
		if at := (sql.Span{Start: toks[i+1].Span.Start, End: toks[end-1].Span.End}); end > i+1 && at.Start <= place && place < at.End {
			found = at
		}
	}
	return found
}
