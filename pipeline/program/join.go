package program

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// A destination whose query joins two STREAMs gets each pair of their rows once, with the version that brings the later of the two: new
// rows of the first with all of the second, and those of the first that were there before with new rows of the second. What was there
// before _version says, so nothing is kept beside the two stored streams. It holds of queries each row of which is made of one row of
// either side; others are refused.

// Join is a query over the new rows of two stored streams.
type Join struct {
	body   *body
	sides  [2]joined
	meet   *tree.Join // where they are joined
	in     *tree.Select
	ranged bool   // a row finds rows of the other side in a range alone
	outer  *outer // nil: a row that finds none gives none
}

// joined is a side of a join.
type joined struct {
	*Input
	limits []limit // of its rows, by what is new of the other side
}

// Join is what joins the destination's two inputs; nil where its rows are those of one.
func (n *Node) Join() *Join {
	if len(n.Inputs) == 0 {
		return nil
	}
	return n.Inputs[0].join
}

// Inputs are the sides, in the order of the query.
func (j *Join) Inputs() [2]*Input { return [2]*Input{j.sides[0].Input, j.sides[1].Input} }

// Computed is the input of pairs that are rows of the query already.
func (j *Join) Computed() *Input { return &Input{Of: j.sides[0].Of} }

// join makes the relations that a destination's query marks its inputs.
func (s *scope) join(n *Node, decl *sql.Decl, b *body) error {
	if _, total := n.Total(); total {
		return b.at(b.other).Errorf(code.TwoStreams, "a rollup takes the rows of one relation, and STREAM stands twice").
			WithHint("mark one of them: the rollup follows where the other changes, too").
			WithNote(b.at(b.fresh), "the first one")
	}
	j := &Join{body: b}
	for i, read := range []int{b.fresh, b.other} {
		of := s.p.Relation(b.reads[read].name)
		if of == nil {
			return s.p.unknown(decl, sql.Name{Text: b.reads[read].name, Span: b.reads[read].at})
		}
		if err := joinable(of, b.at(read)); err != nil {
			return err
		}
		j.sides[i].Input = &Input{Of: of, body: b, join: j}
		n.Inputs = append(n.Inputs, j.sides[i].Input)
	}
	return j.shape()
}

// joinable refuses what isn't a stored stream.
func joinable(of *Node, at sql.Place) error {
	if _, source := of.Source(); source {
		return at.Errorf(code.JoinQuery, "%s is a source, which keeps no rows that the other side's could find later", of.Name).
			WithHint(fmt.Sprintf("store them: CREATE STREAM … FROM %s; and join that", of.Name))
	}
	if !of.Keyed() {
		return nil
	}
	e := at.Errorf(code.JoinQuery, "%s is a %s: its changes can't be joined with another STREAM, as what they change was joined already",
		of.Name,
		of.Kind)
	if m, ok := of.Obj.(kind.Maker); ok && slices.Contains(m.Makes(), of.Name+"_history") {
		return e.WithHint(fmt.Sprintf("leave STREAM out: %[1]s is read as it stands; ASOF JOIN %[1]s_history finds what was so at a time; "+
			"or make a "+
			"ROLLUP of the join", of.Name))
	}
	return e.WithHint(fmt.Sprintf("leave STREAM out: %s is read as it stands", of.Name))
}

// shape finds where the two sides meet, and refuses a query of which a row isn't made of a row of either.
func (j *Join) shape() error {
	if j.body.tree == nil {
		return j.fail("rows of two STREAMs are joined by a SELECT")
	}
	f := meeting{j: j, first: j.body.freshAt(), second: j.body.standsAt(j.body.other)}
	found, err := f.query(j.body.tree.Queries[0])
	if err == nil && found != both {
		return j.fail("they aren't joined with each other in the FROM of the query")
	}
	return err
}

func (j *Join) fail(format string, args ...any) *sql.Error {
	return j.body.at(j.body.other).Errorf(code.JoinQuery, "rows of two STREAMs can't be joined here: "+format, args...).
		WithHint("write FROM STREAM a JOIN STREAM b ON …; a relation without STREAM is read whole, as it stands").
		WithNote(j.body.at(j.body.fresh), "the first one")
}

// both sides; one is 1 or 2, none 0.
const both = 3

// meeting goes through a query and says which of the two sides its rows have.
type meeting struct {
	j             *Join
	first, second int // where they stand
}

func (f *meeting) query(n tree.Node) (int, error) {
	switch n := n.(type) {
	case *tree.Select:
		found, err := f.from(n.From)
		if found == both && f.j.in == nil {
			f.j.in = n
		}
		return found, err
	case *tree.SetOperation:
		left, err := f.query(n.Left)
		if err != nil {
			return 0, err
		}
		right, err := f.query(n.Right)
		if err == nil && left|right != 0 {
			err = f.j.fail("a UNION stands between").WithHint("rows of both, one behind the other: CREATE STREAM … FROM a, b")
		}
		return 0, err
	}
	return 0, nil
}

