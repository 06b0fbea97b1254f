package params

import (
	"slices"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// put is a place of a parameter with its value.
type put struct {
	at    sql.Span
	value *duck.Query
}

// places are those of parameters in a statement. Inside of quotes $ is itself; $1, and all names of a PREPARE, are DuckDB's.
func (f *filling) places(st sql.Stmt) (edits []sql.Edit, wrong sql.List) {
	var own []sql.ColumnDef
	if d := st.Decl; d != nil && d.Syntax.Scoped && d.Arg("#0") != nil {
		own = d.Arg("#0").Columns
	}
	if st.Decl == nil && prepares(st) {
		return nil, nil
	}
	found, wrong := f.in(st.Src, st.Span, own)
	if st.Decl == nil || st.Decl.Syntax.Scoped {
		wrong = nil // DuckDB's, or who owns the others says it
	}
	for _, p := range found {
		edits = append(edits, sql.Edit{Span: p.at, Text: p.value.Text})
	}
	return edits, wrong
}

func prepares(st sql.Stmt) bool {
	t := sql.Tokens(st.Src, st.Span)
	return len(t) > 0 && sql.Same(t[0].Span.Of(st.Src), "PREPARE")
}

// in finds $name in a part of a script; wrong are those that nothing declares. own names are left alone.
func (f *filling) in(src *sql.Source, sp sql.Span, own []sql.ColumnDef) (found []put, wrong sql.List) {
	toks := sql.Tokens(src, sp)
	for i := 0; i+1 < len(toks); i++ {
		next := toks[i+1]
		if toks[i].Span.Of(src) != "$" || next.Kind != sql.Word || toks[i].Span.End != next.Span.Start {
			continue
		}
		name, at := next.Span.Of(src), toks[i].Span.To(next.Span)
		if slices.ContainsFunc(own, func(c sql.ColumnDef) bool { return sql.Same(c.Name.Text, name) }) {
			continue
		}
		if v := slices.IndexFunc(f.values, func(v value) bool { return sql.Same(v.name, name) }); v >= 0 {
			found = append(found, put{at, f.values[v].literal})
			continue
		}
		var names []string
		for _, v := range f.values {
			names = append(names, v.name)
		}
		p := sql.Place{Src: src, Span: at}
		wrong = append(wrong, p.Errorf(code.UnknownParameter, "there is no parameter %s", name).
			WithHint(sql.DidYouMean(name, names, sql.Listed("declared are: ", names, "declare it: CREATE PARAMETER "+name+" VARCHAR"))))
	}
	return found, wrong
}

// filled is a part of a script with values in their places.
func filled(src *sql.Source, sp sql.Span, found []put) *duck.Query {
	var parts []*duck.Query
	from := sp.Start
	for _, p := range found {
		parts = append(parts, duck.User(src, sql.Span{Start: from, End: p.at.Start}), p.value)
		from = p.at.End
	}
	return duck.Cat(append(parts, duck.User(src, sql.Span{Start: from, End: sp.End}))...)
}

// env is the error of env('NAME') inside of an expression; nil where there is none.
func env(src *sql.Source, sp sql.Span) *sql.Error {
	toks := sql.Tokens(src, sp)
	for i := 0; i+1 < len(toks); i++ {
		if toks[i].Kind == sql.Word && sql.Same(toks[i].Span.Of(src), "env") && toks[i+1].Span.Of(src) == "(" {
			return sql.Place{Src: src, Span: toks[i].Span}.Errorf(code.EnvInside, "env() can't stand in an expression or a default")
		}
	}
	return nil
}
