package sql

import (
	"slices"
	"strings"
	"unicode/utf8"

	"dsql/sql/code"
)

// Limits that keep time and memory in bounds for any text: a script is code, and data comes in files.
const (
	maxScript     = 64 << 20 // bytes
	maxStatements = 1 << 20
	maxDecls      = 10_000
	maxTokens     = 1 << 20 // of one statement of dsql's own
	maxCollected  = 1000    // errors before parsing stops
)

// Parse splits a script into its statements. One whose head is that of a form, and is dsql's by the rules of the form, is
// parsed; all others are left for DuckDB as they stand. The error is a List with all errors of the script; the statements are
// returned with it as far as they were understood.
func Parse(src *Source, forms []*Syntax) ([]Stmt, error) {
	return parse(src, forms, false)
}

func parse(src *Source, forms []*Syntax, outlined bool) ([]Stmt, error) {
	if err := readable(src); err != nil {
		return nil, List{err}
	}
	p := &parser{src: src, grammar: newGrammar(forms), lex: lexer{text: src.Text}, outlined: outlined}
	var out []Stmt
	decls := 0
	for len(p.errs) < maxCollected {
		st, ok := p.statement()
		if !ok {
			break
		}
		if st.Decl != nil {
			decls++
		}
		if len(out) == maxStatements || decls > maxDecls {
			p.fail(st.Span, code.ScriptTooLarge, "load data with COPY or CREATE SOURCE",
				"a script can't have more than %d statements, %d of them dsql's own", maxStatements, maxDecls)
			break
		}
		out = append(out, st)
	}
	return out, p.errs.firstOfLines()
}

// readable refuses text that can't be handed to DuckDB.
func readable(src *Source) *Error {
	if len(src.Text) > maxScript {
		return Place{Src: src}.Errorf(code.ScriptTooLarge, "the script has %d MB; a script can't have more than %d", len(src.Text)>>20,
			maxScript>>20).
			WithHint("load data with COPY or CREATE SOURCE")
	}
	if i := strings.IndexByte(src.Text, 0); i >= 0 {
		return Place{Src: src, Span: Span{i, i + 1}}.Errorf(code.NULByte, "a NUL byte can't stand in a script").
			WithHint("remove it, or save the script as UTF-8 text")
	}
	if !utf8.ValidString(src.Text) {
		for i, r := range src.Text {
			if r != utf8.RuneError {
				continue
			}
			if _, n := utf8.DecodeRuneInString(src.Text[i:]); n == 1 {
				return Place{Src: src, Span: Span{i, i + 1}}.Errorf(code.NotUTF8, "the byte 0x%02X is not UTF-8 here", src.Text[i]).
					WithHint("save the script as UTF-8 text")
			}
		}
	}
	return nil
}

type parser struct {
	src      *Source
	grammar  *grammar
	lex      lexer
	errs     List
	outlined bool    // see Outline
	head     []Token // first tokens of the statement in hand
	begin    Span    // the user's BEGIN, while its transaction is open
	open     bool
	foreign  int   // statements that nobody knows
	untold   Error // what came behind the last that is told
}

func (p *parser) at(sp Span) Place { return Place{p.src, sp} }

func (p *parser) text(t Token) string { return p.src.Text[t.Span.Start:t.Span.End] }

func (p *parser) fail(at Span, c code.Code, hint, format string, args ...any) *Error {
	if len(p.errs) >= maxCollected { // a statement may go on for a million
		p.untold = Error{}
		return &p.untold
	}
	e := p.at(at).Errorf(c, format, args...).WithHint(hint)
	p.errs = append(p.errs, e)
	return e
}

// headLen is how many tokens a head can have: CREATE OR REPLACE, a form's words, IF NOT EXISTS, a name.
const headLen = 12

// statement is the next one that isn't empty; false at the end of the script. It keeps no more tokens than the head's, so
// that a long statement for DuckDB takes no memory.
func (p *parser) statement() (Stmt, bool) {
	p.head = p.head[:0]
	var last Token
	for {
		t := p.lex.next()
		if t.Kind == EOF || t.Kind == Semi {
			if len(p.head) > 0 {
				break
			}
			if t.Kind == EOF {
				return Stmt{}, false
			}
			continue
		}
		if len(p.head) < headLen {
			p.head = append(p.head, t)
		}
		last = t
	}
	st := Stmt{Src: p.src, Span: p.head[0].Span.To(last.Span)}
	if last.Kind == Illegal {
		st.Broken = true
		p.unterminated(last)
		return st, true
	}
	if len(p.grammar.forms) > 0 && p.foreignStatement() {
		st.Broken = true // DuckDB needn't be asked
		return st, true
	}
	if f, n := p.match(st.Span); f != nil && !p.dropsMacro(f, n) {
		if p.foreignWords(st.Span, f) {
			st.Broken = true
			return st, true
		}
		st.Decl = p.declaration(f, n, st.Span)
		if p.open {
			p.fail(p.head[0].Span.To(p.head[n-1].Span), code.InTransaction, "move it before BEGIN or behind COMMIT",
				"%s can't stand inside a transaction of the script: dsql makes its own", f).
				WithNote(p.at(p.begin), "the transaction begins here")
		}
		return st, true
	}
	if len(p.grammar.forms) > 0 && p.foreignWords(st.Span, nil) {
		st.Broken = true
		return st, true
	}
	p.transaction()
	p.unknown()
	return st, true
}

