package sql

import (
	"slices"
	"strings"
	"sync/atomic"
)

// grammar is the syntax table made ready for matching.
type grammar struct {
	of    []*Syntax
	forms []*form  // longest head first
	heads []string // the forms' heads as written: "CREATE STREAM", "RELEASE HOLD"
}

// form is a Syntax with its keywords split into words.
type form struct {
	*Syntax
	words   []string // first words of the statement or item: CREATE STREAM
	create  bool     // OR REPLACE and IF NOT EXISTS may stand
	column  bool     // what may follow a column's type
	head    []*clause
	clauses []*clause // Clauses and Body, longest keyword first
}

type clause struct {
	*Clause
	key     string // in Decl.Args
	words   []string
	choices [][]string
	body    bool
	items   []*form
	columns *form
}

// lately is the grammar that was made last: scripts of a process are in one language, and the declarations of a file are read one by one.
var lately atomic.Pointer[grammar]

func newGrammar(forms []*Syntax) *grammar {
	if g := lately.Load(); g != nil && len(forms) > 0 && len(g.of) == len(forms) && &g.of[0] == &forms[0] {
		return g
	}
	g := &grammar{of: forms}
	defer lately.Store(g)
	for _, s := range forms {
		f := newForm(s, true)
		g.forms = append(g.forms, f)
		g.heads = append(g.heads, strings.Join(f.words, " "))
	}
	slices.SortStableFunc(g.forms, func(a, b *form) int { return len(b.words) - len(a.words) })
	return g
}

func newForm(s *Syntax, statement bool) *form {
	f := &form{Syntax: s, create: statement && s.Verb == ""}
	f.words = strings.Fields(s.Verb + " " + s.Keyword)
	if f.create {
		f.words = append([]string{"CREATE"}, f.words...)
	}
	for i := range s.Head {
		c := newClause(&s.Head[i])
		if c.key == "" {
			c.key = "#" + string(rune('0'+i))
		}
		f.head = append(f.head, c)
	}
	for i := range s.Clauses {
		f.clauses = append(f.clauses, newClause(&s.Clauses[i]))
	}
	for i := range s.Body {
		c := newClause(&s.Body[i])
		c.body = true
		f.clauses = append(f.clauses, c)
	}
	slices.SortStableFunc(f.clauses, func(a, b *clause) int { return len(b.words) - len(a.words) })
	return f
}

func newClause(s *Clause) *clause {
	c := &clause{Clause: s, key: s.Keyword, words: strings.Fields(s.Keyword)}
	for _, w := range s.Words {
		c.choices = append(c.choices, strings.Fields(w))
	}
	slices.SortStableFunc(c.choices, func(a, b []string) int { return len(b) - len(a) })
	for _, item := range s.Items {
		c.items = append(c.items, newForm(item, false))
	}
	if s.Arg == ArgColumnDefs {
		c.columns = newForm(&Syntax{Keyword: "column", Clauses: s.Columns}, false)
		c.columns.column = true
	}
	return c
}

// String is the form's head as users know it: "STREAM", "RELEASE HOLD", "DROP STREAM".
func (f *form) String() string {
	return strings.TrimSpace(f.Verb + " " + f.Keyword)
}

// keywords of the clauses, in the order of the table.
func (f *form) keywords() []string {
	var out []string
	for _, list := range [][]Clause{f.Clauses, f.Body} {
		for _, c := range list {
			if c.Keyword != "" {
				out = append(out, c.Keyword)
			}
		}
	}
	return out
}