func (f *meeting) from(n tree.Node) (int, error) {
	switch n := n.(type) {
	case *tree.Table:
		cte := f.j.body.tree.CTE(n)
		switch {
		case cte != nil:
			return f.cte(cte)
		case n.At == f.first:
			return 1, nil
		case n.At == f.second:
			return 2, nil
		}
	case *tree.Subquery:
		return f.query(n.Query)
	case *tree.Join:
		return f.join(n)
	}
	return 0, nil
}

// cte is a common table expression, which stands for its rows once.
func (f *meeting) cte(cte *tree.CTE) (int, error) {
	found, err := f.query(cte.Query)
	if err != nil || found == 0 {
		return found, err
	}
	used := 0
	f.j.body.tree.Walk(func(n tree.Node) bool {
		if t, ok := n.(*tree.Table); ok && f.j.body.tree.CTE(t) == cte {
			used++
		}
		return true
	})
	if used > 1 {
		return 0, f.j.fail("%s, which has rows of one, is read twice", cte.Name)
	}
	return found, nil
}

func (f *meeting) join(n *tree.Join) (int, error) {
	left, err := f.from(n.Left)
	if err != nil {
		return 0, err
	}
	right, err := f.from(n.Right)
	switch {
	case err != nil || left|right == 0:
		return 0, err
	case left != 0 && right != 0:
		f.j.meet = n
		switch {
		case n.Type == "INNER" && slices.Contains([]string{"REGULAR", "CROSS", "NATURAL"}, n.Ref):
			return both, nil
		case n.Ref == "REGULAR" && keeps(n) != [2]bool{}:
			f.j.outer, err = f.outer(n)
			return both, err
		}
		return 0, f.unlike(n)
	case strangers(n, left != 0, right != 0):
		return 0, f.j.fail("rows of another relation that find none of theirs would come with every batch")
	}
	return left | right, nil
}

// strangers: rows may come of the side that has no new ones, or one of them for many that are new.
func strangers(n *tree.Join, left, right bool) bool {
	return n.Ref == "POSITIONAL" || !left && (n.Ref == "ASOF" || !slices.Contains([]string{"INNER", "RIGHT"}, n.Type)) ||
		!right && slices.Contains([]string{"RIGHT", "FULL", "OUTER"}, n.Type)
}

// unlike refuses a kind of join whose result later rows would change.
func (f *meeting) unlike(n *tree.Join) error {
	kind, hint := n.Type, "read one of them whole, as it stands: without STREAM"
	if n.Ref != "REGULAR" && n.Ref != "NATURAL" {
		kind = n.Ref
	}
	switch kind {
	case "ASOF":
		hint = "make a journal of the side that is looked up, and ASOF JOIN its history: CREATE JOURNAL j …; ASOF JOIN j_history"
	case "SEMI":
		hint = "JOIN them in a stream, and make a ROLLUP of that; or " + hint
	case "ANTI":
		hint = "store what LEFT JOIN … ON … gives: a row that finds none has NULLs of the other side; or " + hint
	case "LEFT", "RIGHT", "FULL", "OUTER":
		return f.j.fail("a NATURAL outer join says no range of time").
			WithHint("write ON: … LEFT JOIN STREAM b ON b.id = a.id AND b.at BETWEEN a.at AND a.at + INTERVAL 1 HOUR")
	}
	return f.j.body.at(f.j.body.other).Errorf(code.JoinQuery, "%s JOIN of two STREAMs can't be kept in step: a later row may change "+
		"what one was given", kind).WithHint(hint).WithNote(f.j.body.at(f.j.body.fresh), "the first one")
}

