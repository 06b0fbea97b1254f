package duck

import (
	"context"
	"errors"
	"strconv"

	"dsql/internal/lazy"
	"dsql/sql"
	"dsql/sql/code"
)

// mostWrong is how many times a query is bound to find all that is wrong in it.
const mostWrong = 20

var (
	unknownColumn   = lazy.Regexp(`(?i)^referenced (?:column|table) ".*" not found|does not have a column named`)
	unknownFunction = lazy.Regexp(`(?i)^scalar function with name .* does not exist`)
)

// Wrongs are first, which DuckDB said of a query, and what it would say next: it stops at the first name that isn't there, and here each
// such column is taken for NULL and such function for coalesce, which takes anything. Other errors may come of that, and aren't told.
func (c *Conn) Wrongs(ctx context.Context, b Bound, first error) []error {
	all := []error{first}
	told := map[sql.Place]bool{}
	q := b.Query
	for err, n := first, 0; n < mostWrong; n++ {
		var e *sql.Error
		if !errors.As(err, &e) || e.Src == nil || endsTransaction(err) {
			return all
		}
		function := unknownFunction().MatchString(e.Msg)
		named := function || unknownColumn().MatchString(e.Msg)
		if n > 0 && !told[e.Place()] && (named || e.Code == code.DuckDBCatalog) {
			all = append(all, e)
		}
		told[e.Place()] = true
		d, ok := readDuckError(e.Err)
		pos, perr := strconv.Atoi(d.Position)
		if n, _ := c.parse(q.Text); n > 1 { // it was described by a statement
			pos -= len(describe)
		}
		if !named || !ok || perr != nil || pos < 0 || pos >= len(q.Text) {
			return all
		}
		instead := SQL("NULL")
		if function {
			instead = SQL("coalesce")
		}
		q = Cat(q.part(0, pos), instead, q.part(pos+nameLen(q.Text, pos), len(q.Text)))
		_, errs := c.DescribeEach(ctx, []Bound{{q, b.At}})
		if err = errs[0]; err == nil {
			return all
		}
	}
	return all
}

// nameLen is how long the name at pos is, with those that are joined to it by dots.
func nameLen(text string, pos int) int {
	end := pos + tokenLen(text, pos)
	for end+1 < len(text) && text[end] == '.' {
		end += 1 + tokenLen(text, end+1)
	}
	return end - pos
}

// part is text [from, to) of the query.
func (q *Query) part(from, to int) *Query {
	out := &Query{Text: q.Text[from:to]}
	for _, f := range q.frags {
		start, end := max(f.at, from), min(f.at+f.n, to)
		if start < end {
			out.frags = append(out.frags, frag{at: start - from, n: end - start, from: f.from + start - f.at, src: f.src})
		}
	}
	return out
}
