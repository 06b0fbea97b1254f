package program

import (
	"strings"

	"dsql/engine/kind"
	"dsql/sql"
)

// Names of declarations, and words of statements, found.

// Find is the node of a kind; relation that of a source or destination: these share one name space.
func (p *Program) Find(kind, name string) *Node {
	for _, n := range p.Nodes {
		if n.Kind == kind && sql.Same(n.Name, name) {
			return n
		}
	}
	return nil
}

func (n *Node) Relation() bool {
	_, s := n.Source()
	_, d := n.Destination()
	return s || d
}

// Known is the declaration of the name among those that share one name space.
func (p *Program) Known(name string) *Node {
	for _, n := range p.Nodes {
		if n.Exclusive() && sql.Same(n.Name, name) {
			return n
		}
	}
	return nil
}

// SourceOf is the source of a name, nil where there is none.
func (p *Program) SourceOf(name string) *Node {
	if n := p.Relation(name); n != nil {
		if _, ok := n.Source(); ok {
			return n
		}
	}
	return nil
}

// Target is the destination that a verb names.
func (p *Program) Target(d *sql.Decl) (*Node, kind.Destination, error) {
	n := p.Relation(d.Name)
	if n != nil {
		if dest, ok := n.Destination(); ok && (d.Syntax.Keyword == "" || sql.Same(n.Kind, d.Syntax.Keyword)) {
			return n, dest, nil
		}
	}
	kind := strings.ToLower(d.Syntax.Keyword)
	if kind == "" {
		kind = "relation"
	}
	return nil, nil, p.NotDeclared(kind, sql.Name{Text: d.Name, Span: d.NameAt}, d)
}

// Words are the first n words of a statement, in upper case.
func Words(st sql.Stmt, n int) []string {
	var out []string
	for _, t := range sql.Tokens(st.Src, st.Span) {
		if len(out) == n {
			break
		}
		out = append(out, strings.ToUpper(t.Span.Of(st.Src)))
	}
	return out
}

// Keyed: see kind.Keyed.
func (n *Node) Keyed() bool {
	_, ok := n.Obj.(kind.Keyed)
	return ok
}

// Changes: what it hands on are changes, with change_type.
func (n *Node) Changes() bool { return n.Keyed() && !n.final() }

// final: it hands rows on as a stream does, though those that it has change.
func (n *Node) final() bool {
	f, ok := n.Obj.(kind.Final)
	return ok && f.Final()
}
