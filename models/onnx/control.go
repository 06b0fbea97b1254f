package onnx

// Operators that run graphs of their own.

func controlOps(ops operators) {
	ops["If"] = buildIf
	ops["Scan"] = buildScan
}

// inner compiles a graph in an attribute; its inputs get slots.
func inner(n *node, v *compiler, name string) (p *program, inputs []int) {
	a := n.attrs[name]
	if a == nil || a.g == nil {
		fail("it has no %s", name)
	}
	for _, in := range a.g.inputs {
		if _, ok := v.names[in.name]; ok {
			fail("the name %q is used twice", in.name)
		}
		inputs = append(inputs, v.slot(in.name))
	}
	return v.compile(a.g), inputs
}

func buildIf(n *node, v *compiler) kernel {
	yes, _ := inner(n, v, "then_branch")
	no, _ := inner(n, v, "else_branch")
	if len(yes.out) < len(n.out) || len(no.out) < len(n.out) {
		fail("its branches have %d and %d outputs", len(yes.out), len(no.out))
	}
	return func(c *call) {
		t := c.need(0)
		if t.Kind != Bool || t.size() != 1 {
			fail("its condition is %s %v", t.Kind, t.Dims)
		}
		p := no
		if t.I[0] != 0 {
			p = yes
		}
		c.state.run(p.steps, nil)
		for i := range c.step.out {
			r := &c.slots[p.out[i]].Tensor
			c.view(i, r, r.Dims...)
		}
	}
}

// buildScan runs its graph over the elements of the scanned inputs' first axis, forwards, carrying the first values along.
func buildScan(n *node, v *compiler) kernel {
	scanned := int(n.int("num_scan_inputs", 1))
	for _, name := range []string{"scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions"} {
		for _, x := range n.ints(name) {
			if x != 0 {
				fail("%s other than 0 are not supported", name)
			}
		}
	}
	if v.version() < 9 {
		fail("version 8 is not supported")
	}
	carried := len(n.in) - scanned
	p, inputs := inner(n, v, "body")
	if carried < 0 || scanned < 1 || len(inputs) != len(n.in) || len(p.out) < carried || len(p.out) < len(n.out) {
		fail("its graph has %d inputs and %d outputs for %d and %d", len(inputs), len(p.out), len(n.in), len(n.out))
	}
	return func(c *call) {
		count := -1
		for i := range c.step.in {
			t := c.need(i)
			if i < carried {
				c.set(inputs[i], t)
				continue
			}
			if len(t.Dims) == 0 || count >= 0 && t.Dims[0] != count {
				fail("its scanned inputs have different lengths")
			}
			count = t.Dims[0]
		}
		var collected []*Tensor
		for at := range count {
			for i := carried; i < len(c.step.in); i++ {
				c.set(inputs[i], element(c.need(i), at))
			}
			c.state.run(p.steps, nil)
			for i, o := range p.out[carried:] {
				t := &c.slots[o].Tensor
				if at == 0 {
					collected = append(collected, c.out(carried+i, t.Kind, append([]int{count}, t.Dims...)...))
				}
				if collected[i].row() != t.size() || collected[i].Kind != t.Kind {
					fail("its graph makes values of different shapes")
				}
				move(collected[i], at*t.size(), t, 0, t.size())
			}
			for i := range carried {
				c.set(inputs[i], copied(&c.slots[p.out[i]].Tensor))
			}
		}
		for i := range min(carried, len(c.step.out)) {
			t := &c.slots[inputs[i]].Tensor
			c.view(i, t, t.Dims...)
		}
	}
}

// set gives a slot a value that lies elsewhere.
func (c *call) set(slot int, t *Tensor) {
	c.slots[slot].Tensor, c.slots[slot].set = *t, true
}

// element is one element of a tensor's first axis.
func element(t *Tensor, at int) *Tensor {
	n := t.row()
	e := &Tensor{Kind: t.Kind, Dims: t.Dims[1:]}
	switch {
	case t.F != nil:
		e.F = t.F[at*n : at*n+n]
	case t.I != nil:
		e.I = t.I[at*n : at*n+n]
	default:
		e.S = t.S[at*n : at*n+n]
	}
	return e
}

func copied(t *Tensor) *Tensor {
	return &Tensor{Kind: t.Kind, Dims: append([]int(nil), t.Dims...), F: append([]float64(nil), t.F...), I: append([]int64(nil), t.I...),
		S: append([]string(nil), t.S...)}
}
