// Package endpoint is CREATE ENDPOINT: a query with typed parameters. It owns what the declaration means and how its parameters stand in
// the query; who asks over HTTP, and what is answered, is package serve's.
package endpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Kind is CREATE ENDPOINT.
var Kind = kind.Kind{
	Syntax: &sql.Syntax{
		Keyword: "ENDPOINT", Plural: "ENDPOINTS", Scoped: true,
		Head: []sql.Clause{{Arg: sql.ArgColumnDefs, Doc: "the parameters, with their types",
			Columns: []sql.Clause{{Keyword: "DEFAULT", Arg: sql.ArgExpr,
				Doc: "what the parameter is where a request doesn't name it; without it the request must"}}}},
		Clauses: []sql.Clause{
			{Keyword: "LOG INTO", Arg: sql.ArgName, Doc: "the table that keeps each request with its answer"},
			{Keyword: "SYNC", Arg: sql.ArgNone, Doc: "an answer waits until it is in the table of LOG INTO"},
		},
		Body: []sql.Clause{{Keyword: "AS", Arg: sql.ArgQuery, Doc: "the query; $name is a parameter's value"}},
		Doc:  "A query with typed parameters, which `dsql serve` answers over HTTP: GET /v1/endpoints/name?parameter=value.",
		Example: `CREATE TABLE IF NOT EXISTS flights AS SELECT 'DL1' AS flight_id, 12.5 AS dep_delay;
CREATE ENDPOINT delays (flight_id VARCHAR, at_least DOUBLE DEFAULT 0.0) AS
  SELECT dep_delay FROM flights WHERE flight_id = $flight_id AND dep_delay >= $at_least`,
	},
	Compile: compile,
}

// Endpoint is a compiled CREATE ENDPOINT. It is immutable.
type Endpoint struct {
	decl   *sql.Decl
	Params []Param
	Log    string // the table of LOG INTO; "": none
	Sync   bool
	uses   []use
}

// Param is a parameter.
type Param struct {
	Name, Type string
	Default    *duck.Query // nil: a request must name it
	at         sql.Span    // of the type
	defaultAt  sql.Span
}

// use is a place in the query where a parameter stands.
type use struct {
	at    sql.Span
	name  string
	param int // -1: none of that name
}

func compile(d *sql.Decl) (kind.Object, error) {
	e := &Endpoint{decl: d, Sync: d.Arg("SYNC") != nil}
	if v := d.Arg("#0"); v != nil {
		for _, c := range v.Columns {
			p := Param{Name: c.Name.Text, Type: c.Type, at: c.At}
			if def := c.Args["DEFAULT"]; def != nil {
				p.Default, p.defaultAt = duck.User(d.Src, def.Exprs[0]), def.Exprs[0]
			}
			e.Params = append(e.Params, p)
		}
	}
	var errs sql.List
	if v := d.Arg("LOG INTO"); v != nil {
		if e.Log = v.Names[0].Text; len(v.Names[0].Parts(d.Src)) > 1 {
			errs = append(errs, d.At(v.Span).Errorf(code.QualifiedName, "a log stands in the schema main").
				WithHint("write its name alone"))
		}
	} else if e.Sync {
		errs = append(errs, d.At(d.Arg("SYNC").Keyword).Errorf(code.MissingClause, "SYNC says how LOG INTO writes, and there is none").
			WithHint("add: LOG INTO name, or take SYNC away"))
	}
	body := d.Arg("AS").Exprs[0]
	toks := sql.Tokens(d.Src, body)
	for i := 0; i+1 < len(toks); i++ {
		next := toks[i+1]
		if toks[i].Span.Of(d.Src) != "$" || toks[i].Span.End != next.Span.Start {
			continue
		}
		at := toks[i].Span.To(next.Span)
		switch next.Kind {
		case sql.Word, sql.Quoted:
			u := use{at: at, name: next.Span.Of(d.Src), param: -1}
			if name, err := sql.Unquote(u.name); next.Kind == sql.Quoted && err == nil {
				u.name = name
			}
			for j, p := range e.Params {
				if sql.Same(p.Name, u.name) {
					u.param = j
				}
			}
			e.uses = append(e.uses, u)
		case sql.Number:
			errs = append(errs, d.At(at).Errorf(code.UnknownParameter, "parameters of an endpoint have names").
				WithHint("declare it, (name TYPE), and write $name"))
		}
	}
	return e, errs.Err()
}

// Decl is the statement.
func (e *Endpoint) Decl() *sql.Decl { return e.decl }

// Reads: see kind.Reading.
func (e *Endpoint) Reads() {}

