package rules

import (
	"context"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/rules/expr"
	"dsql/sql"
	"dsql/sql/code"
)

// Expr is CREATE FUNCTION … LANGUAGE expr: an expression in expr-lang as a SQL macro, which any DuckDB client can call.
var Expr = kind.Language{Word: "EXPR", Doc: "an expression in expr-lang",
	Compile: func(d *sql.Decl) (kind.Object, error) { return &Function{d}, nil }}

// Function is a compiled CREATE FUNCTION.
type Function struct{ decl *sql.Decl }

// Decl is the statement.
func (f *Function) Decl() *sql.Decl { return f.decl }

// Callable: see kind.Callable.
func (f *Function) Callable() {}

// Define makes the macro.
func (f *Function) Define(ctx context.Context, tx *duck.Tx, _ *kind.Env) error {
	d := f.decl
	returns := d.Arg("RETURNS")
	types := []*duck.Query{duck.SQL("NULL::{t}", duck.Args{"t": duck.User(d.Src, returns.Span)})}
	var params []sql.ColumnDef
	if v := d.Arg("#0"); v != nil {
		params = v.Columns
	}
	for _, p := range params {
		types = append(types, duck.SQL("NULL::{t}", duck.Args{"t": duck.User(d.Src, p.At)}))
	}
	known, errs := tx.DescribeEach(ctx,
		[]duck.Bound{{Query: duck.SQL("SELECT {t}", duck.Args{"t": duck.Join(", ", types...)}), At: d.Place()}})
	if errs[0] != nil {
		return errs[0]
	}
	cols := make([]duck.Column, len(params))
	names := make([]string, len(params))
	for i, p := range params {
		cols[i] = duck.Column{Name: p.Name.Text, Type: known[0][i+1].Type}
		names[i] = p.Name.Text
	}
	v, refused := expr.Compile(d.Src, d.Arg("AS").Span, cols, func(c duck.Column) *duck.Query {
		return duck.SQL("CAST({c} AS {t})", duck.Args{"c": duck.Ident(c.Name), "t": c.Type})
	})
	if refused != nil {
		return refused
	}
	if typ := known[0][0].Type; v.Type.Kind != expr.Nil && !castable(v.Type.SQL(), typ) {
		return d.At(returns.Span).Errorf(code.TypeMismatch, "the expression gives %s, which can't become %s", v.Type, typ).
			WithHint("change RETURNS, or the expression")
	}
	_, err := tx.ExecAt(ctx, duck.SQL("CREATE OR REPLACE MACRO {name}({params}) AS CAST({e} AS {t})",
		duck.Args{"name": duck.Ident(d.Name), "params": duck.Names(names), "e": v.SQL, "t": known[0][0].Type}), d.Place())
	return err
}

// Drop removes the macro.
func (f *Function) Drop(ctx context.Context, tx *duck.Tx) error {
	_, err := tx.ExecAt(ctx, duck.SQL("DROP MACRO IF EXISTS {name}", duck.Args{"name": duck.Ident(f.decl.Name)}), f.decl.Place())
	return err
}

// Explain is the macro's SQL.
func (f *Function) Explain() string {
	return strings.TrimSpace(f.decl.Text()) + "\n"
}
