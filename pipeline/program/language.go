package program

import (
	"dsql/engine/kind"
	"dsql/sql"
)

// Language is what is dsql's own in a script: kinds of declarations, and verbs on them.
type Language struct {
	Forms []*sql.Syntax // of all its statements
	kinds map[*sql.Syntax]kind.Kind
	verbs map[*sql.Syntax]*Verb
}

// NewLanguage puts kinds and verbs together. Verbs of a kind alone (kind.Kind.Verbs) are among them.
func NewLanguage(kinds []kind.Kind, verbs []*Verb) *Language {
	l := &Language{kinds: map[*sql.Syntax]kind.Kind{}, verbs: map[*sql.Syntax]*Verb{}}
	for _, v := range verbs {
		if v.On == nil {
			l.add(v.Syntax, v)
		}
	}
	for _, k := range kinds {
		l.add(k.Syntax, nil)
		l.kinds[k.Syntax] = k
		for _, v := range verbs {
			if v.On == nil || v.On(k) == "" {
				continue
			}
			s := *v.Syntax
			s.Keyword = v.On(k)
			l.add(&s, v)
			l.kinds[&s] = k
		}
		for _, v := range k.Verbs {
			l.add(v.Syntax, &Verb{Syntax: v.Syntax, Run: v.Run})
			l.kinds[v.Syntax] = k
		}
	}
	return l
}

func (l *Language) add(s *sql.Syntax, v *Verb) {
	l.Forms = append(l.Forms, s)
	if v != nil {
		l.verbs[s] = v
	}
}

// Verb is what a statement is; nil for a declaration.
func (l *Language) Verb(d *sql.Decl) *Verb { return l.verbs[d.Syntax] }

// Kind is what a statement declares, or is a verb on.
func (l *Language) Kind(d *sql.Decl) (kind.Kind, bool) {
	k, ok := l.kinds[d.Syntax]
	return k, ok
}