// Query is the endpoint's query with a value in the place of each parameter.
func (e *Endpoint) Query(value func(param int) *duck.Query) *duck.Query {
	return e.QueryOf(value, nil, nil)
}

// Uses says that parameter i stands in the query.
func (e *Endpoint) Uses(i int) bool {
	return slices.ContainsFunc(e.uses, func(u use) bool { return u.param == i })
}

// Typed is a value as parameter i's type.
func (e *Endpoint) Typed(i int, v *duck.Query) *duck.Query {
	return duck.SQL("CAST({v} AS {t})", duck.Args{"v": v, "t": duck.User(e.decl.Src, e.Params[i].at)})
}

// Given is parameter i's default, typed.
func (e *Endpoint) Given(i int) *duck.Query {
	return e.Typed(i, duck.SQL("({d})", duck.Args{"d": e.Params[i].Default}))
}

// Any is the query with NULL for each parameter: what its columns are found by.
func (e *Endpoint) Any() *duck.Query {
	return e.Query(func(i int) *duck.Query { return e.Typed(i, duck.SQL("NULL")) })
}

// Stale binds the query: what it reads may be declared anew. An endpoint itself makes nothing in the file.
func (e *Endpoint) Stale(ctx context.Context, tx *duck.Tx, _ *kind.Env) (string, error) {
	if _, _, err := e.Bind(ctx, tx.Conn); err != nil {
		return "", err
	}
	return "", tx.Apart(ctx, func(c *duck.Conn) error {
		var errs sql.List
		for i, p := range e.Params {
			if p.Default == nil {
				continue
			}
			var wrong *sql.Error
			_, err := c.ExecAt(ctx, duck.SQL("SELECT {v}", duck.Args{"v": e.Given(i)}), e.decl.At(p.defaultAt))
			if errors.As(err, &wrong) && duck.IsConversion(wrong) {
				w := *wrong
				w.Exit = code.ExitScript
				errs = append(errs, &w)
			}
		}
		return errs.Err()
	})
}

// logColumns are those of the table of LOG INTO.
const logColumns = `logged_at TIMESTAMP, endpoint VARCHAR, version BIGINT, request JSON, answer JSON, ` +
	`models STRUCT("name" VARCHAR, "version" INTEGER)[], ms DOUBLE`

// Define makes the table of LOG INTO, which several endpoints may have and which stays when they are dropped.
func (e *Endpoint) Define(ctx context.Context, tx *duck.Tx, _ *kind.Env) error {
	if e.Log == "" {
		return nil
	}
	at := sql.Place{Src: e.decl.Src, Span: e.decl.Arg("LOG INTO").Span}
	a := duck.Args{"t": duck.Ident(e.Log), "columns": duck.Text(logColumns)}
	if _, err := tx.ExecAt(ctx, duck.SQL("CREATE TABLE IF NOT EXISTS main.{t} ({columns})", a), at); err != nil {
		return err
	}
	have, err := tx.Table(ctx, e.Log)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, duck.SQL("CREATE TEMP TABLE _dsql_log ({columns})", a)); err != nil {
		return err
	}
	want, err := tx.Table(ctx, "_dsql_log")
	if err == nil {
		_, err = tx.Exec(ctx, duck.SQL("DROP TABLE temp._dsql_log"))
	}
	if err != nil || slices.Equal(have, want) {
		return err
	}
	return at.Errorf(code.LogTable, "%s is there already, and is no log", e.Log).
		WithHint("choose another name; a log has the columns " + logColumns)
}

// Bind finds the types of the parameters, as DuckDB writes them, and the columns of the answer.
func (e *Endpoint) Bind(ctx context.Context, c *duck.Conn) (params, columns []duck.Column, err error) {
	var errs sql.List
	qs := make([]duck.Bound, 0, len(e.Params)+1)
	for i, p := range e.Params {
		v := duck.SQL("NULL")
		if p.Default != nil {
			v = duck.SQL("({d})", duck.Args{"d": p.Default})
		}
		qs = append(qs, duck.Bound{Query: duck.SQL("SELECT {v}", duck.Args{"v": e.Typed(i, v)}), At: e.decl.At(p.at)})
	}
	for _, u := range e.uses {
		if u.param < 0 {
			errs = append(errs, e.unknown(u))
		}
	}
	found, wrong := c.DescribeEach(ctx, append(qs, duck.Bound{Query: e.Any(), At: e.decl.Place()}))
	for i, err := range wrong {
		if i == len(e.Params) && len(errs) > 0 {
			break // it only comes of those
		}
		errs = collect(errs, err)
	}
	if err := errs.Err(); err != nil {
		return nil, nil, err
	}
	for i, p := range e.Params {
		params = append(params, duck.Column{Name: p.Name, Type: found[i][0].Type})
	}
	layout, err := c.NewLayout(params)
	if err != nil {
		return nil, nil, e.noLayout(err)
	}
	layout.Close()
	return params, found[len(e.Params)], nil
}

