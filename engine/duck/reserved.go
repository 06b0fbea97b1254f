package duck

import (
	"slices"
	"strings"

	"dsql/sql"
)

// Words that may be called or be a type, and are no names of columns and tables unless they are quoted.
var typeFunctions = strings.Fields("anti asof at authorization binary by collation columns concurrently cross freeze full generated glob ilike inner " +
	"is isnull join left like map natural notnull outer overlaps positional right semi similar struct tablesample try_cast unpack verbose")

// What stands before a name and behind one, in queries and in clauses of declarations.
var (
	beforeNames = strings.Fields("( , . = < > + - SELECT BY AND OR SET WHEN")
	behindNames = append(strings.Fields(") , . = < > + - ; FROM AND OR IS AS ASC DESC THEN ELSE COLUMNS DELETE LATENESS SNAPSHOT RULES EXPECT"), "")
)

// reservedName is a reserved word that a syntax error comes of, as it stands where a name would: "" where it is none. at is where DuckDB
// gave up: at the word, or behind it.
func reservedName(at sql.Place) string {
	toks := sql.Tokens(at.Src, sql.Span{End: len(at.Src.Text)})
	text := func(i int) string {
		if i < 0 || i >= len(toks) {
			return ""
		}
		return strings.ToUpper(toks[i].Span.Of(at.Src))
	}
	for i, t := range toks {
		here := t.Span.Start <= at.Span.Start && at.Span.Start < t.Span.End
		behind := t.Span.End <= at.Span.Start && (i+1 == len(toks) || at.Span.Start < toks[i+1].Span.End)
		word := t.Span.Of(at.Src)
		if t.Kind != sql.Word || !here && !behind || !Reserved(word) && !slices.Contains(typeFunctions, strings.ToLower(word)) {
			continue
		}
		if slices.Contains(beforeNames, text(i-1)) && slices.Contains(behindNames, text(i+1)) {
			return word
		}
	}
	return ""
}
