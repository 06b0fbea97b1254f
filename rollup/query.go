package rollup

import (
	"context"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// query is a rollup's, understood: which of its items are the groups, and by which condition on its rows some of them are picked out. It is
// written anew around the user's own text, with other rows in the place of what it reads.
type query struct {
	text
	of      kind.Query
	fails   func(sql.Span) sql.Place
	sel     *tree.Select
	clause  map[string]part
	items   []item
	windows []*window
	ends    []windowEnd
	edits   []edit
	keys    []int   // of items: the groups
	timed   *window // of event time, nil where the declaration has none; closing are all windows that a row lies in
	closing []*window
	whole   string // why all is computed at each version; "": only what is touched
	folding folding
	known   duck.Routines // the functions that it calls
}

// item of the SELECT.
type item struct {
	at, expr part // with its alias, and without
	alias    string
	node     tree.Node
	column   string // the name that it has in the result
	end      bool   // it is the end of a window
}

// Read: see kind.Total.
func (r *Rollup) Read(ctx context.Context, tx *duck.Tx, of kind.Query) (kind.Total, error) {
	q := &query{text: text{of.Src, sql.Tokens(of.Src, of.Span)}, of: of, fails: r.decl.At}
	if err := q.shape(); err != nil {
		return nil, err
	}
	if errs := q.calls(); len(errs) > 0 {
		return nil, errs.Err()
	}
	if w := q.only(); w != nil && w.name == "session" && !direct(q.sel.From, of.At) {
		return nil, q.fail(w.at, "session takes the rows of one relation, and the query joins several").
			WithHint("make a stream of the join, and the rollup of that")
	}
	slices.SortStableFunc(q.edits, func(a, b edit) int {
		if a.at.Start != b.at.Start {
			return a.at.Start - b.at.Start
		}
		return b.at.End - a.at.End
	})
	if err := q.steady(ctx, tx); err != nil {
		return nil, err
	}
	cols, err := tx.Describe(ctx, q.full(of.Empty), r.decl.Place())
	if err != nil {
		return nil, err
	}
	if len(cols) != len(q.items) {
		return nil, q.fail(q.clause["select"],
			"the columns of a rollup are named one by one").WithHint("write each column of * and COLUMNS(…) by its name")
	}
	for i := range cols {
		q.items[i].column = cols[i].Name
	}
	if err := q.groups(ctx, tx); err != nil {
		return nil, err
	}
	if err := r.bindTime(ctx, tx, q); err != nil {
		return nil, err
	}
	q.choose(ctx, tx)
	q.fold(ctx, tx, cols, len(r.chain.Rules)+len(r.chain.Checks) > 0)
	out := *r
	out.query, out.cols = q, cols
	return &out, nil
}

func (q *query) fail(p part, format string, args ...any) *sql.Error {
	sp := q.span(p)
	if sp == (sql.Span{}) {
		sp = q.of.Span
	}
	return q.fails(sp).Errorf(code.RollupQuery, format, args...)
}

func (q *query) user(p part) *duck.Query { return duck.User(q.src, q.span(p)) }

// shape finds the clauses and items, and refuses what no rollup can be.
func (q *query) shape() error {
	one := func(what string) error {
		return q.fail(part{}, "%s", what).WithHint("write SELECT columns, aggregates FROM STREAM name [WHERE …] GROUP BY … [HAVING …]; " +
			"what it is to be made of may be a stream of its own")
	}
	if q.of.Tree == nil || len(q.of.Tree.Queries) != 1 {
		return one("the query of a rollup is one SELECT with its groups")
	}
	s, ok := q.of.Tree.Queries[0].(*tree.Select)
	if !ok || s.From == nil {
		return one("the query of a rollup is one SELECT with its groups, and this is put together of several")
	}
	q.sel, q.clause = s, q.clauses()
	for word, what := range map[string]string{"order": "ORDER BY", "limit": "LIMIT", "offset": "OFFSET", "using": "USING SAMPLE"} {
		if p, ok := q.clause[word]; ok {
			return q.fail(p, "%s has no meaning in a rollup: it has all groups, in no order",
				what).WithHint("leave it out, and order what reads the rollup")
		}
	}
	p, ok := q.clause["select"]
	if !ok {
		return one("the query of a rollup names its columns")
	}
	if q.is(p.from, "DISTINCT") {
		return q.fail(p, "DISTINCT has no meaning in a rollup: each group is there once").WithHint("leave it out")
	}
	if q.is(p.from, "ALL") {
		p.from++
	}
	parts := q.split(p)
	if len(parts) != len(s.List) {
		return q.fail(p, "the columns of a rollup can't be told apart here").WithHint("write each column by its name")
	}
	for i, at := range parts {
		if _, star := s.List[i].(*tree.Star); star {
			return q.fail(at, "the columns of a rollup are named one by one").WithHint("write each column by its name instead of * or COLUMNS(…)")
		}
		it := item{at: at, alias: s.List[i].As(), node: s.List[i]}
		it.expr = q.bare(at, it.alias)
		it.end = q.is(it.expr.from, "window_end") && q.next(it.expr.from+1) == it.expr.to
		q.items = append(q.items, it)
	}
	return nil
}

// steady refuses functions that give another value each time: what they gave for a row couldn't be computed again.
func (q *query) steady(ctx context.Context, tx *duck.Tx) (err error) {
	var is *tree.Unsteady
	if is, q.known, err = tree.FindUnsteady(ctx, tx.Conn, isWindow, q.of.Tree.Queries...); err != nil || is == nil {
		return err
	}
	p := part{}
	for i, t := range q.toks {
		if is.At >= 0 && t.Span.Start == q.of.Span.Start+is.At {
			p = part{i, i + 1}
		}
	}
	return q.fail(p, "%s gives another value each time, and a rollup computes its groups again and again", is.Name).
		WithHint("keep the value in a stream, and read that")
}

// choose says how the rollup is kept in step.
func (q *query) choose(ctx context.Context, tx *duck.Tx) {
	s := q.sel
	list := append(slices.Clone(s.List), s.Having, s.Qualify)
	_, with := q.clause["with"]
	switch {
	case q.sets():
		q.whole = "a row is in groups of several sets"
	case len(q.keys) == 0:
		q.whole = "it has one group"
	case q.of.Beside:
		q.whole = "it reads other tables beside, which may have changed"
	case slices.ContainsFunc(list, func(n tree.Node) bool {
		return tree.Contains(n, func(n tree.Node) bool { _, ok := n.(*tree.Window); return ok })
	}) || s.Qualify != nil:
		q.whole = "a window function sees other groups"
	case with || !direct(s.From, q.of.At):
		q.whole = "its rows come through a query of their own"
	case slices.ContainsFunc(append(list, s.Where), func(n tree.Node) bool {
		return tree.Contains(n, func(n tree.Node) bool { _, ok := n.(*tree.Subquery); return ok })
	}):
		q.whole = "a subquery sees other groups"
	case q.only() != nil && q.only().name == "session" && len(q.told()) == 0:
		q.whole = "a session without other groups may reach all rows"
	default:
		_, errs := tx.DescribeEach(ctx, []duck.Bound{{Query: q.touched(q.of.Empty), At: q.fails(q.of.Span)}})
		if errs[0] != nil {
			q.whole = "its groups name each other"
		}
	}
}

// direct: a FROM is nothing but the relation at a place.
func direct(from tree.Node, at int) bool {
	t, ok := from.(*tree.Table)
	return ok && t.At == at
}

// full is the query over all rows of a relation.
func (q *query) full(rel *duck.Query) *duck.Query {
	return q.write(rel, q.list(rel), nil, "group", "having", "window", "qualify")
}

// those is the query over the rows of a relation of which a condition holds (nil: any), with what else is kept of a group.
func (q *query) those(rel, also *duck.Query) *duck.Query {
	return q.write(rel, q.kept(rel), also, "group", "having", "window", "qualify")
}

// list is the SELECT's own.
func (q *query) list(rel *duck.Query) *duck.Query {
	edits := q.reading(rel)
	return duck.Each(", ", q.items, func(it item) *duck.Query { return q.edited(it.at, edits) })
}

// reading are the edits with a relation in the place of what the query reads.
func (q *query) reading(rel *duck.Query) []edit {
	edits := append(slices.Clone(q.edits), edit{q.of.Input, duck.Cat(rel, q.of.As)})
	slices.SortStableFunc(edits, func(a, b edit) int { return a.at.Start - b.at.Start })
	return edits
}

// write is a query over a relation's rows of which another condition holds (nil: any), with these of the clauses that follow WHERE.
func (q *query) write(rel, list, also *duck.Query, clauses ...string) *duck.Query {
	edits := q.reading(rel)
	get := func(word string) *duck.Query { return q.edited(q.clause[word], edits) }
	from, with, where := get("from"), duck.SQL(""), duck.SQL("")
	if _, ok := q.clause["with"]; ok {
		with = duck.SQL("{w} ", duck.Args{"w": get("with")})
	}
	switch _, ok := q.clause["where"]; {
	case ok && also != nil:
		where = duck.SQL("\nWHERE ({w}\n) AND {also}", duck.Args{"w": get("where"), "also": also})
	case ok:
		where = duck.SQL("\nWHERE {w}", duck.Args{"w": get("where")})
	case also != nil:
		where = duck.SQL("\nWHERE {also}", duck.Args{"also": also})
	}
	if w := q.only(); w != nil && w.name == "hop" {
		from = duck.Cat(from, w.hops())
	} else if w != nil {
		var others []*duck.Query
		for _, k := range q.told() {
			others = append(others, q.edited(q.items[k].expr, edits))
		}
		from, where = w.sessions(rel, q.alias(), others, where), duck.SQL("")
	}
	out := []*duck.Query{with, duck.SQL("SELECT {list}\nFROM {from}{where}", duck.Args{"list": list, "from": from, "where": where})}
	for _, word := range clauses {
		if _, ok := q.clause[word]; ok {
			out = append(out, opening[word], get(word))
		}
	}
	return duck.Cat(out...)
}

var opening = map[string]*duck.Query{"group": duck.SQL("\nGROUP BY "), "having": duck.SQL("\nHAVING "), "window": duck.SQL("\nWINDOW "),
	"qualify": duck.SQL("\nQUALIFY ")}

// alias is what the only relation of the FROM is called.
func (q *query) alias() *duck.Query {
	name := q.sel.From.As()
	if t, ok := q.sel.From.(*tree.Table); ok && name == "" {
		name = t.Name
	}
	return duck.SQL(" AS {n}", duck.Args{"n": duck.Ident(name)})
}

func (q *query) keyNames() (out []string) {
	for _, k := range q.keys {
		out = append(out, q.items[k].column)
	}
	return out
}

// told are the items whose values pick out the rows of a group: all groups but the session, which hangs on the rows around.
func (q *query) told() (out []int) {
	for _, k := range q.keys {
		if w := q.named(q.items[k].expr); w == nil || w.name != "session" {
			out = append(out, k)
		}
	}
	return out
}
