package program

import (
	"slices"

	"dsql/engine/duck/tree"
	"dsql/sql"
)

// The conditions of a join are read off the tokens of the query: DuckDB's tree says where an expression begins, and not where it ends.

// is: a word behind a dot is a name, whatever word it is (a.order).
func (r *ranges) is(i int, words ...string) bool {
	return r.spotFinder.is(i, words...) && !r.spotFinder.is(i-1, ".")
}

// stops are words that a condition ends before.
var stops = []string{"JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "POSITIONAL", "ASOF", "SEMI", "ANTI", "ON", "USING",
	"WHERE", "GROUP",
	"HAVING", "WINDOW", "QUALIFY", "ORDER", "LIMIT", "OFFSET", "SELECT", "UNION", "INTERSECT", "EXCEPT", ","}

// conditions are those of ON and WHERE.
func (r *ranges) conditions() (out []part) {
	for _, c := range []struct {
		node tree.Node
		word string
	}{{r.j.meet.Condition, "ON"}, {r.j.in.Where, "WHERE"}} {
		if c.word == "WHERE" && r.j.outer != nil { // it says nothing of which rows find each other
			continue
		}
		first := -1 // where what is known to be of the condition begins
		tree.Walk(c.node, func(n tree.Node) bool {
			if at, ok := tree.Place(n); ok && (first < 0 || at < first) {
				first = at
			}
			return true
		})
		from := 0
		for i, t := range r.toks {
			if first >= 0 && t.Span.Start <= first+r.b.span.Start && r.is(i, c.word) {
				from = i + 1
			}
		}
		if from > 0 {
			out = append(out, part{from, r.ends(from)})
		}
	}
	return out
}

// ends is where a condition ends.
func (r *ranges) ends(i int) int {
	for i < len(r.toks) && !r.is(i, ")", "]", "}") &&
		(!r.is(i, stops...) || r.is(i+1, "(") && !r.is(i, ",", "ON", "USING", "WHERE", "SELECT")) {
		i = r.next(i, len(r.toks))
	}
	return i
}

// comparison: left is no more than right.
type comparison struct{ left, right part }

// comparisons are those that a condition is made of, as far as AND goes.
func (r *ranges) comparisons(p part) (out []comparison) {
	if r.is(p.from, "(") && r.close(p.from, p.to) == p.to {
		return r.comparisons(part{p.from + 1, p.to - 1})
	}
	from, between, and := p.from, 0, 0
	for i := p.from; i < p.to; i = r.next(i, p.to) {
		switch {
		case r.is(i, "OR", "CASE"):
			return nil
		case r.is(i, "BETWEEN"):
			between = i
		case r.is(i, "AND") && between > 0 && and == 0:
			and = i
		case r.is(i, "AND"):
			out = append(out, r.one(part{from, i}, between, and)...)
			from, between, and = i+1, 0, 0
		}
	}
	return append(out, r.one(part{from, p.to}, between, and)...)
}

// one are the comparisons of a condition without AND, but for that of a BETWEEN.
func (r *ranges) one(p part, between, and int) []comparison {
	if between > 0 {
		x, low, high := part{p.from, between}, part{between + 1, and}, part{and + 1, p.to}
		if and > 0 && r.plain(x) && r.plain(low) && r.plain(high) {
			return []comparison{{low, x}, {x, high}}
		}
		return nil
	}
	if r.is(p.from, "(") && r.close(p.from, p.to) == p.to {
		return r.comparisons(p)
	}
	for i := p.from; i < p.to; i = r.next(i, p.to) {
		op, behind := r.operator(i)
		left, right := part{p.from, i}, part{behind, p.to}
		switch {
		case op != "<" && op != "<=" && op != ">" && op != ">=":
			continue
		case !r.plain(left) || !r.plain(right):
			return nil
		case op[0] == '<':
			return []comparison{{left, right}}
		}
		return []comparison{{right, left}}
	}
	return nil
}

// operator is the one that begins at a token, and the token behind it.
func (r *ranges) operator(i int) (string, int) {
	from := i
	for i < len(r.toks) && r.toks[i].Kind == sql.Op && !r.is(i, "(", ")", "[", "]", "{", "}", ",", ".") &&
		(i == from || r.toks[i-1].Span.End == r.toks[i].Span.Start) {
		i++
	}
	if i == from {
		return "", i
	}
	return r.toks[from].Span.To(r.toks[i-1].Span).Of(r.b.src), i
}

// plain: an expression is made of what binds closer than a comparison.
func (r *ranges) plain(p part) bool {
	for i := p.from; i < p.to; i = r.next(i, p.to) {
		op, behind := r.operator(i)
		if op != "" && !slices.Contains([]string{"+", "-", "*", "/", "::"}, op) ||
			r.is(i, "NOT", "IS", "IN", "LIKE", "ILIKE", "SIMILAR", "GLOB", "BETWEEN", "SYMMETRIC", "ISNULL", "NOTNULL", "COLLATE", "OPERATOR",
				"LAMBDA") {
			return false
		}
		i = max(i, behind-1)
	}
	return p.from < p.to
}

// shifted is a column and what is added to it; minus: taken off it.
func (r *ranges) shifted(p part) (column, shift part, minus bool) {
	for i := p.from; i < p.to; i = r.next(i, p.to) {
		if !r.is(i, "+", "-") {
			continue
		}
		if shift.to > 0 || !r.path(part{p.from, i}) || i+1 == p.to {
			return p, part{}, false
		}
		column, shift, minus = part{p.from, i}, part{i + 1, p.to}, r.is(i, "-")
	}
	if shift.to == 0 {
		return p, part{}, false
	}
	return column, shift, minus
}

// path: it is a name, perhaps with others before it.
func (r *ranges) path(p part) bool {
	for i := p.from; i < p.to; i++ {
		if (i-p.from)%2 == 1 && !r.is(i, ".") || (i-p.from)%2 == 0 && !IsName(r.toks[i]) {
			return false
		}
	}
	return (p.to-p.from)%2 == 1
}

// column: a path is a column of a side. Of more parts, or behind another name, it may be a part of a struct.
func (r *ranges) column(p part, side int) bool {
	return r.path(p) && (p.to-p.from == 1 || p.to-p.from == 3 && r.named(p.from, side))
}

func (r *ranges) named(i, side int) bool {
	return sql.Same(sql.NameOf(r.toks[i].Span.Of(r.b.src)), r.j.name(side))
}

// same: an expression means the same over a side alone. A subquery may name what the query around it has, and a name behind another one be
// that of a table that stands beside.
func (r *ranges) same(p part, side int) bool {
	for i := p.from; i < p.to; i++ {
		if r.is(i, "(") && r.is(i+1, "SELECT", "FROM", "WITH", "VALUES", "TABLE") ||
			IsName(r.toks[i]) && r.is(i+1, ".") && !r.spotFinder.is(i-1, ".") && !(side < 2 && r.named(i, side)) {
			return false
		}
	}
	return true
}
