package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/rules/expr"
	"dsql/sql"
	"dsql/sql/code"
)

// compiler makes the steps of a Program.
type compiler struct {
	ctx  context.Context
	c    *duck.Conn
	cols []duck.Column
	p    *Program
	errs sql.List
	own  map[string]bool // names of helpers: whether the user has a function by them
}

func (b *compiler) fail(e *sql.Error) { b.errs = append(b.errs, e) }

// item makes the steps of one SET or CONSTRAINT.
func (b *compiler) item(it Item) {
	d := it.Decl
	if d.Syntax.Keyword == "CONSTRAINT" {
		s := step{decl: d, name: d.Name, action: reject, note: it.Note}
		if v := d.Arg("ON VIOLATION"); v != nil {
			s.action = v.Text
		}
		if s.warns() {
			s.broken = duck.FreeName(fmt.Sprintf("_broken_%d", len(b.p.steps)+1), b.cols)
		}
		v := d.Arg("EXPECT").Exprs[0]
		s.at = d.At(v)
		s.expr, s.calls = b.text(d.Src, v, "")
		if toks := sql.Tokens(d.Src, v); len(toks) == 2 && strings.EqualFold(toks[0].Span.Of(d.Src), "EXPR") && toks[1].Kind == sql.String {
			if !b.exprLang(&s, toks[1].Span, "") {
				return
			}
		}
		b.p.steps = append(b.p.steps, s)
		return
	}
	target, v := d.Arg("#0"), d.Arg("=")
	for _, col := range b.targets(d, target, it.Note) {
		s := step{decl: d, column: col.Name, typ: col.Type, note: it.Note, at: d.At(v.Span)}
		switch {
		case v.Expr && target.Regex:
			if !b.exprLang(&s, v.Span, col.Name) {
				return
			}
		case v.Expr:
			if !b.exprLang(&s, v.Span, "") {
				return
			}
		case target.Regex:
			s.expr, s.calls = b.text(d.Src, v.Exprs[0], col.Name)
		default:
			s.expr, s.calls = b.text(d.Src, v.Exprs[0], "")
		}
		b.p.steps = append(b.p.steps, s)
	}
}

// exprLang compiles the expr-lang text at sp. Where underscore names a column, that is _ in it.
func (b *compiler) exprLang(s *step, sp sql.Span, underscore string) bool {
	cols := b.cols
	if i := slices.IndexFunc(cols, func(c duck.Column) bool { return c.Name == underscore }); underscore != "" && i >= 0 {
		cols = append(slices.Clone(cols), duck.Column{Name: "_", Type: cols[i].Type})
	}
	v, err := expr.Compile(s.decl.Src, sp, cols, func(c duck.Column) *duck.Query {
		if c.Name == "_" && underscore != "" {
			return duck.Ident(underscore)
		}
		return duck.Ident(c.Name)
	})
	if err != nil {
		err.Note = append(err.Note, s.note...)
		b.fail(err)
		return false
	}
	s.expr = v.SQL
	return true
}

// told is an error as users see it, at a place if it has none.
func (b *compiler) told(at sql.Place, err error) *sql.Error {
	if e, ok := errors.AsType[*sql.Error](err); ok {
		return e
	}
	return at.Errorf(code.Failed, "%s", err).WithCause(err).WithExit(code.ExitScript)
}

