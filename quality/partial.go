package quality

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
)

// Where rows are done a piece at a time, what is measured of a batch is put together of what each process measured of its piece. That can be
// for aggregates that are made of aggregates of parts; the others are computed over the rows, where they have come together.

// ToldPartial is a column of what a process measures.
type ToldPartial struct {
	Name string `json:"name"`
	SQL  string `json:"sql"` // an aggregate over the rows of a piece
}

// merging says how an aggregate is made of those of parts: the functions of a part, and what they come to; {1} is the column of the first.
type merging struct {
	parts []string // "": the call as it is
	merge string
}

var mergings = map[string]merging{
	"count":      {[]string{""}, "coalesce(sum({1}), 0)::BIGINT"},
	"count_star": {[]string{""}, "coalesce(sum({1}), 0)::BIGINT"},
	"count_if":   {[]string{""}, "coalesce(sum({1}), 0)"},
	"countif":    {[]string{""}, "coalesce(sum({1}), 0)"},
	"sum":        {[]string{""}, "sum({1})"},
	"min":        {[]string{""}, "min({1})"},
	"max":        {[]string{""}, "max({1})"},
	"bool_and":   {[]string{""}, "bool_and({1})"},
	"bool_or":    {[]string{""}, "bool_or({1})"},
	"bit_and":    {[]string{""}, "bit_and({1})"},
	"bit_or":     {[]string{""}, "bit_or({1})"},
	"bit_xor":    {[]string{""}, "bit_xor({1})"},
	"avg":        {[]string{"sum", "count"}, "(sum({1})::DOUBLE / nullif(sum({2}), 0))"},
	"mean":       {[]string{"sum", "count"}, "(sum({1})::DOUBLE / nullif(sum({2}), 0))"},
}

// partial is how an expression of aggregates is made of those of parts; merge is "" where it can't be. name is its column's.
func (p *Program) partial(ctx context.Context, c *duck.Conn, name string, of *duck.Query) (parts []ToldPartial, merge string) {
	src := sql.NewSource("", of.String())
	r, err := read(ctx, c, src, sql.Span{End: len(src.Text)})
	if err != nil || slices.ContainsFunc(r.toks, func(t sql.Token) bool {
		return slices.Contains([]string{"SELECT", "FROM", "DISTINCT", "ORDER", "WITHIN"}, strings.ToUpper(t.Span.Of(src)))
	}) {
		return nil, ""
	}
	var out strings.Builder
	pos := 0
	for _, e := range r.events {
		switch aggregate := e.kind == call && p.aggregates[e.name]; {
		case e.at < pos || e.kind == call && !aggregate:
			continue
		case !aggregate: // a column outside of all aggregates
			return nil, ""
		}
		m, ok := mergings[e.name]
		x := r.extent(e.at)
		if !ok || len(x.args) > 1 {
			return nil, ""
		}
		text, called := x.span.Of(src), m.merge
		for i, function := range m.parts {
			part := ToldPartial{fmt.Sprintf("%s.%d", name, len(parts)+1), text}
			if function != "" {
				part.SQL = function + text[strings.IndexByte(text, '('):]
			}
			parts = append(parts, part)
			called = strings.ReplaceAll(called, fmt.Sprintf("{%d}", i+1), duck.Ident(part.Name).String())
		}
		out.WriteString(src.Text[pos:x.span.Start] + called)
		pos = x.span.End
	}
	if len(parts) == 0 {
		return nil, ""
	}
	merge = out.String() + src.Text[pos:]
	cols := make([]*duck.Query, len(parts))
	for i, part := range parts {
		cols[i] = duck.SQL("{e} AS {n}", duck.Args{"e": whole(part.SQL), "n": duck.Ident(part.Name)})
	}
	if _, err := c.Describe(ctx, duck.SQL("SELECT {m} FROM (SELECT {cols} FROM {rel})", // the sum of times is none
		duck.Args{"m": whole(merge), "cols": cols, "rel": duck.Empty(p.cols)}), sql.Place{Src: src}); err != nil {
		return nil, ""
	}
	return parts, merge
}

// whole is a text that was made of the user's.
func whole(text string) *duck.Query {
	src := sql.NewSource("", text)
	return duck.User(src, sql.Span{End: len(text)})
}
