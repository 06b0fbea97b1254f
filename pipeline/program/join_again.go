package program

import (
	"context"
	"fmt"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/sql"
	"dsql/sql/code"
)

// What keeps a join of two streams from giving the same whenever it is asked again: a row of a side is looked at once with each batch of the
// other, and an outer join takes what comes behind its watermark for too late. What an older dsql has declared goes on as it was.

// steady refuses what gives another value each time, where rows are joined: in ON, and in what the two sides are made of. What is computed
// of a pair is computed once.
func (j *Join) steady(ctx context.Context, tx *duck.Tx, n *Node) error {
	if n.Stmt < 0 || j.in == nil {
		return nil
	}
	parts := []tree.Node{j.in.From}
	tree.Walk(j.in.From, func(n tree.Node) bool {
		if t, ok := n.(*tree.Table); ok {
			if cte := j.body.tree.CTE(t); cte != nil {
				parts = append(parts, cte.Query)
			}
		}
		return true
	})
	is, _, err := tree.FindUnsteady(ctx, tx.Conn, func(string) bool { return false }, parts...)
	if err != nil || is == nil {
		return err
	}
	at := j.body.reads[j.body.other].at
	if is.At >= 0 {
		at = sql.Span{Start: j.body.span.Start + is.At, End: j.body.span.Start + is.At + len(is.Name)}
	}
	return sql.Place{Src: j.body.src, Span: at}.Errorf(code.JoinQuery, "%s gives another value each time, and a row is joined with each batch of "+
		"the other side anew", is.Name).
		WithHint("keep the value in the stream of one side, and join by that; what is to be asked of a pair once stands in WHERE")
}

// timely refuses an outer join of a side whose rows come behind others by design: those that waited in an outer join, which this one would
// take for too late.
func (j *Join) timely(n *Node) error {
	if n.Stmt < 0 || !j.outer.timed() {
		return nil
	}
	for i, s := range j.sides {
		if j.outer.time[i] == "" {
			continue
		}
		if by := s.Of.waited(j.outer.time[i]); by != nil {
			read := []int{j.body.fresh, j.body.other}[i]
			what := by.Name
			if by != s.Of {
				what = fmt.Sprintf("%s, which %s reads,", by.Name, s.Of.Name)
			}
			return j.body.at(read).Errorf(code.JoinQuery, "%s gives rows that have waited for others behind rows of a later %s, and an outer join "+
				"would take them for too late", what, j.outer.time[i]).
				WithHint("join each stream to the first in an outer join of its own, and both of these by the first one's key with JOIN; or write JOIN here")
		}
	}
	return nil
}

// waited is the outer join by which rows come late in a column, "" for one that isn't a copy of any; nil: none do.
func (n *Node) waited(column string) *Node {
	j := n.Join()
	if j == nil {
		for _, in := range n.Inputs {
			if _, stores := in.Of.Destination(); stores && !in.Of.Keyed() {
				if by := in.Of.waited(in.copies()[sql.KeyOf(column)]); by != nil {
					return by
				}
			}
		}
		return nil
	}
	from := [2]string{j.copies(0)[sql.KeyOf(column)], j.copies(1)[sql.KeyOf(column)]}
	for i, s := range j.sides {
		if from[i] == "" && from[1-i] != "" { // it is NULL in a row that waited alone
			continue
		}
		if j.outer != nil && len(j.outer.ends[i]) > 0 {
			return n
		}
		if by := s.Of.waited(from[i]); by != nil {
			return by
		}
	}
	return nil
}

// copies are the columns of the join's rows that copy a column of a side: which.
func (j *Join) copies(side int) map[sql.Key]string {
	b := *j.body
	if b.tree == nil {
		return nil
	}
	b.fresh = []int{b.fresh, b.other}[side]
	return (&Input{Of: j.sides[side].Of, body: &b}).copies()
}
