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
	"dsql/pyfunc"
	"dsql/rules"
	"dsql/sql"
	"dsql/sql/code"
)

// Viewer shows what a file declares and keeps. It writes nothing.
type Viewer struct {
	Program *program.Program
	Conn    *duck.Conn
	Options program.Options
}

func (v *Viewer) Emit(e event.Event) { v.Options.Emit(e) }
func (v *Viewer) Warn(e *sql.Error)  { v.Emit(event.Warned{Err: e}) }

// Show runs a statement of DuckDB's and shows its rows.
func (v *Viewer) Show(ctx context.Context, st sql.Stmt) error {
	res, err := v.Conn.Query(ctx, duck.User(st.Src, st.Span), st.Place())
	if err != nil {
		return duck.AtRunTime(v.Program.SourceHint(ctx, v.Conn, err))
	}
	if len(res.Columns) > 0 && !onlyCount(st, res) {
		v.Emit(event.Queried{Result: res})
	}
	err = errors.Join(duck.AtRunTime(res.Err()), res.Close())
	for _, w := range pyfunc.Failed(v.Conn.DB) {
		v.Warn(w)
	}
	return err
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
func Query(ctx context.Context, o program.Options, text string) error {
	src := sql.NewSource("query", text)
	stmts, err := o.Language.Parse(ctx, []*sql.Source{src}, o.Set)
	if err != nil {
		return err
	}
	db, err := duck.Open(ctx, o.DB, duck.Options{SearchPath: o.Dir, ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	c := db.Writer()
	if err := errors.Join(models.Restore(ctx, c), pyfunc.Restore(ctx, c), rules.RegisterHelpers(c)); err != nil {
		return err
	}
	p := &program.Program{Language: o.Language, Env: &kind.Env{Dir: o.Dir}}
	plain, err := catalog.Plain(ctx, c)
	if err == nil && !plain {
		p, err = o.Language.Load(ctx, c, stmts, p.Env, program.Opened{})
	}
	if err != nil {
		return err
	}
	v := &Viewer{p, c, o}
	for _, st := range stmts {
		if st.Decl == nil {
			err = v.Show(ctx, st)
		} else {
			err = v.answer(ctx, st.Decl)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// answer runs a statement that only shows.
func (v *Viewer) answer(ctx context.Context, d *sql.Decl) error {
	if verb := v.Program.Language.Verb(d); verb != nil {
		if show, ok := verb.Run.(Action); ok {
			return show(v, ctx, d)
		}
	}
	return d.At(d.Span).Errorf(code.QueryWrites, "`dsql query` reads only").
		WithHint("put the statement into a script and use `dsql run`")
}
