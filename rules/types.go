package rules

import (
	"regexp/syntax"

	"dsql/engine/duck"
	"dsql/sql"
)

// class of a type, as far as casts between them go: text and NULL go with all, the others with their own.
func class(t duck.Type) string {
	switch id := t.ID(); {
	case id.Nested():
		return "nested"
	case id.Temporal():
		return "time"
	case id.Number(), id == duck.TypeBoolean:
		return "number"
	}
	return ""
}

// castable is false for pairs of types between which DuckDB has no cast at all. It would say so only when the first row comes.
func castable(from, to duck.Type) bool {
	a, b := class(from), class(to)
	return a == b || a == "" || b == "" || from.ID() == duck.TypeNull
}

// BadRegex finds the text in an expression that is no regular expression, once DuckDB has said that there is one: its errors of
// that kind have no place.
func BadRegex(src *sql.Source, sp sql.Span) (sql.Span, bool) {
	for _, t := range sql.Tokens(src, sp) {
		if t.Kind != sql.String {
			continue
		}
		text, err := sql.Unquote(t.Span.Of(src))
		if err != nil {
			continue
		}
		if _, err := syntax.Parse(text, syntax.Perl); err != nil {
			return t.Span, true
		}
	}
	return sql.Span{}, false
}
