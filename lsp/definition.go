package lsp

import (
	"strings"

	"dsql/sql"
)

// definition answers with where a name is declared: in this script, or else in another one that is open.
func (s *server) definition(d *document, off int) *location {
	f, ok := s.find(d, off)
	if !ok {
		return nil
	}
	if l := s.within(d, f); l != nil {
		return l
	}
	for _, other := range s.sorted() {
		if other == d {
			continue
		}
		if st, at, ok := s.declared(other, f); ok {
			return &location{other.uri, other.span(st.in(at))}
		}
	}
	return nil
}

// within is where a name is declared in the script that it stands in.
func (s *server) within(d *document, f found) *location {
	if st, at, ok := s.declared(d, f); ok {
		return &location{d.uri, d.span(st.in(at))}
	}
	name := sql.NameOf(f.text)
	named := map[sql.Key]bool{}
	for _, t := range f.toks {
		named[sql.KeyOf(sql.NameOf(t.Span.Of(f.src)))] = true
	}
	for _, st := range s.statements(d) { // the column of a source that the statement names
		if st.decl == nil || st.decl.Arg("#0") == nil || !named[sql.KeyOf(st.name.Text)] {
			continue
		}
		for _, c := range st.decl.Arg("#0").Columns {
			if sql.Same(c.Name.Text, name) {
				return &location{d.uri, d.span(st.in(c.Name.Span))}
			}
		}
	}
	return nil
}

// endings of what declarations make beside their names.
var endings = []string{"_history_at", "_bitemporal", "_history", "_changes", "_as_of", "_diff", "_at", "_reasons"}

// declared is the statement that declares what a word names, and where: itself, something that it makes, or an item of it (flights.sane).
func (s *server) declared(d *document, f found) (st statement, at sql.Span, ok bool) {
	name := sql.NameOf(f.text)
	if f.before(".") && f.i > 1 {
		of := f
		of.i -= 2
		of.tok = f.toks[of.i]
		of.text = of.tok.Span.Of(f.src)
		if st, _, ok := s.declared(d, of); ok && st.decl != nil {
			for _, v := range st.decl.Args {
				for _, item := range v.Items {
					if sql.Same(item.Name, name) {
						return st, item.NameAt, true
					}
				}
			}
		}
		if !sql.Same(of.text, "main") {
			return st, at, false
		}
	}
	if st, ok := s.statementOf(d, name, f.before("$")); ok {
		return st, st.name.Span, true
	}
	lower := strings.ToLower(name)
	for _, end := range endings {
		if rest, cut := strings.CutSuffix(lower, end); cut {
			if st, ok := s.statementOf(d, rest, false); ok && st.decl != nil {
				return st, st.name.Span, true
			}
		}
	}
	if i := strings.LastIndex(lower, "_v"); i > 0 && strings.Trim(lower[i+2:], "0123456789") == "" { // a model's version
		if st, ok := s.statementOf(d, lower[:i], false); ok && st.kind == "model" {
			return st, st.name.Span, true
		}
	}
	return st, at, false
}

// statementOf is the first that declares a name; parameters have names of their own.
func (s *server) statementOf(d *document, name string, parameter bool) (statement, bool) {
	for _, st := range s.statements(d) {
		if st.kind != "" && sql.Same(st.name.Text, name) && (st.kind == "parameter") == parameter {
			return st, true
		}
	}
	return statement{}, false
}
