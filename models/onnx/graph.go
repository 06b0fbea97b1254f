package onnx

import (
	"errors"
	"fmt"
	"runtime"
)

// A graph is compiled into a program: a list of steps, each a kernel that reads some slots and writes others. Nodes whose
// inputs are all known are run at once, so that a program holds only what depends on the rows.

// kernel does a node's work. It stops with fail.
type kernel func(c *call)

// operators makes a node's kernel; the key is the operator's name, with its domain when that is not ai.onnx.
type operators map[string]func(n *node, v *compiler) kernel

type step struct {
	node    *node
	in, out []int // slots; -1: an optional one that is left out
	run     kernel
}

type program struct {
	steps []step
	out   []int
}

// slot holds a value while a program runs, and the memory that it keeps for the next run.
type slot struct {
	Tensor
	set bool
	f   []float64
	i   []int64
	s   []string
}

// state is what one run needs. It is used again by later runs.
type state struct {
	slots []slot
	rows  int
	none  []bool // rows for which the model gives no result
	left  int    // elements that kernels may still make
	at    *step
}

// call is a kernel's view of one execution of its step.
type call struct {
	*state
	step *step
}

// opError is how a kernel stops.
type opError struct{ msg string }

func fail(format string, args ...any) { panic(opError{fmt.Sprintf(format, args...)}) }

// in is an input, nil where it is left out.
func (c *call) in(i int) *Tensor {
	if i >= len(c.step.in) || c.step.in[i] < 0 {
		return nil
	}
	s := &c.slots[c.step.in[i]]
	if !s.set {
		fail("input %d has no value", i+1)
	}
	return &s.Tensor
}

// need is an input that can't be left out.
func (c *call) need(i int) *Tensor {
	t := c.in(i)
	if t == nil {
		fail("it has no input %d", i+1)
	}
	return t
}

// floats is an input of a floating-point kind.
func (c *call) floats(i int) *Tensor {
	t := c.need(i)
	if !t.Kind.isFloat() {
		fail("input %d is of %s, supported are float and double", i+1, t.Kind)
	}
	return t
}

// wanted says whether an output is used by anyone.
func (c *call) wanted(i int) bool { return i < len(c.step.out) && c.step.out[i] >= 0 }

// out makes an output of zeros. It is nobody's but the step's own until the next run; its inputs stay as they are.
func (c *call) out(i int, k Kind, dims ...int) *Tensor {
	n, err := checkDims(dims)
	if err != nil {
		fail("%v", err)
	}
	if c.left -= n + 1; c.left < 0 {
		fail("the graph makes more than %d values in one run", maxElements)
	}
	var s *slot
	if c.wanted(i) {
		s = &c.slots[c.step.out[i]]
	} else {
		s = new(slot)
	}
	s.set = true
	t := &s.Tensor
	t.Kind, t.Dims = k, append(t.Dims[:0], dims...)
	t.F, t.I, t.S = nil, nil, nil
	switch {
	case k.isFloat():
		t.F = again(&s.f, n)
	case k == String:
		t.S = again(&s.s, n)
	default:
		t.I = again(&s.i, n)
	}
	return t
}

func again[T any](buf *[]T, n int) []T {
	if cap(*buf) < n {
		*buf = make([]T, n)
		return *buf
	}
	*buf = (*buf)[:n]
	clear(*buf)
	return *buf
}

// view makes an output that shares an input's elements under other dimensions.
func (c *call) view(i int, t *Tensor, dims ...int) {
	if !c.wanted(i) {
		return
	}
	if elements(dims) != t.size() {
		fail("%v can't be seen as %v", t.Dims, dims)
	}
	s := &c.slots[c.step.out[i]]
	s.set = true
	s.Tensor = Tensor{Kind: t.Kind, Dims: append([]int(nil), dims...), F: t.F, I: t.I, S: t.S}
}

// giveNone notes that the model gives no result for the row that element e of t belongs to.
func (c *call) giveNone(t *Tensor, e int) {
	if r := e / max(1, t.row()); r < len(c.none) && len(t.Dims) > 0 && t.Dims[0] == c.rows {
		c.none[r] = true
	}
}

// run executes steps; only, when not nil, says which.
func (st *state) run(steps []step, only []bool) {
	for i := range steps {
		if only != nil && !only[i] {
			continue
		}
		st.at = &steps[i]
		steps[i].run(&call{state: st, step: &steps[i]})
	}
}

