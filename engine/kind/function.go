package kind

import (
	"slices"
	"strings"

	"dsql/sql"
	"dsql/sql/code"
)

// Language is one that CREATE FUNCTION takes.
type Language struct {
	Word    string       // behind LANGUAGE, in upper case
	Clauses []sql.Clause // that functions in it may have beside those of all; the body among them where it isn't AS
	Doc     string       // what AS is
	Compile func(*sql.Decl) (Object, error)
}

// FunctionKind is CREATE FUNCTION: LANGUAGE says who compiles it.
func FunctionKind(languages ...Language) Kind {
	s := &sql.Syntax{
		Keyword: "FUNCTION", Plural: "FUNCTIONS", OnlyWith: "LANGUAGE",
		Head: []sql.Clause{{Arg: sql.ArgColumnDefs, Required: true, Doc: "the parameters, with their types"}},
		Clauses: []sql.Clause{
			{Keyword: "RETURNS", Arg: sql.ArgTypeName, Required: true, Doc: "the type of the result"},
			{Keyword: "LANGUAGE", Arg: sql.ArgChoice, Doc: "what the body is written in; without it the statement is DuckDB's own"},
		},
		Body: []sql.Clause{{Keyword: "AS", Arg: sql.ArgString}}, BodyOpt: true,
		Doc:     "A function of a row's values, written in another language and called in SQL.",
		Example: `CREATE FUNCTION is_late(delay DOUBLE) RETURNS BOOLEAN LANGUAGE expr AS $$ (delay ?? 0.0) > 15 $$`,
	}
	var docs []string
	for _, l := range languages {
		s.Clauses[1].Words = append(s.Clauses[1].Words, strings.ToLower(l.Word))
		s.Clauses = append(s.Clauses, l.Clauses...)
		docs = append(docs, strings.ToLower(l.Word)+": "+l.Doc)
	}
	s.Body[0].Doc = strings.Join(docs, "; ") + "; as a string: $$ … $$"
	return Kind{Syntax: s, Compile: func(d *sql.Decl) (Object, error) { return compileFunction(d, languages) }}
}

func compileFunction(d *sql.Decl, languages []Language) (Object, error) {
	word := d.Arg("LANGUAGE")
	var errs sql.List
	for _, l := range languages {
		if l.Word == word.Text {
			continue
		}
		for _, c := range l.Clauses {
			if v := d.Arg(c.Keyword); v != nil {
				at, name := v.Keyword, c.Keyword
				if name == "" {
					at, name = v.Span, "options"
				}
				errs = append(errs, d.At(at).Errorf(code.UnknownClause, "a function in %s has no %s: that is for LANGUAGE %s",
					strings.ToLower(word.Text), name, strings.ToLower(l.Word)).
					WithHint("remove it, or change the language"))
			}
		}
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(languages, func(l Language) bool { return l.Word == word.Text })
	l := languages[i]
	takesFrom := slices.ContainsFunc(l.Clauses, func(c sql.Clause) bool { return c.Keyword == "FROM" })
	body := d.Arg("AS") != nil || d.Arg("FROM") != nil
	if !body {
		hint := "add: AS $$ … $$"
		if takesFrom {
			hint += " or FROM 'file.py:name'"
		}
		return nil, d.Errorf(code.MissingClause, "FUNCTION %s needs AS", d.Name).WithHint(hint)
	}
	if d.Arg("AS") != nil && d.Arg("FROM") != nil {
		return nil, d.At(d.Arg("FROM").Keyword).Errorf(code.DuplicateClause, "a FUNCTION has both AS and FROM").
			WithHint("remove one of them")
	}
	return l.Compile(d)
}
