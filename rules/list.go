package rules

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// List is a compiled CREATE RULES or CREATE CHECKS.
type List struct {
	kind string
	decl *sql.Decl
}

// NewList looks at a list by itself. What it applies may be declared later: see Check.
func NewList(kind string, d *sql.Decl) (*List, error) {
	_, errs := Expand(kind, d.Arg("#0").Items, func(name string) (*sql.Decl, bool) {
		return &sql.Decl{Name: name, Args: map[string]*sql.Value{"#0": {}}}, true
	})
	return &List{kind, d}, errs.Err()
}

// Decl is the statement.
func (l *List) Decl() *sql.Decl { return l.decl }

// Of are the items of a destination among which the list may be applied.
func (l *List) Of(c *kind.Chain) []*sql.Decl {
	if l.kind == "checks" {
		return c.Checks
	}
	return c.Rules
}

// Define has nothing to make: a list lives in the destinations that apply it.
func (l *List) Define(context.Context, *duck.Tx, *kind.Env) error { return nil }

// Checker is a declaration that can tell what is wrong with it only when the lists that it applies are known.
type Checker interface{ Check(Lists) error }

// Check finds lists that are not there, and rings, also where no destination applies the list.
func (l *List) Check(lists Lists) error {
	e := &expander{kind: l.kind, lists: lists, named: map[string]*sql.Decl{}, path: []*sql.Decl{l.decl}}
	e.items(l.decl.Arg("#0").Items)
	return e.errs.Err()
}
