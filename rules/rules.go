// Package rules is the RULES of a destination: SET and CONSTRAINT items, lists of them, their expressions in SQL or expr-lang,
// the order in which they see each other, and what happens to a row that breaks one. It owns the language of a row. What is
// measured over a whole batch is the quality package's, and where rows come from or go to is its caller's.
package rules

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// Program is a compiled chain of rules. A row goes through its steps in order; each step is a layer of SQL over the one before.
type Program struct {
	steps    []step
	verdict  string // column: 0, or the number (from 1) of the first gate that the row breaks
	warned   string // column of Batch.Once: which WARNs a row breaks, as bits by step
	was      string // column: the columns that SETs change, as they were before the first
	native   bool   // the functions of Register are there
	volatile bool   // the rows have to be kept: some expression gives another value each time it is asked
	calling  Calling
	value    string // column: what a SET gives, until it is known whether the row stops there
}

// step is a SET of one column or a CONSTRAINT.
type step struct {
	decl *sql.Decl
	expr *duck.Query // the value, or the condition
	at   sql.Place   // of the expression
	note []sql.Note  // the APPLYs that brought it here

	column string // SET
	typ    duck.Type

	name, action string // CONSTRAINT
	broken       string // WARN: column that says whether the row breaks it

	calls bool // something of Calling: the row may stop here
}

// What ON VIOLATION says.
const (
	reject = "REJECT"
	drop   = "DROP"
	warn   = "WARN"
	fail   = "FAIL"
)

func (s *step) sets() bool  { return s.column != "" }
func (s *step) warns() bool { return s.action == warn }

// gates: a row that breaks it goes no further.
func (s *step) gates() bool { return s.name != "" && s.action != warn }

// Compile reads RULES items against the columns that they see. Every expression is bound, and all errors of all items come back
// in one list.
func Compile(ctx context.Context, c *duck.Conn, items []*sql.Decl, cols []duck.Column, lists Lists) (*Program, error) {
	return CompileAt(ctx, c, items, cols, lists, Calling{})
}

// Calling is how functions are called that may reject a row: one that is rejected goes no further.
type Calling struct {
	Of      string                  // the destination
	At      map[sql.Key]*duck.Query // by name: what is called instead, with _row, the number of the row, before the arguments
	Stopped *duck.Query             // the name of a function of _row: 1 where one of them has failed for it
	Before  bool                    // the query calls some of them
}

// CompileAt is Compile where some functions are called in another way.
func CompileAt(ctx context.Context, c *duck.Conn, items []*sql.Decl, cols []duck.Column, lists Lists, calling Calling) (*Program, error) {
	all, errs := Expand("rules", items, lists)
	b := &compiler{ctx: ctx, c: c, cols: cols,
		p: &Program{verdict: duck.FreeName("_rule", cols), warned: duck.FreeName("_warned", cols), was: duck.FreeName("_was", cols),
			value: duck.FreeName("_value", cols), calling: calling}, errs: errs,
		own: map[string]bool{}}
	for _, it := range all {
		b.item(it)
	}
	b.bind()
	if err := b.errs.Err(); err != nil {
		return nil, err
	}
	b.p.native = registered(c)
	var err error
	b.p.volatile, err = b.anyVolatile()
	sets := map[string]int{}
	for _, s := range b.p.steps {
		sets[s.column]++
		b.p.volatile = b.p.volatile || s.sets() && sets[s.column] > maxSets
	}
	for i := range b.p.steps {
		if s := &b.p.steps[i]; !s.sets() {
			s.expr = c.Witnessed(duck.Condition{Of: calling.Of, Kind: duck.Constraint, Name: s.name, At: s.decl.Place()}, s.expr, true)
		}
	}
	return b.p, err
}

// maxSets is how often a chain may SET one column and still be read as a query: a caller's filter on that column is pushed down
// through all of the SETs, and doubles with each.
const maxSets = 10

