package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/models"
	"dsql/pyfunc"
	"dsql/quality"
	"dsql/rollup"
	"dsql/rules"
	"dsql/sql"
	"dsql/sql/code"
)

// Bind finds a declaration's columns. DuckDB's binder is the judge: all inputs are empty relations of the right types, so nothing is read.
func (p *Program) Bind(ctx context.Context, tx *duck.Tx, n *Node) error {
	if src, ok := n.Source(); ok {
		cols, err := p.sourceColumns(ctx, tx.Conn, n, src)
		n.Cols, n.Bound = cols, err == nil
		return err
	}
	if s, ok := n.Sink(); ok {
		return p.bindSink(ctx, tx, n, s)
	}
	if w, ok := n.Watcher(); ok {
		return p.bindWatcher(ctx, tx, n, w)
	}
	if _, ok := n.Destination(); !ok {
		var err error
		if l, ok := n.Obj.(rules.Checker); ok {
			err = l.Check(p.lists(n.Kind))
		}
		if err == nil {
			err = p.outdated(ctx, tx, n)
		}
		if _, ok := n.Obj.(kind.Reading); ok && err != nil {
			err = p.SourceHint(ctx, tx.Conn, err)
		}
		n.Bound = err == nil
		return err
	}
	if err := p.bindInputs(ctx, tx, n); err != nil {
		return err
	}
	if err := p.outdated(ctx, tx, n); err != nil {
		return err
	}
	n.Bound = true
	return nil
}

func (p *Program) sourceColumns(ctx context.Context, c *duck.Conn, n *Node, src kind.Source) ([]duck.Column, error) {
	var pinned []duck.Column
	if n.Stored != nil && n.Stored.Fingerprint == n.Fingerprint {
		pinned = n.Stored.Pinned
	} else if n.Stored != nil {
		if was, ok := n.Stored.Obj.(kind.Grower); ok {
			pinned = was.Added(n.Stored.Pinned)
		}
	}
	return src.Columns(ctx, c, p.Env, pinned)
}

// Chain compiles what stands behind a destination's query. The tables of all that it reads are there by then, its own too.
func (p *Program) Chain(ctx context.Context, tx *duck.Tx, n *Node) error {
	d, ok := n.Destination()
	if !ok {
		return nil
	}
	var errs sql.List
	errs = Collect(errs, retention(ctx, tx, d))
	if err := n.undated(d); err != nil {
		return err
	}
	ch := d.Chain()
	seen := n.Cols
	if n.hasMeta() {
		seen = append(slices.Clone(seen), duck.Column{Name: catalog.MetaColumn, Type: catalog.MetaType})
	}
	var err error
	n.Rules, err = rules.CompileAt(ctx, tx.Conn, ch.Rules, seen, p.lists("rules"),
		rules.Calling{Of: n.Name, At: n.rejecting(), Stopped: pyfunc.Stopped, Before: n.QueryRejects()})
	if errs = Collect(errs, err); err == nil {
		errs = Collect(errs, n.fixed())
	}
	stored := n.Cols
	if k, ok := d.(kind.Shaper); ok && (len(ch.Metrics)+len(ch.Checks) > 0 || ch.Expected != nil) {
		if stored, err = k.Stored(ctx, tx, n.Cols); err != nil {
			return err
		}
	}
	errs = Collect(errs, expected(ctx, tx, d, n.Cols, stored))
	n.Quality, err = quality.Compile(ctx, tx.Conn, d.Decl().Place(), ch.Metrics, ch.Checks, n.Cols, stored, p.lists("checks"))
	errs = append(Collect(errs, err), p.measuredCalls(n, append(slices.Clone(ch.Metrics), ch.Checks...))...)
	for _, e := range errs {
		explain(ctx, tx.Conn, e)
	}
	n.watch(tx.Conn)
	return errs.Err()
}

// explain says in the words of models and functions what DuckDB says of what they are made of.
func explain(ctx context.Context, c *duck.Conn, e *sql.Error) {
	rollup.Misplaced(e)
	models.Explain(ctx, c, e)
	pyfunc.Explain(ctx, c, e)
}

// retention refuses a RETAIN and RETAIN VERSIONS that is no time to keep something for.
func retention(ctx context.Context, tx *duck.Tx, dest kind.Destination) error {
	if r, ok := dest.(kind.Retainer); ok && r.Retains() != nil {
		if err := retains(ctx, tx, dest.Decl(), r.Retains(), "RETAIN"); err != nil {
			return err
		}
	}
	if v := dest.Chain().Retain; v != nil {
		return retains(ctx, tx, dest.Decl(), v, "RETAIN VERSIONS")
	}
	return nil
}

