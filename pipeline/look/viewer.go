// Package look shows what a file declares and keeps: queries, status, histories, differences, checks, rejects. It writes nothing.
package look

import (
	"context"
	"errors"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/models"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/rules"
	"dsql/sql"
)

// Viewer shows what a file declares and keeps. It writes nothing.
type Viewer struct {
	Program *program.Program
	Conn    *duck.Conn
	Options event.Options
}

func (v *Viewer) Emit(e event.Event) { v.Options.Emit(e) }
func (v *Viewer) Warn(e *sql.Error)  { v.Emit(event.Warned{Err: e}) }

// Show runs a statement of DuckDB's and shows its rows.
func (v *Viewer) Show(ctx context.Context, st sql.Stmt) error {
	res, err := v.Conn.Query(ctx, duck.User(st.Src, st.Span), duck.Place{Src: st.Src, Span: st.Span})
	if err != nil {
		return duck.AtRunTime(v.Program.SourceHint(ctx, v.Conn, err))
	}
	if len(res.Columns) > 0 && !onlyCount(st, res) {
		v.Emit(event.Queried{Result: res})
	}
	return errors.Join(duck.AtRunTime(res.Err()), res.Close())
}

// onlyCount: DuckDB gives the number of rows for statements that change some; that is no data to show.
func onlyCount(st sql.Stmt, res *duck.Result) bool {
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

// Query runs SQL of the user on a file: reading where that is enough.
func Query(ctx context.Context, o event.Options, text string) error {
	src := sql.NewSource("query", text)
	stmts, err := program.Parse(ctx, []*sql.Source{src})
	if err != nil {
		return err
	}
	db, err := duck.Open(ctx, o.DB, duck.Options{SearchPath: o.Dir, ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	c := db.Writer()
	if err := errors.Join(models.Restore(ctx, c), rules.RegisterHelpers(c)); err != nil {
		return err
	}
	p := &program.Program{Env: &kind.Env{Dir: o.Dir}}
	plain, err := catalog.Plain(ctx, c)
	if err == nil && !plain {
		p, err = program.Load(ctx, c, stmts, p.Env, program.Opened{})
	}
	if err != nil {
		return err
	}
	v := &Viewer{p, c, o}
	for _, st := range stmts {
		if st.Decl == nil {
			err = v.Show(ctx, st)
		} else if !readingVerbs[st.Decl.Syntax.Verb] {
			err = &sql.Error{Src: st.Src, Span: st.Span, Code: "query-writes", Msg: "`dsql query` reads only",
				Hint: "put the statement into a script and use `dsql run`"}
		} else {
			err = v.Answer(ctx, st.Decl)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var readingVerbs = map[string]bool{"SHOW": true, "DESCRIBE": true, "EXPLAIN": true}

// named is the declared node of a verb, bound: where nothing is run, with all that it reads.
func (v *Viewer) named(ctx context.Context, d *sql.Decl) (*program.Node, error) {
	kind := strings.ToLower(d.Syntax.Keyword)
	n := v.Program.Find(kind, d.Name)
	if n == nil {
		return nil, v.Program.NotDeclared(kind, sql.Name{Text: d.Name, Span: d.NameAt}, d)
	}
	if n.Bound {
		return n, nil
	}
	return n, v.Conn.Scratch(ctx, func(tx *duck.Tx) error {
		for _, m := range program.Ordered([]*program.Node{n}, (*program.Node).Needs) {
			if m.Bound {
				continue
			}
			if err := v.Program.Bind(ctx, tx, m); err != nil {
				return err
			}
		}
		return v.Program.Chain(ctx, tx, n)
	})
}

// Answer shows what SHOW, DESCRIBE and EXPLAIN ask for.
func (v *Viewer) Answer(ctx context.Context, d *sql.Decl) error {
	var q *duck.Query
	switch d.Syntax.Verb {
	case "SHOW":
		k, _ := program.KindByWord(d.Syntax.Keyword)
		q = v.Program.Show(k)
		if w := d.Arg("WHERE"); w != nil {
			q = duck.SQL("SELECT * FROM ({q}) WHERE ({w})", duck.Args{"q": q, "w": duck.User(d.Src, w.Exprs[0])})
		}
	case "DESCRIBE":
		n, err := v.named(ctx, d)
		if err != nil {
			return err
		}
		if o, ok := n.Obj.(kind.Describer); ok {
			if q, err = o.Describe(ctx, v.Conn); err != nil {
				return err
			}
			break
		}
		q = duck.SQL("SELECT unnest({names}) AS column_name, unnest({types}) AS column_type", duck.Args{
			"names": program.Texts(duck.ColumnNames(n.Cols)),
			"types": duck.SQL("[{t}]", duck.Args{"t": duck.Each(", ", n.Cols, func(c duck.Column) *duck.Query { return duck.Lit(c.Type) })})})
	case "EXPLAIN":
		n, err := v.named(ctx, d)
		if err != nil {
			return err
		}
		text, err := v.Program.Explain(ctx, v.Conn, n)
		if err != nil {
			return err
		}
		q = duck.SQL("SELECT unnest(string_split({text}, chr(10))) AS explain", duck.Args{"text": strings.TrimRight(text, "\n")})
	}
	res, err := v.Conn.Query(ctx, q, duck.Place{Src: d.Src, Span: d.Span})
	if err != nil {
		return err
	}
	v.Emit(event.Queried{Result: res})
	if err := res.Err(); err != nil {
		return err
	}
	return res.Close()
}
