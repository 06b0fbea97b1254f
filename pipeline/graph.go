package pipeline

import (
	"slices"
	"strings"

	"dsql/sql"
)

// The graph: who reads whom, and the orders that follow from it.

// feeds are the relations in n's query.
func (n *node) feeds() []*node {
	out := slices.Clone(n.whole)
	for _, in := range n.inputs {
		out = append(out, in.of)
	}
	return out
}

// needs are the declarations that n comes after: in binding, in a batch, and in the order of sources.
func (n *node) needs() []*node {
	out := n.feeds()
	for _, m := range n.beside {
		if !n.around[m] {
			out = append(out, m)
		}
	}
	return out
}

// reads are the declared relations that n's text names, each once.
func (n *node) reads() (out []*node) {
	for _, m := range append(n.needs(), n.beside...) {
		if m.relation() && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// aside are those that n reads whole, or calls.
func (n *node) aside() []*node { return slices.Concat(n.whole, n.beside) }

// rings finds what rules and checks read in a ring: of what reads their own destination they see what is stored, as it comes first.
func (p *program) rings() {
	for _, n := range p.nodes {
		for _, m := range n.beside {
			if reaches(m, n, map[*node]bool{}) {
				if n.around == nil {
					n.around = map[*node]bool{}
				}
				n.around[m] = true
			}
		}
	}
}

// reaches: from reads to, itself or through others.
func reaches(from, to *node, seen map[*node]bool) bool {
	if seen[from] {
		return false
	}
	seen[from] = true
	return from == to || slices.ContainsFunc(append(from.feeds(), from.beside...), func(m *node) bool { return reaches(m, to, seen) })
}

// cycle refuses destinations that feed each other in a ring.
func (p *program) cycle() error {
	state := map[*node]int{} // 1: being visited, 2: done
	var path []*node
	var visit func(n *node) error
	visit = func(n *node) error {
		switch state[n] {
		case 2:
			return nil
		case 1:
			ring := append(slices.Clone(path[slices.Index(path, n):]), n)
			names := make([]string, len(ring))
			for i, r := range ring {
				names[i] = r.name
			}
			d := n.obj.Decl()
			return &sql.Error{Src: d.Src, Span: d.NameAt, Code: "cycle", Msg: "these read each other in a ring: " + strings.Join(names, " → "), Hint: "break the ring: let one of them read a source instead"}
		}
		state[n] = 1
		path = append(path, n)
		for _, m := range n.feeds() {
			if err := visit(m); err != nil {
				return err
			}
		}
		path = path[:len(path)-1]
		state[n] = 2
		return nil
	}
	for _, n := range p.nodes {
		if err := visit(n); err != nil {
			return err
		}
	}
	return nil
}

// sorted are nodes in an order in which everything comes after what it reads; among equals the order of declaration.
func (p *program) sorted() []*node { return ordered(p.nodes, (*node).needs) }

// ordered are nodes, each once and behind those that go before it, which come too; else they stay in order.
func ordered(nodes []*node, before func(*node) []*node) (out []*node) {
	seen := map[*node]bool{}
	var visit func(nodes []*node)
	visit = func(nodes []*node) {
		for _, n := range nodes {
			if !seen[n] {
				seen[n] = true
				visit(before(n))
				out = append(out, n)
			}
		}
	}
	visit(nodes)
	return out
}
