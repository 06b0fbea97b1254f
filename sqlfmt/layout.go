package sqlfmt

import (
	"slices"
	"strings"

	"dsql/sql"
)

const (
	lineWidth = 100
	step      = 2 // columns that what belongs to something stands to the right of it
)

// printer writes statements. Where it stands is a matter of what it wrote: no atom is looked at twice.
type printer struct {
	out    strings.Builder
	start  int    // of the text, behind a byte order mark
	eol    string // what ends a line
	lines  int    // that were ended
	begun  int    // where the line in hand begins
	col    int    // in it
	closed bool   // a list ended last, in a line of its own
	notes  []noted

	remarkEnds int // where the last comment between statements ends, of those that a line's end ends

	src   *sql.Source
	atoms []atom
}

// here: no line begins.
const here = -1

func (p *printer) write(s string) {
	p.out.WriteString(s)
	if i := strings.LastIndexAny(s, "\r\n"); i >= 0 {
		p.lines += breaks(s)
		p.col, p.begun = 0, p.out.Len()-len(s)+i+1
		s = s[i+1:]
	}
	p.col += width(s)
}

func (p *printer) newline(indent int) {
	p.write(p.eol + strings.Repeat(" ", indent))
}

// atom writes one, in a line that begins at column begin. Its comments stand before it, those with a line of their own at column side;
// what has to go on in another line then does so behind indent.
func (p *printer) atom(i, begin, side, indent int) {
	a := p.atoms[i]
	p.closed = false
	broken := false
	for _, c := range a.before {
		if c.own {
			p.newline(side)
		} else {
			p.remark(c)
		}
		p.write(c.text)
		broken = c.ends || c.line()
	}
	switch {
	case begin != here:
		p.newline(begin)
	case broken:
		p.newline(indent + step)
	case a.blank || len(a.before) > 0:
		p.write(" ")
	}
	if a.sql {
		p.write(p.moved(a))
	} else {
		p.write(a.text)
	}
}

// flat writes atoms behind each other.
func (p *printer) flat(from, to, begin, indent int) {
	for i := from; i < to; i++ {
		p.atom(i, begin, side(begin, indent), indent)
		begin = here
	}
}

// side is where comments before a place stand.
func side(begin, indent int) int {
	if begin != here {
		return begin
	}
	return indent + step
}

// fits says that the atoms [from, to) and room columns behind them find place in a line.
func (p *printer) fits(from, to, begin, indent, room int) bool {
	col := p.col
	for i := from; i < to; i++ {
		a := p.atoms[i]
		broken := slices.ContainsFunc(a.before, comment.breaks)
		switch {
		case i > from && broken || strings.ContainsAny(a.text, "\r\n"):
			return false
		case i == from && begin != here:
			col = begin
		case broken:
			col = indent + step
		default:
			for _, c := range a.before {
				col += width(c.gap()) + width(c.text)
			}
			if a.blank || len(a.before) > 0 {
				col++
			}
		}
		col += width(a.text)
	}
	return col+room <= lineWidth
}

// width of atoms behind each other.
func (p *printer) width(from, to int) int {
	n := 0
	for _, a := range p.atoms[from:to] {
		n += width(a.text) + 1
	}
	return n
}

// form writes a statement or an item: in one line, or a clause a line.
func (p *printer) form(n node, begin, indent, room int) {
	if p.fits(n.from, n.to, begin, indent, room) {
		p.flat(n.from, n.to, begin, indent)
		return
	}
	clauses := n.nodes[len(n.nodes):]
	for i, in := range n.nodes {
		if in.Kind == sql.PartClause && !isHead(n.Form, in.Clause) {
			clauses = n.nodes[i:]
			break
		}
	}
	head := node{Part: n.Part, from: n.from, to: n.to, nodes: n.nodes[:len(n.nodes)-len(clauses)]}
	if len(clauses) > 0 {
		head.to = clauses[0].from
	}
	p.row(head, begin, indent, 0)
	for i, c := range clauses {
		behind := 0
		if i == len(clauses)-1 {
			behind = room
		}
		if i == 0 && p.closed {
			p.row(c, here, indent, behind)
			continue
		}
		p.row(c, indent+step, indent+step, behind)
	}
}

func isHead(s *sql.Syntax, c *sql.Clause) bool {
	for i := range s.Head {
		if c == &s.Head[i] {
			return true
		}
	}
	return false
}

