// Package test runs the tests of a script: each in the script's own file, in memory, with what it gives in the place of the sources. What a
// CREATE TEST means is scripttest's, how batches are taken pipeline/run's.
package test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/params"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/scripttest"
	"dsql/sql"
	"dsql/sql/code"
)

// Verdict is what came of a test.
type Verdict struct {
	Name   string
	At     sql.Place // of its name
	Took   time.Duration
	Failed []Failure // none: it passed
}

// Failure is an expectation that wasn't met, or what ended the test.
type Failure struct {
	Err        *sql.Error
	Difference *scripttest.Difference // nil: it isn't about rows
}

// suite is the tests of a script.
type suite struct {
	o program.Options
	script
	wanted []*scripttest.Test
	clock  bool // the script's statements or parameters ask for the time

	trial *run.Trial
	key   string  // of the trial
	now   *script // at the time of the trial
}

// script is a script as tests run it.
type script struct {
	stmts []sql.Stmt // without what is left out
	tests []*scripttest.Test
	bare  []*sql.Decl // sources that declare no columns
}

// Run runs the tests whose names match one of the patterns, all without any, and tells what came of each in the order of the script.
func Run(ctx context.Context, o program.Options, only []string) (out []Verdict, err error) {
	s := &suite{o: o}
	if s.script, err = read(ctx, o); err != nil {
		return nil, err
	}
	s.clock = asksTime(o)
	if err := s.pick(only); err != nil || len(s.wanted) == 0 && o.Witness == nil {
		return nil, err
	}
	plans := make([]plan, len(s.wanted))
	for i, t := range s.wanted {
		if plans[i], err = s.plan(ctx, t); err != nil {
			return nil, err
		}
	}
	order := make([]int, len(plans))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(plans[a].key, plans[b].key) })
	defer func() {
		if s.trial != nil {
			err = errors.Join(err, s.trial.Close())
		}
	}()
	if len(order) > 0 {
		if order, err = s.selected(ctx, plans, order); err != nil {
			return nil, err
		}
	}
	out = make([]Verdict, len(plans))
	var errs sql.List
	for _, i := range order {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if out[i], err = s.one(ctx, s.wanted[i], plans[i]); err != nil {
			errs = program.Collect(errs, err)
		}
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(out, func(v Verdict) bool { return v.Name == "" }), s.witnessed(ctx)
}

// selected are the tests that name something selected.
func (s *suite) selected(ctx context.Context, plans []plan, order []int) ([]int, error) {
	if len(s.o.Select) == 0 {
		return order, nil
	}
	if err := s.begin(ctx, plans[order[0]]); err != nil {
		return nil, err
	}
	selected, err := s.trial.Program.Selected(s.o.Select)
	return slices.DeleteFunc(order, func(i int) bool { return !program.Selects(selected, s.wanted[i].Decl()) }), err
}

// read finds tests, and leaves out what they don't run.
func read(ctx context.Context, o program.Options) (s script, err error) {
	stmts, err := o.Statements(ctx)
	if err != nil {
		return s, err
	}
	var errs sql.List
	for _, st := range stmts {
		switch {
		case st.Decl == nil:
			if why := program.LeavesFile(st); why != "" {
				o.Emit(event.Warned{Err: st.Errorf(code.LeftOut, "%s is left out of tests", why).WithHint("GIVEN puts rows into a table in its place")})
				continue
			}
		case st.Decl.Syntax == scripttest.Kind.Syntax:
			obj, err := scripttest.Kind.Compile(st.Decl)
			if t, ok := obj.(*scripttest.Test); ok && err == nil {
				if first := s.named(t.Decl().Name); first != nil {
					err = program.Twice(first.Decl(), t.Decl())
				} else {
					s.tests = append(s.tests, t)
				}
			}
			errs = program.Collect(errs, err)
			continue
		case o.Language.Verb(st.Decl) != nil:
			continue
		default:
			k, _ := o.Language.Kind(st.Decl)
			if k.Outward {
				continue
			}
			if k.Role == kind.Reads && !k.Scripted && st.Decl.Arg("#0") == nil {
				s.bare = append(s.bare, st.Decl)
			}
		}
		s.stmts = append(s.stmts, st)
	}
	return s, errs.Err()
}

// named is the test of a name.
func (s *script) named(name string) *scripttest.Test {
	for _, t := range s.tests {
		if sql.Same(t.Decl().Name, name) {
			return t
		}
	}
	return nil
}

// asksTime: DuckDB's statements or the defaults of parameters may give something else at another time.
func asksTime(o program.Options) bool {
	for _, src := range o.Scripts {
		stmts, _ := sql.Parse(src, o.Language.Forms) // as they are written: values stand in the places of defaults elsewhere
		for _, st := range stmts {
			if st.Decl != nil && st.Decl.Syntax != params.Kind.Syntax {
				continue
			}
			for _, t := range sql.Tokens(src, st.Span) {
				if duck.AsksTime(t.Span.Of(src)) {
					return true
				}
			}
		}
	}
	return false
}

// pick finds the tests that are wanted. What the others give still says which columns a source has.
func (s *suite) pick(only []string) error {
	if len(only) == 0 {
		s.wanted = s.tests
		return nil
	}
	var names []string
	found := map[string]bool{}
	for _, t := range s.tests {
		names = append(names, t.Decl().Name)
		for _, pattern := range only {
			ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(t.Decl().Name))
			if err != nil {
				return sql.Errorf(code.Usage, "--only %s is no pattern: %s", pattern, err).WithHint("write a name, or late_* for all that begin so")
			}
			if ok {
				found[pattern] = true
				if !slices.Contains(s.wanted, t) {
					s.wanted = append(s.wanted, t)
				}
			}
		}
	}
	for _, pattern := range only {
		if !found[pattern] {
			return sql.Errorf(code.UnknownName, "there is no test %s", pattern).
				WithHint(sql.DidYouMean(pattern, names, sql.Listed("the script has ", names, "declare it: CREATE TEST"))).WithExit(code.ExitUsage)
		}
	}
	return nil
}

// plan is how a test is run.
type plan struct {
	key     string // tests with one key are run in one trial
	columns map[sql.Key][]duck.Column
	at      *duck.Query
}

// plan finds the columns of sources that declare none, and the time.
func (s *suite) plan(ctx context.Context, t *scripttest.Test) (plan, error) {
	p := plan{columns: map[sql.Key][]duck.Column{}}
	if t.At != nil {
		p.at = duck.User(t.Decl().Src, t.At.Span)
		if s.clock {
			p.key = p.at.Text
		}
	}
	for _, d := range s.bare {
		cols, err := s.given(ctx, d.Name, append([]*scripttest.Test{t}, s.tests...))
		if err != nil {
			return p, err
		}
		if cols != nil {
			p.columns[sql.KeyOf(d.Name)] = cols
			p.key += fmt.Sprint("\x00", d.Name, cols)
		}
	}
	return p, nil
}

// given are the columns of the first rows that one of the tests gives for a source.
func (s *suite) given(ctx context.Context, name string, tests []*scripttest.Test) ([]duck.Column, error) {
	for _, t := range tests {
		for _, step := range t.Steps {
			for _, g := range step.Given {
				if !sql.Same(g.Name.Text, name) {
					continue
				}
				db, err := duck.Open(ctx, "", duck.Options{})
				if err != nil {
					return nil, err
				}
				cols, err := g.Columns(ctx, db.Writer(), t.Decl().Src)
				return cols, errors.Join(err, db.Close())
			}
		}
	}
	return nil, nil
}
