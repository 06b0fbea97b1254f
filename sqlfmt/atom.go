package sqlfmt

import (
	"strings"

	"dsql/sql"
)

// atom is what is never parted: a token, or a text of DuckDB's.
type atom struct {
	text   string
	span   sql.Span
	sql    bool // a text of DuckDB's
	word   bool // one of the syntax table
	blank  bool // one stands before it where nothing else does
	before []comment
}

// comment is one in a statement.
type comment struct {
	text string
	own  bool // it begins a line
	ends bool // a line ends behind it
}

// breaks says that a statement can't go on in the line of the comment, or not begin in it.
func (c comment) breaks() bool {
	return c.own || c.ends || c.line() || strings.ContainsAny(c.text, "\r\n")
}

// line says that it is one of those that a line's end ends.
func (c comment) line() bool { return strings.HasPrefix(c.text, "--") }

// gap is what stands before a comment in its line.
func (c comment) gap() string {
	if c.line() {
		return "  "
	}
	return " "
}

// node is a part with the atoms [from, to) in it.
type node struct {
	*sql.Part
	from, to int
	nodes    []node
}

// builder makes atoms of a statement's tokens.
type builder struct {
	src    *sql.Source
	toks   []sql.Token // those that are still to come
	end    int         // of the last atom
	clause *sql.Clause // the one in hand
	atoms  []atom
}

// build is the tree of a statement.
func build(d *sql.Decl) (node, []atom) {
	b := &builder{src: d.Src, toks: sql.Tokens(d.Src, d.Span), end: d.Span.Start}
	n := b.part(d.Part)
	for i := 0; i+1 < len(b.atoms); i++ {
		if a := &b.atoms[i]; a.text == "," && !a.sql { // a comma stands with what it is behind
			next := &b.atoms[i+1]
			next.before = follow(append(a.before, next.before...))
			a.before = nil
		}
	}
	return n, b.atoms
}

func (b *builder) part(p *sql.Part) node {
	n := node{Part: p, from: len(b.atoms)}
	if p.Kind == sql.PartClause {
		b.clause = p.Clause
	}
	for i := range p.Parts {
		in := &p.Parts[i]
		b.plain(in.Span.Start, p)
		n.nodes = append(n.nodes, b.part(in))
	}
	switch p.Kind {
	case sql.PartSQL:
		b.add(p.Span, p)
		for len(b.toks) > 0 && b.toks[0].Span.Start < p.Span.End {
			b.toks = b.toks[1:]
		}
	default:
		b.plain(p.Span.End, p)
	}
	n.to = len(b.atoms)
	return n
}

// plain adds the tokens of a part up to a place.
func (b *builder) plain(to int, in *sql.Part) {
	for len(b.toks) > 0 && b.toks[0].Span.Start < to {
		b.add(b.toks[0].Span, in)
		b.toks = b.toks[1:]
	}
}

// add makes an atom of what stands in a part.
func (b *builder) add(sp sql.Span, in *sql.Part) {
	a := atom{text: sp.Of(b.src), span: sp, sql: in.Kind == sql.PartSQL, word: in.Kind == sql.PartWords}
	if a.word {
		a.text = b.spelt(a.text)
	}
	gap := sql.Span{Start: b.end, End: sp.Start}
	a.before = comments(b.src, gap)
	a.blank = b.blank(a, in, gap.Start < gap.End)
	b.end = sp.End
	b.atoms = append(b.atoms, a)
}

// spelt is a word in upper case, or as the syntax table has it where it is one of a few.
func (b *builder) spelt(word string) string {
	if b.clause != nil {
		for _, w := range strings.Fields(strings.Join(b.clause.Words, " ")) {
			if sql.Same(w, word) {
				return w
			}
		}
	}
	return strings.ToUpper(word)
}

// blank says whether a blank stands before an atom: around words and behind commas one does, inside of parentheses none; else as it was written.
func (b *builder) blank(a atom, in *sql.Part, was bool) bool {
	if len(b.atoms) == 0 {
		return false
	}
	last := b.atoms[len(b.atoms)-1]
	switch {
	case a.text == "," && !a.sql, in.Kind == sql.PartList && a.text == ")", last.text == "(" && !last.sql:
		return false
	case last.text == "," && !last.sql, a.word, last.word, a.sql:
		return true
	}
	return was
}

// comments are those between two atoms.
func comments(src *sql.Source, gap sql.Span) []comment {
	var out []comment
	at := gap.Start
	for _, sp := range sql.Comments(src, gap) {
		broken := breaks(src.Text[at:sp.Start]) > 0
		if broken && len(out) > 0 {
			out[len(out)-1].ends = true
		}
		out = append(out, comment{text: sp.Of(src), own: broken})
		at = sp.End
	}
	if len(out) > 0 && breaks(src.Text[at:gap.End]) > 0 {
		out[len(out)-1].ends = true
	}
	return out
}

// follow lets none go on in a line that has ended.
func follow(list []comment) []comment {
	for i := 1; i < len(list); i++ {
		before, c := &list[i-1], &list[i]
		c.own = c.own || before.ends || before.line()
		before.ends = before.ends || c.own
	}
	return list
}

// breaks counts the ends of lines in blanks: \n, \r\n and \r.
func breaks(blanks string) int {
	return strings.Count(blanks, "\n") + strings.Count(blanks, "\r") - strings.Count(blanks, "\r\n")
}

// width is how many columns a text takes.
func width(s string) int { return sql.Width(s) }
