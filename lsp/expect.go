package lsp

import (
	"slices"
	"strings"

	"dsql/sql"
)

// expected is what may stand at a place of a statement, by the syntax table.
type expected struct {
	clauses []*sql.Clause   // whose keywords may stand there
	items   []*sql.Syntax   // that may begin there
	words   []string        // others of the language
	options []sql.OptionDoc // names of options
	kind    string          // the name of a declaration of this kind; "any": of any
	columns bool            // the name of a column
	types   bool
	sql     bool // an expression or a query of DuckDB's

	text string // of the statement, up to the place
}

// expect reads a statement of dsql's up to a place, where no word has begun; nil: it isn't dsql's.
func expect(text string, forms []*sql.Syntax) *expected {
	closers, ok := unclosed(text)
	if !ok {
		return &expected{} // in a string or comment
	}
	p := outlined(text+closers, forms)
	for _, f := range forms { // it may become one of dsql's yet
		if title := strings.Fields(f.Title()); p == nil && f.OnlyWith != "" && begins(text, title) {
			if p = outlined(text+closers+"\n"+f.OnlyWith, forms); p != nil {
				p.Parts = slices.DeleteFunc(p.Parts, func(x sql.Part) bool { return x.Span.Start >= len(text) })
			}
		}
	}
	if p == nil {
		return nil
	}
	e := &expected{text: text}
	e.form(p)
	return e
}

// outlined are the parts of a statement; nil: it isn't dsql's.
func outlined(text string, forms []*sql.Syntax) *sql.Part {
	stmts, _ := sql.Outline(sql.NewSource("", text), forms)
	if len(stmts) == 0 || stmts[0].Decl == nil {
		return nil
	}
	return stmts[0].Decl.Part
}

// begins: a text begins with words.
func begins(text string, words []string) bool {
	toks := sql.Tokens(sql.NewSource("", text), sql.Span{End: len(text)})
	if len(toks) > 2 && sql.Same(text[toks[1].Span.Start:toks[1].Span.End], "OR") {
		toks = slices.Delete(toks, 1, 3)
	}
	for i, w := range words {
		if i >= len(toks) || !sql.Same(text[toks[i].Span.Start:toks[i].Span.End], w) {
			return false
		}
	}
	return true
}