func retains(ctx context.Context, tx *duck.Tx, d *sql.Decl, v *sql.Value, clause string) error {
	at := d.At(v.Exprs[0])
	a := duck.Args{"e": duck.User(d.Src, v.Exprs[0])}
	hint := "write an interval: " + clause + " INTERVAL 90 DAYS"
	cols, err := tx.Describe(ctx, duck.SQL("SELECT ({e})", a), at)
	if err != nil {
		return err
	}
	if cols[0].Type != "INTERVAL" {
		return at.Errorf(code.TypeMismatch, "%s takes an interval, and this is %s", clause, cols[0].Type).WithHint(hint)
	}
	if n, err := tx.Int(ctx, duck.SQL("SELECT (coalesce(({e}) >= INTERVAL 0 SECONDS, false))::BIGINT", a)); err != nil || n == 1 {
		return err
	}
	return at.Errorf(code.TypeMismatch, "%s is negative or NULL", clause).WithHint(hint)
}

// outdated asks a declaration whether what it made in the file is behind, whatever its text: a model's file is another one, or tables are
// of an older dsql.
func (p *Program) outdated(ctx context.Context, tx *duck.Tx, n *Node) (err error) {
	if err := p.gone(n); err != nil {
		return err
	}
	if o, ok := n.Obj.(kind.Stale); ok {
		n.stale, err = o.Stale(ctx, tx, p.Env)
	}
	return err
}

// bindInputs binds the query over each input: they must give the same columns.
func (p *Program) bindInputs(ctx context.Context, tx *duck.Tx, n *Node) error {
	if t, ok := n.Total(); ok {
		return p.bindTotal(ctx, tx, n, t)
	}
	if j := n.Join(); j != nil {
		return p.bindJoin(ctx, tx, n, j)
	}
	if err := n.unjoined(); err != nil {
		return err
	}
	decl := n.Obj.Decl()
	for i, in := range n.Inputs {
		cols, err := p.bindInput(ctx, tx, decl, in)
		if err != nil {
			return err
		}
		if err := errors.Join(in.bindCalls(ctx, tx, n), in.bindPast(ctx, tx, n, cols)); err != nil {
			return err
		}
		if len(cols) == 0 {
			return n.columnless()
		}
		if i == 0 {
			n.Cols = n.respelt(cols)
			continue
		}
		if !slices.EqualFunc(cols, n.Cols, func(a, b duck.Column) bool { return a.Type == b.Type && sql.Same(a.Name, b.Name) }) {
			d, _ := n.Destination()
			name := d.Chain().From[i]
			return decl.At(name.Span).Errorf(code.InputsDiffer, "%s has other columns than %s: %s", name.Text, n.Inputs[0].Of.Name,
				difference(n.Cols, cols)).
				WithHint("FROM a, b takes inputs with the same columns, names and types in the same order; bring them in line with a stream of " +
					"their own")
		}
	}
	return nil
}

func (n *Node) columnless() error {
	return n.Obj.Decl().Errorf(code.NoColumns, "the query of %s gives no column that can be stored", n.Name).
		WithHint("select at least one column")
}

// described are the columns of a query over relations without rows, or all that is wrong in it.
func (p *Program) described(ctx context.Context, tx *duck.Tx, decl *sql.Decl, q *duck.Query) ([]duck.Column, error) {
	cols, err := tx.Describe(ctx, q, decl.Place())
	if err == nil {
		return cols, nil
	}
	var errs sql.List
	for _, err := range tx.Wrongs(ctx, duck.Bound{Query: q, At: decl.Place()}, err) {
		errs = Collect(errs, p.SourceHint(ctx, tx.Conn, err))
	}
	return nil, errs.Err()
}

// bindInput gives the columns that the query over an input stores, and finds what else the input's rows have.
func (p *Program) bindInput(ctx context.Context, tx *duck.Tx, decl *sql.Decl, in *Input) ([]duck.Column, error) {
	in.Meta, in.Dated = false, false
	with, flat := in.withMeta()
	if with != nil && flat {
		if cols := with.bindMeta(ctx, tx, in.Of); cols != nil {
			in.body, in.Meta = with, true
			return cols, nil
		}
	}
	cols, err := p.described(ctx, tx, decl, in.Query(rowless(tx.Conn, in.Of)))
	if err != nil {
		return nil, err
	}
	cols = slices.DeleteFunc(cols, func(c duck.Column) bool {
		if sql.Same(c.Name, catalog.MetaColumn) {
			in.Meta = true
			return true
		}
		if dated(in.Of) && sql.Same(c.Name, catalog.VersionColumn) {
			in.Dated = true
			return true
		}
		return false
	})
	if with != nil && !flat && !in.Meta && slices.Equal(with.bindMeta(ctx, tx, in.Of), cols) {
		in.body, in.Meta = with, true
	}
	return cols, nil
}

