package program

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// A window function in a stream's query over a stored stream sees the rows of its key that had come when the row's version was written, up
// to the row's time: the query is run over what is new and what is stored of the same keys, and gives the rows of what is new. So nothing
// leaks from the future, a late row changes no row before it, and what comes in order doesn't hang on how batches are cut.

// past is a query that sees more than new rows.
type past struct {
	body *body         // hands newColumn on
	keys []string      // columns that every window is parted by
	cols []duck.Column // of the result
}

// newColumn says of a row whether it is new.
const newColumn = "_dsql_new"

// bindPast sees whether the query has window functions over the rows of a stored stream, and refuses those that can't be told when a row is
// written.
func (in *Input) bindPast(ctx context.Context, tx *duck.Tx, n *Node, cols []duck.Column) error {
	in.past = nil
	if _, stored := in.Of.Destination(); !stored || in.Of.Keyed() || n.Keyed() || in.body == nil || in.body.tree == nil {
		return nil
	}
	f, err := in.body.seesMany(ctx, tx.Conn)
	if err != nil || f.found != "" || len(f.windows) == 0 {
		return err
	}
	if err = in.sees(ctx, tx, n, cols, f.windows); err != nil && n.Stmt < 0 {
		return nil // an older dsql declared it, and it goes on by the batch
	}
	return err
}

// sees makes the query one that sees the past.
func (in *Input) sees(ctx context.Context, tx *duck.Tx, n *Node, cols []duck.Column, windows []*tree.Window) error {
	d := n.Obj.Decl()
	for _, w := range windows {
		why, hint := in.ahead(w)
		if why == "" {
			if by := in.untimely(ctx, tx, w); by != "" {
				why, hint = "is in the order of "+by+", which is no time: what comes later could lie before", windowForm
			}
		}
		if why != "" {
			at := in.body.reads[in.body.fresh].at
			if w.At >= 0 {
				at = sql.Span{Start: in.body.span.Start + w.At, End: in.body.span.Start + w.At + len(w.Name)}
			}
			return d.At(at).Errorf(code.WindowPast, "%s %s", w.Name, why).WithHint(hint)
		}
	}
	at := d.At(in.body.reads[in.body.fresh].at)
	if len(in.calls) > 0 {
		return d.At(in.calls[0].at).Errorf(code.FunctionReject,
			"%s is declared ON ERROR REJECT, and window functions see other rows beside its own",
			in.calls[0].at.Of(in.body.src)).WithHint("call it in a stream of its own; or declare it ON ERROR NULL or FAIL")
	}
	if in.takesRow() {
		return at.Errorf(code.WindowPast, "the query takes a row of %s as one value, and has window functions", in.Of.Name).
			WithHint("name the columns of the value: {'a': a, 'b': b}; or make it in a stream of its own")
	}
	with := *in.body
	with.spots, with.spot = in.body.spotsFor(newColumn, true), newColumn
	p := &past{&with, in.parted(windows), cols}
	marked := duck.SQL("(SELECT *, true AS {new} FROM {rel})", duck.Args{"new": duck.Ident(newColumn), "rel": rowless(tx.Conn, in.Of)})
	is, errs := tx.DescribeEach(ctx, []duck.Bound{{Query: p.query(marked), At: at}})
	if errs[0] != nil || !slices.Equal(is[0], cols) || in.mixed() { // a row as one value would have a column more
		return at.Errorf(code.WindowPast, "the query has window functions, and which of its rows are new ones of %s can't be told", in.Of.Name).
			WithHint("take the rows of STREAM " + in.Of.Name +
				" by SELECT … FROM, with the windows beside; what else is to be done, in a stream behind it")
	}
	in.past = p
	return nil
}

const windowForm = "write OVER (PARTITION BY key ORDER BY time), perhaps with RANGE or ROWS … PRECEDING"

// ahead is why a window can't be had when a row is written; "": it can.
func (in *Input) ahead(w *tree.Window) (why, hint string) {
	switch {
	case len(w.Partitions) == 0:
		return "has no PARTITION BY, so it would look through all that is stored with each row", windowForm
	case len(w.Orders) == 0:
		return "has no ORDER BY, so it would see rows that come later", windowForm
	case w.Ahead:
		return "looks ahead, at rows that haven't come when a row is written",
			"look back from the later row: lag, or a frame that ends at CURRENT ROW"
	}
	return "", ""
}

// SeesPast says that the query's windows see rows that were there before.
func (in *Input) SeesPast() bool { return in.past != nil }

