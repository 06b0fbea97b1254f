package program

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// A program is spread where its rows are done a piece at a time, by processes that know nothing of each other. What comes of a row may hang
// on the row alone then: what looks at more is refused. What reads other relations than its new rows whoever spreads it refuses before.

// Spread is all that can't be. out is the way out of what has none of its own.
func (p *Program) Spread(ctx context.Context, c *duck.Conn, out string) error {
	var errs sql.List
	for _, n := range p.Nodes {
		u, ok := n.Obj.(kind.Undivided)
		if _, source := n.Source(); ok && (!source || p.taken(n)) {
			if e := u.Undivided(); e != nil {
				errs = append(errs, e)
				continue
			}
		}
		if _, ok := n.Destination(); ok {
			errs = Collect(errs, p.spread(ctx, c, n))
		}
	}
	for _, e := range errs {
		if e.Code == code.NotSpread && e.Hint == "" {
			e.Hint = out
		}
	}
	return errs.Err()
}

// taken: some destination takes n's new rows.
func (p *Program) taken(n *Node) bool {
	return slices.ContainsFunc(p.Nodes, func(d *Node) bool {
		_, stores := d.Destination()
		return stores && slices.ContainsFunc(d.Inputs, func(in *Input) bool { return in.Of == n })
	})
}

// OnOneMachine is the way out for a worker's plan.
const OnOneMachine = "run it on one machine, over what the processes gave; dsql explain --select makes a plan without it"

// spread is what keeps a destination from being.
func (p *Program) spread(ctx context.Context, c *duck.Conn, n *Node) error {
	d := n.Obj.Decl()
	if _, total := n.Total(); total {
		return d.Errorf(code.NotSpread, "%s is computed over all rows of %s, and no process has them", n.Name, n.Inputs[0].Of.Name)
	}
	if j := n.Join(); j != nil {
		return d.At(j.body.reads[j.body.other].at).Errorf(code.NotSpread, "%s joins new rows with all rows of %s, and no process has them", n.Name,
			j.sides[1].Of.Name)
	}
	for i, in := range n.Inputs {
		at := d.NameAt
		if in.body != nil {
			at = in.body.reads[in.body.fresh].at
		} else if dest, _ := n.Destination(); i < len(dest.Chain().From) {
			at = dest.Chain().From[i].Span
		}
		if err := in.ofOneRow(ctx, c, n, d.At(at)); err != nil {
			return err
		}
	}
	return p.madeOfRows(n)
}

// ofOneRow finds what in the query over an input looks at more than a row, or gives another value each time.
func (in *Input) ofOneRow(ctx context.Context, c *duck.Conn, n *Node, at sql.Place) error {
	found, where := "", at
	if in.body != nil && in.body.tree == nil {
		found = "what DuckDB makes no tree of"
	} else if in.body != nil {
		f, err := in.body.seesMany(ctx, c)
		if err != nil {
			return err
		}
		if found = f.found; found == "" && len(f.windows) > 0 {
			w := f.windows[0]
			if found = "the window function " + w.Name; w.At >= 0 {
				from := in.body.span.Start + w.At
				where.Span = sql.Span{Start: from, End: from + len(w.Name)}
			}
		}
	}
	if found != "" {
		return where.Errorf(code.NotSpread, "%s in the query of %s looks at many rows, and no process has all of %s", found, n.Name, in.Of.Name)
	}
	texts := []string{in.Query(empty(in.Of)).String()}
	for _, r := range n.Rules.Told() {
		texts = append(texts, r.SQL)
	}
	known, err := c.Routines(ctx, texts...)
	if err != nil {
		return err
	}
	_, keyed := n.Obj.(kind.Unsettled)
	keyed = keyed || n.Keyed()
	for name := range known {
		if !known.Any(name, func(r duck.Routine) bool { return r.Stability == "VOLATILE" }) || strings.HasPrefix(name, "dsql_") {
			continue
		}
		if name == "nextval" || name == "currval" || keyed {
			return at.Errorf(code.NotSpread, "%s gives %s another value each time, in each process", name, n.Name).
				WithHint("make the value of what the row has: md5(id), _meta.line")
		}
	}
	return nil
}

// madeOfRows refuses a destination that reads what statements of the script may make of rows that no process has.
func (p *Program) madeOfRows(n *Node) error {
	if len(n.Others) == 0 {
		return nil
	}
	for _, st := range p.Stmts {
		if st.Decl != nil || Shows(st) || LeavesFile(st) != "" {
			continue
		}
		for _, t := range sql.Tokens(st.Src, st.Span) {
			if m := p.Relation(sql.NameOf(t.Span.Of(st.Src))); m != nil && IsName(t) {
				return st.At(t.Span).Errorf(code.NotSpread, "this reads %s, which no process has whole, and %s reads what it may make", m.Name, n.Name)
			}
		}
	}
	return nil
}
