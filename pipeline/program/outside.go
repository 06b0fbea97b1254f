package program

import (
	"context"
	"slices"

	"dsql/engine/duck"
	"dsql/sql"
)

// RowByRow: a row of the query over the input comes of one row of that, and of nothing that others make of it.
func (in *Input) RowByRow() bool { return in.body == nil || in.body.plain }

// OutsideCalls counts the calls of functions outside of DuckDB: in the destination's query and rules, and in what is measured of a batch.
// All are none where something gives another value each time it is computed.
func (p *Program) OutsideCalls(ctx context.Context, c *duck.Conn, n *Node) (chain, measured int, err error) {
	if !n.callsOutside(p.Env) {
		return 0, 0, nil
	}
	names := func(name string) bool {
		return slices.ContainsFunc(n.beside, func(m *Node) bool { return m.outside(p.Env) && m.called(name) })
	}
	d := n.Obj.Decl()
	all := p.texts(d, nil, nil)
	known, err := c.Routines(ctx, all...)
	if err != nil {
		return 0, 0, err
	}
	for name := range known {
		if known.Any(name, func(r duck.Routine) bool { return r.Stability == "VOLATILE" && !r.Pure }) {
			return 0, 0, nil
		}
	}
	for _, keyword := range []string{"METRICS", "CHECKS"} {
		if v := d.Arg(keyword); v != nil {
			for _, item := range v.Items {
				measured += mentions(p.texts(item, nil, nil), names)
			}
		}
	}
	chain = mentions(all, names) - measured
	if chain+measured == 0 { // by a macro
		chain = 1
	}
	return chain, measured, nil
}

// mentions counts those of the names that a bracket follows.
func mentions(texts []string, is func(name string) bool) (n int) {
	for _, text := range texts {
		src := sql.NewSource("", text)
		toks := sql.Tokens(src, sql.Span{End: len(text)})
		for i := 0; i+1 < len(toks); i++ {
			if !IsName(toks[i]) || toks[i+1].Span.Of(src) != "(" {
				continue
			}
			if is(sql.NameOf(toks[i].Span.Of(src))) {
				n++
			}
		}
	}
	return n
}
