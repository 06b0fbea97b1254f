package sql

import "dsql/sql/code"

// Arg is the shape of what follows a clause's keyword.
type Arg int

const (
	ArgNone       Arg = iota // the keyword alone
	ArgName                  // one identifier, optionally qualified                  → Names[0]
	ArgNames                 // ( a, b )                                              → Names
	ArgNameList              // a, b  without parentheses (FROM a, b; REFRESH a, b)   → Names
	ArgString                // 'text' in any of DuckDB's string forms                → Text (unescaped)
	ArgInt                   // a whole number                                        → Int
	ArgChoice                // one of Clause.Words                                   → Text (upper case)
	ArgExpr                  // an expression: up to the next clause word, or (in an item) the next comma, outside brackets → Span, Exprs[0]
	ArgExprs                 // one expression, or ( e, e ): the elements              → Exprs
	ArgParen                 // ( expression ), the parentheses are needed            → Span of the inside, Exprs[0]
	ArgColumns               // *  |  * EXCEPT ( a, b )  |  ( a, b )                  → Star, Names (the excepted or the named ones)
	ArgTarget                // a column, or COLUMNS('regex')                         → Names[0], or Regex true and Text
	ArgValue                 // an expression, or EXPR 'text' (expr-lang)             → Expr true and Text, else Exprs[0]
	ArgOptions               // ( ['value' ,] name value, name value )                → Options
	ArgColumnDefs            // ( name TYPE [clauses of Columns], … )                 → Columns
	ArgItems                 // ( item, item ) each of one of Clause.Items            → Items
	ArgPercent               // < n PERCENT                                           → Number
	ArgQuery                 // the rest of the statement                             → Span, Exprs[0]
	ArgTypeName              // a type: DECIMAL(10, 2), STRUCT(a INTEGER)[]           → Text (as written), Span
	ArgWord                  // a word, one with a number, word(2), or 'text'         → Text (a word in lower case)
	ArgItem                  // one item of Clause.Items, without parentheses         → Items
)

// Clause is one clause of a statement, or one positional part of its head (then Keyword may be "").
// A keyword is one or more words or operators, separated by single blanks: "SEQUENCE BY", "=", "IF REMOVED". One of Clauses
// without keyword is in parentheses and found by those (options after a name, say).
type Clause struct {
	Keyword  string
	Arg      Arg
	Required bool
	ArgOpt   bool      // the keyword may stand alone (ArgString, ArgWord, ArgName, and those in parentheses): then Span is empty
	Repeat   bool      // ArgItem: the clause may be written several times; Items has all, in the order of the script
	Words    []string  // ArgChoice: what may stand there, as it is written by custom: REJECT, python
	Items    []*Syntax // ArgItems: the forms of an item, told apart by Keyword; at most one has none
	Columns  []Clause  // ArgColumnDefs: what may follow a column's type
	Options  []OptionDoc
	Instead  map[string]string // options of other tools: what to write here
	Doc      string            // one sentence: what it does; shown in the reference and in "add: …" hints
}

// OptionDoc documents one option of an ArgOptions clause. A clause that lists Options refuses others
// (with "did you mean"), but where AnyOption is among them.
type OptionDoc struct {
	Name string
	Doc  string
}

// AnyOption as an OptionDoc's name accepts options that the clause doesn't list (they are handed on, to DuckDB's reader say).
const AnyOption = "*"

// Syntax describes one form of statement, or of an item within a clause. Parser, error hints, the reference,
// completion, formatter and fuzz seeds all read this one value.
type Syntax struct {
	Verb     string   // "" is CREATE; else the first word(s) of the statement: "REFRESH", "RELEASE HOLD"
	Keyword  string   // what follows the verb: "STREAM"; for an item its first word: "SET"; may be ""
	Plural   string   // for SHOW: "STREAMS"; "" if the form can't be shown
	OnlyWith string   // the statement is dsql's only when this word stands outside brackets ("LANGUAGE" for FUNCTION)
	NoName   bool     // no name follows the keyword
	NameOpt  bool     // a name may follow
	Head     []Clause // positional, in this order, right after the name
	Clauses  []Clause // in any order
	Body     []Clause // alternatives of which the last part is one: AS query, FROM name
	BodyOpt  bool     // the body may be left out
	Scoped   bool     // its first head part are parameters of its own: they hide those of the script
	Doc      string
	Example  string // a complete script in which the form stands; a test parses, plans and runs it
}

