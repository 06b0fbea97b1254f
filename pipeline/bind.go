package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine"
	"dsql/models"
	"dsql/quality"
	"dsql/rules"
	"dsql/sql"
)

// bind finds a declaration's columns. DuckDB's binder is the judge: all inputs are empty relations of the right types, so nothing is read.
func (p *program) bind(ctx context.Context, tx *engine.Tx, n *node) error {
	if src, ok := n.source(); ok {
		var pinned []engine.Column
		if n.stored != nil && n.stored.Fingerprint == n.fingerprint {
			pinned = n.stored.Pinned
		} else if n.stored != nil {
			if was, ok := n.stored.obj.(interface {
				Added(had []engine.Column) []engine.Column
			}); ok {
				pinned = was.Added(n.stored.Pinned)
			}
		}
		cols, err := src.Columns(ctx, tx.Conn, p.env, pinned)
		n.cols, n.bound = cols, err == nil
		return err
	}
	if s, ok := n.sink(); ok {
		return p.bindSink(ctx, tx, n, s)
	}
	if _, ok := n.destination(); !ok {
		var err error
		if l, ok := n.obj.(interface{ Check(rules.Lists) error }); ok {
			err = l.Check(p.lists(n.kind))
		}
		if err == nil {
			err = p.outdated(ctx, tx, n)
		}
		n.bound = err == nil
		return err
	}
	if err := p.bindInputs(ctx, tx, n); err != nil {
		return err
	}
	if err := p.outdated(ctx, tx, n); err != nil {
		return err
	}
	n.bound = true
	return nil
}

// chain compiles what stands behind a destination's query. The tables of all that it reads are there by then, its own too.
func (p *program) chain(ctx context.Context, tx *engine.Tx, n *node) error {
	d, ok := n.destination()
	if !ok {
		return nil
	}
	var errs sql.List
	errs = collect(errs, retention(ctx, tx, d.Decl()))
	if err := n.undated(d); err != nil {
		return err
	}
	ch := d.Chain()
	seen := n.cols
	if n.hasMeta() {
		seen = append(slices.Clone(seen), engine.Column{Name: engine.MetaColumn, Type: engine.MetaType})
	}
	var err error
	n.rules, err = rules.Compile(ctx, tx.Conn, ch.Rules, seen, p.lists("rules"))
	errs = collect(errs, err)
	stored := n.cols
	if k, ok := d.(keeper); ok && len(ch.Metrics)+len(ch.Checks) > 0 {
		if stored, err = k.Stored(ctx, tx, n.cols); err != nil {
			return err
		}
	}
	n.quality, err = quality.Compile(ctx, tx.Conn, engine.At(d.Decl()), ch.Metrics, ch.Checks, n.cols, stored, p.lists("checks"))
	errs = collect(errs, err)
	for _, e := range errs {
		models.Explain(ctx, tx.Conn, e)
	}
	return errs.Err()
}

// retention refuses a RETAIN VERSIONS that is no time to keep versions for.
func retention(ctx context.Context, tx *engine.Tx, d *sql.Decl) error {
	v := d.Arg("RETAIN VERSIONS")
	if v == nil {
		return nil
	}
	at := engine.Place{Src: d.Src, Span: v.Exprs[0]}
	a := engine.Args{"e": engine.User(d.Src, v.Exprs[0])}
	e := &sql.Error{Src: d.Src, Span: at.Span, Code: "type-mismatch", Hint: "write an interval: RETAIN VERSIONS INTERVAL 90 DAYS"}
	cols, err := tx.Describe(ctx, engine.SQL("SELECT ({e})", a), at)
	if err != nil {
		return err
	}
	if cols[0].Type != "INTERVAL" {
		e.Msg = "RETAIN VERSIONS takes an interval, and this is " + cols[0].Type
		return e
	}
	if n, err := tx.Int(ctx, engine.SQL("SELECT (coalesce(({e}) >= INTERVAL 0 SECONDS, false))::BIGINT", a)); err != nil || n == 1 {
		return err
	}
	e.Msg = "RETAIN VERSIONS is negative or NULL"
	return e
}