// respelt are columns with the names that they had when they were first stored: what dsql keeps of a row, as JSON, goes by those.
func (n *Node) respelt(cols []duck.Column) []duck.Column {
	if n.Stored == nil {
		return cols
	}
	for i, c := range cols {
		if at := slices.IndexFunc(n.Stored.Pinned, func(s duck.Column) bool { return sql.Same(s.Name, c.Name) }); at >= 0 {
			cols[i].Name = n.Stored.Pinned[at].Name
		}
	}
	return cols
}

func difference(a, b []duck.Column) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("column %d is %s %s there and %s %s here", i+1, a[i].Name, a[i].Type, b[i].Name, b[i].Type)
		}
	}
	return fmt.Sprintf("%d columns there and %d here", len(a), len(b))
}

// SourceHint explains DuckDB's "table does not exist" for a relation that is declared but isn't a table.
func (p *Program) SourceHint(ctx context.Context, c *duck.Conn, err error) error {
	for _, e := range Collect(nil, err) {
		explain(ctx, c, e)
		for _, n := range p.Nodes {
			if _, ok := n.Source(); ok && duck.IsMissing(e) && strings.Contains(e.Msg, " "+n.Name+" ") {
				e.Hint = fmt.Sprintf("%s is a source: its rows are read by destinations only. Store them first: CREATE STREAM … FROM %s", n.Name,
					n.Name)
			}
		}
	}
	return err
}

// Dated: new rows of it have _version. * hands it on as it does _meta, and no destination stores it, but one may be ordered by it.
func dated(n *Node) bool {
	_, ok := n.Obj.(kind.Dated)
	return ok
}

// undated refuses a destination that is ordered by a _version that its rows don't have.
func (n *Node) undated(d kind.Destination) error {
	if !Needs(d, catalog.VersionColumn) || !slices.ContainsFunc(n.Inputs, func(in *Input) bool { return !in.Dated }) {
		return nil
	}
	at := d.Decl().NameAt
	if v := d.Decl().Arg("SEQUENCE BY"); v != nil {
		at = v.Span
	}
	return d.Decl().At(at).Errorf(code.UnknownColumn, "%s uses _version, and its rows have none", n.Name).
		WithHint("the changes of a journal have it (FROM STREAM j), and * hands it on")
}

// Needs says which of _meta and _version a destination wants to see of its rows.
func Needs(d kind.Destination, column string) bool {
	o, ok := d.(kind.Needy)
	return ok && o.Needs(column)
}

// hasMeta: some input hands _meta on.
func (n *Node) hasMeta() bool {
	return slices.ContainsFunc(n.Inputs, func(in *Input) bool { return in.Meta })
}

// empty is a relation without rows that has the columns of a node's new rows; rowless is one to bind against in a rehearsal.
func empty(n *Node) *duck.Query                 { return duck.Empty(newColumns(n)) }
func rowless(c *duck.Conn, n *Node) *duck.Query { return c.Empty(newColumns(n)) }

func newColumns(n *Node) []duck.Column {
	d, ok := n.Destination()
	if !ok {
		return append(slices.Clone(n.Cols), duck.Column{Name: catalog.MetaColumn, Type: catalog.MetaType})
	}
	cols := d.NewColumns(n.Cols)
	if dated(n) {
		cols = append(slices.Clone(cols), duck.Column{Name: catalog.VersionColumn, Type: "BIGINT"})
	}
	return cols
}

// Define makes in the file what a bound declaration needs there.
func (p *Program) Define(ctx context.Context, tx *duck.Tx, n *Node) error {
	if err := p.free(ctx, tx, n); err != nil {
		return err
	}
	if o, ok := n.Obj.(kind.Dropper); ok && n.lost { // what is left of it
		if err := o.Drop(ctx, tx); err != nil {
			return err
		}
	}
	switch o := n.Obj.(type) {
	case kind.Destination:
		tx.Unread = p.Env.Scratch && p.unread(n)
		tx.Alone = tx.Unread && p.alone(n)
		if err := o.Define(ctx, tx, n.Cols); err != nil {
			return err
		}
		return p.defineOuter(ctx, tx, n)
	case kind.Definition:
		err := o.Define(ctx, tx, p.Env)
		if d, ok := o.(kind.Doubtful); ok {
			p.doubts = append(p.doubts, d.Doubts()...)
		}
		return err
	}
	return nil
}
