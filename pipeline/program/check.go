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

// check finds the errors of a script before anything runs: DuckDB parses every statement of its own, and every declaration is
// bound and defined in a transaction that is rolled back. The tables, views and types that the script's own SQL makes are made
// there too, without rows. What only a real run can know (an attached file, say) makes the errors that may stem from it wait
// for the run.
func (p *Program) check(ctx context.Context, tx *duck.Tx) error {
	var errs sql.List
	opaque, loads := false, false // an extension may bring a grammar
	broken := false               // a statement of DuckDB's would make something, and is wrong
	looks := p.Env.Look && !p.grows()
	due, ran := p.Due(), true  // something has run since the transaction was last known to be alive
	failed := map[*Node]bool{} // what is wrong itself, or reads from what is
	told := map[*Node]bool{}   // what is wrong and was said to be
	for i, st := range p.Stmts {
		if st.Decl == nil {
			if err := tx.Parse(st.Src, st.Span); err != nil && !(opaque && loads) && !imports(st) {
				errs = Collect(errs, err)
				continue
			}
			loads = loads || Words(st, 1)[0] == "LOAD"
			whole := false
			if !p.skip[i] {
				made, wrong := false, error(nil)
				made, whole, wrong = p.shape(ctx, tx, st)
				if ran = ran || made; ran && !tx.Alive(ctx) {
					return &abortedError{i}
				}
				ran = false
				if looks && !opaque && ofNames(wrong) {
					if !((len(failed) > 0 || broken) && missing(wrong)) { // else it may be what such a one would have made
						for _, e := range Collect(nil, p.SourceHint(ctx, tx.Conn, wrong)) {
							e.Exit = code.ExitScript
							errs = append(errs, e)
						}
					}
					broken = broken || !whole
					continue
				}
			}
			opaque = opaque || !whole
			continue
		}
		ran = true
		if v := p.Language.Verb(st.Decl); v != nil && v.Check != nil {
			errs = Collect(errs, v.Check(p, st.Decl))
		}
		errs = Collect(errs, p.tooEarly(due, i))
		note := func(err error) bool {
			if err == nil || opaque && missing(err) {
				return false
			}
			errs = Collect(errs, err)
			return true
		}
		var made []*Node
		for _, n := range Ready(due, i) {
			if told[n] {
				continue
			}
			err := p.Bind(ctx, tx, n)
			if err == nil && p.Change(n).Action != "none" {
				err = p.Define(ctx, tx, n)
			}
			if err != nil {
				failed[n] = true
				told[n] = !n.comesOf(failed, err) && note(err)
				continue
			}
			made = append(made, n)
			if n.Stmt >= 0 {
				if err := p.foresee(ctx, tx, n); err != nil {
					return err
				}
			}
		}
		for _, n := range made {
			note(p.Chain(ctx, tx, n))
		}
	}
	for _, n := range p.Nodes {
		if l, ok := n.Obj.(kind.Late); ok && n.Stmt >= 0 && n.Bound {
			if err := l.Bound(ctx, tx.Conn); err != nil && !(opaque && missing(err)) {
				errs = Collect(errs, p.SourceHint(ctx, tx.Conn, err))
			}
		}
	}
	for _, err := range p.checkScripted(ctx, tx.Conn) {
		if !((opaque || broken || len(failed) > 0) && missing(err)) { // else it may be what such a one would have made
			errs = Collect(errs, p.SourceHint(ctx, tx.Conn, err))
		}
	}
	return causes(errs).Err()
}

// foresee adds what becomes of a declaration of the script to the plan.
func (p *Program) foresee(ctx context.Context, tx *duck.Tx, n *Node) (err error) {
	if n.Carries, err = p.Carried(ctx, tx.Conn, n); err != nil {
		return err
	}
	c := p.Change(n)
	if n.Stored != nil && n.Stored.Fingerprint != n.Fingerprint {
		c.What = slices.Insert(c.What, 1, textDifference(n.Stored.Body, n.Text())...) // behind that it differs
	}
	if err := p.madeBy(ctx, tx, n, &c); err != nil {
		return err
	}
	err = p.waiting(ctx, tx, n, &c)
	p.plan = append(p.plan, c)
	return err
}

// comesOf: the error is one of something that it reads from or calls, and was told there.
func (n *Node) comesOf(failed map[*Node]bool, err error) bool {
	is := func(m *Node) bool { return m != n && failed[m] }
	return slices.ContainsFunc(n.feeds(), is) || missing(err) && slices.ContainsFunc(n.beside, is)
}

// causes leaves out what only comes of an error that ended the transaction.
func causes(errs sql.List) sql.List {
	if !slices.ContainsFunc(errs, func(e *sql.Error) bool { return !duck.IsAborted(e) }) {
		return errs
	}
	return slices.DeleteFunc(errs, func(e *sql.Error) bool { return duck.IsAborted(e) })
}

// imports: DuckDB reads the folder of IMPORT DATABASE when it parses the statement, and what stands before it may make that.
func imports(st sql.Stmt) bool { return Words(st, 1)[0] == "IMPORT" }

// abortedError: a statement's shape ended the scratch transaction.
type abortedError struct{ stmt int }

func (e *abortedError) Error() string { return "the scratch transaction ended" }

// missing: DuckDB did not find a table or function, which a statement that was not run may have made.
func missing(err error) bool {
	return !slices.ContainsFunc(Collect(nil, err), func(e *sql.Error) bool { return !duck.IsMissing(e) })
}

func (p *Program) NotDeclared(kind string, name sql.Name, d *sql.Decl) *sql.Error {
	var names []string
	for _, n := range p.Nodes {
		if n.Kind == kind || kind == "relation" && n.Relation() {
			names = append(names, n.Name)
		}
	}
	return d.At(name.Span).Errorf(code.UnknownName, "there is no %s %s", strings.Replace(kind, "relation", "stream or journal", 1), name.Text).
		WithHint(sql.DidYouMean(name.Text, names, sql.Listed("declared are: ", names, "")))
}
