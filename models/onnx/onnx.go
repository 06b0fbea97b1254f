// Package onnx runs ONNX graphs of classical models (github.com/onnx/onnx): linear models, trees, support vectors,
// small networks and the steps before them, as the converters of scikit-learn, LightGBM and XGBoost write them.
//
// It owns the file format, the operators and the choice of a graph's outputs. It computes in float64 and rounds to
// float32 where a tensor is of that kind, so that results agree with onnxruntime's within float32's precision.
package onnx

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"dsql/models/batch"
)

// Input is a column that the model takes.
type Input struct {
	Name string
	Text bool // strings, else numbers
}

// Output is a result of a graph.
type Output uint8

const (
	Prediction Output = iota // the first floating-point output
	Raw                      // the scores that the prediction's last operator transforms
	Label                    // the first output of integers or strings
	Contrib                  // what each input adds to the scores of trees
	Leaf                     // the leaf of each tree
)

// Model is a graph made ready. It is immutable and safe from many goroutines.
type Model struct {
	inputs  []Input
	feeds   []feed
	slots   []slot // those that are set are constants
	results [3]result
	single  bool // the graph takes one row at a time
	trees   int
	pool    *batch.Pool[state]

	explained explained
}

// result is how one output is computed. Without steps it is not available.
type result struct {
	steps []step
	only  []bool
	slot  int
	width int
	kind  Kind
}

const chunkRows = 256 // rows run together: the graph's tensors stay small

// Load reads an ONNX file. features is the number of columns of an input whose width the file leaves open, 0: not known;
// kernel is how trees are scored, as forest.New takes it; want is an output that takes tables of its own: Contrib or Leaf.
func Load(data []byte, features int, kernel string, want Output) (m *Model, err error) {
	p, err := parseModel(data)
	if err != nil {
		return nil, err
	}
	if p.graph == nil {
		return nil, errors.New("it has no graph")
	}
	if err := p.inline(); err != nil {
		return nil, err
	}
	v := &compiler{opsets: p.opsets, ops: allOperators(), names: map[string]int{}, left: maxElements / 4, kernel: kernel}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case opError:
			err = errors.New(r.msg)
			if v.at != nil {
				err = fmt.Errorf("operator %s: %s", v.at.title(), r.msg)
			}
		case runtime.Error:
			if v.at == nil {
				panic(r)
			}
			err = fmt.Errorf("operator %s: its attributes don't fit together (%v)", v.at.title(), r)
		default:
			panic(r)
		}
	}()
	m = &Model{}
	m.addInputs(p.graph, v, features)
	prog := v.compile(p.graph)
	m.slots = v.slots
	for _, s := range prog.steps {
		if s.node.is("ai.onnx.ml.TreeEnsembleClassifier ai.onnx.ml.TreeEnsembleRegressor") {
			m.trees += treeCount(s.node)
		}
		if s.node.is("ai.onnx.ml.TreeEnsemble") {
			m.trees += len(s.node.ints("tree_roots"))
		}
	}
	m.pool = batch.NewPool(func() *state {
		st := &state{slots: make([]slot, len(m.slots))}
		copy(st.slots, m.slots)
		return st
	})
	if err := m.choose(p.graph, prog, v); err != nil {
		return nil, err
	}
	return m, m.explain(prog, v, want)
}

var allOperators = sync.OnceValue(func() operators {
	ops := operators{}
	elementwiseOps(ops)
	shapeOps(ops)
	linearOps(ops)
	normalizeOps(ops)
	activationOps(ops)
	windowOps(ops)
	quantizeOps(ops)
	textOps(ops)
	ensembleOps(ops)
	preprocessOps(ops)
	classifyOps(ops)
	svmOps(ops)
	treeOps(ops)
	controlOps(ops)
	return ops
})

// Inputs are the model's columns, in the order of the graph's inputs.
func (m *Model) Inputs() []Input { return m.inputs }

// Trees is the number of trees in the graph's ensembles.
func (m *Model) Trees() int { return m.trees }

// Width is the number of values a row of an output, 0 where the graph has none.
func (m *Model) Width(o Output) int {
	switch o {
	case Contrib:
		return m.explained.outputs * (len(m.inputs) + 1)
	case Leaf:
		return m.trees
	}
	return m.results[o].width
}

// TextLabels says whether labels are strings.
func (m *Model) TextLabels() bool { return m.results[Label].kind == String }

func treeCount(n *node) int {
	seen := map[int64]bool{}
	for _, t := range n.ints("nodes_treeids") {
		seen[t] = true
	}
	return len(seen)
}