// finder says where rows are that may be new.
func (in *Input) finder() *groupFinder {
	return &groupFinder{tree: in.body.tree, fresh: []int{in.body.freshAt()}, known: map[*tree.CTE]bool{}}
}

// mixed: rows may stand among those of the relation that are none of its: newColumn would be NULL there.
func (in *Input) mixed() bool {
	f := in.finder()
	return tree.Contains(in.body.tree.Queries[0], func(n tree.Node) bool {
		switch n := n.(type) {
		case *tree.Join:
			left, right := f.from(n.Left), f.from(n.Right)
			return (left || right) && strangers(n, left, right)
		case *tree.SetOperation:
			return n.ByName && f.node(n)
		}
		return false
	})
}

// takesRow: a row that may be new is taken as one value (to_json(t)), or as arguments (f(*COLUMNS(*))): newColumn would be there.
func (in *Input) takesRow() bool {
	t, f := in.body.tree, in.finder()
	var names []string
	t.Walk(func(n tree.Node) bool {
		switch n := n.(type) {
		case *tree.Table:
			if f.from(n) {
				names = append(names, cmp.Or(n.Alias, n.Name))
			}
		case *tree.Subquery:
			if n.InFrom && f.from(n) {
				names = append(names, cmp.Or(n.Alias, "unnamed_subquery"))
			}
		}
		return true
	})
	names = slices.DeleteFunc(names, func(name string) bool {
		return slices.ContainsFunc(in.Of.Cols, func(c duck.Column) bool { return sql.Same(c.Name, name) })
	})
	return tree.Contains(t.Queries[0], func(n tree.Node) bool {
		switch n := n.(type) {
		case *tree.ColumnRef:
			return len(n.Path) == 1 && slices.ContainsFunc(names, func(name string) bool { return sql.Same(name, n.Path[0]) })
		case *tree.Other:
			return strings.Contains(n.Type, "UNPACK")
		}
		return false
	})
}

// parted are the columns that all windows are parted by, where these are columns of the relation as it is.
func (in *Input) parted(windows []*tree.Window) (keys []string) {
	only, ok := in.body.tree.Queries[0].(*tree.Select)
	if !ok || len(in.body.reads) != 1 || len(only.CTEs) > 0 {
		return nil
	}
	from, ok := only.From.(*tree.Table)
	if !ok || len(from.Columns) > 0 {
		return nil
	}
	for _, c := range in.Of.Cols {
		every := func(w *tree.Window) bool {
			return slices.ContainsFunc(w.Partitions, func(n tree.Node) bool {
				ref, ok := n.(*tree.ColumnRef)
				return ok && sql.Same(ref.Name(), c.Name) &&
					(len(ref.Path) == 1 || len(ref.Path) == 2 && sql.Same(ref.Path[0], cmp.Or(from.Alias, from.Name)))
			})
		}
		if !slices.ContainsFunc(windows, func(w *tree.Window) bool { return !every(w) }) {
			keys = append(keys, c.Name)
		}
	}
	return keys
}

// words say what the query sees beside the new rows.
func (p *past) words() string {
	if len(p.keys) == 0 {
		return ", beside all that is stored"
	}
	return ", beside what is stored of the same " + strings.Join(p.keys, ", ")
}

// query gives those of its rows that are new ones of rel.
func (p *past) query(rel *duck.Query) *duck.Query {
	return duck.SQL("SELECT {cols} FROM ({q}) WHERE {new}", duck.Args{"cols": duck.Names(duck.ColumnNames(p.cols)), "q": p.body.query(rel),
		"new": duck.Ident(newColumn)})
}

// New are the rows that versions (from, to] of an input that is stored brought, and the input that they are those of: where the query sees
// the past, they went through it.
func (in *Input) New(of kind.Destination, from, to int64) (*Input, *duck.Query) {
	fresh := of.New(from, to)
	if in.past == nil {
		return in, fresh
	}
	a := duck.Args{"fresh": fresh, "before": of.New(0, from), "new": duck.Ident(newColumn), "keys": duck.Names(in.past.keys),
		"some": duck.SQL("")}
	if len(in.past.keys) > 0 {
		a["some"] = duck.SQL(" SEMI JOIN {fresh} AS _fresh ON {all _before.keys IS NOT DISTINCT FROM _fresh.keys}", a)
	}
	rel := duck.SQL("(SELECT *, true AS {new} FROM {fresh} UNION ALL SELECT _before.*, false FROM {before} AS _before{some})", a)
	return &Input{Of: in.Of}, duck.SQL("({q})", duck.Args{"q": in.past.query(rel)})
}
