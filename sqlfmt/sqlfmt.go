// Package sqlfmt lays out dsql's statements by the syntax table: words in upper case, a statement in one line or a clause a line. Tokens and
// comments stay what they are, and DuckDB's statements, and its expressions in dsql's, are not touched. It knows the text alone, and not
// what it means.
package sqlfmt

import (
	"strings"

	"dsql/sql"
)

// Format is the text of a script laid out. A script with errors of syntax isn't: the error is what sql.Parse says.
func Format(src *sql.Source, forms []*sql.Syntax) (string, error) {
	stmts, err := sql.Outline(src, forms)
	if err != nil {
		return "", err
	}
	p := &printer{src: src, eol: "\n"}
	if i := strings.IndexByte(src.Text, '\n'); i > 0 && src.Text[i-1] == '\r' {
		p.eol = "\r\n"
	}
	if strings.HasPrefix(src.Text, bom) {
		p.out.WriteString(bom)
		p.start = len(bom)
	}
	var last *sql.Stmt
	for i := range stmts {
		st := &stmts[i]
		p.between(last, st)
		if st.Decl == nil {
			p.write(st.Text())
		} else {
			n, atoms := build(st.Decl)
			p.atoms = atoms
			p.form(n, here, 0, 1)
		}
		last = st
	}
	p.between(last, nil)
	return p.String(), nil
}

const bom = "\uFEFF"

// owns: the statement is dsql's.
func owns(st *sql.Stmt) bool { return st != nil && st.Decl != nil }

// between writes what stands between two statements: as it is where neither is dsql's; else comments in lines of their own, or behind the
// statement where they stood there, and one empty line at most.
func (p *printer) between(last, next *sql.Stmt) {
	gap := sql.Span{End: len(p.src.Text)}
	if last != nil {
		gap.Start = last.Span.End
	}
	if next != nil {
		gap.End = next.Span.Start
	}
	if !owns(last) && !owns(next) {
		p.write(p.src.Text[max(gap.Start, p.start):gap.End])
		return
	}
	if last != nil && len(sql.Tokens(p.src, gap)) > 0 { // a semicolon, and those of empty statements
		for i, t := range sql.Tokens(p.src, gap) {
			before := sql.Span{Start: gap.Start, End: t.Span.Start}
			switch {
			case i > 0:
				if p.comments(last, next, before); p.remarked() {
					p.write(p.eol)
				}
				p.write(";")
			case last.Decl == nil:
				p.write(before.Of(p.src) + ";")
			default: // it stands with what it ends
				p.write(";")
				p.comments(last, next, before)
			}
			gap.Start = t.Span.End
		}
	}
	blanks, some := p.comments(last, next, gap)
	n := min(2, breaks(blanks))
	switch {
	case next == nil:
		n = 1
	case p.out.Len() == p.start:
		n = 0
	case next.Decl != nil || !some || p.remarked():
		n = max(1, n)
	}
	p.write(strings.Repeat(p.eol, n))
	if next != nil && next.Decl == nil && (n == 0 || breaks(blanks) > 0) {
		p.write(blanks[strings.LastIndexAny(blanks, "\r\n")+1:])
	}
}

// remarked: what was written last is a comment that the line's end ends.
func (p *printer) remarked() bool { return p.remarkEnds > 0 && p.remarkEnds == p.out.Len() }

// comments writes those of a part of the script that has no statements. It returns the blanks behind the last.
func (p *printer) comments(last, next *sql.Stmt, gap sql.Span) (blanks string, some bool) {
	for _, c := range sql.Comments(p.src, gap) {
		before, text := p.src.Text[gap.Start:c.Start], c.Of(p.src)
		gap.Start, some = c.End, true
		n := min(2, breaks(before))
		if p.remarked() {
			n = max(1, n)
		}
		switch {
		case p.out.Len() == p.start:
		case n == 0 && last != nil && last.Decl != nil:
			p.remark(comment{text: text})
		case n == 0:
			p.write(before)
		default:
			p.write(strings.Repeat(p.eol, n))
			if next != nil && next.Decl == nil {
				p.write(before[strings.LastIndexAny(before, "\r\n")+1:])
			}
		}
		p.write(text)
		p.remarkEnds = 0
		if strings.HasPrefix(text, "--") {
			p.remarkEnds = p.out.Len()
		}
	}
	return gap.Of(p.src), some
}
