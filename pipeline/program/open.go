package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/models"
	"dsql/pipeline/event"
	"dsql/pyfunc"
	"dsql/rules"
	"dsql/sql"
)

// Opening a file for a script: its program is loaded and rehearsed there.

// OpenWriter opens the file, brings its catalog up to date, and makes its models callable.
func OpenWriter(ctx context.Context, o Options) (*duck.DB, error) {
	db, err := duck.Open(ctx, o.DB, duck.Options{SearchPath: o.Dir, Trace: o.Trace})
	if err != nil {
		return nil, err
	}
	c := db.Writer()
	if o.Among > 1 {
		if err := takePart(ctx, c, o.Among); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	if o.Witness != nil {
		if err := c.Watch(o.Witness); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	if err := catalog.Migrate(ctx, c); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := rules.RegisterHelpers(c); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	helpers := c.Update(ctx, func(tx *duck.Tx) error { return rules.Install(ctx, tx.Conn) }) // in one commit: each takes a millisecond
	if err := errors.Join(models.Restore(ctx, c), pyfunc.Restore(ctx, c), helpers, rules.Register(c)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// takePart leaves a file its part of the machine's cores and memory.
func takePart(ctx context.Context, c *duck.Conn, of int) error {
	size, unit, _ := strings.Cut(c.Setting("memory_limit"), " ") // 12.4 GiB
	x, err := strconv.ParseFloat(size, 64)
	if err != nil {
		return err
	}
	return c.Run(ctx, duck.SQL("SET threads = {n}", duck.Args{"n": max(runtime.NumCPU()/of, 1)}),
		duck.SQL("SET memory_limit = {m}", duck.Args{"m": fmt.Sprintf("%.3f %s", x/float64(of), unit)}))
}

// Opened says what a file is when its program is loaded.
type Opened struct {
	Fresh bool // there was none before: nobody has made anything in it
	Ready bool // as OpenWriter leaves it
}

// Rehearse loads the program and checks it in a transaction that is rolled back, catalog and all: nothing is written. What is
// found wrong is an error; what would change is in the program's plan.
func Rehearse(ctx context.Context, c *duck.Conn, o Options, stmts []sql.Stmt, was Opened) (*Program, error) {
	return rehearse(ctx, c, o, stmts, was, func(*Program, *duck.Tx) error { return nil })
}

// rehearse is Rehearse; look sees the program while all that it declares is there.
func rehearse(ctx context.Context, c *duck.Conn, o Options, stmts []sql.Stmt, was Opened, look func(*Program, *duck.Tx) error) (p *Program,
	err error) {
	env := &kind.Env{Dir: o.Dir, Scratch: true, Look: !was.Ready}
	defer func() { env.Scratch, env.Look = false, false }() // the program goes on to be run
	skip := map[int]bool{}
	if !was.Ready {
		if err := rules.RegisterHelpers(c); err != nil {
			return nil, err
		}
	}
	for {
		try := func(tx *duck.Tx) error {
			if !was.Ready {
				if err := catalog.MigrateIn(ctx, tx); err != nil {
					return err
				}
				if err := errors.Join(models.Restore(ctx, tx.Conn), pyfunc.Restore(ctx, tx.Conn), rules.Install(ctx, tx.Conn)); err != nil {
					return err
				}
			}
			if p, err = o.Language.Load(ctx, tx.Conn, stmts, env, was); err != nil {
				return err
			}
			if err := p.takeShare(ctx, tx.Conn, o.Share, o.DB); err != nil {
				return err
			}
			p.skip = skip
			if err = p.check(ctx, tx); err != nil {
				return err
			}
			doubts, err := p.perBatch(ctx, tx.Conn)
			if p.doubts = append(append(p.doubts, doubts...), p.passedOver()...); err != nil {
				return err
			}
			if err := p.shared(ctx, tx.Conn, o.Share != nil); err != nil {
				return err
			}
			return look(p, tx)
		}
		err = c.Unoptimized(ctx, func() error { return c.Scratch(ctx, try) }) // outside: an error may end the transaction
		var again *abortedError
		if !errors.As(err, &again) {
			return p, err
		}
		skip[again.stmt] = true
	}
}

// Check finds the errors of a script, and counts what it declares. It needs no file; where there is one, what that declares and stores counts.
func Check(ctx context.Context, o Options) (Size, error) {
	p, err := planned(ctx, o, false)
	if err != nil {
		return Size{}, allWrong(ctx, o, err)
	}
	return p.size(), nil
}

// Size is how many declarations and tests a script has.
type Size struct{ Declarations, Tests int }

func (p *Program) size() (d Size) {
	for _, n := range p.Nodes {
		if n.Stmt >= 0 {
			d.Declarations++
		}
	}
	for _, o := range p.scripted {
		if _, test := o.(kind.Checked); test {
			d.Tests++
		} else {
			d.Declarations++
		}
	}
	return d
}

// Existing is the file's name, or "" (memory) when it isn't there.
func Existing(path string) string {
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// Plan says what a run of the script would change, what it would touch, and what waits. It changes nothing itself.
func Plan(ctx context.Context, o Options) ([]event.Change, error) {
	p, err := planned(ctx, o, true)
	if err != nil {
		return nil, allWrong(ctx, o, err)
	}
	return p.plan, nil
}

// Leaves are the declarations of the file that the script doesn't have.
func Leaves(ctx context.Context, o Options) (names []string, err error) {
	p, err := planned(ctx, o, false)
	if err != nil {
		return nil, err
	}
	for _, n := range p.Left() {
		names = append(names, n.Kind+" "+n.Name)
	}
	return names, nil
}

// planned is the program of a script with its plan, as far as it is selected. touched: with what is counted in the file and outside.
func planned(ctx context.Context, o Options, touched bool) (*Program, error) {
	stmts, err := o.Statements(ctx)
	if err != nil {
		return nil, err
	}
	p, err := rehearsed(ctx, o, stmts, touched)
	if err != nil {
		return nil, err
	}
	selected, err := p.Selected(o.Select)
	if err != nil {
		return nil, err
	}
	if selected != nil {
		p.plan = slices.DeleteFunc(p.plan, func(c event.Change) bool {
			n := p.Find(c.Kind, c.Name)
			return n != nil && !selected[n]
		})
	}
	for _, w := range p.Doubts() {
		o.Emit(event.Warned{Err: w})
	}
	return p, nil
}

// Rehearsed is the program of statements that have been checked, and rolled back. With an error it is as far as that left it, and may be nil.
func Rehearsed(ctx context.Context, o Options, stmts []sql.Stmt) (*Program, error) {
	return rehearsed(ctx, o, stmts, false)
}

func rehearsed(ctx context.Context, o Options, stmts []sql.Stmt, touched bool) (*Program, error) {
	db, err := duck.Open(ctx, Existing(o.DB), duck.Options{SearchPath: o.Dir, Threads: 1}) // it binds, and others would be woken for nothing
	if err != nil {
		return nil, err
	}
	p, err := Rehearse(ctx, db.Writer(), o, stmts, Opened{Fresh: Existing(o.DB) == ""})
	if err == nil && touched {
		p.touched(ctx, db.Writer(), o)
	}
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	return p, err
}

// Doubts are what of the script is right and may not be meant.
func (p *Program) Doubts() []*sql.Error { return append(p.lostCoordinates(), p.doubts...) }

// Warn tells what is right and may not be meant.
func (p *Program) Warn(o Options) {
	for _, w := range p.doubts {
		o.Emit(event.Warned{Err: w})
	}
}
