package lsp

import (
	"dsql/pipeline/program"
	"dsql/sql"
)

// Offer is what the syntax table has for the end of a text that is one statement, as far as it is typed.
type Offer struct {
	Words   []string // that may stand there, whatever of one is typed already
	Kind    string   // of the declaration whose name may stand there; "any": of any kind
	Columns bool     // the name of a column may stand there
	SQL     bool     // DuckDB goes on with it
}

// Offered is that of a text in which no word has begun.
func Offered(text string, forms []*sql.Syntax) Offer {
	c := &completion{s: &server{language: &program.Language{Forms: forms}}, seen: map[string]bool{}}
	toks := sql.Tokens(sql.NewSource("", text), sql.Span{End: len(text)})
	if _, ok := unclosed(text); !ok {
		return Offer{}
	}
	heads := c.heads(text, toks)
	e := expect(text, forms)
	if e == nil || heads {
		e = &expected{sql: true}
	} else {
		c.words(e)
	}
	o := Offer{Kind: e.kind, Columns: e.columns, SQL: e.sql}
	for _, item := range c.out {
		o.Words = append(o.Words, item.Label)
	}
	return o
}