// unknown is the error of a $name that is declared nowhere.
func (e *Endpoint) unknown(u use) *sql.Error {
	names := make([]string, len(e.Params))
	for i, p := range e.Params {
		names[i] = p.Name
	}
	hint := "declare it: CREATE ENDPOINT " + e.decl.Name + " (" + u.name + " TYPE)"
	if near := sql.Nearest(u.name, names); near != "" {
		hint = "did you mean $" + near + "?"
	}
	return e.decl.At(u.at).Errorf(code.UnknownParameter, "endpoint %s has no parameter %s", e.decl.Name, u.name).
		WithHint(hint)
}

// noLayout is the error of a type that a request can't give a value of.
func (e *Endpoint) noLayout(err error) error {
	wrong, ok := errors.AsType[*sql.Error](err)
	if !ok {
		return err
	}
	i := slices.IndexFunc(e.Params, func(p Param) bool { return p.Name == wrong.Column })
	if i < 0 {
		return err
	}
	p := e.Params[i]
	return e.decl.At(p.at).Errorf(code.ParameterType, "parameter %s: a request can't give a %s", p.Name, p.Type).
		WithHint("declare it VARCHAR and cast it in the query").WithCause(err)
}

func collect(l sql.List, err error) sql.List {
	var all sql.List
	var one *sql.Error
	switch {
	case err == nil:
		return l
	case errors.As(err, &all):
		return append(l, all...)
	case errors.As(err, &one):
		return append(l, one)
	}
	return append(l, sql.Errorf(code.Failed, "%s", err).WithCause(err))
}

var _ kind.Describer = (*Endpoint)(nil)

// Describe has the parameters, and then the columns of the answer.
func (e *Endpoint) Describe(ctx context.Context, c *duck.Conn, _ kind.Fed) (*duck.Query, error) {
	params, columns, err := e.Bind(ctx, c)
	if err != nil {
		return nil, err
	}
	var rows []*duck.Query
	for i, p := range params {
		role := "parameter"
		if e.Params[i].Default != nil {
			role = "parameter, DEFAULT " + strings.TrimSpace(e.Params[i].Default.String())
		}
		rows = append(rows, duck.SQL("({n}, {t}, {role})", duck.Args{"n": p.Name, "t": string(p.Type), "role": role}))
	}
	for _, col := range columns {
		rows = append(rows, duck.SQL("({n}, {t}, 'answer')", duck.Args{"n": col.Name, "t": string(col.Type)}))
	}
	return duck.SQL("FROM (VALUES {rows}) t(column_name, column_type, role)", duck.Args{"rows": duck.Join(", ", rows...)}), nil
}

// Explain is the query, with what stands for its parameters, and how what it reads is found.
func (e *Endpoint) Explain(ctx context.Context, c *duck.Conn, stored kind.Stored) (string, error) {
	var b strings.Builder
	for i, p := range e.Params {
		fmt.Fprintf(&b, "  $%d %s %s", i+1, p.Name, p.Type)
		if p.Default != nil {
			fmt.Fprintf(&b, " DEFAULT %s", strings.TrimSpace(p.Default.String()))
		}
		b.WriteByte('\n')
	}
	q := e.Query(func(i int) *duck.Query { return duck.SQL(fmt.Sprintf("$%d", i+1)) })
	fmt.Fprintf(&b, "prepared once on each connection, bound again when what it reads is declared anew\n%s\n", strings.TrimSpace(q.String()))
	params, _, err := e.Bind(ctx, c)
	if err != nil {
		return "", err
	}
	found, why, err := e.Lookups(ctx, c, params, stored)
	for _, l := range found {
		rows, are := "the rows", "are"
		if l.Unique {
			rows, are = "the row", "is"
		}
		fmt.Fprintf(&b, "%s: %s with %s %s found by an index in the server's memory\n", l.Name, rows, strings.Join(l.equal(e), " and "), are)
	}
	for _, reason := range why {
		fmt.Fprintf(&b, "%s, so the query goes through its table\n", reason)
	}
	return b.String(), err
}

// equal says what columns are compared with.
func (l *Lookup) equal(e *Endpoint) (out []string) {
	for i, k := range l.Key {
		out = append(out, k.Name+" = $"+e.Params[l.Params[i]].Name)
	}
	return out
}
