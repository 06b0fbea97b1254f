package onnx

import (
	"fmt"
	"strings"
)

// What a node says of itself: its name and its attributes, each with a default.

func (n *node) title() string {
	s := key(n.domain, n.op)
	if n.name != "" && n.name != n.op {
		s += fmt.Sprintf(" (%s)", n.name)
	}
	return s
}

func key(domain, op string) string {
	if domain == "" {
		return op
	}
	return domain + "." + op
}

func (n *node) hasGraph() bool {
	for _, a := range n.attrs {
		if a.g != nil {
			return true
		}
	}
	return false
}

func (n *node) int(name string, or int64) int64 {
	if a := n.attrs[name]; a != nil {
		return a.i
	}
	return or
}

func (n *node) float(name string, or float64) float64 {
	if a := n.attrs[name]; a != nil {
		return a.f
	}
	return or
}

func (n *node) text(name, or string) string {
	if a := n.attrs[name]; a != nil {
		return a.s
	}
	return or
}

func (n *node) ints(name string) []int64 {
	if a := n.attrs[name]; a != nil {
		return a.ints
	}
	return nil
}

func (n *node) floats(name string) []float64 {
	if a := n.attrs[name]; a != nil {
		return a.floats
	}
	return nil
}

func (n *node) texts(name string) []string {
	if a := n.attrs[name]; a != nil {
		return a.strings
	}
	return nil
}

func (n *node) tensor(name string) *Tensor {
	if a := n.attrs[name]; a != nil {
		return a.t
	}
	return nil
}

func (n *node) is(names string) bool {
	return strings.Contains(" "+names+" ", " "+key(n.domain, n.op)+" ")
}