// bindJoin finds the columns of a join's pairs.
func (p *Program) bindJoin(ctx context.Context, tx *duck.Tx, n *Node, j *Join) error {
	d := n.Obj.Decl()
	f, err := j.body.seesMany(ctx, tx.Conn)
	if err != nil {
		return err
	}
	found := f.found
	if found == "" && len(f.windows) > 0 {
		found = "the window function " + f.windows[0].Name
	}
	if found != "" {
		return d.At(j.body.reads[j.body.other].at).Errorf(code.JoinQuery, "%s in a join of two STREAMs would see the pairs of one batch", found).
			WithHint("store the pairs in a stream, and make a ROLLUP of that")
	}
	if calls := callsIn(j.body.src, j.body.span, n.rejecting()); len(calls) > 0 {
		return d.At(calls[0].at).Errorf(code.FunctionReject, "%s is declared ON ERROR REJECT, and a pair is of two rows",
			calls[0].at.Of(j.body.src)).WithHint("call it in the stream that it is about; or declare it ON ERROR NULL or FAIL")
	}
	if err := j.steady(ctx, tx, n); err != nil {
		return err
	}
	cols, err := p.described(ctx, tx, d, j.body.query(rowless(tx.Conn, j.sides[0].Of), rowless(tx.Conn, j.sides[1].Of)))
	if err != nil {
		return err
	}
	if n.Cols = n.respelt(cols); len(cols) == 0 {
		return n.columnless()
	}
	if err := j.bindLimits(ctx, tx); err != nil {
		return err
	}
	if err := j.bindOuter(ctx, tx, n); err != nil {
		return err
	}
	return j.timely(n)
}

// words say what a version reads.
func (j *Join) words() string {
	a, b := j.sides[0].Of.Name, j.sides[1].Of.Name
	out := fmt.Sprintf("the new rows of %s with all of %s, and those of %s before with the new rows of %s", a, b, a, b)
	for _, s := range j.sides {
		var columns []string
		for _, l := range s.limits {
			if !slices.Contains(columns, l.column) {
				columns = append(columns, l.column)
			}
		}
		what := "all rows"
		if len(columns) > 0 {
			what = "the rows in range by " + strings.Join(columns, ", ")
		}
		out += fmt.Sprintf("\n     of what is stored in %s it reads %s", s.Of.Name, what)
	}
	return out + j.outerWords()
}

// half is new rows of one side, and those of the other that they may find.
type half struct {
	fresh int // the side
	rels  [2]*duck.Query
	found *duck.Query // a condition on the rows of the other side: the new ones find no others; nil: they may find any
}

// halves are those that there are where of each side the versions behind taken are new, up to `to`: behind says on which sides there are
// some. rows are those of a side that versions brought; least: where their event time is no less.
func (j *Join) halves(ctx context.Context, tx *duck.Tx, taken [2]int64, behind [2]bool, to int64,
	rows func(side int, from, to int64, least *duck.Query) *duck.Query) (out []half, err error) {
	for i := range j.sides {
		if !behind[i] {
			continue
		}
		upTo := to
		if i == 1 { // its new rows had the new ones of the first side in the other half
			upTo = taken[0]
		}
		h := half{fresh: i}
		h.rels[i] = rows(i, taken[i], to, nil)
		var least *duck.Query
		if h.found, least, err = j.limited(ctx, tx, 1-i, h.rels[i]); err != nil {
			return nil, err
		}
		h.rels[1-i] = h.limited(rows(1-i, 0, upTo, least))
		out = append(out, h)
	}
	return out, nil
}

// limited are rows of the other side without those that the new ones can't find.
func (h half) limited(rel *duck.Query) *duck.Query {
	if h.found == nil {
		return rel
	}
	return duck.SQL("(SELECT * FROM {rel} WHERE {limits})", duck.Args{"rel": rel, "limits": h.found})
}

// Pairs are the rows of the query that are new: see halves.
func (j *Join) Pairs(ctx context.Context, tx *duck.Tx, taken [2]int64, behind [2]bool, to int64) (*duck.Query, error) {
	halves, err := j.halves(ctx, tx, taken, behind, to, func(side int, from, to int64, _ *duck.Query) *duck.Query {
		return j.sides[side].versions(from, to)
	})
	if err != nil {
		return nil, err
	}
	return duck.SQL("({halves})", duck.Args{"halves": duck.Each(" UNION ALL ", halves, func(h half) *duck.Query {
		return duck.SQL("SELECT * FROM ({q})", duck.Args{"q": j.body.query(h.rels[0], h.rels[1])})
	})}), nil
}

// versions are the rows of a side that versions (from, to] brought.
func (s joined) versions(from, to int64) *duck.Query {
	of, _ := s.Of.Destination()
	return of.New(from, to)
}

// forever are warnings of joins of the script that never stop to look for rows of the other side.
func (p *Program) forever() (out []*sql.Error) {
	for _, n := range p.Nodes {
		j := n.Join()
		if j == nil || n.Stmt < 0 {
			continue
		}
		if e := j.waitsForever(n); e != nil {
			out = append(out, e)
		} else if !j.ranged {
			out = append(out, j.body.at(j.body.other).Errorf(code.JoinForever,
				"%s joins by no range of time, so each batch looks through all rows of %s and %s", n.Name, j.sides[0].Of.Name, j.sides[1].Of.Name).
				WithHint("say how far they may lie apart: … AND b.at BETWEEN a.at AND a.at + INTERVAL 1 HOUR"))
		}
	}
	return out
}