// row writes what stands in one line, but for the lists and items in it.
func (p *printer) row(n node, begin, indent, room int) {
	at := n.from
	for _, in := range n.nodes {
		for ; at < in.from; at++ {
			p.atom(at, begin, side(begin, indent), indent)
			begin = here
		}
		behind := room + p.width(in.to, n.to)
		switch {
		case in.Kind == sql.PartList:
			p.list(in, begin, indent, behind)
		case in.Kind == sql.PartForm:
			p.form(in, begin, indent, behind)
		default:
			p.row(in, begin, indent, behind)
		}
		if in.to > in.from {
			begin = here
		}
		at = in.to
	}
	p.flat(at, n.to, begin, indent)
}

// list writes parentheses and what stands in them: in the line, or an element a line.
func (p *printer) list(n node, begin, indent, room int) {
	if p.fits(n.from, n.to, begin, indent, room) {
		p.flat(n.from, n.to, begin, indent)
		return
	}
	p.atom(n.from, begin, side(begin, indent), indent)
	at := n.from + 1
	for _, in := range n.nodes {
		for ; at < in.from; at++ {
			p.atom(at, here, indent+2*step, indent+step)
		}
		p.row(in, indent+step, indent+step, 1)
		at = in.to
	}
	for ; at < n.to-1; at++ {
		p.atom(at, here, indent+2*step, indent+step)
	}
	p.atom(at, indent, indent+step, indent)
	p.closed = true
}

// moved is a text of DuckDB's, the further lines of which go as far to the side as the first: where they stand in its column or behind, as
// far as that; else as far as the line does that it begins in. What stands in quotes, in comments and behind tabs stays.
func (p *printer) moved(a atom) string {
	if !strings.ContainsAny(a.text, "\r\n") {
		return a.text
	}
	before := p.src.Text[:a.span.Start]
	line := before[strings.LastIndexAny(before, "\r\n")+1:]
	col := width(line)
	lines := lineStarts(p.src, a.span)
	hangs := false
	for _, sp := range lines {
		hangs = hangs || sp.End-sp.Start < col
	}
	by := p.col - col
	if hangs {
		by = indented(p.out.String()[p.begun:]) - indented(line)
	}
	if strings.Contains(line, "\t") || by == 0 {
		return a.text
	}
	var b strings.Builder
	from := a.span.Start
	for _, sp := range lines {
		b.WriteString(p.src.Text[from:sp.Start])
		b.WriteString(strings.Repeat(" ", max(0, sp.End-sp.Start+by)))
		from = sp.End
	}
	return b.String() + p.src.Text[from:a.span.End]
}

// indented is how many blanks a line begins with.
func indented(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// lineStarts are the blanks that lines of a text begin with, but for lines that begin inside of a token or comment, have nothing else, or
// begin with a tab.
func lineStarts(src *sql.Source, sp sql.Span) []sql.Span {
	var out []sql.Span
	at := sp.Start
	blanks := func(end int) {
		gap := src.Text[at:end]
		if i := strings.LastIndexAny(gap, "\r\n"); i >= 0 && strings.Trim(gap[i+1:], " ") == "" {
			out = append(out, sql.Span{Start: at + i + 1, End: end})
		}
	}
	for _, t := range sql.Tokens(src, sp) {
		for _, c := range sql.Comments(src, sql.Span{Start: at, End: t.Span.Start}) {
			blanks(c.Start)
			at = c.End
		}
		blanks(t.Span.Start)
		at = t.Span.End
	}
	return out
}

// noted is a comment behind a line.
type noted struct {
	at, line, col int // where what stands before it ends
}

// remark goes on with a comment behind what stands in the line.
func (p *printer) remark(c comment) {
	if c.line() {
		p.notes = append(p.notes, noted{p.out.Len(), p.lines, p.col})
	}
	p.write(c.gap())
}

// String is what was written, with the comments behind lines that follow each other in one column.
func (p *printer) String() string {
	text := p.out.String()
	var b strings.Builder
	from := 0
	for i := 0; i < len(p.notes); {
		j, most := i, 0
		for ; j < len(p.notes) && p.notes[j].line == p.notes[i].line+j-i; j++ {
			most = max(most, p.notes[j].col)
		}
		for ; i < j; i++ {
			n := p.notes[i]
			b.WriteString(text[from:n.at] + strings.Repeat(" ", most-n.col))
			from = n.at
		}
	}
	return b.String() + text[from:]
}
