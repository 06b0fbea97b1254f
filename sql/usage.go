package sql

import "strings"

// Title is the form's first words: CREATE STREAM, RELEASE HOLD.
func (s *Syntax) Title() string { return strings.Join(newForm(s, true).words, " ") }

// Usage is how the form is written: brackets around what may be left out, braces around alternatives.
func (s *Syntax) Usage() string { return newForm(s, true).usage() }

// ItemUsage is how an item of a clause is written.
func (s *Syntax) ItemUsage() string { return newForm(s, false).usage() }

func (f *form) usage() string {
	var b strings.Builder
	words := f.words
	if f.create {
		b.WriteString("CREATE [OR REPLACE] ")
		words = words[1:]
	}
	b.WriteString(strings.Join(words, " "))
	if !f.NoName {
		name := " name"
		switch {
		case f.create:
			name = " [IF NOT EXISTS] name"
		case len(f.words) > 0 && takesIfExists[f.words[0]]:
			name = " [IF EXISTS] name"
		case len(f.words) == 0:
			name = "name"
		}
		if f.NameOpt {
			name = " [" + strings.TrimSpace(name) + "]"
		}
		b.WriteString(name)
	}
	for i := range f.Head {
		b.WriteString(" " + optional(&f.Head[i]))
	}
	sep := " "
	if len(f.Clauses)+len(f.Body) > 2 {
		sep = "\n  "
	}
	for i := range f.Clauses {
		b.WriteString(sep + optional(&f.Clauses[i]))
	}
	var body []string
	for i := range f.Body {
		body = append(body, f.Body[i].usage())
	}
	switch {
	case len(body) == 0:
	case f.BodyOpt:
		b.WriteString(sep + "[" + strings.Join(body, " | ") + "]")
	default:
		b.WriteString(sep + alternatives(body...))
	}
	return strings.TrimSpace(b.String())
}

func optional(c *Clause) string {
	s := c.usage()
	if !c.Required {
		s = "[" + s + "]"
	}
	if c.Repeat {
		s += " …"
	}
	return s
}

// Usage is how a clause is written: "KEYS (name, …)".
func (c *Clause) Usage() string { return c.usage() }

// usage is Usage, under the name that a form's has too.
func (c *Clause) usage() string {
	arg := c.argument()
	if c.ArgOpt {
		arg = "[" + arg + "]"
	}
	return strings.TrimSpace(c.Keyword + " " + arg)
}

func (c *Clause) argument() string {
	switch c.Arg { //exhaustive:enforce
	case ArgNone:
	case ArgName:
		return "name"
	case ArgNames:
		return "(name, …)"
	case ArgNameList:
		return "name, …"
	case ArgString:
		return "'text'"
	case ArgWord:
		return "word"
	case ArgInt:
		return "n"
	case ArgChoice:
		return alternatives(c.Words...)
	case ArgExpr:
		return "expression"
	case ArgExprs:
		return alternatives("expression", "(expression, …)")
	case ArgParen:
		return "(expression)"
	case ArgColumns:
		return alternatives("*", "* EXCEPT (name, …)", "(name, …)")
	case ArgTarget:
		return alternatives("column", "COLUMNS('regex')")
	case ArgValue:
		return alternatives("expression", "EXPR 'text'")
	case ArgOptions:
		return "(name value, …)"
	case ArgColumnDefs:
		s := "(name type"
		for i := range c.Columns {
			s += " [" + c.Columns[i].usage() + "]"
		}
		return s + ", …)"
	case ArgItems:
		return "(" + strings.Join(c.itemWords(), " | ") + ", …)"
	case ArgItem:
		if len(c.Items) == 1 {
			return newForm(c.Items[0], false).usage()
		}
		return alternatives(c.itemWords()...)
	case ArgPercent:
		return "< n PERCENT"
	case ArgQuery:
		return "query"
	case ArgTypeName:
		return "type"
	}
	return ""
}

// alternatives are in braces, which nobody takes for a part of them.
func alternatives(s ...string) string {
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return "{" + strings.Join(s, " | ") + "}"
}

// itemWords are the beginnings of a clause's items.
func (c *Clause) itemWords() []string {
	var out []string
	for _, s := range c.Items {
		words := s.begins() + " …"
		if s.begins() == "" {
			words = newForm(s, false).usage()
		}
		out = append(out, words)
	}
	return out
}

// begins is what an item begins with: its keyword, or its name.
func (s *Syntax) begins() string {
	if s.Keyword == "" && !s.NoName {
		return "name"
	}
	return s.Keyword
}
