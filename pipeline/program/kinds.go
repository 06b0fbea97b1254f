package program

import (
	"slices"
	"strings"

	"dsql/connect"
	"dsql/engine/kind"
	"dsql/ingest"
	"dsql/journal"
	"dsql/models"
	"dsql/quality"
	"dsql/rules"
	"dsql/sinks"
	"dsql/sql"
	"dsql/stream"
)

// Kinds is the list of what can be declared. A new kind is one line here.
var Kinds = []kind.Kind{
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

// Syntaxes are all forms of statement that are dsql's own.
func Syntaxes() []*sql.Syntax { return Forms }

var Forms = func() []*sql.Syntax {
	out := append(slices.Clone(verbs), holdSyntaxes...)
	for _, k := range Kinds {
		s := k.Syntax
		out = append(out, s)
		for _, verb := range []string{"DROP", "DESCRIBE", "EXPLAIN"} {
			out = append(out, &sql.Syntax{Verb: verb, Keyword: s.Keyword, Doc: verbDocs[verb]})
		}
		if k.Stores {
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

// kindOf is the kind that a CREATE statement declares.
func kindOf(s *sql.Syntax) (kind.Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k kind.Kind) bool { return k.Syntax == s })
	if i < 0 {
		return kind.Kind{}, false
	}
	return Kinds[i], true
}

// VerbOf is what runs a statement on a kind.
func VerbOf(s *sql.Syntax) (kind.Verb, bool) {
	for _, k := range Kinds {
		for _, v := range k.Verbs {
			if v.Syntax == s {
				return v, true
			}
		}
	}
	return kind.Verb{}, false
}

// KindByWord is the kind of a keyword or plural.
func KindByWord(word string) (kind.Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k kind.Kind) bool {
		return strings.EqualFold(k.Syntax.Keyword, word) || strings.EqualFold(k.Syntax.Plural, word)
	})
	if i < 0 {
		return kind.Kind{}, false
	}
	return Kinds[i], true
}
