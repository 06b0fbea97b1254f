package rollup

import (
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
)

// text is a query by its tokens: where its clauses and items stand. What they mean DuckDB's parser says, which doesn't say where they end.
type text struct {
	src  *sql.Source
	toks []sql.Token
}

func (t *text) word(i int) string {
	if i < 0 || i >= len(t.toks) {
		return ""
	}
	return t.toks[i].Span.Of(t.src)
}

func (t *text) is(i int, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(t.word(i), w) })
}

// next is the token behind i, or behind the brackets that i opens.
func (t *text) next(i int) int {
	depth := 0
	for ; i < len(t.toks); i++ {
		if t.is(i, "(", "[", "{") {
			depth++
		} else if t.is(i, ")", "]", "}") {
			depth--
		}
		if depth <= 0 {
			return i + 1
		}
	}
	return i
}

// part is tokens [from, to).
type part struct{ from, to int }

func (t *text) span(p part) sql.Span {
	if p.from >= p.to {
		return sql.Span{}
	}
	return t.toks[p.from].Span.To(t.toks[p.to-1].Span)
}

// split gives the parts between commas, but for empty ones: the last may be followed by a comma.
func (t *text) split(p part) (out []part) {
	from := p.from
	for i := p.from; i < p.to; i = t.next(i) {
		if t.is(i, ",") {
			if from < i {
				out = append(out, part{from, i})
			}
			from = i + 1
		}
	}
	if from < p.to {
		out = append(out, part{from, p.to})
	}
	return out
}

// clauses are those of the query's own SELECT, by their first word in lower case, without the words that open them.
func (t *text) clauses() map[string]part {
	out := map[string]part{}
	open, from := "with", 0
	end := func(i int) {
		if from < i {
			out[open] = part{from, i}
		}
	}
	for i := 0; i < len(t.toks); i = t.next(i) {
		words := 1
		switch {
		case t.is(i, "SELECT", "WHERE", "HAVING", "QUALIFY", "WINDOW", "LIMIT", "OFFSET", "USING") && !(t.is(i, "USING") && !t.is(i+1, "SAMPLE")):
		case t.is(i, "FROM") && !(t.is(i-1, "DISTINCT") && t.is(i-2, "IS", "NOT")):
		case t.is(i, "GROUP", "ORDER") && t.is(i+1, "BY"):
			words = 2
		default:
			continue
		}
		end(i)
		open, from = strings.ToLower(t.word(i)), i+words
	}
	end(len(t.toks))
	return out
}

// bare is an item of a SELECT without its alias.
func (t *text) bare(p part, alias string) part {
	named := func(i int) bool {
		return strings.EqualFold(sql.NameOf(t.word(i)), alias)
	}
	switch n := p.to - p.from; {
	case alias == "" || n < 2:
	case named(p.from) && t.is(p.from+1, ":") && !t.is(p.from+2, ":"):
		p.from += 2
	case named(p.to-1) && t.is(p.to-2, "AS"):
		p.to -= 2
	case named(p.to - 1):
		p.to--
	}
	return p
}

// same says that two parts are written alike.
func (t *text) same(a, b part) bool {
	if a.to-a.from != b.to-b.from {
		return false
	}
	for i := range a.to - a.from {
		if !strings.EqualFold(sql.NameOf(t.word(a.from+i)), sql.NameOf(t.word(b.from+i))) {
			return false
		}
	}
	return true
}

// edit is text in place of the user's.
type edit struct {
	at sql.Span
	q  *duck.Query
}

// edited is a part of the user's text with edits in it.
func (t *text) edited(p part, edits []edit) *duck.Query {
	sp := t.span(p)
	var out []*duck.Query
	at := sp.Start
	for _, e := range edits {
		if at <= e.at.Start && e.at.End <= sp.End {
			out = append(out, duck.User(t.src, sql.Span{Start: at, End: e.at.Start}), e.q)
			at = e.at.End
		}
	}
	return duck.Cat(append(out, duck.User(t.src, sql.Span{Start: at, End: sp.End}))...)
}