// layers is the chain over rel: its columns after all SETs, the verdict (where there is a gate), and a column for each WARN. The
// verdict can be filtered by.
func (p *Program) layers(rel *duck.Query) *duck.Query {
	judged := p.calling.Before // the verdict column is there
	verdict := duck.Ident(p.verdict)
	if set := p.Sets(); len(set) > 0 {
		rel = duck.SQL("(SELECT *, struct_pack({set}) AS {was} FROM {rel})", duck.Args{"rel": rel, "was": duck.Ident(p.was), "set": same(set)})
	}
	if p.calling.Before {
		rel = p.stops(rel, false)
	}
	for i := 0; i < len(p.steps); {
		s := &p.steps[i]
		a := duck.Args{"rel": rel, "v": verdict, "e": s.expr}
		end := i + 1
		switch {
		case s.sets():
			a["c"], a["t"] = duck.Ident(s.column), s.typ
			// A value that doesn't convert is an error at the CAST: that is where the user's expression begins.
			a["here"] = duck.User(s.at.Src, sql.Span{Start: s.at.Span.Start, End: s.at.Span.Start})
			a["e"] = duck.SQL("{here}CAST(({e}) AS {t})", a)
			if judged {
				a["e"] = duck.SQL("CASE WHEN {v} = 0 THEN {e} ELSE {c} END", a)
			}
			if s.calls { // it is known behind the call whether the row keeps what it has
				a["new"], a["n"] = duck.Ident(p.value), byFunction
				a["rel"] = p.stops(duck.SQL("(SELECT *, {e} AS {new} FROM {rel})", a), judged)
				rel = duck.SQL("(SELECT * EXCLUDE ({new}) REPLACE (CASE WHEN {v} = {n} THEN {c} ELSE {new} END AS {c}) FROM {rel})", a)
				judged = true
				break
			}
			rel = duck.SQL("(SELECT * REPLACE ({e} AS {c}) FROM {rel})", a)
		case s.warns():
			end = p.run(i, (*step).warns)
			a["w"] = duck.Each(", ", p.steps[i:end], func(s step) *duck.Query {
				a := a.With(duck.Args{"e": s.expr, "w": duck.Ident(s.broken)})
				if judged {
					return duck.SQL("CASE WHEN {v} = 0 THEN NOT ({e}) END AS {w}", a)
				}
				return duck.SQL("NOT ({e}) AS {w}", a)
			})
			rel = duck.SQL("(SELECT *, {w} FROM {rel})", a)
			if p.steps[end-1].calls {
				rel, judged = p.stops(rel, judged), true
			}
		default:
			end = p.run(i, (*step).gates)
			n := i
			a["cases"] = duck.Each(" ", p.steps[i:end], func(s step) *duck.Query {
				n++
				return duck.SQL("WHEN NOT ({e}) THEN {n}", duck.Args{"e": s.expr, "n": n})
			})
			if judged {
				rel = duck.SQL("(SELECT * REPLACE ((CASE WHEN {v} <> 0 THEN {v} {cases} ELSE 0 END)::SMALLINT AS {v}) FROM {rel})", a)
			} else {
				rel = duck.SQL("(SELECT *, (CASE {cases} ELSE 0 END)::SMALLINT AS {v} FROM {rel})", a)
			}
			judged = true
			if p.steps[end-1].calls {
				rel = p.stops(rel, judged)
			}
		}
		i = end
	}
	if judged {
		rel = duck.SQL("(SELECT * REPLACE ({pin} AS {v}) FROM {rel})", duck.Args{"pin": p.pin(verdict), "v": verdict, "rel": rel})
	}
	return rel
}

// byFunction is the verdict of a row that a function has failed for.
const byFunction = -1

// stops gives rows that a function called below has failed for their verdict.
func (p *Program) stops(rel *duck.Query, judged bool) *duck.Query {
	a := duck.Args{"rel": rel, "v": duck.Ident(p.verdict), "stopped": p.calling.Stopped, "n": byFunction}
	if !judged {
		return duck.SQL("(SELECT *, (CASE WHEN {stopped}(_row) = 1 THEN {n} ELSE 0 END)::SMALLINT AS {v} FROM {rel})", a)
	}
	return duck.SQL("(SELECT * REPLACE ((CASE WHEN {stopped}(_row) = 1 THEN {n} ELSE {v} END)::SMALLINT AS {v}) FROM {rel})", a)
}

// Through is a relation of what the SETs make of rel, with columns of their own beside.
func (p *Program) Through(rel *duck.Query) *duck.Query { return p.layers(rel) }

// Sets are the columns that SETs change.
func (p *Program) Sets() []string {
	var out []string
	for _, s := range p.steps {
		if s.sets() && !slices.Contains(out, s.column) {
			out = append(out, s.column)
		}
	}
	return out
}

// Original has a FROM-item of rel's _row and _was: the columns that SETs change, as rel has them. nil: there are none. Who rejects
// rows behind the rules finds them there.
func (p *Program) Original(rel *duck.Query) *kind.Was {
	set := p.Sets()
	if len(set) == 0 {
		return nil
	}
	return &kind.Was{Columns: set,
		Struct: duck.SQL("(SELECT _row, struct_pack({set}) AS _was FROM {rel})", duck.Args{"rel": rel, "set": same(set)})}
}

// same are fields of a STRUCT for columns.
func same(cols []string) *duck.Query {
	return duck.Each(", ", cols, func(c string) *duck.Query { return duck.SQL("{c} := {c}", duck.Args{"c": duck.Ident(c)}) })
}

// pin gives an expression in a way that DuckDB computes where it stands, once a row: it is volatile. A filter on the verdict would
// else be pushed down through the layers, each of which names what the one below gives more than once, and grow with a power of
// their number.
func (p *Program) pin(e *duck.Query) *duck.Query {
	if p.native {
		return duck.SQL("dsql_pin({e})", duck.Args{"e": e})
	}
	return duck.SQL("CASE WHEN random() < 2 THEN {e} END", duck.Args{"e": e})
}

// Rejects: some constraint sends rows to dsql.rejects.
func (p *Program) Rejects() bool {
	return p.any(func(s *step) bool { return s.action == reject })
}

// run is the end of the steps from i on that are all of one class, or the first one where the row may stop.
func (p *Program) run(i int, class func(*step) bool) int {
	for i < len(p.steps) && class(&p.steps[i]) {
		if i++; p.steps[i-1].calls {
			break
		}
	}
	return i
}

func (p *Program) any(class func(*step) bool) bool {
	return slices.ContainsFunc(p.steps, func(s step) bool { return class(&s) })
}

// Explain is the ordered chain and the SQL that it compiles to over rel, a FROM-item. "" when there are no rules.
func (p *Program) Explain(rel *duck.Query) string {
	if len(p.steps) == 0 {
		return ""
	}
	var b strings.Builder
	for i, s := range p.steps {
		fmt.Fprintf(&b, "%3d. ", i+1)
		if s.sets() {
			fmt.Fprintf(&b, "SET %s = %s  -- %s\n", duck.Ident(s.column), s.expr, s.typ)
		} else {
			fmt.Fprintf(&b, "CONSTRAINT %s EXPECT (%s) ON VIOLATION %s\n", duck.Ident(s.name), s.expr, s.action)
		}
	}
	fmt.Fprintf(&b, "%s", duck.SQL("FROM {rel}", duck.Args{"rel": p.layers(rel)}))
	return b.String()
}
