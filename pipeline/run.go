package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"dsql/engine"
	"dsql/models"
	"dsql/rules"
	"dsql/sql"
)

// Run executes a script: DuckDB's statements as they stand, declarations that differ from the file's, and REFRESH, from top to
// bottom. All errors that can be found before are found before.
func Run(ctx context.Context, o Options) error {
	began := time.Now()
	stmts, err := parse(ctx, o.Scripts)
	if err != nil {
		return err
	}
	if o.DryRun {
		changes, err := plan(ctx, o, stmts)
		for _, ch := range changes {
			o.emit(Changed{ch})
		}
		return err
	}
	if err := checkSnapshot(ctx, o); err != nil {
		return err
	}
	fresh := existing(o.DB) == ""
	db, err := openWriter(ctx, o)
	if err != nil {
		return err
	}
	defer db.Close()
	c := db.Writer()
	p, err := rehearse(ctx, c, o, stmts, opened{fresh: fresh, ready: true})
	if err != nil {
		if fresh { // a wrong script leaves no empty file behind
			if cerr := errors.Join(db.Close(), removeNew(o.DB)); cerr != nil {
				return errors.Join(err, cerr)
			}
		}
		return err
	}
	p.warn(o)
	for _, n := range p.nodes {
		n.bound = false // each is bound again, in the file, when its turn comes
	}
	r, err := newRunner(ctx, p, c, o)
	if err != nil {
		return err
	}
	if err = r.identify(ctx); err == nil {
		err = r.script(ctx)
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
	if cerr := errors.Join(r.closeOutlets(), db.Close()); err == nil && cerr != nil {
		err = cerr
	}
	if r.original != nil {
		r.original.Close()
	}
	r.emit(r.sum)
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

// openWriter opens the file, brings its catalog up to date, and makes its models callable.
func openWriter(ctx context.Context, o Options) (*engine.DB, error) {
	db, err := engine.Open(ctx, o.DB, engine.Options{SearchPath: o.Dir, Trace: o.Trace})
	if err != nil {
		return nil, err
	}
	c := db.Writer()
	if err := c.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := rules.RegisterHelpers(c); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	helpers := c.Update(ctx, func(tx *engine.Tx) error { return rules.Install(ctx, tx.Conn) }) // in one commit: each takes a millisecond
	if err := errors.Join(models.Restore(ctx, c), helpers, rules.Register(c)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// opened says what a file is when its program is loaded.
type opened struct {
	fresh bool // there was none before: nobody has made anything in it
	ready bool // as openWriter leaves it
}

// rehearse loads the program and checks it in a transaction that is rolled back, catalog and all: nothing is written. What is
// found wrong is an error; what would change is in the program's plan.
func rehearse(ctx context.Context, c *engine.Conn, o Options, stmts []sql.Stmt, was opened) (p *program, err error) {
	env := &engine.Env{Dir: o.Dir, Scratch: true}
	defer func() { env.Scratch = false }() // the program goes on to be run
	skip := map[int]bool{}
	if !was.ready {
		if err := rules.RegisterHelpers(c); err != nil {
			return nil, err
		}
	}
	for {
		err = c.Scratch(ctx, func(tx *engine.Tx) error {
			if !was.ready {
				if err := tx.Migrate(ctx); err != nil {
					return err
				}
				if err := errors.Join(models.Restore(ctx, tx.Conn), rules.Install(ctx, tx.Conn)); err != nil {
					return err
				}
			}
			if p, err = load(ctx, tx.Conn, stmts, env, was); err != nil {
				return err
			}
			p.skip = skip
			if err = p.check(ctx, tx); err == nil {
				p.doubts, err = p.perBatch(ctx, tx.Conn)
			}
			return err
		})
		var again *abortedError
		if !errors.As(err, &again) {
			return p, err
		}
		skip[again.stmt] = true
	}
}

// Check finds the errors of a script. It needs no file; where there is one, what that declares and stores counts.
func Check(ctx context.Context, o Options) error {
	_, err := PlanScript(ctx, o)
	return err
}

// existing is the file's name, or "" (memory) when it isn't there.
func existing(path string) string {
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// PlanScript says what a run of the script would change. It changes nothing itself.
func PlanScript(ctx context.Context, o Options) ([]Change, error) {
	stmts, err := parse(ctx, o.Scripts)
	if err != nil {
		return nil, err
	}
	return plan(ctx, o, stmts)
}

func plan(ctx context.Context, o Options, stmts []sql.Stmt) ([]Change, error) {
	db, err := engine.Open(ctx, existing(o.DB), engine.Options{SearchPath: o.Dir})
	if err != nil {
		return nil, err
	}
	p, err := rehearse(ctx, db.Writer(), o, stmts, opened{fresh: existing(o.DB) == ""})
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	for _, w := range p.lostCoordinates() {
		o.emit(Warned{w})
	}
	p.warn(o)
	return p.plan, nil
}

// warn tells what is right and may not be meant.
func (p *program) warn(o Options) {
	for _, w := range p.doubts {
		o.emit(Warned{w})
	}
}

var readingVerbs = map[string]bool{"SHOW": true, "DESCRIBE": true, "EXPLAIN": true}

// Query runs SQL of the user on a file: reading where that is enough.
func Query(ctx context.Context, o Options, text string) error {
	src := sql.NewSource("query", text)
	stmts, err := parse(ctx, []*sql.Source{src})
	if err != nil {
		return err
	}
	db, err := engine.Open(ctx, o.DB, engine.Options{SearchPath: o.Dir, ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	c := db.Writer()
	if err := errors.Join(models.Restore(ctx, c), rules.RegisterHelpers(c)); err != nil {
		return err
	}
	p := &program{env: &engine.Env{Dir: o.Dir}}
	plain, err := c.Plain(ctx)
	if err == nil && !plain {
		p, err = load(ctx, c, stmts, p.env, opened{})
	}
	if err != nil {
		return err
	}
	r := &runner{p: p, conn: c, o: o}
	for _, st := range stmts {
		if st.Decl == nil {
			err = r.plain(ctx, st)
		} else if !readingVerbs[st.Decl.Syntax.Verb] {
			err = &sql.Error{Src: st.Src, Span: st.Span, Code: "query-writes", Msg: "`dsql query` reads only", Hint: "put the statement into a script and use `dsql run`"}
		} else {
			err = r.verb(ctx, st.Decl)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// script runs the statements from top to bottom.
func (r *runner) script(ctx context.Context) error {
	declares, refreshed := false, false
	for i, st := range r.p.stmts {
		var err error
		switch {
		case st.Decl == nil:
			err = r.plain(ctx, st)
		case st.Decl.Syntax.Verb == "":
			declares = true
			err = r.defineReady(ctx, i)
		case st.Decl.Syntax.Verb == "REFRESH":
			refreshed = true
			if err = r.defineReady(ctx, i); err == nil {
				var names []sql.Name
				if v := st.Decl.Arg("#0"); v != nil {
					names = v.Names
				}
				err = r.refresh(ctx, names)
			}
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
	case r.o.Follow:
		return r.follow(ctx)
	case declares && !refreshed:
		return r.refresh(ctx, nil)
	}
	return nil
}

// plain hands a statement to DuckDB as it stands, and shows what it returns.
func (r *runner) plain(ctx context.Context, st sql.Stmt) error {
	r.hintUnfilled(st)
	if err := r.refuseDrop(st); err != nil {
		return err
	}
	if done, err := r.asUser(ctx, st); done || err != nil {
		return err
	}
	if err := inFolder(st, func() error { return r.show(ctx, st) }); err != nil {
		return err
	}
	return r.asOwn(ctx, st)
}

// show runs a statement of DuckDB's and shows its rows.
func (r *runner) show(ctx context.Context, st sql.Stmt) error {
	res, err := r.conn.Query(ctx, engine.User(st.Src, st.Span), engine.Place{Src: st.Src, Span: st.Span})
	if err != nil {
		return engine.AtRunTime(r.p.sourceHint(ctx, r.conn, err))
	}
	if len(res.Columns) > 0 && !onlyCount(st, res) {
		r.emit(Queried{Result: res})
	}
	return errors.Join(engine.AtRunTime(res.Err()), res.Close())
}

// defineReady makes the declarations whose turn has come.
func (r *runner) defineReady(ctx context.Context, i int) error {
	nodes := ready(r.p.due(), i)
	if len(nodes) == 0 {
		return nil
	}
	return r.p.apply(ctx, r, nodes...)
}

// onlyCount: DuckDB gives the number of rows for statements that change some; that is no data to show.
func onlyCount(st sql.Stmt, res *engine.Result) bool {
	if len(res.Columns) != 1 || res.Columns[0].Name != "Count" {
		return false
	}
	toks := sql.Tokens(st.Src, st.Span)
	switch strings.ToUpper(toks[0].Span.Of(st.Src)) {
	case "CREATE", "INSERT", "UPDATE", "DELETE", "COPY", "MERGE", "TRUNCATE":
		return true
	}
	return false
}

// hintUnfilled warns where a statement reads a destination that nothing was written to yet.
func (r *runner) hintUnfilled(st sql.Stmt) {
	for _, t := range sql.Tokens(st.Src, st.Span) {
		n := r.p.relation(unquoteName(t.Span.Of(st.Src)))
		if n == nil || n.stmt < 0 || !isName(t) || r.latest[n] > 0 {
			continue
		}
		if _, ok := n.destination(); ok {
			r.warn(&sql.Error{Src: st.Src, Span: t.Span, Code: "not-refreshed", Msg: n.name + " holds nothing yet: declarations only declare", Hint: "put REFRESH; before this statement"})
			return
		}
	}
}
