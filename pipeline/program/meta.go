package program

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/pipeline/event"
	"dsql/sql"
	"dsql/sql/code"
)

// A row that still has _meta is rejected with its place and bytes. A query that takes rows one by one (no join, no aggregate) hands _meta
// on by itself, however it lists its columns: behind the last item of each SELECT that it goes through.

// metaSpots are where _meta is to be put into the query's text, in order; nil: it has no such form.
func (b *body) metaSpots() []int {
	if b.tree == nil || len(b.reads) != 1 {
		return nil
	}
	return b.spotsFor(catalog.MetaColumn, false)
}

// spotsFor are where a column of the relation whose new rows are read is put in, so that the query hands it on; joined: other relations may
// stand beside that one.
func (b *body) spotsFor(column string, joined bool) []int {
	f := spotFinder{b: b, toks: sql.Tokens(b.src, b.span), column: column, joined: joined}
	if !f.level(b.tree.Queries[0], 0, len(f.toks), 0) || len(f.spots) == 0 {
		return nil
	}
	slices.Sort(f.spots)
	return f.spots
}

type spotFinder struct {
	b      *body
	toks   []sql.Token
	spots  []int
	column string
	joined bool
}

func (f *spotFinder) is(i int, words ...string) bool {
	return i >= 0 && i < len(f.toks) && slices.ContainsFunc(words,
		func(w string) bool { return strings.EqualFold(f.toks[i].Span.Of(f.b.src), w) })
}