// Decl is one parsed dsql statement (or item): purely syntactic.
type Decl struct {
	Src         *Source
	Span        Span
	Syntax      *Syntax
	Name        string // without quotes; "" if the form has none
	NameAt      Span   // of a form without name: of its first words
	OrReplace   bool
	IfNotExists bool
	IfExists    bool              // of DROP, DESCRIBE and EXPLAIN
	Constants   []Span            // expressions where values are expected, in the declaration or in what stands in it: see constant.go
	Part        *Part             // what stands where in it; Outline notes it
	Args        map[string]*Value // by Clause.Keyword; a head part without keyword has its position: "#0", "#1"; a clause without has ""
}

// Arg returns the clause's value, nil when it wasn't written.
func (d *Decl) Arg(keyword string) *Value { return d.Args[keyword] }

// At is a place in the declaration's script.
func (d *Decl) At(sp Span) Place { return Place{d.Src, sp} }

// Place is that of its name.
func (d *Decl) Place() Place { return d.At(d.NameAt) }

// Errorf makes an error at the declaration's name.
func (d *Decl) Errorf(c code.Code, format string, args ...any) *Error {
	return d.Place().Errorf(c, format, args...)
}

// Text is the statement as the user wrote it, without the semicolon.
func (d *Decl) Text() string { return d.Src.Text[d.Span.Start:d.Span.End] }

// Value is what was written for a clause.
type Value struct {
	Keyword Span // the clause's keyword ("" head parts: the value itself)
	Span    Span // the whole argument
	Text    string
	Int     int64
	Number  float64
	Star    bool
	Regex   bool
	Expr    bool
	Names   []Name
	Exprs   []Span
	Options []Option
	Columns []ColumnDef
	Items   []*Decl
}

// Name is an identifier. Text has no quotes, and is spelt as the user did (DuckDB compares names without case). The parts of a
// qualified one are joined by dots.
type Name struct {
	Text string
	Span Span
}

// Parts of a qualified name: catalog, schema, name.
func (n Name) Parts(s *Source) []string {
	var out []string
	for _, t := range Tokens(s, n.Span) {
		switch t.Kind {
		case Word:
			out = append(out, t.Span.Of(s))
		case Quoted:
			text, _ := Unquote(t.Span.Of(s))
			out = append(out, text)
		}
	}
	return out
}

// ColumnDef is a column of a source or a parameter of a function.
type ColumnDef struct {
	Name Name
	Type string // as written: "DECIMAL(10, 2)", "STRUCT(a INTEGER)[]"
	At   Span   // of the type
	Args map[string]*Value
}

// OptionKind is what an option's value was written as.
type OptionKind int

const (
	OptString OptionKind = iota
	OptNumber            // Text without underscores
	OptWord              // true, json, earliest …; lower-cased in Text, in Names as written
	OptEnv               // env('NAME'): Text is NAME, never its content
	OptNone              // the name alone
	OptList              // (a, b), [a, b] or {a: b}: Text as written, Names where they are names in parentheses
)

// Option is one `name value` of a parenthesised list; Name is lower case, and "" for a leading bare value.
type Option struct {
	Name  string
	At    Span
	Kind  OptionKind
	Type  string // of OptString: the word before it, in lower case, where there is one: timestamp '…', interval 5 seconds
	Text  string
	Value Span
	Names []Name
}

// Stmt is one statement of a script: dsql's own (Decl), or SQL for DuckDB as it stands (Decl nil).
type Stmt struct {
	Src    *Source
	Span   Span // without the semicolon and without comments around it
	Decl   *Decl
	Broken bool // something in it is opened and never closed
}

// At is a place in the statement's script.
func (s Stmt) At(sp Span) Place { return Place{s.Src, sp} }

// Place is that of the whole statement.
func (s Stmt) Place() Place { return s.At(s.Span) }

// Errorf makes an error about the statement.
func (s Stmt) Errorf(c code.Code, format string, args ...any) *Error {
	return s.Place().Errorf(c, format, args...)
}

// Text is the statement byte for byte.
func (s Stmt) Text() string { return s.Src.Text[s.Span.Start:s.Span.End] }