// choose picks the outputs by what a trial run with rows of zeros makes of them.
func (m *Model) choose(g *graphProto, prog *program, v *compiler) error {
	rows := 3
	if m.single {
		rows = 1
	}
	st := m.pool.Get()
	if err := m.trial(st, prog.steps, rows); err != nil {
		return err
	}
	for i, s := range prog.out {
		t := &st.slots[s].Tensor
		if !st.slots[s].set {
			return fmt.Errorf("nothing makes the output %q", g.outputs[i].name)
		}
		o := Prediction
		if !t.Kind.isFloat() {
			o = Label
		}
		width := t.size() / rows
		if m.results[o].steps != nil || width*rows != t.size() || width == 0 || o == Label && width != 1 {
			continue
		}
		m.results[o] = result{steps: prog.steps, only: prog.needed(s), slot: s, width: width, kind: t.Kind}
		if o == Prediction {
			m.raw(prog, s, v)
		}
	}
	if m.results[Raw].steps != nil {
		r := &m.results[Raw]
		if err := m.trial(st, r.steps, rows); err != nil {
			return err
		}
		r.width = st.slots[r.slot].size() / rows
	}
	if m.results[Prediction].steps == nil && m.results[Label].steps == nil {
		return errors.New("none of its outputs has a number, text or list for each row")
	}
	return nil
}

// raw finds the operator whose transform makes the prediction, and has it done without.
func (m *Model) raw(prog *program, slot int, v *compiler) {
	s := prog.scores(slot)
	if s == nil || !s.node.is("ai.onnx.ml.TreeEnsembleClassifier ai.onnx.ml.LinearClassifier ai.onnx.ml.SVMClassifier "+
		"ai.onnx.ml.TreeEnsembleRegressor ai.onnx.ml.LinearRegressor ai.onnx.ml.TreeEnsemble") {
		return
	}
	for slot = m.results[Prediction].slot; prog.maker(slot) != s; {
		slot = prog.maker(slot).in[0]
	}
	plain := *s.node
	plain.attrs = map[string]*attribute{}
	for k, a := range s.node.attrs {
		if k != "post_transform" {
			plain.attrs[k] = a
		}
	}
	steps := append([]step(nil), prog.steps...)
	for i := range steps {
		if &prog.steps[i] == s {
			steps[i].node, steps[i].run = &plain, allOperators()[key(plain.domain, plain.op)](&plain, v)
		}
	}
	m.results[Raw] = result{steps: steps, only: prog.needed(slot), slot: slot, kind: Float}
}

func (m *Model) trial(st *state, steps []step, rows int) (err error) {
	defer st.guard(&err)
	st.begin(rows)
	st.left = maxElements / 4
	for _, f := range m.feeds {
		f.make(st, rows)
	}
	st.run(steps, nil)
	return nil
}

func (st *state) begin(rows int) {
	st.rows, st.left, st.at = rows, maxElements, nil
	st.none = append(st.none[:0], make([]bool, rows)...)
}

// Score writes a Prediction or Raw output of n rows into out. Where the model gives none, NaN stands there, and none[r] is
// set; none may be nil.
func (m *Model) Score(o Output, cols []batch.Column, n int, out []float64, none []bool) error {
	w := m.results[o].width
	return m.each(o, cols, n, func(st *state, t *Tensor, from, rows int) {
		copy(out[from*w:], t.F)
		if t.Kind == Float16 {
			for i, x := range t.F {
				out[from*w+i] = half(x)
			}
		}
		if none != nil {
			copy(none[from:], st.none)
		}
		for r, gone := range st.none {
			if gone {
				for k := range w {
					out[(from+r)*w+k] = math.NaN()
				}
			}
		}
	})
}

// Labels writes the labels of n rows into ints or text, and into none, which may be nil, whether the model gives none.
func (m *Model) Labels(cols []batch.Column, n int, ints []int64, text []string, none []bool) error {
	return m.each(Label, cols, n, func(st *state, t *Tensor, from, rows int) {
		if none != nil {
			copy(none[from:], st.none)
		}
		if t.Kind == String {
			copy(text[from:], t.S)
		} else {
			copy(ints[from:], t.I)
		}
	})
}

// each runs an output's steps for chunks of rows.
func (m *Model) each(o Output, cols []batch.Column, n int, use func(st *state, t *Tensor, from, rows int)) error {
	res := &m.results[o]
	if res.steps == nil {
		return errors.New("the graph has no such output")
	}
	chunk := chunkRows
	if m.single {
		chunk = 1
	}
	st := m.pool.Get()
	for from := 0; from < n; from += chunk {
		rows := min(chunk, n-from)
		if err := m.run(st, res, cols, from, rows); err != nil {
			return err
		}
		t := &st.slots[res.slot].Tensor
		if t.Kind != res.kind || t.size() != rows*res.width {
			return fmt.Errorf("its output has the shape %v for %d rows", t.Dims, rows)
		}
		use(st, t, from, rows)
	}
	m.pool.Put(st)
	return nil
}

func (m *Model) run(st *state, res *result, cols []batch.Column, from, rows int) (err error) {
	defer st.guard(&err)
	st.begin(rows)
	for _, f := range m.feeds {
		f.fill(st, cols[:f.width], from, rows)
		cols = cols[f.width:]
	}
	st.run(res.steps, res.only)
	return nil
}
