package program

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/sql"
	"dsql/sql/code"
)

// body is a destination's query and what it reads. dsql never parses a SELECT itself: DuckDB's own parser says which tables
// stand where (json_serialize_sql).
type body struct {
	src   *sql.Source
	span  sql.Span // AS query; empty where the destination has FROM a, b
	reads []read
	fresh int  // index in reads of the relation whose new rows are read
	other int  // that of a second one, behind it in the text; -1: there is none
	plain bool // one relation, no join, grouping or subquery: scanning twice gives the same rows twice
	names []ref
	tree  *tree.Tree // nil where DuckDB makes none of the query
	spots []int      // where a column is put in, see metaSpots
	spot  string     // which; "": _meta
	edits []edit
	noted bool // which ways its conditions go
}

// read is a relation that a body names.
type read struct {
	name   string
	at     sql.Span // of the name in the source
	marked bool     // STREAM name
	from   int      // where the text to replace starts: before STREAM when marked
	to     int      // where it ends
	alias  bool     // the user gave it an alias
}

// analyze finds what the query at sp reads. STREAM marks only declared relations.
func (s *scope) analyze(ctx context.Context, src *sql.Source, sp sql.Span) (b *body, err error) {
	c, known := s.conn, func(name string) bool { return s.p.Relation(name) != nil }
	b = &body{src: src, span: sp, fresh: -1, other: -1}
	marks := markers(src, sp, known)
	text := []byte(sp.Of(src))
	for _, m := range marks { // blank STREAM and its brackets, so that positions stay
		for i := m.from; i < m.to; i++ {
			if i < m.at.Start || i >= m.at.End {
				text[i-sp.Start] = ' '
			}
		}
	}
	t, err := tree.Read(ctx, c, string(text))
	switch {
	case err != nil:
		return nil, err
	case t.Refused == tree.Unwritable: // a query that is right, a PIVOT say
		b.byTokens(known, marks)
		b.names = tokenRefs(string(text))
		return b, b.choose()
	case t.Refused != "":
		if err := c.Parse(src, sp); err != nil { // DuckDB's own words, with its place
			return nil, err
		}
	}
	if len(t.Queries) != 1 {
		return nil, sql.Place{Src: src, Span: sp}.Errorf(code.ExpectedQuery, "a declaration has one query")
	}
	if b.names, err = s.treeRefs(ctx, t); err != nil {
		return nil, err
	}
	b.use(t, marks)
	return b, b.choose()
}

// use finds what is read in a tree of one query.
func (b *body) use(t *tree.Tree, marks []read) {
	src, sp := b.src, b.span
	first := firstTable(t, t.Queries[0], map[*tree.CTE]bool{})
	for _, table := range tables(t) {
		at := sp.Start + table.At
		r := read{name: table.Name, alias: table.Alias != "", at: sql.Span{Start: at, End: at + nameLen(src.Text[at:sp.End])}}
		r.from, r.to = r.at.Start, r.at.End
		for _, m := range marks {
			if m.at.Start <= at && at < m.at.End {
				r.marked, r.from, r.to = true, m.from, m.to
			}
		}
		if table == first {
			b.fresh = len(b.reads)
		}
		b.reads = append(b.reads, r)
	}
	b.plain, b.tree = len(b.reads) == 1 && plain(t), t
}

// choose settles whose new rows are read: the marked relation, or else the first in FROM. Two that are marked are joined.
func (b *body) choose() error {
	var marked []int
	for i, r := range b.reads {
		if r.marked {
			marked = append(marked, i)
		}
	}
	switch {
	case len(marked) > 2:
		return b.at(marked[2]).Errorf(code.TwoStreams, "a query joins the new rows of two relations at most, and STREAM stands before three").
			WithHint("join two of them in a stream of its own, and that one with the third; or leave STREAM out where a table is read as it stands").
			WithNote(b.at(marked[0]), "the first one")
	case len(marked) == 2:
		b.other = marked[1]
		fallthrough
	case len(marked) == 1:
		b.fresh = marked[0]
	}
	if b.fresh < 0 {
		return sql.Place{Src: b.src, Span: b.span}.Errorf(code.ReadsNothing, "the query reads no table, so no new rows ever come").
			WithHint("write FROM a source, a stream or a journal")
	}
	return nil
}

// at is where a relation is named.
func (b *body) at(read int) sql.Place { return sql.Place{Src: b.src, Span: b.reads[read].at} }

// query is the body with rels in place of the relations whose new rows are read: of one, or of two.
func (b *body) query(rels ...*duck.Query) *duck.Query { return b.within(b.span, rels...) }

// within is a part of it in which these stand.
func (b *body) within(at sql.Span, rels ...*duck.Query) *duck.Query {
	var parts []*duck.Query
	from := at.Start
	for i, read := range []int{b.fresh, b.other}[:len(rels)] {
		r := b.reads[read]
		parts = append(parts, b.text(from, r.from), rels[i])
		if !r.alias {
			parts = append(parts, duck.SQL(" AS {n}", duck.Args{"n": duck.Ident(r.name)}))
		}
		from = r.to
	}
	return duck.Cat(append(parts, b.text(from, at.End))...)
}

// freshAt is where the relation whose new rows are read stands in the query.
func (b *body) freshAt() int { return b.standsAt(b.fresh) }

func (b *body) standsAt(read int) int { return b.reads[read].at.Start - b.span.Start }