// targets are the columns that a SET changes.
func (b *compiler) targets(d *sql.Decl, t *sql.Value, note []sql.Note) []duck.Column {
	stored := slices.DeleteFunc(slices.Clone(b.cols), func(c duck.Column) bool { return c.Name == catalog.MetaColumn })
	if !t.Regex {
		name := t.Names[0]
		i := slices.IndexFunc(stored, func(c duck.Column) bool { return strings.EqualFold(c.Name, name.Text) })
		if i >= 0 {
			return stored[i : i+1]
		}
		e := d.At(name.Span).Errorf(code.UnknownColumn, "there is no column %s to SET", name.Text).
			WithHint(sql.DidYouMean(name.Text, duck.ColumnNames(stored),
				"a SET changes a column that the query gives; add one there: SELECT *, … AS "+name.Text))
		if name.Text == catalog.MetaColumn {
			e = d.At(name.Span).Errorf(code.UnknownColumn, "_meta can't be SET: it says where the row came from").
				WithHint("SET a column of the query")
		}
		b.fail(e.WithNotes(note))
		return nil
	}
	// DuckDB itself says which columns COLUMNS matches.
	at := d.At(t.Span)
	cols, errs := b.c.DescribeEach(b.ctx,
		[]duck.Bound{{Query: duck.SQL("SELECT COLUMNS({re}) FROM {rel}", duck.Args{"re": t.Text, "rel": b.c.Empty(stored)}), At: at}})
	if errs[0] == nil {
		return cols[0]
	}
	e := b.told(at, errs[0])
	if strings.Contains(strings.ToLower(e.Msg), "no matching columns") {
		e = at.Errorf(code.UnknownColumn, "no column matches %q", t.Text).
			WithHint("the columns are " + strings.Join(duck.ColumnNames(stored), ", ") + "; case counts")
	} else {
		e.Code = code.BadRegex
	}
	b.fail(e.WithNotes(note))
	return nil
}

// text is the user's expression, with the column in place of _ (where there is one) and the schema before helpers; and whether it calls what
// may reject a row.
func (b *compiler) text(src *sql.Source, sp sql.Span, column string) (q *duck.Query, calls bool) {
	type edit struct {
		at sql.Span
		q  *duck.Query
	}
	var edits []edit
	dot := false
	for _, t := range sql.Tokens(src, sp) {
		text := t.Span.Of(src)
		if t.Kind == sql.Word && text == "_" && column != "" && !dot {
			edits = append(edits, edit{t.Span, duck.Ident(column)})
		}
		dot = text == "."
	}
	toks := sql.Tokens(src, sp)
	for i := 0; i+1 < len(toks); i++ {
		if f := b.p.calling.At[sql.KeyOf(strings.Trim(toks[i].Span.Of(src), `"`))]; f != nil && toks[i+1].Span.Of(src) == "(" {
			row := ", "
			if i+2 < len(toks) && toks[i+2].Span.Of(src) == ")" {
				row = ""
			}
			calls = true
			edits = append(edits, edit{toks[i].Span, f}, edit{sql.Span{Start: toks[i+1].Span.End, End: toks[i+1].Span.End}, duck.Text("_row" + row)})
		}
	}
	helperCalls(src, sp, func(at sql.Span, name string) {
		if !b.userHas(name) {
			edits = append(edits, edit{sql.Span{Start: at.Start, End: at.Start}, duck.SQL("dsql.")})
		}
	})
	slices.SortFunc(edits, func(a, b edit) int { return a.at.Start - b.at.Start })
	var parts []*duck.Query
	from := sp.Start
	for _, e := range edits {
		parts = append(parts, duck.User(src, sql.Span{Start: from, End: e.at.Start}), e.q)
		from = e.at.End
	}
	return duck.Cat(append(parts, duck.User(src, sql.Span{Start: from, End: sp.End}))...), calls
}

// userHas: there is a function of the user's own by the name of a helper.
func (b *compiler) userHas(name string) bool {
	has, asked := b.own[name]
	if !asked {
		n, err := b.c.Int(b.ctx, duck.SQL("SELECT count(*) FROM duckdb_functions() WHERE function_name = {n} AND schema_name <> 'dsql'",
			duck.Args{"n": name}))
		has = err == nil && n > 0
		b.own[name] = has
	}
	return has
}

