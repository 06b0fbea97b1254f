package lsp

import (
	"sort"
	"strings"
	"unicode/utf8"

	"dsql/sql"
)

// document is a script that an editor shows, as it is now.
type document struct {
	uri     string
	version int
	src     *sql.Source
	lines   []int // where lines begin
	utf8    bool  // the editor counts bytes; else units of UTF-16

	spans   []sql.Span          // where statements stand
	stmts   []statement         // nil: nobody has asked for all of them
	columns map[string][]Column // of what is declared, as the last check told it
	stop    func()              // ends the check of an earlier text
}

func newDocument(item documentItem, utf8 bool) *document {
	d := &document{uri: item.URI, version: item.Version, src: sql.NewSource(pathOf(item.URI), item.Text), lines: []int{0}, utf8: utf8}
	for i := range len(item.Text) {
		if item.Text[i] == '\n' || item.Text[i] == '\r' && !strings.HasPrefix(item.Text[i+1:], "\n") {
			d.lines = append(d.lines, i+1)
		}
	}
	d.spans = split(d.src)
	return d
}

// offset is the byte of a place that an editor names; one outside of the text is moved to its edge.
func (d *document) offset(p position) int {
	if p.Line < 0 {
		return 0
	}
	if p.Line >= len(d.lines) {
		return len(d.src.Text)
	}
	line := d.line(p.Line)
	if d.utf8 {
		at := min(max(p.Character, 0), len(line))
		for at > 0 && at < len(line) && !utf8.RuneStart(line[at]) {
			at--
		}
		return d.lines[p.Line] + at
	}
	units := 0
	for i, r := range line {
		if units >= p.Character {
			return d.lines[p.Line] + i
		}
		units += unitsOf(r)
	}
	return d.lines[p.Line] + len(line)
}

// line is the text of a line without its end.
func (d *document) line(i int) string {
	end := len(d.src.Text)
	if i+1 < len(d.lines) {
		end = d.lines[i+1]
	}
	return strings.TrimRight(d.src.Text[d.lines[i]:end], "\r\n")
}

// position is the place of a byte.
func (d *document) position(off int) position {
	off = min(max(off, 0), len(d.src.Text))
	line := sort.SearchInts(d.lines, off+1) - 1
	before := d.src.Text[d.lines[line]:off]
	if d.utf8 {
		return position{line, len(before)}
	}
	units := 0
	for _, r := range before {
		units += unitsOf(r)
	}
	return position{line, units}
}

// unitsOf is how many units of UTF-16 a rune has.
func unitsOf(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

func (d *document) span(sp sql.Span) textRange {
	return textRange{d.position(sp.Start), d.position(sp.End)}
}

// statement is one of a script. It is parsed by itself, so spans in it count from its own start, which is at.
type statement struct {
	at, end int
	*parsed
}

// parsed is what the text of a statement says, wherever it stands.
type parsed struct {
	src     *sql.Source
	decl    *sql.Decl // nil: it is DuckDB's
	kind    string    // of what it declares or creates: stream, table; "": nothing
	name    sql.Name
	columns []Column // as they are written
}

// in is a place in the script of one in the statement.
func (s statement) in(sp sql.Span) sql.Span {
	return sql.Span{Start: s.at + sp.Start, End: s.at + sp.End}
}

// statements are those of the document. Those that were there before an edit aren't parsed again.
func (s *server) statements(d *document) []statement {
	if d.stmts == nil {
		d.stmts = make([]statement, 0, len(d.spans))
		for _, sp := range d.spans {
			d.stmts = append(d.stmts, s.statement(d, sp))
		}
	}
	return d.stmts
}

// statement is the one that stands at a place.
func (s *server) statement(d *document, sp sql.Span) statement {
	text := sp.Of(d.src)
	p := s.parsed[text]
	if p == nil {
		if p = s.parse(text); len(s.parsed) >= mostParsed {
			s.parsed = map[string]*parsed{}
		}
		s.parsed[text] = p
	}
	return statement{sp.Start, sp.End, p}
}

// warm parses the statements of a document, one at a time: what is asked meanwhile waits for one of them, not for all.
func (s *server) warm(d *document) {
	for _, sp := range d.spans {
		s.mu.Lock()
		now := s.docs[d.uri] == d
		if now {
			s.statement(d, sp)
		}
		s.mu.Unlock()
		if !now || s.ctx.Err() != nil {
			return
		}
	}
}

// split is where statements stand, without what ends them.
func split(src *sql.Source) (spans []sql.Span) {
	now := sql.Span{Start: -1}
	for _, t := range sql.Tokens(src, sql.Span{End: len(src.Text)}) {
		switch {
		case t.Kind != sql.Semi && now.Start < 0:
			now = t.Span
		case t.Kind != sql.Semi:
			now.End = t.Span.End
		case now.Start >= 0:
			spans = append(spans, now)
			now.Start = -1
		}
	}
	if now.Start >= 0 {
		spans = append(spans, now)
	}
	return spans
}

// mostParsed is how many texts of statements are remembered.
const mostParsed = 20_000

// parse reads one statement.
func (s *server) parse(text string) *parsed {
	p := &parsed{src: sql.NewSource("", strings.Clone(text))}
	stmts, _ := sql.Outline(p.src, s.language.Forms)
	if len(stmts) == 0 {
		return p
	}
	if p.decl = stmts[0].Decl; p.decl == nil {
		p.kind, p.name = created(p.src)
		return p
	}
	if p.decl.Syntax.Verb != "" || p.decl.Name == "" {
		return p
	}
	p.kind, p.name = strings.ToLower(p.decl.Syntax.Keyword), sql.Name{Text: p.decl.Name, Span: p.decl.NameAt}
	if v := p.decl.Arg("#0"); v != nil && !p.decl.Syntax.Scoped {
		for _, c := range v.Columns {
			p.columns = append(p.columns, Column{c.Name.Text, c.Type})
		}
	}
	return p
}

// created is what a statement of DuckDB's creates: CREATE [OR REPLACE] [TEMP] TABLE [IF NOT EXISTS] name.
func created(src *sql.Source) (kind string, name sql.Name) {
	toks := sql.Tokens(src, sql.Span{End: len(src.Text)})
	word := func(i int) string {
		if i < len(toks) && toks[i].Kind == sql.Word {
			return strings.ToUpper(toks[i].Span.Of(src))
		}
		return ""
	}
	i := 1
	if word(0) != "CREATE" {
		return "", name
	}
	for word(i) == "OR" || word(i) == "REPLACE" || word(i) == "TEMP" || word(i) == "TEMPORARY" {
		i++
	}
	switch word(i) {
	case "TABLE", "VIEW", "MACRO", "FUNCTION", "TYPE":
		kind = strings.ToLower(word(i))
	default:
		return "", name
	}
	if i++; word(i) == "IF" {
		i += 3
	}
	for i+2 < len(toks) && toks[i+1].Span.Of(src) == "." {
		i += 2
	}
	if i >= len(toks) || toks[i].Kind != sql.Word && toks[i].Kind != sql.Quoted {
		return "", name
	}
	return kind, sql.Name{Text: sql.NameOf(toks[i].Span.Of(src)), Span: toks[i].Span}
}