// unclosed are the brackets that close those that are open at the end of a text; false: its end is inside of something that is no token.
func unclosed(text string) (string, bool) {
	src := sql.NewSource("", text)
	toks := sql.Tokens(src, sql.Span{End: len(text)})
	var open []byte
	for _, t := range toks {
		if t.Kind == sql.Illegal {
			return "", false
		}
		if t.Kind != sql.Op {
			continue
		}
		switch c := text[t.Span.Start]; c {
		case '(', '[', '{':
			open = append(open, map[byte]byte{'(': ')', '[': ']', '{': '}'}[c])
		case ')', ']', '}':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
	end := 0
	if len(toks) > 0 {
		end = toks[len(toks)-1].Span.End
	}
	for _, c := range sql.Comments(src, sql.Span{Start: end, End: len(text)}) {
		if c.End == len(text) && strings.HasPrefix(text[c.Start:], "--") {
			return "", false
		}
	}
	slices.Reverse(open)
	return string(open), true
}

// between: a token stands between two places of the text that was typed.
func (e *expected) between(from, to int) bool {
	to = min(to, len(e.text))
	return from < to && len(sql.Tokens(sql.NewSource("", e.text), sql.Span{Start: from, End: to})) > 0
}

// comma: the text ends with one.
func (e *expected) comma() bool { return strings.HasSuffix(strings.TrimRight(e.text, " \t\r\n"), ",") }

// open: the part goes on behind the text that was typed.
func (e *expected) open(p *sql.Part) bool { return p.Span.End > len(e.text) }

func lastOf(p *sql.Part) *sql.Part {
	if len(p.Parts) == 0 {
		return nil
	}
	return &p.Parts[len(p.Parts)-1]
}

// form finds what a statement or an item goes on with.
func (e *expected) form(p *sql.Part) {
	f := p.Form
	last := lastOf(p)
	if last != nil && last.Kind == sql.PartClause {
		if e.clause(last) {
			return
		}
		e.next(p)
		return
	}
	from := p.Span.Start
	if last != nil {
		from = last.Span.End
	}
	if !f.NoName && !e.between(from, len(e.text)) {
		switch {
		case f.Verb == "" && f.Keyword == "APPLY":
			e.kind = "any"
		case f.Verb != "":
			e.kind = strings.ToLower(f.Keyword)
			if e.kind == "" || strings.HasSuffix(f.Verb, "HOLD") {
				e.kind = "any"
			}
		}
		if !f.NameOpt {
			return
		}
	}
	e.next(p)
}

// next are the parts that a form may have behind those that it has.
func (e *expected) next(p *sql.Part) {
	f := p.Form
	has := map[*sql.Clause]bool{}
	for i := range p.Parts {
		has[p.Parts[i].Clause] = true
	}
	begun := false
	for _, list := range [][]sql.Clause{f.Clauses, f.Body} {
		for i := range list {
			begun = begun || has[&list[i]]
		}
	}
	for i := range f.Head {
		c := &f.Head[i]
		if begun || has[c] {
			continue
		}
		if c.Keyword != "" {
			e.clauses = append(e.clauses, c)
		} else {
			e.arg(c)
		}
		if c.Required {
			return
		}
	}
	for i := range f.Clauses {
		if c := &f.Clauses[i]; c.Keyword != "" && (c.Repeat || !has[c]) {
			e.clauses = append(e.clauses, c)
		}
	}
	for i := range f.Body {
		if has[&f.Body[i]] {
			return
		}
	}
	for i := range f.Body {
		e.clauses = append(e.clauses, &f.Body[i])
	}
}

// clause finds what a clause goes on with, and reports that nothing else may stand there.
func (e *expected) clause(p *sql.Part) bool {
	c := p.Clause
	last := lastOf(p)
	if last == nil {
		return false
	}
	switch last.Kind {
	case sql.PartList:
		if e.open(last) {
			e.list(last, c)
			return true
		}
		return false
	case sql.PartSQL:
		if c.Arg == sql.ArgTypeName {
			e.types = e.open(last)
			return e.types
		}
		e.sql = e.open(last) || c.Arg != sql.ArgParen
		return e.open(last) || c.Arg == sql.ArgQuery
	case sql.PartForm:
		e.form(last)
		return false
	}
	given := e.between(last.Span.End, len(e.text))
	switch {
	case given && c.Arg == sql.ArgNameList && e.comma():
		e.kind = "any"
		return true
	case given, len(p.Parts) > 1, c.Arg == sql.ArgNone:
		return false
	}
	e.arg(c)
	return !c.ArgOpt
}

// arg is what a clause's argument begins with.
func (e *expected) arg(c *sql.Clause) {
	switch c.Arg {
	case sql.ArgChoice:
		e.words = append(e.words, c.Words...)
	case sql.ArgName, sql.ArgNameList:
		e.kind = "any"
	case sql.ArgTarget:
		e.columns = true
	case sql.ArgValue:
		e.words = append(e.words, "EXPR")
		e.sql = true
	case sql.ArgExpr, sql.ArgExprs:
		e.sql = true
	case sql.ArgColumns:
		e.words = append(e.words, "*", "* EXCEPT")
	case sql.ArgQuery:
		e.words = append(e.words, "SELECT", "FROM", "WITH")
		e.sql = true
	case sql.ArgItem:
		e.items = append(e.items, c.Items...)
	case sql.ArgTypeName:
		e.types = true
	}
}

// list finds what parentheses go on with.
func (e *expected) list(p *sql.Part, c *sql.Clause) {
	last := lastOf(p)
	if last == nil || e.comma() {
		switch c.Arg {
		case sql.ArgItems:
			e.items = append(e.items, c.Items...)
		case sql.ArgOptions:
			e.options = e.unused(p, c)
		case sql.ArgNames, sql.ArgColumns:
			e.columns = true
		case sql.ArgExprs:
			e.sql = true
		}
		return
	}
	in := lastOf(last)
	switch c.Arg {
	case sql.ArgExprs:
		e.sql = true
	case sql.ArgItems:
		if in != nil && in.Kind == sql.PartForm {
			e.form(in)
		}
	case sql.ArgOptions: // connection name
		e.kind = lowerWord(e.text[last.Span.Start:])
	case sql.ArgColumnDefs:
		switch {
		case in == nil:
			e.types = true
		case in.Kind == sql.PartClause && e.clause(in):
		case in.Kind == sql.PartClause || !e.open(in):
			for i := range c.Columns {
				e.clauses = append(e.clauses, &c.Columns[i])
			}
		}
	}
}

// unused are the options of a list that don't stand in it yet.
func (e *expected) unused(p *sql.Part, c *sql.Clause) (out []sql.OptionDoc) {
	has := map[string]bool{}
	for _, x := range p.Parts {
		has[lowerWord(e.text[min(x.Span.Start, len(e.text)):])] = true
	}
	for _, o := range c.Options {
		if o.Name != sql.AnyOption && !has[o.Name] {
			out = append(out, o)
		}
	}
	return out
}

// lowerWord is the word that a text begins with.
func lowerWord(text string) string {
	toks := sql.Tokens(sql.NewSource("", text), sql.Span{End: len(text)})
	if len(toks) == 0 || toks[0].Kind != sql.Word {
		return ""
	}
	return strings.ToLower(text[:toks[0].Span.End])
}
