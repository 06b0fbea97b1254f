// Package params is CREATE PARAMETER: what $name stands for in a script, and the constants that options are computed from. It makes of a
// script as it is written the one that is run, with values in their places. Where values are given (flags, environment, profiles) is the
// command's.
package params

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Kind is CREATE PARAMETER.
var Kind = kind.Kind{
	Scripted: true,
	Syntax: &sql.Syntax{
		Keyword: "PARAMETER", Plural: "PARAMETERS",
		Head: []sql.Clause{{Arg: sql.ArgTypeName, Required: true, Doc: "its type"}},
		Clauses: []sql.Clause{
			{Keyword: "DEFAULT", Arg: sql.ArgExpr, Doc: "its value where none is given; earlier parameters may stand in it"},
			{Keyword: "DOC", Arg: sql.ArgString, Doc: "what it is for"},
		},
		Doc: "A typed value that a script is run with: $name in declarations, options and DuckDB's statements, given by `--set name=value` or " +
			"DSQL_SET_NAME.",
		Example: `CREATE PARAMETER least DOUBLE DEFAULT 0.0 DOC 'smaller amounts are left out';
CREATE SOURCE orders_in (id BIGINT, amount DOUBLE) FROM FILES ('in/orders*.csv', format csv);
CREATE STREAM orders AS SELECT * FROM orders_in WHERE amount >= $least`,
	},
	Shown: func(decls []*sql.Decl) *duck.Query {
		rows := []*duck.Query{duck.SQL("SELECT NULL::VARCHAR AS name, NULL::VARCHAR AS type, NULL::VARCHAR AS value, NULL::VARCHAR AS doc " +
			"WHERE false")}
		for _, d := range decls {
			a := duck.Args{"name": d.Name, "type": d.Arg("#0").Text, "value": duck.User(d.Src, d.Arg("DEFAULT").Span), "doc": duck.Lit(nil)}
			if doc := d.Arg("DOC"); doc != nil {
				a["doc"] = doc.Text
			}
			rows = append(rows, duck.SQL("SELECT {name}, {type}, CAST({value} AS VARCHAR), {doc}", a))
		}
		return duck.Join(" UNION ALL ", rows...)
	},
	Compile: func(d *sql.Decl) (kind.Object, error) { return declared{d}, nil },
}

type declared struct{ decl *sql.Decl }

// Decl is the statement.
func (o declared) Decl() *sql.Decl { return o.decl }

// Given is a value that a run is given, as text.
type Given struct {
	Name, Text string
	From       string // in messages: "--set", "DSQL_SET_DAY", "profile dev"
	Shared     bool   // it is there for other scripts too, so one that hasn't this parameter passes over it
}

// Set is what a script is run with. Of several values for a name the first counts.
type Set struct {
	Given []Given
	Warn  func(*sql.Error)
	At    *duck.Query // the time that defaults are computed at; nil: now
}

// value is that of a parameter of the script.
type value struct {
	name    string
	literal *duck.Query // nil: it has none, which was told
}

// filling is the work on the scripts of a run.
type filling struct {
	set    Set
	conn   *duck.Conn
	values []value
}

