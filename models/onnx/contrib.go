package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"dsql/models/batch"
	"dsql/models/forest"
)

// What each input adds to the scores of a graph's trees, and the leaves that a row reaches: of a graph that is one ensemble of trees on the
// model's inputs as they are, in any order and precision. The hit rates of its nodes say how many training rows each had.

// explained is what is known of such a graph; why it isn't stands in contrib and leaf.
type explained struct {
	contrib, leaf error
	node          *node
	classifier    bool
	steps         []step
	only          []bool
	slot          int   // the ensemble's matrix
	inputs        []int // its columns' inputs
	outputs       int   // blocks of contributions
	output        int   // the forest's first output of them
	scale         float64
	base          []float64
	build         func(forest.Values) (*forest.Scorer, error)
	once          [2]func() (*forest.Scorer, error) // for float, for double
}

// explain finds the graph's trees and what they look at; want is the output that they are to be made ready for.
func (m *Model) explain(prog *program, v *compiler, want Output) (err error) {
	e := &m.explained
	defer func() { // a kernel's stop
		if r := recover(); r != nil {
			stop, ok := r.(opError)
			if !ok {
				panic(r)
			}
			e.contrib = errors.New(stop.msg)
		}
		if e.leaf == nil && e.node == nil {
			e.leaf = e.contrib
		}
		if lacks := map[Output]error{Contrib: e.contrib, Leaf: e.leaf}[want]; lacks == nil && (want == Contrib || want == Leaf) {
			if _, err = e.once[0](); err != nil && want == Contrib {
				e.contrib, err = err, nil
			}
		}
	}()
	res := &m.results[Prediction]
	if res.steps == nil {
		res = &m.results[Label]
	}
	s := prog.scores(res.slot)
	if s != nil && s.node.is("ai.onnx.ml.TreeEnsemble") {
		fail("a TreeEnsemble of ai.onnx.ml 5 has neither hit rates nor numbers for its leaves")
	}
	if s == nil || !s.node.is("ai.onnx.ml.TreeEnsembleClassifier ai.onnx.ml.TreeEnsembleRegressor") {
		fail("what it gives isn't made by an ensemble of trees")
	}
	e.inputs = m.columnsOf(prog, s.in[0])
	e.steps, e.only, e.slot = prog.steps, prog.needed(s.in[0]), s.in[0]
	e.node, e.scale = s.node, 1
	prefix := "target"
	if e.classifier = s.node.is("ai.onnx.ml.TreeEnsembleClassifier"); e.classifier {
		prefix = "class"
		e.classes(s.node)
	} else {
		e.targets(s.node)
	}
	outputs := e.output + e.outputs
	if e.classifier {
		outputs = classesOf(s.node).len()
	}
	e.build = func(k forest.Values) (s *forest.Scorer, err error) {
		st := state{}
		defer st.guard(&err)
		f := forestOf(e.node, prefix, outputs, false, k)
		if s, err = forest.New(f, v.kernel); err == nil {
			err = s.Ready(f, want == Contrib, want == Leaf)
		}
		return s, err
	}
	for i, k := range [...]forest.Values{forest.Single, forest.Double} {
		e.once[i] = sync.OnceValues(func() (*forest.Scorer, error) { return e.build(k) })
	}
	if rates := e.node.numbers("nodes_hitrates"); e.contrib == nil && !differ(rates) {
		e.contrib = errors.New("its nodes' hit rates (nodes_hitrates) don't differ: how many training rows each had isn't known")
	}
	return nil
}

func differ(x []float64) bool {
	return len(x) > 0 && slices.ContainsFunc(x, func(y float64) bool { return y != x[0] })
}

// classes says which of the forest's outputs are scores: of two classes with weights for one, that one.
func (e *explained) classes(n *node) {
	k := classesOf(n).len()
	e.outputs, e.base = k, make([]float64, k)
	base := n.numbers("base_values")
	ids := n.ints("class_ids")
	if k == 2 && len(ids) > 0 && !slices.ContainsFunc(ids, func(id int64) bool { return id != ids[0] }) {
		e.outputs, e.output, e.base = 1, int(ids[0]), []float64{0}
		if len(base) > 0 {
			e.base[0] = base[len(base)-1]
		}
		return
	}
	copy(e.base, base)
}

func (e *explained) targets(n *node) {
	e.outputs = int(n.int("n_targets", 1))
	e.base = make([]float64, e.outputs)
	if base := n.numbers("base_values"); len(base) == e.outputs {
		copy(e.base, base)
	}
	switch a := n.text("aggregate_function", "SUM"); a {
	case "SUM":
	case "AVERAGE":
		e.scale = 1 / float64(treeCount(n))
	default:
		e.contrib = fmt.Errorf("what an input adds isn't defined where one tree decides (aggregate_function %s)", a)
	}
}

