package program

import (
	"slices"
	"strings"

	"dsql/sql"
	"dsql/sql/code"
)

// Due is a declaration, and the statement that is reached when it can be defined: the last one of its own and of all that it reads.
type due struct {
	n  *Node
	at int
}

// Due are all declarations, in an order in which they can be defined.
func (p *Program) Due() []due {
	at := map[*Node]int{}
	for _, n := range p.Nodes {
		at[n] = n.Stmt
	}
	sorted := p.Sorted()
	for some := true; some; { // until it has come to all that read what waits
		some = false
		for _, n := range sorted {
			for _, m := range append(n.feeds(), n.beside...) {
				if last, ok := at[m]; ok && last > at[n] {
					at[n], some = last, true
				}
			}
		}
	}
	out := make([]due, len(sorted))
	for i, n := range sorted {
		out[i] = due{n, at[n]}
	}
	return out
}

// Ready are the declarations that can be defined once statement i is reached: that statement's own, when all it reads is
// defined, and those that waited for it. Declarations of the file come with the first statement, but for those that wait.
func Ready(all []due, i int) (out []*Node) {
	for _, d := range all {
		if !d.n.Bound && d.at <= i {
			out = append(out, d.n)
		}
	}
	return out
}

// tooEarly is the error of a verb on a destination of which nothing is in the file, and that can't be defined where the verb stands.
func (p *Program) tooEarly(all []due, i int) error {
	d := p.Stmts[i].Decl
	if p.Language.Verb(d) == nil || p.effect(d) == Drops || d.Syntax.Keyword == "" {
		return nil
	}
	n := p.Find(strings.ToLower(d.Syntax.Keyword), d.Name)
	if n == nil || n.Stored != nil {
		return nil
	}
	at := slices.IndexFunc(all, func(d due) bool { return d.n == n })
	if _, is := n.Destination(); !is || all[at].at <= i {
		return nil
	}
	last := p.declaredAt(all[at].at)
	of := last.Obj.Decl()
	e := d.Errorf(code.DeclaredBelow, "%s %s isn't there yet: it is declared below, at line %d", n.Kind, n.Name, of.Src.Position(of.Span.Start).Line)
	if last != n {
		e = d.Errorf(code.DeclaredBelow, "%s %s isn't there yet: it needs %s %s, which is declared below, at line %d", n.Kind, n.Name,
			last.Kind, last.Name, of.Src.Position(of.Span.Start).Line)
	}
	return e.WithHint("put " + d.Syntax.Verb + " behind that declaration")
}

// declaredAt is what a statement declares.
func (p *Program) declaredAt(i int) *Node {
	return p.Nodes[slices.IndexFunc(p.Nodes, func(n *Node) bool { return n.Stmt == i })]
}

// passedOver warns of a script's last REFRESH where it stands above a declaration that a destination above it waits for: that one isn't
// there yet, and gets nothing from it, nor by the next run.
func (p *Program) passedOver() (out []*sql.Error) {
	for _, d := range p.Due() {
		if _, is := d.n.Destination(); !is || d.at == d.n.Stmt {
			continue
		}
		for i, st := range slices.Backward(p.Stmts) {
			if st.Decl == nil || !p.refreshes(st.Decl, d.n) {
				continue
			}
			if d.n.Stmt > i || d.at <= i {
				break
			}
			last := p.declaredAt(d.at)
			of := last.Obj.Decl()
			out = append(out, st.Errorf(code.PassedOver, "this REFRESH passes over %s: it needs %s %s, which is declared below, at line %d", d.n.Name,
				last.Kind, last.Name, of.Src.Position(of.Span.Start).Line).WithHint("put REFRESH behind that declaration"))
			break
		}
	}
	return out
}

// refreshes: it is a REFRESH, of this one or of all.
func (p *Program) refreshes(d *sql.Decl, n *Node) bool {
	if d.Syntax.Verb != "REFRESH" {
		return false
	}
	v := d.Arg("#0")
	return v == nil || slices.ContainsFunc(v.Names, func(name sql.Name) bool { return p.Relation(name.Text) == n })
}