// Fill gives scripts in which values stand in the places of parameters. In CREATE PARAMETER itself the value stands as its default.
func Fill(ctx context.Context, scripts []*sql.Source, forms []*sql.Syntax, set Set) ([]*sql.Source, error) {
	if !slices.ContainsFunc(scripts, mayName) {
		return scripts, set.unused(nil)
	}
	parsed := make([][]sql.Stmt, len(scripts))
	var decls []*sql.Decl
	for i, src := range scripts {
		parsed[i], _ = sql.Parse(src, forms) // what is wrong is found again when it is read with values
		for _, st := range parsed[i] {
			if isParameter(st.Decl) {
				decls = append(decls, st.Decl)
			}
		}
	}
	if err := set.unused(decls); err != nil {
		return nil, err
	}
	f := &filling{set: set}
	edits := map[*sql.Source][]sql.Edit{}
	if len(decls) > 0 {
		db, err := duck.Open(ctx, "", duck.Options{Threads: 1})
		if err != nil {
			return nil, err
		}
		defer db.Close()
		f.conn = db.Writer()
		if set.At != nil {
			if err := f.conn.FixClock(ctx, set.At); err != nil {
				return nil, err
			}
		}
		if err := f.evaluate(ctx, decls, edits); err != nil {
			return nil, err
		}
	}
	var errs sql.List
	for i, src := range scripts {
		for _, st := range parsed[i] {
			if isParameter(st.Decl) {
				continue
			}
			put, wrong := f.places(st)
			edits[src] = append(edits[src], put...)
			errs = append(errs, wrong...)
		}
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	out := slices.Clone(scripts)
	for i, src := range scripts {
		if len(edits[src]) > 0 {
			out[i] = src.Rewritten(edits[src])
		}
	}
	return out, nil
}

// mayName: a parameter may be declared or used in it.
func mayName(src *sql.Source) bool {
	return strings.Contains(src.Text, "$") || strings.Contains(strings.ToUpper(src.Text), "PARAMETER")
}

func isParameter(d *sql.Decl) bool { return d != nil && d.Syntax == Kind.Syntax }

// unused is the error for what is given and no parameter has.
func (s Set) unused(decls []*sql.Decl) error {
	var names []string
	for _, d := range decls {
		names = append(names, d.Name)
	}
	var errs sql.List
	for _, g := range s.Given {
		if slices.ContainsFunc(names, func(n string) bool { return sql.Same(n, g.Name) }) || g.Shared && sql.Nearest(g.Name, names) == "" {
			continue
		}
		e := sql.Errorf(code.NoParameter, "%s gives a value to %s, and the script has no parameter of that name", g.From, g.Name).
			WithHint(sql.DidYouMean(g.Name, names, sql.Listed("its parameters are ", names, "declare it: CREATE PARAMETER "+g.Name+" VARCHAR")))
		if !g.Shared {
			errs = append(errs, e)
		} else if s.Warn != nil {
			s.Warn(e)
		}
	}
	return errs.Err()
}

// evaluate finds the values, each behind those that its default may name.
func (f *filling) evaluate(ctx context.Context, decls []*sql.Decl, edits map[*sql.Source][]sql.Edit) error {
	var errs sql.List
	first := map[sql.Key]*sql.Decl{}
	for _, d := range decls {
		if d.Name == "" || d.Arg("#0") == nil {
			continue // what is wrong with it is told by who parses it
		}
		if other := first[sql.KeyOf(d.Name)]; other != nil {
			if sql.Fingerprint(other.Text()) != sql.Fingerprint(d.Text()) {
				errs = append(errs, d.Errorf(code.DeclaredTwice, "PARAMETER %s is declared twice, and not alike", d.Name).
					WithHint("keep one of the two").WithNote(other.Place(), "first declared here"))
				continue
			}
		}
		first[sql.KeyOf(d.Name)] = d
		literal, err := f.valueOf(ctx, d)
		if err != nil {
			errs = append(errs, err)
		}
		f.values = append(f.values, value{d.Name, literal})
		if literal == nil {
			continue
		}
		e := sql.Edit{Span: sql.Span{Start: d.Span.End, End: d.Span.End}, Text: " DEFAULT " + literal.Text}
		if v := d.Arg("DEFAULT"); v != nil {
			e = sql.Edit{Span: v.Span, Text: literal.Text}
		}
		edits[d.Src] = append(edits[d.Src], e)
	}
	return errs.Err()
}

// valueOf is the literal of a parameter's value; nil where it comes of one that has none.
func (f *filling) valueOf(ctx context.Context, d *sql.Decl) (*duck.Query, *sql.Error) {
	typ := d.Arg("#0")
	t := duck.User(d.Src, typ.Span)
	if i := slices.IndexFunc(f.set.Given, func(g Given) bool { return sql.Same(g.Name, d.Name) }); i >= 0 {
		g := f.set.Given[i]
		text, err := f.literal(ctx, duck.SQL("CAST({v} AS {t})", duck.Args{"v": g.Text, "t": t}), d.Place())
		if err == nil {
			err = f.lossless(ctx, g.Text, text, d)
		}
		if err != nil && duck.IsConversion(err) {
			return nil, d.Errorf(code.BadParameter, "%s gives %s the value %s: %s", g.From, d.Name, shown(g.Text), err.Msg).
				WithHint("its type is " + typ.Text).WithExit(code.ExitScript)
		}
		return text, err
	}
	def := d.Arg("DEFAULT")
	if def == nil {
		return nil, d.Errorf(code.NoValue, "the parameter %s has no value", d.Name).
			WithHint(fmt.Sprintf("give it one: --set %s=… or %s=…; or give it a DEFAULT", d.Name, Variable(d.Name)))
	}
	if e := env(d.Src, def.Span); e != nil {
		return nil, e.WithHint(fmt.Sprintf("values of parameters are kept with what names them; %s gives one from the environment, and for a "+
			"secret write env('NAME') as the option's value itself", Variable(d.Name)))
	}
	found, wrong := f.in(d.Src, def.Span, nil)
	if len(wrong) > 0 {
		return nil, wrong[0]
	}
	if slices.ContainsFunc(found, func(p put) bool { return p.value == nil }) {
		return nil, nil
	}
	return f.literal(ctx, duck.SQL("CAST(({e}) AS {t})", duck.Args{"e": filled(d.Src, def.Span, found), "t": t}), d.At(def.Span))
}

// Variable is the variable of the environment that gives a parameter's value.
func Variable(name string) string { return "DSQL_SET_" + strings.ToUpper(name) }

// shown is a value in a message.
func shown(text string) string {
	if len(text) > 60 {
		text = strings.ToValidUTF8(text[:60], "") + "…"
	}
	return fmt.Sprintf("%q", text)
}