// text is a part of the user's text, with _meta where it is put in.
func (b *body) text(from, to int) *duck.Query {
	var parts []*duck.Query
	edits := slices.Clone(b.edits)
	for _, at := range b.spots {
		edits = append(edits, edit{sql.Span{Start: at, End: at},
			duck.SQL(", {c}", duck.Args{"c": duck.Ident(cmp.Or(b.spot, catalog.MetaColumn))})})
	}
	slices.SortStableFunc(edits, func(x, y edit) int { return x.at.Start - y.at.Start })
	for _, e := range edits {
		if from <= e.at.Start && e.at.End <= to {
			parts = append(parts, duck.User(b.src, sql.Span{Start: from, End: e.at.Start}), e.q)
			from = e.at.End
		}
	}
	return duck.Cat(append(parts, duck.User(b.src, sql.Span{Start: from, End: to}))...)
}

// tables are those that a query reads, in the order of its text, but for names of common table expressions.
func tables(t *tree.Tree) (found []*tree.Table) {
	t.Walk(func(n tree.Node) bool {
		if table, ok := n.(*tree.Table); ok && !table.Shown && table.At >= 0 && t.CTE(table) == nil {
			found = append(found, table)
		}
		return true
	})
	slices.SortFunc(found, func(a, b *tree.Table) int { return a.At - b.At })
	return found
}

// plain: a row of the result is of a row of what is read, and comes again when that is read again.
func plain(t *tree.Tree) bool {
	return !slices.ContainsFunc(t.Queries, func(q tree.Node) bool {
		return tree.Contains(q, func(n tree.Node) bool {
			switch n := n.(type) {
			case *tree.Subquery, *tree.Join, *tree.TableFunction, *tree.SetOperation, *tree.Window:
				return true
			case *tree.Select:
				return len(n.Groups) > 0 || n.ByAll || len(n.Modifiers) > 0
			case *tree.Call:
				return n.Name == "unnest"
			}
			return false
		})
	})
}

// firstTable is the first in a query's FROM, through common table expressions and subqueries; nil if there is none. Those in seen have
// none.
func firstTable(t *tree.Tree, n tree.Node, seen map[*tree.CTE]bool) *tree.Table {
	either := func(a, b tree.Node) *tree.Table {
		if found := firstTable(t, a, seen); found != nil {
			return found
		}
		return firstTable(t, b, seen)
	}
	switch n := n.(type) {
	case *tree.Table:
		switch cte := t.CTE(n); {
		case n.Shown || seen[cte]:
			return nil
		case cte != nil:
			seen[cte] = true
			return firstTable(t, cte.Query, seen)
		}
		return n
	case *tree.Join:
		return either(n.Left, n.Right)
	case *tree.SetOperation:
		if !n.Recursive {
			return either(n.Left, n.Right)
		}
	case *tree.Subquery:
		if n.InFrom {
			return firstTable(t, n.Query, seen)
		}
	case *tree.Select:
		return firstTable(t, n.From, seen)
	case *tree.Pivot:
		return firstTable(t, n.Source, seen)
	}
	return nil
}

// nameLen is the length of the (qualified) name that text starts with.
func nameLen(text string) int {
	src := sql.NewSource("", text)
	toks := sql.Tokens(src, sql.Span{Start: 0, End: len(text)})
	end := 0
	for i := 0; i < len(toks) && IsName(toks[i]); i += 2 {
		end = toks[i].Span.End
		if i+1 >= len(toks) || toks[i+1].Kind != sql.Op || toks[i+1].Span.Of(src) != "." {
			break
		}
	}
	return end
}

func IsName(t sql.Token) bool { return t.Kind == sql.Word || t.Kind == sql.Quoted }

// markers finds STREAM name and STREAM(name) after FROM, JOIN or a comma.
func markers(src *sql.Source, sp sql.Span, known func(string) bool) []read {
	toks := sql.Tokens(src, sp)
	at := func(i int) sql.Token {
		if i < len(toks) {
			return toks[i]
		}
		return sql.Token{}
	}
	is := func(i int, text string) bool { return strings.EqualFold(at(i).Span.Of(src), text) }
	var out []read
	for i := 1; i < len(toks); i++ {
		if !is(i, "STREAM") || !(is(i-1, "FROM") || is(i-1, "JOIN") || is(i-1, ",")) {
			continue
		}
		n, end := i+1, i+1
		if is(n, "(") && is(n+2, ")") {
			n, end = i+2, i+3
		}
		if !IsName(at(n)) || !known(sql.NameOf(at(n).Span.Of(src))) {
			continue
		}
		out = append(out, read{name: sql.NameOf(at(n).Span.Of(src)), at: at(n).Span, marked: true, from: at(i).Span.Start, to: at(end).Span.End})
	}
	return out
}

// byTokens is for the few queries that DuckDB can't serialize (PIVOT statements): declared names behind FROM, JOIN, PIVOT or a
// comma, the first of which gives the new rows.
func (b *body) byTokens(known func(string) bool, marks []read) {
	toks := sql.Tokens(b.src, b.span)
	for i := 1; i < len(toks); i++ {
		prev := strings.ToUpper(toks[i-1].Span.Of(b.src))
		name := sql.NameOf(toks[i].Span.Of(b.src))
		if !IsName(toks[i]) || !known(name) || !strings.Contains(" FROM JOIN PIVOT UNPIVOT STREAM , ( ", " "+prev+" ") {
			continue
		}
		r := read{name: name, at: toks[i].Span, from: toks[i].Span.Start, to: toks[i].Span.End}
		for _, m := range marks {
			if m.at == r.at {
				r = m
			}
		}
		if b.fresh < 0 {
			b.fresh = len(b.reads)
		}
		b.reads = append(b.reads, r)
	}
}
