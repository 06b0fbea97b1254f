package program

import (
	"context"
	"slices"
	"strings"

	"dsql/sql"
)

// rounds bound how often what is left of a script is checked.
const rounds = 8

// allWrong are all errors of a script of which a check has found some: what is right beside them is checked by itself, until nothing new comes.
// For an error of syntax ends a check before names are looked up, and an unknown name does before expressions are bound.
func allWrong(ctx context.Context, o Options, err error) error {
	left, _ := o.Statements(ctx) // its errors are among those found
	all := Collect(nil, err)
	found, gone := all, names{}
	o.Events = nil
	for range rounds {
		n := len(left)
		left = slices.DeleteFunc(slices.Clone(left), func(st sql.Stmt) bool {
			wrong := st.Broken || slices.ContainsFunc(found, func(e *sql.Error) bool { return about(e, st) })
			if wrong {
				gone.add(st)
			}
			return wrong
		})
		if len(left) == n || len(left) == 0 {
			break
		}
		o.Parsed = left
		_, err := planned(ctx, o, false)
		if err == nil || ctx.Err() != nil {
			break
		}
		found = Collect(nil, err)
		for _, e := range found {
			if e.Src != nil && !gone.in(e.Place().Text()) {
				all = append(all, e)
			}
		}
	}
	return all.Err()
}

// about: the error stands in the statement.
func about(e *sql.Error, st sql.Stmt) bool {
	at, whole := e.Place().Written(), st.Place().Written()
	return at.Src == whole.Src && at.Span.Start >= whole.Span.Start && at.Span.Start < max(whole.Span.End, whole.Span.Start+1)
}

// names are those that statements which are left out may have made: what is wrong with them elsewhere may come of that.
type names map[sql.Key]bool

func (n names) add(st sql.Stmt) {
	if st.Decl != nil && st.Decl.Name != "" {
		n[sql.KeyOf(st.Decl.Name)] = true
		return
	}
	if !slices.Contains([]string{"SELECT", "FROM", "VALUES", "INSERT", "UPDATE", "DELETE", "COPY", "EXPLAIN"}, Words(st, 1)[0]) {
		for _, w := range wordsOf(st.Span.Of(st.Src)) {
			n[sql.KeyOf(w)] = true
		}
	}
}

// in: the text has one of the names, or what is called after one, as name_history is.
func (n names) in(text string) bool {
	return slices.ContainsFunc(wordsOf(text), func(w string) bool {
		for i, r := range w {
			if r == '_' && i > 0 && n[sql.KeyOf(w[:i])] {
				return true
			}
		}
		return n[sql.KeyOf(w)]
	})
}

func wordsOf(text string) []string { return strings.FieldsFunc(text, notOfWord) }
