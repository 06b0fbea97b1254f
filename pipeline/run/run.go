// Package run executes a program: batches, each source's new rows through the chain of every destination that takes them, in one
// transaction and one version; behind them the sinks; and the verbs that change what is stored. What a kind does with its rows stands in
// that kind's package, how far readers are in places.go.
package run

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"dsql/engine/duck"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// Run executes a script: DuckDB's statements as they stand, declarations that differ from the file's, and REFRESH, from top to
// bottom. All errors that can be found before are found before.
func Run(ctx context.Context, o program.Options) error {
	began := time.Now()
	stmts, err := o.Statements(ctx)
	if err != nil {
		return err
	}
	if o.DryRun {
		o.Parsed = stmts
		changes, err := program.Plan(ctx, o)
		for _, ch := range changes {
			o.Emit(event.Changed{Change: ch})
		}
		return err
	}
	if err := checkSnapshot(ctx, o); err != nil {
		return err
	}
	fresh := program.Existing(o.DB) == ""
	db, err := program.OpenWriter(ctx, o)
	if err != nil {
		return err
	}
	defer db.Close()
	r, err := prepare(ctx, db, o, stmts, fresh)
	if err != nil {
		if fresh { // a wrong script leaves no empty file behind
			if cerr := errors.Join(db.Close(), removeNew(o.DB)); cerr != nil {
				return errors.Join(err, cerr)
			}
		}
		return err
	}
	r.last = true
	return r.run(ctx, began, db.Close)
}

// On is Run on a file that is open, as program.OpenWriter leaves it, and stays so. Without scripts it goes by what the file declares.
func On(ctx context.Context, db *duck.DB, o program.Options) error {
	began := time.Now()
	stmts, err := o.Language.Parse(ctx, o.Scripts, o.Set)
	if err != nil {
		return err
	}
	r, err := prepare(ctx, db, o, stmts, false)
	if err != nil {
		return err
	}
	return r.run(ctx, began, func() error { return nil })
}

// prepare rehearses a script and makes it ready to run.
func prepare(ctx context.Context, db *duck.DB, o program.Options, stmts []sql.Stmt, fresh bool) (*runner, error) {
	c := db.Writer()
	p, err := program.Rehearse(ctx, c, o, stmts, program.Opened{Fresh: fresh, Ready: true})
	if err != nil {
		return nil, err
	}
	p.Warn(o)
	for _, n := range p.Nodes {
		n.Bound = false // each is bound again, in the file, when its turn comes
	}
	return newRunner(ctx, p, c, o)
}

// run executes the script, and tells its sums when done has closed what is the caller's.
func (r *runner) run(ctx context.Context, began time.Time, done func() error) (err error) {
	if err = r.identify(ctx); err == nil {
		err = r.script(ctx)
	}
	if serr := r.sentLast(ctx); err == nil {
		err = serr
	}
	if r.last && len(r.gathers) > 0 && ctx.Err() == nil {
		if serr := r.sinks(ctx, true, slices.Collect(maps.Keys(r.gathers))); err == nil {
			err = serr
		}
	}
	if ctx.Err() == nil { // a check that stopped the run is what an alert is for
		if aerr := r.lastAlerts(ctx); aerr != nil {
			err = errors.Join(err, aerr)
		}
	}
	if err == nil {
		err = r.snapshot(ctx, true)
	}
	if broken := r.brokenSinks(); err == nil {
		err = broken
	} else if broken != nil && ctx.Err() == nil {
		err = errors.Join(err, broken)
	}
	r.sum.Took, r.sum.Interrupted, r.sum.Failed = time.Since(began), r.stopped(), err != nil
	if ctx.Err() == nil {
		r.sum.Waiting = r.left(ctx, r.sum.Failed || r.sum.Interrupted)
	}
	if err == nil {
		err = r.notRead()
	}
	if cerr := errors.Join(r.closeOutlets(), done()); err == nil && cerr != nil {
		err = cerr
	}
	if r.original != nil {
		_ = r.original.Close()
	}
	r.Emit(r.sum)
	return err
}

// removeNew takes away a file that this run made and that nothing was declared in.
func removeNew(path string) error {
	for _, name := range []string{path, path + ".wal"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// script runs the statements from top to bottom.
func (r *runner) script(ctx context.Context) error {
	declares := false
	if r.Options.Prune {
		if err := r.prune(ctx); err != nil {
			return err
		}
	}
	for i, st := range r.Program.Stmts {
		var err error
		switch {
		case st.Decl == nil:
			err = r.plain(ctx, st)
		case r.Program.Language.Verb(st.Decl) == nil:
			declares = declares || r.Program.Language.Declares(st.Decl)
			err = r.defineReady(ctx, i)
		default:
			if err = r.defineReady(ctx, i); err == nil {
				err = r.verb(ctx, st.Decl)
			}
		}
		if err != nil {
			return err
		}
		if r.stopped() {
			return nil
		}
	}
	switch {
	case r.Options.Follow:
		if err := r.defineReady(ctx, len(r.Program.Stmts)-1); err != nil { // without a script nothing else has
			return err
		}
		return r.follow(ctx)
	case declares && !r.refreshed:
		return r.bring(ctx, r.picked(nil))
	}
	return nil
}

// Plain hands a statement to DuckDB as it stands, and shows what it returns.
func (r *runner) plain(ctx context.Context, st sql.Stmt) error {
	if r.Options.Share != nil && program.Shows(st) { // of some of the rows
		return nil
	}
	r.hintUnfilled(st)
	if err := r.refuseDrop(st); err != nil {
		return err
	}
	if done, err := r.asUser(ctx, st); done || err != nil {
		return err
	}
	if err := program.InFolder(st, func() error { return r.Show(ctx, st) }); err != nil {
		return err
	}
	return r.asOwn(ctx, st)
}

// defineReady makes the declarations whose turn has come.
func (r *runner) defineReady(ctx context.Context, i int) error {
	nodes := program.Ready(r.Program.Due(), i)
	if len(nodes) == 0 {
		return nil
	}
	return r.apply(ctx, nodes...)
}

// hintUnfilled warns where a statement reads a destination that nothing was written to yet.
func (r *runner) hintUnfilled(st sql.Stmt) {
	for _, t := range sql.Tokens(st.Src, st.Span) {
		n := r.Program.Relation(sql.NameOf(t.Span.Of(st.Src)))
		if n == nil || n.Stmt < 0 || !program.IsName(t) || r.latest[n] > 0 {
			continue
		}
		if _, ok := n.Destination(); ok {
			r.Warn(st.At(t.Span).Errorf(code.NotRefreshed, "%s holds nothing yet: declarations only declare", n.Name).
				WithHint("put REFRESH; before this statement"))
			return
		}
	}
}