// bind lets DuckDB judge all expressions, in one query where all are right, else one by one. SET keeps a column's type, so all
// of them see the same columns. In WHERE DuckDB refuses what isn't about one row: aggregates, window functions, unnest.
func (b *compiler) bind() {
	if len(b.p.steps) == 0 {
		return
	}
	seen := b.cols
	if len(b.p.calling.At) > 0 {
		seen = append(slices.Clone(seen), duck.Column{Name: "_row", Type: "BIGINT"})
	}
	rel := b.c.Empty(seen)
	query := func(steps []step) duck.Bound {
		a := duck.Args{"rel": rel}
		a["list"] = duck.Each(", ", steps, func(s step) *duck.Query { return duck.SQL("({e})", duck.Args{"e": s.expr}) })
		a["where"] = duck.Each(" OR ", steps, func(s step) *duck.Query { return duck.SQL("({e}) IS NULL", duck.Args{"e": s.expr}) })
		return duck.Bound{Query: duck.SQL("SELECT {list} FROM {rel} WHERE {where}", a), At: steps[0].at}
	}
	all, errs := b.c.DescribeEach(b.ctx, []duck.Bound{query(b.p.steps)})
	if errs[0] == nil {
		for i := range b.p.steps {
			b.judge(&b.p.steps[i], all[0][i].Type)
		}
		return
	}
	each := make([]duck.Bound, len(b.p.steps))
	for i := range b.p.steps {
		each[i] = query(b.p.steps[i : i+1])
	}
	cols, errs := b.c.DescribeEach(b.ctx, each)
	for i := range b.p.steps {
		if errs[i] != nil {
			for _, err := range b.c.Wrongs(b.ctx, each[i], errs[i]) {
				b.explain(&b.p.steps[i], err)
			}
		} else if cols[i] != nil {
			b.judge(&b.p.steps[i], cols[i][0].Type)
		}
	}
}

// judge sees that an expression's type fits.
func (b *compiler) judge(s *step, typ duck.Type) {
	switch {
	case s.sets() && !castable(typ, s.typ) && !b.untyped(s):
		b.fail(s.at.Errorf(code.TypeMismatch, "%s is %s and keeps its type, and %s can't become that", s.column, s.typ, typ).
			WithHint("write an expression of the column's type, or give the column another one in the query").WithNotes(s.note))
	case !s.sets() && typ.ID() != duck.TypeBoolean:
		b.fail(s.at.Errorf(code.TypeMismatch, "a constraint expects a condition (BOOLEAN), and this is %s", typ).
			WithHint("compare it with something: … IS NOT NULL, … > 0").WithNotes(s.note))
	}
}

// untyped: the value is NULL whatever the row, which DESCRIBE shows as INTEGER.
func (b *compiler) untyped(s *step) bool {
	_, errs := b.c.DescribeEach(b.ctx,
		[]duck.Bound{{Query: duck.SQL("SELECT coalesce(({e}), NULL::{t}) FROM {rel}",
			duck.Args{"e": s.expr, "t": s.typ, "rel": b.c.Empty(b.cols)})}})
	return errs[0] == nil
}

// explain says in the words of RULES what DuckDB refused.
func (b *compiler) explain(s *step, err error) {
	e := b.told(s.at, err)
	switch {
	case strings.Contains(e.Msg, "cannot contain aggregates"):
		e = e.Place().Errorf(code.AggregateInRule, "a rule looks at one row, and this is an aggregate").
			WithHint("a condition on the whole batch is a CHECK: CHECKS (CHECK … EXPECT (…))")
	case strings.Contains(e.Msg, "cannot contain window functions"):
		e = e.Place().Errorf(code.WindowInRule, "a rule looks at one row, and this is a window function").
			WithHint("compute it in the destination's query")
	case e.Column != "":
		e.Code = code.UnknownColumn
	case duck.IsInvalidInput(e):
		if sp, ok := BadRegex(s.at.Src, s.at.Span); ok {
			e = sql.Place{Src: s.at.Src, Span: sp}.Errorf(code.BadRegex, "this regular expression doesn't compile: %s", e.Msg).
				WithHint("DuckDB's regular expressions are RE2's")
		}
	}
	b.fail(e.WithNotes(s.note))
}
