package scripttest

import (
	"context"
	"errors"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Positional: the rows have the order of the columns, not their names.
func (g *Given) positional(src *sql.Source) bool {
	toks := sql.Tokens(src, g.Query)
	return len(toks) > 0 && sql.Same(toks[0].Span.Of(src), "VALUES")
}

// over is the query, in which the source's own name is an empty relation with its columns.
func (g *Given) over(src *sql.Source, cols []duck.Column, source bool) *duck.Query {
	a := duck.Args{"q": duck.User(src, g.Query)}
	if !source || len(cols) == 0 {
		return duck.SQL("SELECT * FROM ({q})", a)
	}
	return duck.SQL("WITH {name} AS (FROM {empty}) SELECT * FROM ({q})", a,
		duck.Args{"name": duck.Ident(g.Name.Text), "empty": duck.Empty(cols)})
}

// Columns are those that a SELECT gives, without _meta: what a source that declares none has.
func (g *Given) Columns(ctx context.Context, c *duck.Conn, src *sql.Source) ([]duck.Column, error) {
	at := sql.Place{Src: src, Span: g.At}
	if g.Text != nil || g.positional(src) {
		return nil, at.Errorf(code.BadTest, "%s declares no columns", g.Name.Text).WithHint("give its rows by a SELECT: AS (SELECT 1 AS id)")
	}
	cols, err := c.Describe(ctx, g.over(src, nil, true), at)
	return slices.DeleteFunc(cols, func(c duck.Column) bool { return sql.Same(c.Name, catalog.MetaColumn) }), err
}

// Rows is a query of what is given: the columns, in their order and of their types, and where the SELECT gives it _meta. Columns of a path's
// captures that it doesn't give are those.
func (g *Given) Rows(ctx context.Context, c *duck.Conn, src *sql.Source, cols []duck.Column, source bool, captures map[string]string) (
	q *duck.Query, meta bool, err error) {
	at := sql.Place{Src: src, Span: g.At}
	over := g.over(src, cols, source)
	have, err := c.Describe(ctx, over, at)
	if err != nil {
		return nil, false, err
	}
	if g.positional(src) {
		if len(have) != len(cols) {
			return nil, false, at.Errorf(code.BadTest, "%s has %s (%s), and these rows have %d", g.Name.Text, columns(len(cols)),
				strings.Join(duck.ColumnNames(cols), ", "), len(have)).WithHint("give a value for each, or name columns: AS (SELECT 1 AS id)")
		}
		for i := range have {
			have[i].Name = cols[i].Name
		}
	}
	var errs sql.List
	given := func(name string) int {
		return slices.IndexFunc(have, func(h duck.Column) bool { return sql.Same(h.Name, name) })
	}
	for _, h := range have {
		if sql.Same(h.Name, catalog.MetaColumn) && source {
			meta = true
			continue
		}
		if !slices.ContainsFunc(cols, func(c duck.Column) bool { return sql.Same(c.Name, h.Name) }) {
			names := duck.ColumnNames(cols)
			errs = append(errs, at.Errorf(code.BadTest, "%s has no column %s", g.Name.Text, h.Name).
				WithHint(sql.DidYouMean(h.Name, names, sql.Listed("it has ", names, ""))))
		}
	}
	if err := errs.Err(); err != nil {
		return nil, false, err
	}
	each := duck.Each(", ", cols, func(col duck.Column) *duck.Query {
		a := duck.Args{"t": col.Type, "n": duck.Ident(col.Name), "v": duck.SQL("NULL")}
		if i := given(col.Name); i >= 0 {
			a["v"] = duck.Ident(have[i].Name)
		} else {
			for name, text := range captures {
				if sql.Same(name, col.Name) {
					a["v"] = duck.Lit(text)
				}
			}
		}
		return duck.SQL("CAST({v} AS {t}) AS {n}", a)
	})
	out := duck.SQL("SELECT {each} FROM ({q}) _g({names})",
		duck.Args{"each": each, "q": over, "names": duck.Names(duck.ColumnNames(have))})
	if meta {
		out = duck.SQL("SELECT {each}, _meta FROM ({q})", duck.Args{"each": each, "q": over})
	}
	return out, meta, nil
}

// Check finds what is wrong with a test without running it: what it gives are sources and tables, and its queries bind.
func (t *Test) Check(ctx context.Context, c *duck.Conn, relations kind.Relations) error {
	src := t.decl.Src
	var errs sql.List
	add := func(err error) {
		var list sql.List
		var one *sql.Error
		switch {
		case errors.As(err, &list):
			errs = append(errs, list...)
		case errors.As(err, &one):
			errs = append(errs, one)
		}
	}
	for _, s := range t.Steps {
		for _, g := range s.Given {
			cols, source, err := t.relation(ctx, c, &g, relations)
			if err == nil && g.Text == nil && (len(cols) > 0 || !source) {
				_, _, err = g.Rows(ctx, c, src, cols, source, nil)
			}
			add(err)
		}
		for i := range s.Expects {
			add(s.Expects[i].bind(ctx, c, src))
		}
	}
	return errs.Err()
}

// relation is what a GIVEN names: a source, or a table of the script's own.
func (t *Test) relation(ctx context.Context, c *duck.Conn, g *Given, relations kind.Relations) (cols []duck.Column, source bool, err error) {
	at := t.decl.At(g.Name.Span)
	cols, is, names := relations(g.Name.Text)
	switch {
	case is == "source":
		return cols, true, nil
	case is != "":
		return nil, false, at.Errorf(code.BadTest, "%s is a %s: its rows come from what it reads", g.Name.Text, is).
			WithHint("give the rows of a source, or of a table of the script")
	}
	if cols, err = c.Table(ctx, g.Name.Text); err != nil || len(cols) == 0 {
		return nil, false, at.Errorf(code.BadTest, "there is no source %s, and no table of the script", g.Name.Text).
			WithHint(sql.DidYouMean(g.Name.Text, names, sql.Listed("sources are ", names, "declare it before the test")))
	}
	if g.Text != nil || g.Path != nil {
		return nil, false, t.decl.At(g.At).Errorf(code.BadTest, "%s is a table, and takes rows", g.Name.Text).
			WithHint("write AS (VALUES …) or AS (SELECT …)")
	}
	return cols, false, nil
}
