package duck

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"dsql/sql"
	"dsql/sql/code"
)

// Bound is a query to bind, and where an error without a better place is shown.
type Bound struct {
	Query *Query
	At    sql.Place
}

// DescribeEach binds several queries and returns the columns or the error of each. An error of one leaves the others, and the
// transaction, as they are: in DuckDB some errors of binding (a regular expression that doesn't compile) end the transaction, so
// each query is bound on a connection of its own first. What only this transaction knows is not found there, which ends nothing.
func (c *Conn) DescribeEach(ctx context.Context, qs []Bound) ([][]Column, []error) {
	cols, errs := make([][]Column, len(qs)), make([]error, len(qs))
	if len(qs) == 0 {
		return cols, errs
	}
	err := c.probed(ctx, func(probe *Conn) error {
		for i, q := range qs {
			if _, err := probe.Describe(ctx, q.Query, q.At); err != nil && endsTransaction(err) {
				errs[i] = err
				continue
			}
			if cols[i], errs[i] = c.Describe(ctx, q.Query, q.At); errs[i] != nil && endsTransaction(errs[i]) {
				break
			}
		}
		return nil
	})
	if err != nil {
		errs[0] = err
		return cols, errs
	}
	for _, err := range errs {
		var e *sql.Error
		if errors.As(err, &e) && e.Code.IsDuckDB() {
			e.Exit = code.ExitScript
		}
	}
	return cols, errs
}

// probed is Apart; while Unoptimized runs it is one connection for all, without an optimizer too.
func (c *Conn) probed(ctx context.Context, f func(*Conn) error) error {
	s := c.shapes
	if s == nil {
		return c.Apart(ctx, f)
	}
	if s.probe == nil {
		probe, err := c.DB.Reader(ctx)
		if err != nil {
			return err
		}
		s.probe = probe
		if _, err := probe.exec(ctx, noOptimizer); err != nil {
			return err
		}
	}
	return f(s.probe)
}

// Apart runs f on a connection of its own: no error there ends a transaction of c.
func (c *Conn) Apart(ctx context.Context, f func(*Conn) error) error {
	other, err := c.DB.Reader(ctx)
	if err != nil {
		return err
	}
	defer c.DB.release(other)
	return f(other)
}

// release closes a connection that Reader opened and forgets it.
func (db *DB) release(c *Conn) {
	db.mu.Lock()
	db.conns = slices.DeleteFunc(db.conns, func(x *Conn) bool { return x == c })
	db.mu.Unlock()
	_ = c.Close()
}

// Empty is a FROM-item of the columns without rows: what expressions are bound against.
func Empty(cols []Column) *Query {
	return SQL("(SELECT {cols} WHERE false)", Args{"cols": Each(", ", cols, func(c Column) *Query {
		return SQL("NULL::{t} AS {n}", Args{"t": c.Type, "n": Ident(c.Name)})
	})})
}

// Routine is what DuckDB says of a function: one of several by that name.
type Routine struct {
	Type      string // scalar, aggregate, macro, table …
	Stability string // VOLATILE where it gives another value each time
	Macro     string // a macro's definition
	Pure      bool   // made here, and gives the same each time: VOLATILE says only that what it gives is worth keeping
}

// Routines are functions by name in lower case.
type Routines map[string][]Routine

// Routines looks up what the texts call, and what macros among it call. DuckDB lists all its functions, 18 ms long, where a name is neither
// DuckDB's nor dsql's own.
func (c *Conn) Routines(ctx context.Context, texts ...string) (Routines, error) {
	out := Routines{}
	ask := map[string]bool{}
	for _, t := range texts {
		addCalls(ask, out, t)
	}
	for len(ask) > 0 {
		var unknown []string
		for _, n := range slices.Sorted(maps.Keys(ask)) {
			if out[n] = c.DB.routine(n); out[n] == nil {
				unknown = append(unknown, n)
			}
		}
		if len(unknown) > 0 {
			made, err := c.routines(ctx,
				SQL("lower(function_name) IN ({names})", Args{"names": Each(", ", unknown, func(n string) *Query { return Lit(n) })}))
			if err != nil {
				return nil, err
			}
			maps.Copy(out, made)
		}
		names := slices.Collect(maps.Keys(ask))
		clear(ask)
		for _, n := range names {
			for _, r := range out[n] {
				addCalls(ask, out, r.Macro)
			}
		}
	}
	return out, nil
}

// routine is DuckDB's own of that name, or one that Register made.
func (db *DB) routine(name string) []Routine {
	if r := builtins()[name]; r != nil {
		return r
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.own[name]
}

func (c *Conn) routines(ctx context.Context, where *Query) (Routines, error) {
	type named struct {
		name string
		Routine
	}
	found, err := Select(ctx, c, SQL(`SELECT DISTINCT lower(function_name), function_type, coalesce(stability, ''), coalesce(macro_definition, '')
		FROM duckdb_functions() WHERE {where}`, Args{"where": where}),
		func(row func(...any) error) (f named, err error) {
			return f, row(&f.name, &f.Type, &f.Stability, &f.Macro)
		})
	out := Routines{}
	for _, f := range found {
		out[f.name] = append(out[f.name], f.Routine)
	}
	return out, err
}

// Registered: Register has made a function of that name.
func (db *DB) Registered(name string) bool {
	db.mu.Lock()
	defer db.mu.Unlock()
	_, ok := db.own[name]
	return ok
}

// addCalls collects the names that a bracket follows and that aren't known; behind :: it is a type's (STRUCT).
func addCalls(ask map[string]bool, known Routines, text string) {
	src := sql.NewSource("", text)
	toks := sql.Tokens(src, sql.Span{End: len(text)})
	is := func(i int, text string) bool { return toks[i].Span.Of(src) == text }
	for i := 0; i+1 < len(toks); i++ {
		typ := i > 1 && is(i-1, ":") && is(i-2, ":")
		if k := toks[i].Kind; (k == sql.Word || k == sql.Quoted) && is(i+1, "(") && !typ {
			name := strings.ToLower(strings.Trim(toks[i].Span.Of(src), `"`))
			if _, ok := known[name]; !ok {
				ask[name] = true
			}
		}
	}
}

// Any reports whether a function of that name, or one that it calls as a macro, is such.
func (r Routines) Any(name string, is func(Routine) bool) bool {
	seen := map[string]bool{}
	var visit func(string) bool
	visit = func(name string) bool {
		if seen[name] {
			return false
		}
		seen[name] = true
		return slices.ContainsFunc(r[name], func(f Routine) bool {
			if is(f) {
				return true
			}
			called := map[string]bool{}
			addCalls(called, nil, f.Macro)
			for n := range called {
				if visit(n) {
					return true
				}
			}
			return false
		})
	}
	return visit(strings.ToLower(name))
}