// keeper is a destination whose table isn't the rows that come in: a batch changes and closes some. What OVER TABLE sees is known once
// it is written.
type keeper interface {
	Stored(ctx context.Context, tx *engine.Tx, in []engine.Column) ([]engine.Column, error)
}

// outdated asks a declaration whether what it made in the file is behind, whatever its text: a model's file is another one, or tables are
// of an older dsql.
func (p *program) outdated(ctx context.Context, tx *engine.Tx, n *node) (err error) {
	if err := p.gone(n); err != nil {
		return err
	}
	if o, ok := n.obj.(interface {
		Stale(context.Context, *engine.Tx, *engine.Env) (string, error)
	}); ok {
		n.stale, err = o.Stale(ctx, tx, p.env)
	}
	return err
}

// bindInputs binds the query over each input: they must give the same columns.
func (p *program) bindInputs(ctx context.Context, tx *engine.Tx, n *node) error {
	decl := n.obj.Decl()
	for i, in := range n.inputs {
		cols, err := p.bindInput(ctx, tx, decl, in)
		if err != nil {
			return err
		}
		if len(cols) == 0 {
			return &sql.Error{Src: decl.Src, Span: decl.NameAt, Code: "no-columns", Msg: fmt.Sprintf("the query of %s gives no column that can be stored", n.name), Hint: "select at least one column"}
		}
		if i == 0 {
			n.cols = n.respelt(cols)
			continue
		}
		if !slices.EqualFunc(cols, n.cols, func(a, b engine.Column) bool { return a.Type == b.Type && sql.Same(a.Name, b.Name) }) {
			name := decl.Arg("FROM").Names[i]
			return &sql.Error{Src: decl.Src, Span: name.Span, Code: "inputs-differ",
				Msg:  fmt.Sprintf("%s has other columns than %s: %s", name.Text, n.inputs[0].of.name, difference(n.cols, cols)),
				Hint: "FROM a, b takes inputs with the same columns, names and types in the same order; bring them in line with a stream of their own"}
		}
	}
	return nil
}

// bindInput gives the columns that the query over an input stores, and finds what else the input's rows have.
func (p *program) bindInput(ctx context.Context, tx *engine.Tx, decl *sql.Decl, in *input) ([]engine.Column, error) {
	in.meta, in.dated = false, false
	with, flat := in.withMeta()
	if with != nil && flat {
		if cols := with.bindMeta(ctx, tx, in.of); cols != nil {
			in.body, in.meta = with, true
			return cols, nil
		}
	}
	q := in.query(empty(in.of))
	cols, err := tx.Describe(ctx, q, engine.At(decl))
	if err != nil {
		var errs sql.List
		for _, err := range tx.Wrongs(ctx, engine.Bound{Query: q, At: engine.At(decl)}, err) {
			errs = collect(errs, p.sourceHint(ctx, tx.Conn, err))
		}
		return nil, errs.Err()
	}
	cols = slices.DeleteFunc(cols, func(c engine.Column) bool {
		if sql.Same(c.Name, engine.MetaColumn) {
			in.meta = true
			return true
		}
		if dated(in.of) && sql.Same(c.Name, engine.VersionColumn) {
			in.dated = true
			return true
		}
		return false
	})
	if with != nil && !flat && !in.meta && slices.Equal(with.bindMeta(ctx, tx, in.of), cols) {
		in.body, in.meta = with, true
	}
	return cols, nil
}