// guard turns a kernel's stop into an error. Operators combine shapes and attributes that a file can set as it likes;
// an index out of range in one of them means that the graph is ill-formed.
func (st *state) guard(err *error) {
	switch r := recover().(type) {
	case nil:
		return
	case opError:
		*err = errors.New(r.msg)
	case runtime.Error:
		*err = fmt.Errorf("its inputs don't fit together (%v)", r)
	default:
		panic(r)
	}
	if st.at != nil {
		*err = fmt.Errorf("operator %s: %w", st.at.node.title(), *err)
	}
}

// compiler collects the slots of a model's graphs. Names are unique among all of them.
type compiler struct {
	opsets map[string]int64
	ops    operators
	names  map[string]int
	slots  []slot // those that are set are constants
	at     *node
	left   int // elements that constants may still have
	kernel string
}

func (v *compiler) slot(name string) int {
	if s, ok := v.names[name]; ok {
		return s
	}
	v.names[name] = len(v.slots)
	v.slots = append(v.slots, slot{})
	return len(v.slots) - 1
}

func (v *compiler) constant(s int, t *Tensor) {
	v.slots[s].Tensor, v.slots[s].set = *t, true
}

// version is the version of ai.onnx that the graph is written in.
func (v *compiler) version() int64 { return v.opsets[""] }

// compile adds a graph's nodes. Its inputs must have slots already. It panics with opError.
func (v *compiler) compile(g *graphProto) *program {
	p := &program{}
	if len(g.nodes) > 1<<20 {
		fail("the graph has %d nodes", len(g.nodes))
	}
	for name, t := range g.initializers {
		if _, ok := v.names[name]; !ok {
			v.constant(v.slot(name), t)
		}
	}
	for _, n := range g.nodes {
		v.at = n
		build, ok := v.ops[key(n.domain, n.op)]
		if !ok {
			v.at = nil // the message names it
			fail("operator %s is not supported", n.title())
		}
		s := step{node: n}
		fixed := true
		for _, name := range n.in {
			at := -1
			if name != "" {
				if at, ok = v.names[name]; !ok {
					fail("operator %s reads %q, which nothing before it makes", n.title(), name)
				}
				fixed = fixed && v.slots[at].set
			}
			s.in = append(s.in, at)
		}
		for _, name := range n.out {
			at := -1
			if name != "" {
				if _, ok := v.names[name]; ok {
					fail("operator %s makes %q a second time", n.title(), name)
				}
				at = v.slot(name)
			}
			s.out = append(s.out, at)
		}
		s.run = build(n, v)
		if !fixed || s.run == nil || n.hasGraph() {
			p.steps = append(p.steps, s)
			continue
		}
		st := state{slots: v.slots, left: v.left, at: &s}
		st.run([]step{s}, nil)
		v.left = st.left
		for _, o := range s.out {
			if o >= 0 { // nothing may write to it any more
				c := &v.slots[o]
				c.f, c.i, c.s = nil, nil, nil
			}
		}
	}
	v.at = nil
	for _, o := range g.outputs {
		s, ok := v.names[o.name]
		if !ok {
			fail("nothing makes the output %q", o.name)
		}
		p.out = append(p.out, s)
	}
	return p
}

// needed marks the steps that a slot's value depends on.
func (p *program) needed(slots ...int) []bool {
	want := map[int]bool{}
	for _, s := range slots {
		want[s] = true
	}
	only := make([]bool, len(p.steps))
	for i := len(p.steps) - 1; i >= 0; i-- {
		s := &p.steps[i]
		for _, o := range s.out {
			only[i] = only[i] || o >= 0 && want[o]
		}
		if !only[i] {
			continue
		}
		for _, in := range s.in {
			want[in] = true
		}
		if s.node.hasGraph() { // what its graphs read from outside is not listed: keep all that stands before
			for k := range i {
				only[k] = true
				for _, in := range p.steps[k].in {
					want[in] = true
				}
			}
		}
	}
	return only
}

// maker is the step that makes a slot's value, nil for inputs and constants.
func (p *program) maker(slot int) *step {
	for i := range p.steps {
		for _, o := range p.steps[i].out {
			if o == slot {
				return &p.steps[i]
			}
		}
	}
	return nil
}
