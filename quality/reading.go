package quality

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/sql"
)

// reading is what DuckDB's own parser says of a user's expression: where it calls functions and names columns. dsql has no
// parser of expressions; it replaces parts of the text at the places found here.
type reading struct {
	src    *sql.Source
	span   sql.Span
	events []event // by place
	toks   []sql.Token
	top    int // where a comparison at the top of the expression has its operator; -1
}

type eventKind int

const (
	call eventKind = iota
	column
	window
	relation
)

// event is a function call, a column, a window function, or a table that a subquery reads.
type event struct {
	kind  eventKind
	at    int    // in the source
	name  string // of the function, in lower case; the first part of a column's; a table's without its schema
	more  bool   // a column's name has more parts
	alias bool   // the user gave the table one
}

// read parses an expression. The error of one that DuckDB can't read is its own.
func read(ctx context.Context, c *duck.Conn, src *sql.Source, sp sql.Span) (*reading, error) {
	const head = "SELECT "
	r := &reading{src: src, span: sp, top: -1, toks: sql.Tokens(src, sp)}
	t, err := tree.Read(ctx, c, head+sp.Of(src))
	if err != nil {
		return nil, err
	}
	root := only(t)
	if root == nil {
		_, err := c.Describe(ctx, duck.SQL("SELECT ({e})", duck.Args{"e": duck.User(src, sp)}), sql.Place{Src: src, Span: sp})
		return r, err
	}
	r.use(t, sp.Start-len(head), root)
	return r, nil
}

// use takes what stands in parts of a tree; offset is where its text begins in the source.
func (r *reading) use(t *tree.Tree, offset int, of ...tree.Node) {
	w := walker{offset: offset, call: -1, tree: t}
	for _, n := range of {
		w.walk(n)
		if o, ok := n.(*tree.Other); ok && (o.Class == "COMPARISON" || o.Class == "BETWEEN") {
			r.top = w.place(o.At)
		}
	}
	w.events = slices.DeleteFunc(w.events, func(e event) bool { return e.at < 0 })
	slices.SortStableFunc(w.events, func(a, b event) int { return a.at - b.at })
	r.events = w.events
}

// only is the one item of the one SELECT that an expression makes; nil where it makes something else.
func only(t *tree.Tree) tree.Node {
	if len(t.Queries) != 1 {
		return nil
	}
	if q, ok := t.Queries[0].(*tree.Select); ok && len(q.List) == 1 {
		return q.List[0]
	}
	return nil
}

type walker struct {
	tree   *tree.Tree
	offset int
	params []string // of the lambdas around
	call   int      // where the call around stands that the parser made several of: list(x ORDER BY y) is list_sort(list(x))
	events []event
}

// place is where a node stands in the source; -1 where DuckDB doesn't say.
func (w *walker) place(at int) int {
	if at < 0 {
		return -1
	}
	return at + w.offset
}

func (w *walker) walk(x tree.Node) {
	switch n := x.(type) {
	case nil:
		return
	case *tree.Subquery: // its names are its own, but for the tables
		w.walk(n.Child)
		w.tables(n.Query)
		return
	case *tree.Lambda:
		depth := len(w.params)
		w.params = append(w.params, n.Params...)
		w.walk(n.Body)
		w.params = w.params[:depth]
		return
	case *tree.Window:
		w.add(event{kind: window}, n.At)
		return
	case *tree.Call:
		if !n.Operator {
			outer := w.call
			if at := w.place(n.At); at >= 0 {
				w.call = at
			}
			w.events = append(w.events, event{kind: call, name: strings.ToLower(n.Name), at: w.call})
			defer func() { w.call = outer }()
		}
	case *tree.ColumnRef:
		if !slices.Contains(w.params, n.Path[0]) {
			w.add(event{kind: column, name: n.Path[0], more: len(n.Path) > 1}, n.At)
		}
		return
	}
	for _, p := range x.Parts() {
		w.walk(p)
	}
}

// tables notes what a subquery reads.
func (w *walker) tables(query tree.Node) {
	tree.Walk(query, func(n tree.Node) bool {
		t, ok := n.(*tree.Table)
		if ok && !t.Shown && w.tree.CTE(t) == nil && (t.Schema == "" || strings.EqualFold(t.Schema, "main")) {
			w.add(event{kind: relation, name: t.Name, alias: t.Alias != ""}, t.At)
		}
		return true
	})
}

func (w *walker) add(e event, at int) {
	e.at = w.place(at)
	w.events = append(w.events, e)
}