// respelt are columns with the names that they had when they were first stored: what dsql keeps of a row, as JSON, goes by those.
func (n *node) respelt(cols []engine.Column) []engine.Column {
	if n.stored == nil {
		return cols
	}
	for i, c := range cols {
		if at := slices.IndexFunc(n.stored.Pinned, func(s engine.Column) bool { return sql.Same(s.Name, c.Name) }); at >= 0 {
			cols[i].Name = n.stored.Pinned[at].Name
		}
	}
	return cols
}

func difference(a, b []engine.Column) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("column %d is %s %s there and %s %s here", i+1, a[i].Name, a[i].Type, b[i].Name, b[i].Type)
		}
	}
	return fmt.Sprintf("%d columns there and %d here", len(a), len(b))
}

// sourceHint explains DuckDB's "table does not exist" for a relation that is declared but isn't a table.
func (p *program) sourceHint(ctx context.Context, c *engine.Conn, err error) error {
	for _, e := range collect(nil, err) {
		models.Explain(ctx, c, e)
		for _, n := range p.nodes {
			if _, ok := n.source(); ok && e.Code == "duckdb-catalog" && strings.Contains(e.Msg, " "+n.name+" ") {
				e.Hint = fmt.Sprintf("%s is a source: its rows are read by destinations only. Store them first: CREATE STREAM … FROM %s", n.name, n.name)
			}
		}
	}
	return err
}

// dated: new rows of it have _version. * hands it on as it does _meta, and no destination stores it, but one may be ordered by it.
func dated(n *node) bool {
	d, ok := n.destination()
	if !ok {
		return false
	}
	_, ok = d.(keeper)
	return ok
}

// undated refuses a destination that is ordered by a _version that its rows don't have.
func (n *node) undated(d engine.Destination) error {
	if !needs(d, engine.VersionColumn) || !slices.ContainsFunc(n.inputs, func(in *input) bool { return !in.dated }) {
		return nil
	}
	at := d.Decl().NameAt
	if v := d.Decl().Arg("SEQUENCE BY"); v != nil {
		at = v.Span
	}
	return &sql.Error{Src: d.Decl().Src, Span: at, Code: "unknown-column", Msg: fmt.Sprintf("%s uses _version, and its rows have none", n.name),
		Hint: "the changes of a journal have it (FROM STREAM j), and * hands it on"}
}

// needs says which of _meta and _version a destination wants to see of its rows.
func needs(d engine.Destination, column string) bool {
	o, ok := d.(interface{ Needs(column string) bool })
	return ok && o.Needs(column)
}

// hasMeta: some input hands _meta on.
func (n *node) hasMeta() bool {
	return slices.ContainsFunc(n.inputs, func(in *input) bool { return in.meta })
}

// empty is a relation without rows that has the columns of a node's new rows.
func empty(n *node) *engine.Query {
	cols := n.cols
	if d, ok := n.destination(); ok {
		if cols = d.NewColumns(cols); dated(n) {
			cols = append(slices.Clone(cols), engine.Column{Name: engine.VersionColumn, Type: "BIGINT"})
		}
	} else {
		cols = append(slices.Clone(cols), engine.Column{Name: engine.MetaColumn, Type: engine.MetaType})
	}
	return engine.SQL("(SELECT {cols} WHERE false)", engine.Args{"cols": engine.Each(", ", cols, func(c engine.Column) *engine.Query {
		return engine.SQL("NULL::{t} AS {n}", engine.Args{"t": engine.Type(c.Type), "n": engine.Ident(c.Name)})
	})})
}

// define makes in the file what a bound declaration needs there.
func (p *program) define(ctx context.Context, tx *engine.Tx, n *node) error {
	if err := p.free(ctx, tx, n); err != nil {
		return err
	}
	if o, ok := n.obj.(dropper); ok && n.lost { // what is left of it
		if err := o.Drop(ctx, tx); err != nil {
			return err
		}
	}
	switch o := n.obj.(type) {
	case engine.Destination:
		return o.Define(ctx, tx, n.cols)
	case engine.Definition:
		return o.Define(ctx, tx, p.env)
	}
	return nil
}