// scores is the operator whose transform makes a slot's value: it gives scores.
func (p *program) scores(slot int) *step {
	for {
		s := p.maker(slot)
		if s == nil || !s.node.is("Identity Cast ai.onnx.ml.ZipMap ai.onnx.ml.Normalizer Reshape") {
			return s
		}
		slot = s.in[0]
	}
}

// columnsOf are the inputs that a matrix has side by side. It fails where its columns are made of them in another way.
func (m *Model) columnsOf(prog *program, slot int) (cols []int) {
	at := 0
	for _, f := range m.feeds {
		if f.slot == slot && f.kind != String {
			for k := range f.width {
				cols = append(cols, at+k)
			}
			return cols
		}
		at += f.width
	}
	s := prog.maker(slot)
	switch {
	case s == nil:
	case s.node.is("Identity Cast"):
		return m.columnsOf(prog, s.in[0])
	case s.node.is("Concat") && (s.node.int("axis", 0) == 1 || s.node.int("axis", 0) == -1), s.node.is("ai.onnx.ml.FeatureVectorizer"):
		for _, in := range s.in {
			cols = append(cols, m.columnsOf(prog, in)...)
		}
		return cols
	default:
		fail("its trees look at what the operator %s makes of its inputs", s.node.title())
	}
	fail("its trees don't look at its inputs alone")
	return nil
}

// Lacks is why the graph has no contributions or leaves.
func (m *Model) Lacks(o Output) error {
	switch o {
	case Contrib:
		return m.explained.contrib
	case Leaf:
		return m.explained.leaf
	}
	return nil
}

// matrix runs what stands before the trees for a chunk of rows, and gives the scorer for it and its columns.
func (m *Model) matrix(st *state, cols []batch.Column, from, rows int) (s *forest.Scorer, out []batch.Column, err error) {
	e := &m.explained
	if err = m.run(st, &result{steps: e.steps, only: e.only}, cols, from, rows); err != nil {
		return nil, nil, err
	}
	t := &st.slots[e.slot].Tensor
	if t.Kind == Double {
		s, err = e.once[1]()
	} else {
		s, err = e.once[0]()
	}
	if err != nil {
		return nil, nil, err
	}
	if t.size() != rows*len(e.inputs) || s.Features() > len(e.inputs) {
		return nil, nil, fmt.Errorf("its trees look at %d inputs, and there are %d", s.Features(), t.size()/max(1, rows))
	}
	values := t.F
	if values == nil {
		values = asFloats(t)
	}
	for i := range s.Features() {
		out = append(out, batch.Column{Values: &values[i], Stride: len(e.inputs)})
	}
	return s, out, nil
}

// pieces calls use for chunks of rows.
func (m *Model) pieces(n int, none []bool, use func(st *state, from, rows int) error) error {
	chunk := chunkRows
	if m.single {
		chunk = 1
	}
	st := m.pool.Get()
	for from := 0; from < n; from += chunk {
		rows := min(chunk, n-from)
		if err := use(st, from, rows); err != nil {
			return err
		}
		if none != nil {
			copy(none[from:], st.none)
		}
	}
	m.pool.Put(st)
	return nil
}

// Contributions writes what each input adds to each score, and last the base, into out, row by row.
func (m *Model) Contributions(cols []batch.Column, n int, out []float64, none []bool) error {
	e := &m.explained
	width := len(m.inputs) + 1
	clear(out)
	var values []float64
	return m.pieces(n, none, func(st *state, from, rows int) error {
		s, x, err := m.matrix(st, cols, from, rows)
		if err != nil {
			return err
		}
		own := s.Features() + 1
		values = append(values[:0], make([]float64, rows*s.Outputs()*own)...)
		if err := s.Contributions(x, rows, values); err != nil {
			return err
		}
		for r := range rows {
			for o := range e.outputs {
				v := values[(r*s.Outputs()+e.output+o)*own:][:own]
				row := out[((from+r)*e.outputs+o)*width:][:width]
				for i, in := range e.inputs[:own-1] {
					row[in] += v[i] * e.scale
				}
				if row[width-1] = v[own-1]*e.scale + e.base[o]; st.none[r] {
					for i := range row {
						row[i] = math.NaN()
					}
				}
			}
		}
		return nil
	})
}

// Leaves writes the leaf of each tree, by its node's number, into out, row by row.
func (m *Model) Leaves(cols []batch.Column, n int, out []int32, none []bool) error {
	return m.pieces(n, none, func(st *state, from, rows int) error {
		s, x, err := m.matrix(st, cols, from, rows)
		if err != nil {
			return err
		}
		return s.Leaves(x, rows, out[from*s.Trees():])
	})
}
