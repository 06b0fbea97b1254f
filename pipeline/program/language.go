package program

import (
	"context"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/params"
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

// With is the language with other meanings of its kinds.
func (l *Language) With(other func(kind.Kind) kind.Kind) *Language {
	out := *l
	out.kinds = map[*sql.Syntax]kind.Kind{}
	for s, k := range l.kinds {
		out.kinds[s] = other(k)
	}
	return &out
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

// Parse reads scripts into one list of statements. Where something is wrong, DuckDB's grammar is asked about its own statements and about
// the expressions in rules and checks too, so that all errors are told at once. Values of parameters, and of constants that options are
// computed from, stand in their places.
func (l *Language) Parse(ctx context.Context, scripts []*sql.Source, set params.Set) ([]sql.Stmt, error) {
	scripts, err := params.Fill(ctx, scripts, l.Forms, set)
	if err != nil {
		return nil, err
	}
	stmts, errs := l.read(scripts)
	if len(errs) == 0 {
		values, err := params.Compute(ctx, stmts)
		if err != nil || len(values) == 0 {
			return stmts, err
		}
		scripts = slices.Clone(scripts)
		for i, src := range scripts {
			if len(values[src]) > 0 {
				scripts[i] = src.Rewritten(values[src])
			}
		}
		if stmts, errs = l.read(scripts); len(errs) == 0 {
			return stmts, nil
		}
	}
	db, err := duck.Open(ctx, "", duck.Options{})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	for _, st := range stmts {
		if st.Broken || imports(st) {
			continue
		}
		if st.Decl == nil {
			errs = Collect(errs, db.Writer().Parse(st.Src, st.Span))
			continue
		}
		for _, list := range []string{"RULES", "METRICS", "CHECKS", "#0"} {
			for _, item := range itemsOf(st.Decl, list) {
				errs = Collect(errs, parseItem(db.Writer(), item))
			}
		}
	}
	return stmts, errs.Err()
}

// read parses scripts one after the other.
func (l *Language) read(scripts []*sql.Source) (stmts []sql.Stmt, errs sql.List) {
	for _, src := range scripts {
		s, err := sql.Parse(src, l.Forms)
		errs = Collect(errs, err)
		stmts = append(stmts, s...)
	}
	return stmts, errs
}

// Declares says that a statement declares something in the file.
func (l *Language) Declares(d *sql.Decl) bool {
	k, _ := l.Kind(d)
	return l.Verb(d) == nil && !k.Scripted
}

func itemsOf(d *sql.Decl, list string) []*sql.Decl {
	if v := d.Arg(list); v != nil {
		return v.Items
	}
	return nil
}

// parseItem asks DuckDB's grammar about the expression of a rule, a metric or a check.
func parseItem(c *duck.Conn, item *sql.Decl) error {
	for _, key := range []string{"EXPECT", "="} {
		if v := item.Arg(key); v != nil && !v.Expr && len(v.Exprs) > 0 {
			return c.ParseExpr(item.Src, v.Exprs[0])
		}
	}
	return nil
}
