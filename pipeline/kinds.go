package pipeline

import (
	"slices"
	"strings"

	"dsql/connect"
	"dsql/engine"
	"dsql/ingest"
	"dsql/journal"
	"dsql/models"
	"dsql/quality"
	"dsql/rules"
	"dsql/sinks"
	"dsql/sql"
	"dsql/stream"
)

// kinds is the list of what can be declared. A new kind is one line here.
var kinds = []engine.Kind{
	connect.Kind,
	ingest.Kind,
	stream.Kind,
	journal.Kind,
	rules.Kind,
	rules.FunctionKind,
	quality.Kind,
	models.Kind,
	models.ExperimentKind,
	sinks.Kind,
}

// verbs are dsql's statements that declare nothing and are no verb on a kind (those are made from the list above).
var verbs = []*sql.Syntax{refreshSyntax, replaySyntax, replaySourceSyntax, resumeSyntax}

var refreshSyntax = &sql.Syntax{Verb: "REFRESH", NoName: true,
	Head:    []sql.Clause{{Arg: sql.ArgNameList, Doc: "destinations to bring up to date; without names all of them"}},
	Doc:     "Takes in what is new in the sources, up to the end seen when it starts. A script that declares something and has no REFRESH ends with one.",
	Example: "REFRESH"}

// Syntaxes are all forms of statement that are dsql's own.
func Syntaxes() []*sql.Syntax { return syntaxes }

var syntaxes = func() []*sql.Syntax {
	out := append(slices.Clone(verbs), holdSyntaxes...)
	for _, k := range kinds {
		s := k.Syntax
		out = append(out, s)
		for _, verb := range []string{"DROP", "DESCRIBE", "EXPLAIN"} {
			out = append(out, &sql.Syntax{Verb: verb, Keyword: s.Keyword, Doc: verbDocs[verb]})
		}
		if s.Keyword == "STREAM" || s.Keyword == "JOURNAL" {
			out = append(out, destinationVerbs(s.Keyword)...)
		}
		for _, v := range k.Verbs {
			out = append(out, v.Syntax)
		}
		if s.Plural != "" {
			out = append(out, &sql.Syntax{Verb: "SHOW", Keyword: s.Plural, NoName: true, Doc: verbDocs["SHOW"],
				Clauses: []sql.Clause{{Keyword: "WHERE", Arg: sql.ArgExpr, Doc: "a condition on the columns shown"}}})
		}
	}
	return out
}()

var verbDocs = map[string]string{
	"DROP":     "Removes the declaration and what it stores.",
	"DESCRIBE": "Shows the columns.",
	"EXPLAIN":  "Shows the ordered chain and the SQL that it compiles to.",
	"SHOW":     "Lists what is declared.",
}

// kindOf is the kind that a CREATE statement declares.
func kindOf(s *sql.Syntax) (engine.Kind, bool) {
	i := slices.IndexFunc(kinds, func(k engine.Kind) bool { return k.Syntax == s })
	if i < 0 {
		return engine.Kind{}, false
	}
	return kinds[i], true
}

// verbOf is what runs a statement on a kind.
func verbOf(s *sql.Syntax) (engine.Verb, bool) {
	for _, k := range kinds {
		for _, v := range k.Verbs {
			if v.Syntax == s {
				return v, true
			}
		}
	}
	return engine.Verb{}, false
}

// kindByWord is the kind of a keyword or plural.
func kindByWord(word string) (engine.Kind, bool) {
	i := slices.IndexFunc(kinds, func(k engine.Kind) bool {
		return strings.EqualFold(k.Syntax.Keyword, word) || strings.EqualFold(k.Syntax.Plural, word)
	})
	if i < 0 {
		return engine.Kind{}, false
	}
	return kinds[i], true
}