// dropsMacro: DROP FUNCTION of a form that dsql's functions don't have, with a schema or CASCADE, is about a macro of DuckDB's.
func (p *parser) dropsMacro(f *form, n int) bool {
	return f.Verb == "DROP" && f.Keyword == "FUNCTION" && slices.ContainsFunc(p.head[n:], func(t Token) bool {
		switch strings.ToUpper(p.text(t)) {
		case ".", "CASCADE", "RESTRICT":
			return true
		}
		return false
	})
}

func (p *parser) unterminated(t Token) {
	what, end, size := "string", "'", 1
	switch text := p.text(t); text[0] {
	case '"':
		what, end = "quoted name", `"`
	case '/':
		what, end, size = "comment", "*/", 2
	case '$':
		size = strings.IndexByte(text[1:], '$') + 2
		end = text[:size]
	case 'e', 'E':
		size = 2
	}
	hint := "close it with " + tidy(keepStart(end))
	if path := p.pathAround(t); path != "" {
		hint = "put the pattern in quotes: '" + tidy(keepStart(path)) + "'"
	}
	p.fail(Span{t.Span.Start, t.Span.Start + size}, code.Unterminated, hint, "the %s that starts here never ends", what)
}

// pathAround is the path that a comment was meant for a part of: in/*.csv, without quotes around.
func (p *parser) pathAround(t Token) string {
	const ends = " \t\r\n,;()'\""
	at := t.Span.Start
	from := strings.LastIndexAny(p.src.Text[:at], ends) + 1
	if p.src.Text[at] != '/' || from == at {
		return ""
	}
	rest := p.src.Text[at:]
	if k := strings.IndexAny(rest, ends); k >= 0 {
		rest = rest[:k]
	}
	return p.src.Text[from:at] + rest
}

// transaction follows the user's own BEGIN and COMMIT.
func (p *parser) transaction() {
	switch {
	case p.isHead("BEGIN"), p.isHead("START"):
		p.begin, p.open = p.head[0].Span, true
	case p.isHead("COMMIT"), p.isHead("END"), p.isHead("ROLLBACK"), p.isHead("ABORT"):
		p.open = false
	}
}

func (p *parser) isHead(word string) bool { return p.is(0, word) }

func (p *parser) is(i int, word string) bool {
	return i < len(p.head) && p.head[i].Kind == Word && same(p.text(p.head[i]), word)
}

func (p *parser) isName(i int) bool {
	return i < len(p.head) && (p.head[i].Kind == Word || p.head[i].Kind == Quoted)
}

// match finds the form of a statement and the number of tokens of its head.
func (p *parser) match(sp Span) (*form, int) {
	for _, f := range p.grammar.forms {
		n := p.matchWords(f)
		if n == 0 {
			continue
		}
		// DESCRIBE model and VACUUM stream are of a table, SHOW models.x of one in a schema.
		if takesTable[f.words[0]] && (!f.NoName && !f.NameOpt && !p.isName(n) || n < len(p.head) && p.text(p.head[n]) == ".") {
			continue
		}
		if f.OnlyWith != "" && !p.hasWord(f.OnlyWith, Span{p.head[n-1].Span.End, sp.End}) {
			continue
		}
		return f, n
	}
	return nil, 0
}

var takesTable = map[string]bool{"DESCRIBE": true, "SHOW": true, "VACUUM": true, "SUMMARIZE": true}

func (p *parser) matchWords(f *form) int {
	n := 0
	for i, w := range f.words {
		if f.create && i == 1 && p.is(n, "OR") && p.is(n+1, "REPLACE") {
			n += 2
		}
		if !p.is(n, w) {
			return 0
		}
		n++
	}
	return n
}

// hasWord looks for a clause's word outside brackets, behind the name. Behind the first AS it counts only right after a string:
// elsewhere it is a column of DuckDB's CREATE FUNCTION.
func (p *parser) hasWord(word string, sp Span) bool {
	l := lexer{text: p.src.Text[:sp.End], pos: sp.Start}
	var prev Token
	depth, body := 0, false
	for t := l.next(); t.Kind != EOF; prev, t = t, l.next() {
		switch p.text(t) {
		case "(", "[", "{":
			depth++
			continue
		case ")", "]", "}":
			depth--
			continue
		}
		if depth > 0 || t.Kind != Word || prev.Kind == EOF {
			continue
		}
		if same(p.text(t), word) && (!body || prev.Kind == String) {
			return true
		}
		body = body || same(p.text(t), "AS")
	}
	return false
}

// declaration parses a statement of dsql's own whose head has n tokens.
func (p *parser) declaration(f *form, n int, sp Span) *Decl {
	head := p.head[0].Span.To(p.head[n-1].Span)
	d := &Decl{Src: p.src, Span: sp, Syntax: f.Syntax, NameAt: head, OrReplace: f.create && p.is(1, "OR"), Args: map[string]*Value{}}
	toks, ok := tokens(p.src.Text, sp, maxTokens)
	if !ok {
		p.fail(head, code.StatementTooLong, "split it, or load data with COPY", "%s has more than %d words and signs", f, maxTokens)
		return d
	}
	r := &reader{parser: p, toks: toks, i: n, end: len(toks)}
	if p.outlined {
		r.outline = &outline{}
	}
	r.enter(Part{Kind: PartForm, Form: f.Syntax}, 0)
	r.note(PartWords, 0, n)
	if r.brackets() {
		r.declaration(f, d)
		d.Constants = r.constants
	}
	r.leave(len(toks))
	if p.outlined {
		d.Part = r.outline.whole
	}
	return d
}