// tokenAt is the index of the token that starts at or behind a place.
func (r *reading) tokenAt(at int) int {
	i, _ := slices.BinarySearchFunc(r.toks, at, func(t sql.Token, at int) int { return t.Span.Start - at })
	return i
}

func (r *reading) is(i int, text string) bool {
	return i >= 0 && i < len(r.toks) && strings.EqualFold(r.toks[i].Span.Of(r.src), text)
}

// closing is the index of the bracket that closes the one at i.
func (r *reading) closing(i int) int {
	depth := 0
	for ; i < len(r.toks); i++ {
		if r.toks[i].Kind != sql.Op {
			continue
		}
		switch r.toks[i].Span.Of(r.src) {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(r.toks) - 1
}

// extent is a function call as it stands in the source.
type extent struct {
	span   sql.Span   // with FILTER (…) and WITHIN GROUP (…)
	args   []sql.Span // between the commas
	filter sql.Span   // inside FILTER (…), without WHERE; empty when there is none
	bare   bool       // nothing stands between the brackets' end and the extent's
}

func (r *reading) extent(at int) extent {
	i := r.tokenAt(at)
	start := r.toks[i].Span.Start
	for !r.is(i, "(") && i < len(r.toks)-1 { // a qualified name
		i++
	}
	end := r.closing(i)
	x := extent{bare: true}
	from := i + 1
	for j := i + 1; j <= end; j++ {
		if j == end || r.is(j, ",") {
			if j > from {
				x.args = append(x.args, r.toks[from].Span.To(r.toks[j-1].Span))
			}
			from = j + 1
			continue
		}
		if r.is(j, "(") || r.is(j, "[") || r.is(j, "{") {
			j = r.closing(j)
		}
	}
	for {
		open := 0
		switch {
		case r.is(end+1, "FILTER") && r.is(end+2, "("):
			open = end + 2
			inside := open + 1
			if r.is(inside, "WHERE") {
				inside++
			}
			if c := r.closing(open); c > inside {
				x.filter = r.toks[inside].Span.To(r.toks[c-1].Span)
			}
		case r.is(end+1, "WITHIN") && r.is(end+2, "GROUP") && r.is(end+3, "("):
			open = end + 3
		default:
			x.span = sql.Span{Start: start, End: r.toks[end].Span.End}
			return x
		}
		x.bare = false
		end = r.closing(open)
	}
}

// nameEnd is where a column's name ends that starts at a place.
func (r *reading) nameEnd(at int) int {
	i := r.tokenAt(at)
	for r.is(i+1, ".") && i+2 < len(r.toks) {
		i += 2
	}
	return r.toks[i].Span.End
}

// measured is the side of a comparison that is measured, rather than what it is compared with: of count(*) > 0 it is count(*). It
// is the left one, unless the right one says more: rows says of which events that they are about the rows, which weighs more than
// a subquery or the call of another function, and that more than a constant. ok is false for an expression that is no comparison at
// its top.
func (r *reading) measured(rows func(event) bool) (sp sql.Span, ok bool) {
	if r.top < 0 {
		return sp, false
	}
	i := r.tokenAt(r.top)
	depth := 0
	for j := range i {
		switch r.toks[j].Span.Of(r.src) {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		}
	}
	if i == 0 || i >= len(r.toks) || depth != 0 || !(r.is(i, "BETWEEN") || strings.ContainsAny(r.toks[i].Span.Of(r.src), "<>=!")) {
		return sp, false
	}
	left := r.toks[0].Span.To(r.toks[i-1].Span)
	if r.is(i, "BETWEEN") {
		return left, !r.is(i-1, "NOT")
	}
	for i < len(r.toks)-1 && r.toks[i].Kind == sql.Op && strings.ContainsAny(r.toks[i].Span.Of(r.src), "<>=!") {
		i++
	}
	right := r.toks[i].Span.To(r.toks[len(r.toks)-1].Span)
	if r.weight(right, rows) > r.weight(left, rows) {
		return right, true
	}
	return left, true
}

// weight of a side of a comparison: 2 where something in it is about the rows, 1 where something is called or asked for.
func (r *reading) weight(sp sql.Span, rows func(event) bool) (weight int) {
	for _, e := range r.events {
		if sp.Start > e.at || e.at >= sp.End {
			continue
		}
		if weight = max(weight, 1); rows(e) {
			return 2
		}
	}
	if slices.ContainsFunc(sql.Tokens(r.src, sp), func(t sql.Token) bool { return strings.EqualFold(t.Span.Of(r.src), "SELECT") }) {
		weight = 1
	}
	return weight
}
