// Package scripttest is CREATE TEST: what a test gives in the place of sources, what it expects of the file behind it, and at which time it
// takes place. It owns what the declaration means and the comparison of rows; who runs tests is package pipeline/test's.
package scripttest

import (
	"cmp"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

var given = &sql.Syntax{NoName: true,
	Head: []sql.Clause{
		{Arg: sql.ArgName, Required: true, Doc: "a source, or a table of the script"},
		{Keyword: "FROM", Arg: sql.ArgString, Doc: "the path of the file that the rows are of, for its captures"},
	},
	Clauses: []sql.Clause{{Keyword: "AS", Arg: sql.ArgExpr, Required: true,
		Doc: "(VALUES …) in the order of the columns, (SELECT …) by their names, or a text in the source's own format"}}}

var expects = []*sql.Syntax{
	{Keyword: "ERROR", NoName: true, Head: []sql.Clause{{Arg: sql.ArgString, Required: true, Doc: "the code that ends the step"}}},
	{NoName: true, Head: []sql.Clause{{Arg: sql.ArgParen, Required: true, Doc: "a query"}},
		Clauses: []sql.Clause{{Keyword: "AS", Arg: sql.ArgParen, Required: true, Doc: "the rows that it gives"}}},
}

// Kind is CREATE TEST.
var Kind = kind.Kind{
	Scripted: true,
	Shown:    shown,
	Syntax: &sql.Syntax{
		Keyword: "TEST", Plural: "TESTS",
		Clauses: []sql.Clause{
			{Keyword: "AT", Arg: sql.ArgExpr, Doc: "a literal: the time that it takes place at"},
			{Keyword: "GIVEN", Arg: sql.ArgItem, Repeat: true, Items: []*sql.Syntax{given}, Doc: "a batch of a source"},
			{Keyword: "THEN GIVEN", Arg: sql.ArgItem, Repeat: true, Items: []*sql.Syntax{given}, Doc: "a batch of the next step"},
			{Keyword: "EXPECT", Arg: sql.ArgItem, Repeat: true, Required: true, Items: expects, Doc: "what there is behind the step"},
		},
		Doc: "A test of the script: `dsql test` runs it in a file of its own, with what is GIVEN in the place of the sources.",
		Example: `CREATE SOURCE orders_in (id BIGINT, amount DOUBLE) FROM FILES ('in/orders*.csv', format csv);
CREATE STREAM orders RULES (CONSTRAINT positive EXPECT (amount > 0)) FROM orders_in;
CREATE TEST only_positive
  GIVEN orders_in AS (VALUES (1, 10.0), (2, -1.0))
  EXPECT (SELECT id FROM orders) AS (VALUES (1))`,
	},
	Compile: compile,
}

// Test is a compiled CREATE TEST.
type Test struct {
	decl  *sql.Decl
	At    *sql.Value // a literal; nil: it takes place now
	Steps []Step
}

// Step is a batch of each source that something is given for, and what is expected behind it.
type Step struct {
	Given   []Given
	Expects []Expect
	Error   *sql.Decl // EXPECT ERROR; nil: it goes through
}

// Given is what takes the place of a source's records, or of a table's rows.
type Given struct {
	Name  sql.Name
	Path  *string  // of the file that it is of
	Text  *string  // records in the source's format; nil: Query
	Query sql.Span // a query without the brackets
	At    sql.Span // behind AS
}

// Expect is a query and the rows that it gives.
type Expect struct {
	Query, Rows sql.Span
	Ordered     bool

	have, want []duck.Column // what Check found of both
}

func compile(d *sql.Decl) (kind.Object, error) {
	t := &Test{decl: d, At: d.Arg("AT")}
	var errs sql.List
	if t.At != nil && !literal(d, t.At.Span) {
		errs = append(errs, d.At(t.At.Span).Errorf(code.BadTest, "AT takes one literal").WithHint("write AT TIMESTAMP '2026-01-31 12:00:00'"))
	}
	var items []*sql.Decl
	then := map[*sql.Decl]bool{}
	for _, clause := range []string{"GIVEN", "THEN GIVEN", "EXPECT"} {
		if v := d.Arg(clause); v != nil {
			items = append(items, v.Items...)
			for _, item := range v.Items {
				then[item] = clause == "THEN GIVEN"
			}
		}
	}
	slices.SortFunc(items, func(a, b *sql.Decl) int { return cmp.Compare(a.Span.Start, b.Span.Start) })
	t.Steps = []Step{{}}
	for _, item := range items {
		step := &t.Steps[len(t.Steps)-1]
		if item.Syntax == given {
			if then[item] {
				t.Steps = append(t.Steps, Step{})
				step = &t.Steps[len(t.Steps)-1]
			}
			errs = append(errs, t.give(step, item)...)
			continue
		}
		errs = append(errs, t.expect(step, item)...)
	}
	return t, errs.Err()
}

// give adds what a GIVEN says to a step.
func (t *Test) give(step *Step, item *sql.Decl) (errs sql.List) {
	g := Given{Name: item.Arg("#0").Names[0], At: item.Arg("AS").Span}
	if len(step.Expects) > 0 || step.Error != nil {
		errs = append(errs, item.At(g.Name.Span).Errorf(code.BadTest, "this GIVEN stands behind an EXPECT").
			WithHint("write THEN GIVEN: what follows is another step"))
	}
	for _, other := range step.Given {
		if sql.Same(other.Name.Text, g.Name.Text) {
			errs = append(errs, item.At(g.Name.Span).Errorf(code.BadTest, "%s is given twice in one step", g.Name.Text).
				WithHint("write THEN GIVEN: a step has one batch of a source").WithNote(item.At(other.Name.Span), "first given here"))
		}
	}
	if from := item.Arg("FROM"); from != nil {
		g.Path = &from.Text
	}
	toks := sql.Tokens(item.Src, g.At)
	first, last := toks[0], toks[len(toks)-1]
	switch {
	case len(toks) == 1 && first.Kind == sql.String:
		text, err := sql.Unquote(first.Span.Of(item.Src))
		if err != nil {
			errs = append(errs, item.At(g.At).Errorf(code.BadString, "%s", err))
		}
		text = strings.TrimPrefix(strings.TrimPrefix(text, "\r"), "\n") // the text begins on a line of its own
		g.Text = &text
	case first.Span.Of(item.Src) == "(" && last.Span.Of(item.Src) == ")":
		g.Query = sql.Span{Start: first.Span.End, End: last.Span.Start}
	default:
		errs = append(errs, item.At(g.At).Errorf(code.BadTest, "GIVEN takes rows in brackets, or a text").
			WithHint("write AS (VALUES (1, 'a')), AS (SELECT 1 AS id) or AS $$1,a$$"))
	}
	step.Given = append(step.Given, g)
	return errs
}

// expect adds what an EXPECT says to a step.
func (t *Test) expect(step *Step, item *sql.Decl) sql.List {
	if item.Syntax == expects[0] {
		if step.Error != nil {
			return sql.List{item.At(item.Span).Errorf(code.BadTest, "a step ends with one error").WithHint("remove one of the two").
				WithNote(item.At(step.Error.Span), "the first one")}
		}
		if v := item.Arg("#0"); code.Of(v.Text) == (code.Code{}) {
			return sql.List{item.At(v.Span).Errorf(code.BadTest, "there is no error %s", v.Text).
				WithHint(sql.DidYouMean(v.Text, code.Names(), "it is the word in brackets that an error ends with; docs/errors.md has all"))}
		}
		step.Error = item
		return nil
	}
	e := Expect{Query: item.Arg("#0").Exprs[0], Rows: item.Arg("AS").Exprs[0]}
	e.Ordered = ordered(item.Src, e.Query)
	step.Expects = append(step.Expects, e)
	return nil
}

// ordered: the query has an ORDER BY of its own, outside of brackets.
func ordered(src *sql.Source, sp sql.Span) bool {
	depth := 0
	toks := sql.Tokens(src, sp)
	for i, t := range toks {
		switch w := t.Span.Of(src); {
		case w == "(":
			depth++
		case w == ")":
			depth--
		case depth == 0 && t.Kind == sql.Word && sql.Same(w, "ORDER"):
			return i+1 < len(toks) && sql.Same(toks[i+1].Span.Of(src), "BY")
		}
	}
	return false
}

// literal: a text, with a type before it or without.
func literal(d *sql.Decl, sp sql.Span) bool {
	toks := sql.Tokens(d.Src, sp)
	for _, t := range toks[:len(toks)-1] {
		if t.Kind != sql.Word {
			return false
		}
	}
	return toks[len(toks)-1].Kind == sql.String
}

// Decl is the statement.
func (t *Test) Decl() *sql.Decl { return t.decl }

func shown(decls []*sql.Decl) *duck.Query {
	rows := []*duck.Query{duck.SQL("SELECT NULL::VARCHAR AS name, NULL::VARCHAR AS gives, NULL::VARCHAR AS text WHERE false")}
	for _, d := range decls {
		var names []string
		for _, clause := range []string{"GIVEN", "THEN GIVEN"} {
			if v := d.Arg(clause); v != nil {
				for _, item := range v.Items {
					if name := item.Arg("#0").Names[0].Text; !slices.Contains(names, name) {
						names = append(names, name)
					}
				}
			}
		}
		rows = append(rows, duck.SQL("SELECT {name}, {gives}, {text}",
			duck.Args{"name": d.Name, "gives": strings.Join(names, ", "), "text": d.Text()}))
	}
	return duck.Join(" UNION ALL ", rows...)
}
