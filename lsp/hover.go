package lsp

import (
	"fmt"
	"slices"
	"strings"

	"dsql/sql"
)

// found is a word of a script, and the statement that it stands in.
type found struct {
	statement
	tok  sql.Token // in the statement
	text string    // as it is written
	toks []sql.Token
	i    int // the token's place among them
}

// find is the word at a place, or right before it.
func (s *server) find(d *document, off int) (f found, ok bool) {
	for _, sp := range d.spans {
		if off < sp.Start || off > sp.End {
			continue
		}
		st := s.statement(d, sp)
		toks := sql.Tokens(st.src, sql.Span{End: len(st.src.Text)})
		for i, t := range toks {
			if t.Kind != sql.Word && t.Kind != sql.Quoted || off < st.at+t.Span.Start || off > st.at+t.Span.End {
				continue
			}
			return found{st, t, t.Span.Of(st.src), toks, i}, true
		}
		return f, false
	}
	return f, false
}

// before says whether a sign stands right before the word.
func (f found) before(sign string) bool { return f.i > 0 && f.toks[f.i-1].Span.Of(f.src) == sign }

// hover answers with what a word is: of the language, how it is written and what it does; of a name, what it is declared as.
func (s *server) hover(d *document, off int) *hover {
	f, ok := s.find(d, off)
	if !ok {
		return nil
	}
	text := ""
	if f.decl != nil {
		text = s.syntaxAt(f)
	}
	if text == "" {
		text = s.nameAt(d, f)
	}
	if text == "" {
		return nil
	}
	return &hover{markup{"markdown", text}, d.span(f.in(f.tok.Span))}
}

// syntaxAt is what the syntax table has of a word.
func (s *server) syntaxAt(f found) string {
	part := f.decl.Part
	if part == nil || len(part.Parts) <= 1 { // its brackets don't match: as far as the word it can be read
		if text := f.src.Text[:f.tok.Span.End]; len(text) < len(f.src.Text) {
			closers, _ := unclosed(text)
			if again := s.parse(text + closers); again.decl != nil {
				part = again.decl.Part
			}
		}
	}
	var form *sql.Syntax
	var clause *sql.Clause
	usage := (*sql.Syntax).Usage
	for at := part; at != nil; {
		switch at.Kind {
		case sql.PartForm:
			form, clause = at.Form, nil
		case sql.PartClause:
			clause, usage = at.Clause, (*sql.Syntax).ItemUsage
		case sql.PartWords:
			return describe(form, clause, usage)
		case sql.PartSQL:
			return ""
		case sql.PartElement:
			if clause != nil && clause.Arg == sql.ArgOptions {
				return option(clause, at, f)
			}
		}
		i := slices.IndexFunc(at.Parts, func(p sql.Part) bool { return p.Span.Start <= f.tok.Span.Start && f.tok.Span.Start < p.Span.End })
		if i < 0 {
			return ""
		}
		at = &at.Parts[i]
	}
	return ""
}

// describe is the reference of a clause, or of a form where the words are those that it begins with.
func describe(form *sql.Syntax, clause *sql.Clause, usage func(*sql.Syntax) string) string {
	if clause == nil {
		text := fenced(usage(form))
		if form.Doc != "" {
			text += "\n" + form.Doc + "\n"
		}
		if form.Example != "" {
			text += "\nExample:\n" + fenced(form.Example)
		}
		return text
	}
	text := fenced(clause.Usage())
	if clause.Doc != "" {
		text += "\n" + clause.Doc + "\n"
	}
	for _, o := range clause.Options {
		if o.Name != sql.AnyOption {
			text += fmt.Sprintf("\n- `%s` %s", o.Name, o.Doc)
		}
	}
	return text
}

// option is what an option does.
func option(c *sql.Clause, element *sql.Part, f found) string {
	if f.tok.Span.Start != element.Span.Start {
		return ""
	}
	for _, o := range c.Options {
		if sql.Same(o.Name, f.text) {
			return fmt.Sprintf("`%s`: %s", o.Name, o.Doc)
		}
	}
	return ""
}

func fenced(text string) string { return "```sql\n" + strings.TrimSpace(text) + "\n```\n" }

// mostShown are the lines of a declaration that are shown of it.
const mostShown = 12

// nameAt is what a name is declared as.
func (s *server) nameAt(d *document, f found) string {
	st, _, ok := s.declared(d, f)
	if !ok {
		return ""
	}
	lines := strings.Split(st.src.Text, "\n")
	if len(lines) > mostShown {
		lines = append(lines[:mostShown:mostShown], "…")
	}
	text := fenced(strings.Join(lines, "\n"))
	cols := s.columns(d)[string(sql.KeyOf(st.name.Text))]
	for i, c := range cols {
		if i == 0 {
			text += "\n| column | type |\n|---|---|\n"
		}
		text += fmt.Sprintf("| %s | %s |\n", strings.ReplaceAll(c.Name, "|", `\|`), strings.ReplaceAll(c.Type, "|", `\|`))
	}
	return text
}
