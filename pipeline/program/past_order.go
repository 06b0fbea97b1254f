package program

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/sql"
)

// A window may be in the order of an expression, and whether that is a time DuckDB says: the query is bound once more with the expression
// moved by no time at all, which is an error of what is none.

// untimely is the expression that a window is in the order of where it is no time; "": it is one, or can't be told.
func (in *Input) untimely(ctx context.Context, tx *duck.Tx, w *tree.Window) string {
	at, ok := in.body.ordered(w)
	if !ok {
		return ""
	}
	of := in.body.at(in.body.fresh)
	moved := *in.body
	moved.edits = append(slices.Clone(moved.edits), edit{at, duck.SQL("(({e}) - INTERVAL 0 DAY)", duck.Args{"e": duck.User(in.body.src, at)})})
	rel := rowless(tx.Conn, in.Of)
	_, errs := tx.DescribeEach(ctx, []duck.Bound{{Query: in.body.query(rel), At: of}, {Query: moved.query(rel), At: of}})
	if errs[0] != nil || errs[1] == nil {
		return ""
	}
	return at.Of(in.body.src)
}

// ordered is where the first expression stands that a window is in the order of.
func (b *body) ordered(w *tree.Window) (sql.Span, bool) {
	toks := sql.Tokens(b.src, b.span)
	is := func(i int, words ...string) bool {
		return i < len(toks) && slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(toks[i].Span.Of(b.src), w) })
	}
	next := func(i int) int { // the token behind i, or behind the brackets that i opens
		for depth := 0; i < len(toks); {
			if is(i, "(", "[", "{") {
				depth++
			} else if is(i, ")", "]", "}") {
				depth--
			}
			if i++; depth <= 0 {
				break
			}
		}
		return i
	}
	i := slices.IndexFunc(toks, func(t sql.Token) bool { return w.At >= 0 && t.Span.Start == b.span.Start+w.At })
	if i < 0 {
		return sql.Span{}, false
	}
	for i < len(toks) && !is(i, "OVER") {
		i = next(i)
	}
	if i++; i >= len(toks) {
		return sql.Span{}, false
	}
	if name := sql.NameOf(toks[i].Span.Of(b.src)); IsName(toks[i]) { // WINDOW name AS (…)
		for i++; i < len(toks) && !(is(i+1, "AS") && is(i+2, "(") && sql.Same(sql.NameOf(toks[i].Span.Of(b.src)), name)); i++ {
		}
		i += 2
	}
	if !is(i, "(") {
		return sql.Span{}, false
	}
	end := next(i) - 1
	for i++; i < end && !is(i, "ORDER"); {
		i = next(i)
	}
	from := i + 2
	for i = from; i < end && !is(i, ",", "ASC", "DESC", "NULLS", "ROWS", "RANGE", "GROUPS", "EXCLUDE"); {
		i = next(i)
	}
	if from >= i || i > len(toks) {
		return sql.Span{}, false
	}
	return toks[from].Span.To(toks[i-1].Span), true
}