// close is behind the bracket that is opened at i.
func (f *spotFinder) close(i, to int) int {
	for depth := 0; i < to; i++ {
		if f.is(i, "(", "[", "{") {
			depth++
		} else if f.is(i, ")", "]", "}") {
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return to
}

// level goes through a SELECT, whose text is tokens [i, to), and what it reads. It is false where rows aren't taken one by one.
func (f *spotFinder) level(query tree.Node, i, to, depth int) bool {
	n, ok := query.(*tree.Select)
	if !ok || depth > 20 || !oneByOne(n) {
		return false
	}
	for i < to && !f.is(i, "SELECT") { // past WITH …
		if i = f.next(i, to); f.is(i, "FROM") {
			return false // FROM t SELECT a
		}
	}
	from := i + 1
	for from < to && !(f.is(from, "FROM") && !(f.is(from-1, "DISTINCT") && f.is(from-2, "IS", "NOT"))) {
		from = f.next(from, to)
	}
	if from >= to {
		return false
	}
	if last := from - 1; !handsOn(n, f.column) {
		if f.is(last, ",") { // it may stand behind the last item
			last--
		}
		f.spots = append(f.spots, f.toks[last].Span.End)
	}
	switch t := n.From.(type) {
	case *tree.Table:
		cte := f.b.tree.CTE(t)
		if cte == nil {
			return !t.Shown
		}
		if takesRows(n, t.Name) || len(cte.Columns) > 0 || f.mentions(t.Name) != 2 {
			return false
		}
		at := f.cte(t.Name)
		return at > 0 && f.level(cte.Query, at+1, f.close(at, len(f.toks))-1, depth+1)
	case *tree.Join:
		return f.joined && f.beside(t)
	case *tree.Subquery:
		return f.is(from+1, "(") && !takesRows(n, "unnamed_subquery") && f.level(t.Query, from+2, f.close(from+1, to)-1, depth+1)
	}
	return false
}

// beside: the relation whose new rows are read stands in a join itself.
func (f *spotFinder) beside(n tree.Node) bool {
	switch n := n.(type) {
	case *tree.Table:
		return n.At == f.b.freshAt()
	case *tree.Join:
		return f.beside(n.Left) || f.beside(n.Right)
	}
	return false
}

// next is the token behind i, or behind the brackets that i opens.
func (f *spotFinder) next(i, to int) int {
	if f.is(i, "(", "[", "{") {
		return f.close(i, to)
	}
	return i + 1
}

// mentions counts a name.
func (f *spotFinder) mentions(name string) (n int) {
	for _, t := range f.toks {
		if IsName(t) && sql.Same(sql.NameOf(t.Span.Of(f.b.src)), name) {
			n++
		}
	}
	return n
}

// cte is the bracket that a common table expression begins with, 0 for none.
func (f *spotFinder) cte(name string) int {
	for i, t := range f.toks {
		if !IsName(t) || !sql.Same(sql.NameOf(t.Span.Of(f.b.src)), name) || !f.is(i+1, "AS") {
			continue
		}
		for i += 2; f.is(i, "NOT", "MATERIALIZED"); {
			i++
		}
		if f.is(i, "(") {
			return i
		}
	}
	return 0
}

// oneByOne: a row of the result is a row of what is read. (DuckDB's binder finds aggregates without GROUP BY.)
func oneByOne(n *tree.Select) bool {
	return len(n.Groups) == 0 && !n.ByAll && n.Having == nil && !slices.Contains(n.Modifiers, tree.Distinct)
}

// takesRows: an expression of the query takes all columns of what it reads, or a row of it as one value (to_json(t)): they would have a
// _meta more. name is what that is called where the user gives it no alias.
func takesRows(n *tree.Select, name string) bool {
	if alias := n.From.As(); alias != "" {
		name = alias
	}
	all := append(slices.Clone(n.List), n.Where, n.Qualify)
	return slices.ContainsFunc(all, func(x tree.Node) bool {
		if s, ok := x.(*tree.Star); ok {
			return slices.ContainsFunc(s.Replace, func(x tree.Node) bool { return takes(x, name, true) })
		}
		return takes(x, name, true)
	})
}

// takes is takesRows of an expression: rel or its columns stand in it. A star of a subquery (not own) is that one's.
func takes(x tree.Node, rel string, own bool) bool {
	switch x := x.(type) {
	case nil:
		return false
	case *tree.Select:
		own = false
	case *tree.Star:
		if own || sql.Same(x.Relation, rel) {
			return true
		}
	case *tree.ColumnRef:
		return len(x.Path) == 1 && sql.Same(x.Path[0], rel)
	}
	return slices.ContainsFunc(x.Parts(), func(p tree.Node) bool { return takes(p, rel, own) })
}

// handsOn: the list has a star, or the column itself.
func handsOn(n *tree.Select, column string) bool {
	return slices.ContainsFunc(n.List, func(x tree.Node) bool {
		name := x.As()
		switch x := x.(type) {
		case *tree.Star:
			return true
		case *tree.ColumnRef:
			name = cmp.Or(name, x.Name())
		}
		return sql.Same(name, column)
	})
}

// withMeta is the body of an input's query with _meta put in, nil where it has no place. flat: it stands in the list of the only SELECT,
// which has no star, so that the other columns are the same with it.
func (in *Input) withMeta() (with *body, flat bool) {
	if _, ok := in.Of.Source(); !ok || in.body == nil {
		return nil, false
	}
	b := *in.body
	if b.spots = b.metaSpots(); b.spots == nil {
		return nil, false
	}
	only, ok := b.tree.Queries[0].(*tree.Select)
	if !ok {
		return &b, false
	}
	_, stored := only.From.(*tree.Table)
	return &b, stored && len(only.CTEs) == 0 && !slices.ContainsFunc(only.List, func(x tree.Node) bool { return takes(x, "", true) })
}

// bindMeta are the columns beside the _meta that was put in, nil where the query doesn't bind with it.
func (b *body) bindMeta(ctx context.Context, tx *duck.Tx, of *Node) []duck.Column {
	all, err := tx.Describe(ctx, b.query(rowless(tx.Conn, of)), sql.Place{})
	if err != nil {
		return nil
	}
	cols := slices.DeleteFunc(slices.Clone(all), func(c duck.Column) bool { return sql.Same(c.Name, catalog.MetaColumn) })
	if len(cols) != len(all)-1 {
		return nil
	}
	return cols
}

// lostCoordinates are warnings about destinations of the script that may reject a source's rows without knowing where these came from.
func (p *Program) lostCoordinates() (out []*sql.Error) {
	for _, n := range p.Nodes {
		if n.Stmt < 0 || n.Rules == nil || !(n.Keyed() || n.Rules.Rejects() || n.Quality.Holds()) {
			continue
		}
		for _, in := range n.Inputs {
			if _, ok := in.Of.Source(); ok && !in.Meta {
				d := n.Obj.Decl()
				out = append(out, d.Errorf(code.CoordinatesLost,
					"what %s rejects will stand in dsql.rejects without its place and bytes: its query doesn't hand _meta on", n.Name).
					WithHint("a query without joins and aggregates does so by itself; else select _meta (of "+in.Of.Name+
						") too, or store the rows in a stream first"))
			}
		}
	}
	return out
}

// waiting says in a plan how many bad records of a source could be tried again.
func (p *Program) waiting(ctx context.Context, tx *duck.Tx, n *Node, c *event.Change) error {
	if _, ok := n.Source(); !ok || c.Action != "change" {
		return nil
	}
	bad, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.rejects WHERE destination IS NULL AND source = {s} AND replayed_at IS NULL",
		duck.Args{"s": n.Name}))
	if err == nil && bad > 0 {
		c.What = append(c.What, fmt.Sprintf("%d bad records would be tried again by: REPLAY REJECTS FROM %s", bad, n.Name))
	}
	return err
}
