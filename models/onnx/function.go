package onnx

import (
	"fmt"
)

// Functions of a model's own: operators that the file makes of others. A node that calls one is replaced by the function's nodes.

type functionProto struct {
	name, domain string
	in, out      []string
	nodes        []*node
	defaults     map[string]*attribute
	opsets       map[string]int64
}

func parseFunction(b []byte) (*functionProto, error) {
	fn := &functionProto{defaults: map[string]*attribute{}, opsets: map[string]int64{}}
	err := fields(b, func(f field) error {
		switch f.num {
		case 1:
			fn.name = string(f.data)
		case 4:
			fn.in = append(fn.in, string(f.data))
		case 5:
			fn.out = append(fn.out, string(f.data))
		case 7:
			n, err := parseNode(f.data, 0)
			fn.nodes = append(fn.nodes, n)
			return err
		case 9:
			domain, version, err := parseOpset(f.data)
			fn.opsets[domain] = version
			return err
		case 10:
			fn.domain = domainOf(string(f.data))
		case 11:
			name, a, err := parseAttribute(f.data, 0)
			fn.defaults[name] = a
			return err
		}
		return nil
	})
	return fn, err
}

// parseOpset reads an OperatorSetIdProto.
func parseOpset(b []byte) (domain string, version int64, err error) {
	err = fields(b, func(f field) error {
		switch f.num {
		case 1:
			domain = string(f.data)
		case 2:
			version = f.int()
		}
		return nil
	})
	return domainOf(domain), version, err
}

// inliner replaces calls of functions.
type inliner struct {
	functions map[string]*functionProto
	opsets    map[string]int64
	calls     int
	nodes     int
}

const maxInlined = 1 << 20 // nodes

func (p *modelProto) inline() error {
	if len(p.functions) == 0 {
		return nil
	}
	in := &inliner{functions: map[string]*functionProto{}, opsets: p.opsets}
	for _, fn := range p.functions {
		in.functions[key(fn.domain, fn.name)] = fn
	}
	return in.graph(p.graph, 0)
}

func (in *inliner) graph(g *graphProto, depth int) error {
	var out []*node
	for _, n := range g.nodes {
		more, err := in.node(n, depth)
		if err != nil {
			return err
		}
		out = append(out, more...)
	}
	g.nodes = out
	return nil
}

// node is what stands for a node.
func (in *inliner) node(n *node, depth int) ([]*node, error) {
	if in.nodes++; in.nodes > maxInlined || depth > maxGraphDepth*4 {
		return nil, fmt.Errorf("its functions call each other without end, or make more than %d nodes", maxInlined)
	}
	for _, a := range n.attrs {
		if a.g != nil {
			if err := in.graph(a.g, depth+1); err != nil {
				return nil, err
			}
		}
	}
	fn := in.functions[key(n.domain, n.op)]
	if fn == nil {
		return []*node{n}, nil
	}
	if v, ok := fn.opsets[""]; ok && v != in.opsets[""] {
		return nil, fmt.Errorf("the function %s is written in version %d of ai.onnx, the graph in %d", n.title(), v, in.opsets[""])
	}
	in.calls++
	r := renamer{prefix: fmt.Sprintf("%s/%d/", n.op, in.calls), names: map[string]string{"": ""}, attrs: n.attrs, defaults: fn.defaults}
	for i, name := range fn.in {
		r.names[name] = ""
		if i < len(n.in) {
			r.names[name] = n.in[i]
		}
	}
	for i, name := range fn.out {
		if i < len(n.out) && n.out[i] != "" {
			if given, input := r.names[name]; input { // an input that is handed through
				return nil, fmt.Errorf("the function %s gives its input %s as it is, which is not supported", n.title(), given)
			}
			r.names[name] = n.out[i]
		}
	}
	var out []*node
	for _, inner := range fn.nodes {
		more, err := in.node(r.node(inner), depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// renamer copies a function's nodes for one call.
type renamer struct {
	prefix          string
	names           map[string]string
	attrs, defaults map[string]*attribute
}

func (r *renamer) name(s string) string {
	if to, ok := r.names[s]; ok {
		return to
	}
	r.names[s] = r.prefix + s
	return r.names[s]
}

func (r *renamer) all(names []string) []string {
	out := make([]string, len(names))
	for i, s := range names {
		out[i] = r.name(s)
	}
	return out
}

func (r *renamer) node(n *node) *node {
	c := &node{op: n.op, domain: n.domain, name: n.name, in: r.all(n.in), out: r.all(n.out), attrs: map[string]*attribute{}}
	for k, a := range n.attrs {
		if a.ref != "" { // the call's attribute, the function's default, or none
			a = r.attrs[a.ref]
			if a == nil {
				a = r.defaults[n.attrs[k].ref]
			}
			if a == nil {
				continue
			}
		} else if a.g != nil {
			b := *a
			b.g, a = r.graph(a.g), &b
		}
		c.attrs[k] = a
	}
	return c
}

func (r *renamer) graph(g *graphProto) *graphProto {
	c := &graphProto{initializers: map[string]*Tensor{}}
	infos := func(in []valueInfo) (out []valueInfo) {
		for _, v := range in {
			v.name = r.name(v.name)
			out = append(out, v)
		}
		return out
	}
	c.inputs, c.outputs = infos(g.inputs), infos(g.outputs)
	for name, t := range g.initializers {
		c.initializers[r.name(name)] = t
	}
	for _, n := range g.nodes {
		c.nodes = append(c.nodes, r.node(n))
	}
	return c
}
