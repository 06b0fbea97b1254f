package program

import (
	"slices"
	"strings"

	"dsql/sql/code"
)

// The graph: who reads whom, and the orders that follow from it.

// feeds are the relations in n's query.
func (n *Node) feeds() []*Node {
	out := slices.Clone(n.whole)
	for _, in := range n.Inputs {
		out = append(out, in.Of)
	}
	return out
}

// Needs are the declarations that n comes after: in binding, in a batch, and in the order of sources.
func (n *Node) Needs() []*Node {
	out := n.feeds()
	for _, m := range n.beside {
		if !n.around[m] {
			out = append(out, m)
		}
	}
	return out
}

// reads are the declared relations that n's text names, each once.
func (n *Node) reads() (out []*Node) {
	for _, m := range append(n.Needs(), n.beside...) {
		if m.Exclusive() && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// Aside are those that n reads whole, or calls.
func (n *Node) Aside() []*Node { return slices.Concat(n.whole, n.beside) }

// rings finds what rules and checks read in a ring: of what reads their own destination they see what is stored, as it comes first.
func (p *Program) rings() {
	for _, n := range p.Nodes {
		for _, m := range n.beside {
			if reaches(m, n, map[*Node]bool{}) {
				if n.around == nil {
					n.around = map[*Node]bool{}
				}
				n.around[m] = true
			}
		}
	}
}

// Reaches: from reads to, itself or through others, or is the same.
func Reaches(from, to *Node) bool { return reaches(from, to, map[*Node]bool{}) }

func reaches(from, to *Node, seen map[*Node]bool) bool {
	if seen[from] {
		return false
	}
	seen[from] = true
	return from == to || slices.ContainsFunc(append(from.feeds(), from.beside...), func(m *Node) bool { return reaches(m, to, seen) })
}

// cycle refuses destinations that feed each other in a ring.
func (p *Program) cycle() error {
	state := map[*Node]int{} // 1: being visited, 2: done
	var path []*Node
	var visit func(n *Node) error
	visit = func(n *Node) error {
		switch state[n] {
		case 2:
			return nil
		case 1:
			ring := append(slices.Clone(path[slices.Index(path, n):]), n)
			names := make([]string, len(ring))
			for i, r := range ring {
				names[i] = r.Name
			}
			d := n.Obj.Decl()
			return d.Errorf(code.Cycle, "these read each other in a ring: %s", strings.Join(names, " → ")).
				WithHint("break the ring: let one of them read a source instead")
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
	for _, n := range p.Nodes {
		if err := visit(n); err != nil {
			return err
		}
	}
	return nil
}

// Sorted are nodes in an order in which everything comes after what it reads; among equals the order of declaration.
func (p *Program) Sorted() []*Node { return Ordered(p.Nodes, (*Node).Needs) }

// Ordered are nodes, each once and behind those that go before it, which come too; else they stay in order.
func Ordered(nodes []*Node, before func(*Node) []*Node) (out []*Node) {
	seen := map[*Node]bool{}
	var visit func(nodes []*Node)
	visit = func(nodes []*Node) {
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
