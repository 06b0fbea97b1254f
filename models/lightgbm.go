package models

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"dsql/models/forest"
)

// LightGBM's text format, versions 3 and 4, as GBDT::SaveModelToString and Tree::ToString write it
// (github.com/microsoft/LightGBM, src/boosting/gbdt_model_text.cpp and src/io/tree.cpp): a header of key=value lines,
// a block of such lines for each tree that ends with an empty line, "end of trees", then statistics that don't matter here.

// Bits of decision_type.
const (
	lgbCategorical = 1
	lgbDefaultLeft = 2
	lgbMissing     = 3 << 2 // 0: NaN counts as 0; 1: 0 and NaN are missing; 2: NaN is missing
	lgbMissingZero = 1 << 2
	lgbMissingNaN  = 2 << 2
)

func loadLightGBM(data []byte, opt Options) (*Model, error) {
	if !bytes.Contains(data, lgbEndLine) {
		return nil, fmt.Errorf("LightGBM model: %w", errEndOfTrees)
	}
	p := lgbParser{lines: lines{rest: bytes.TrimLeft(data, " \t\r\n\xef\xbb\xbf")}}
	head, err := p.header()
	if err != nil {
		return nil, fmt.Errorf("LightGBM model: %w", err)
	}
	f := &forest.Forest{Features: len(head.names), Outputs: head.perIteration, Values: forest.LightGBM, Base: make([]float64, head.perIteration)}
	for p.more {
		at := p.line
		t, err := p.tree(f)
		if err != nil {
			return nil, fmt.Errorf("LightGBM model: tree %d (line %d): %w", len(f.Trees), at, err)
		}
		t.Output, t.Width = len(f.Trees)%head.perIteration, 1
		f.Trees = append(f.Trees, t)
	}
	if len(f.Trees)%head.perIteration != 0 {
		return nil, fmt.Errorf("LightGBM model: %d trees are not a multiple of the %d trees an iteration", len(f.Trees), head.perIteration)
	}
	l, err := lgbLink(head, len(f.Trees)/head.perIteration)
	if err != nil {
		return nil, fmt.Errorf("LightGBM model: %w", err)
	}
	s, err := forest.New(f, opt.Kernel)
	if err != nil {
		return nil, fmt.Errorf("LightGBM model: %w", err)
	}
	m := &Model{format: "lightgbm", impl: newBooster(s, l)}
	for _, n := range head.names {
		m.inputs = append(m.inputs, Input{Name: n, Type: Double})
	}
	return m, nil
}

type lgbHeader struct {
	names        []string
	perIteration int
	objective    string
	average      bool
}

// lines cuts a text into lines, without copying it.
type lines struct {
	rest []byte
	line int // number of the line that next gives, from 1, minus 1
}

func (l *lines) next() (line []byte, ok bool) {
	if len(l.rest) == 0 {
		return nil, false
	}
	line = l.rest
	if i := bytes.IndexByte(l.rest, '\n'); i >= 0 {
		line, l.rest = l.rest[:i], l.rest[i+1:]
	} else {
		l.rest = nil
	}
	l.line++
	return bytes.TrimSuffix(line, []byte("\r")), true
}

type lgbParser struct {
	lines
	more bool // the line "Tree=" has been read, its tree has not
}

var (
	errEndOfTrees = errors.New(`the line "end of trees" is missing: the file is cut short`)
	lgbTreeLine   = []byte("Tree=")
	lgbEndLine    = []byte("end of trees")
)

func (p *lgbParser) header() (*lgbHeader, error) {
	h := &lgbHeader{}
	vals := map[string]string{}
	for {
		line, ok := p.next()
		if !ok {
			return nil, errEndOfTrees
		}
		if bytes.HasPrefix(line, lgbTreeLine) {
			p.more = true
			break
		}
		if bytes.Equal(line, lgbEndLine) {
			break
		}
		k, v, _ := strings.Cut(string(line), "=")
		vals[k] = v
	}
	if v := vals["version"]; v != "v3" && v != "v4" {
		return nil, fmt.Errorf("version %q, supported are v3 and v4: load the model in a newer LightGBM and save it again", v)
	}
	number := func(key string, most int) (int, error) {
		v, ok := vals[key]
		if !ok {
			return 0, fmt.Errorf("the header has no %s", key)
		}
		n, err := strconv.Atoi(strings.TrimSpace(v))
		if err != nil || n < 0 || n > most {
			return 0, fmt.Errorf("%s=%s is not a number from 0 to %d", key, clip(v), most)
		}
		return n, nil
	}
	classes, err := number("num_class", forest.MaxOutputs)
	if err != nil {
		return nil, err
	}
	h.perIteration = classes
	if _, ok := vals["num_tree_per_iteration"]; ok {
		if h.perIteration, err = number("num_tree_per_iteration", forest.MaxOutputs); err != nil {
			return nil, err
		}
	}
	if h.perIteration < 1 || h.perIteration != classes {
		return nil, fmt.Errorf("num_class=%d with num_tree_per_iteration=%d", classes, h.perIteration)
	}
	last, err := number("max_feature_idx", math.MaxInt32)
	if err != nil {
		return nil, err
	}
	for _, n := range strings.Split(vals["feature_names"], " ") {
		if n != "" {
			h.names = append(h.names, n)
		}
	}
	if len(h.names) != last+1 {
		return nil, fmt.Errorf("%d feature_names for max_feature_idx=%d", len(h.names), last)
	}
	h.objective = vals["objective"]
	_, h.average = vals["average_output"]
	return h, nil
}

// tree reads the lines of one tree and, on the way to the next, sets more.
func (p *lgbParser) tree(f *forest.Forest) (forest.Tree, error) {
	vals := map[string][]byte{}
	for {
		line, ok := p.next()
		if !ok {
			return forest.Tree{}, errEndOfTrees
		}
		if len(line) == 0 {
			break
		}
		k, v, ok := bytes.Cut(line, []byte("="))
		if !ok {
			return forest.Tree{}, fmt.Errorf("line %d is no key=value: %s", p.line, clip(string(line)))
		}
		vals[string(k)] = v
	}
	for p.more = false; ; {
		line, ok := p.next()
		if !ok {
			return forest.Tree{}, errEndOfTrees
		}
		if bytes.HasPrefix(line, lgbTreeLine) {
			p.more = true
			break
		}
		if bytes.Equal(line, lgbEndLine) {
			break
		}
		if len(line) > 0 {
			return forest.Tree{}, fmt.Errorf("line %d starts no tree: %s", p.line, clip(string(line)))
		}
	}
	return lgbTree(vals, f)
}

func lgbTree(vals map[string][]byte, f *forest.Forest) (forest.Tree, error) {
	var t forest.Tree
	r := lgbFields{vals: vals}
	counts := r.ints("num_leaves", 1)
	if r.err != nil {
		return t, r.err
	}
	leaves := counts[0]
	if v := vals["leaf_value"]; leaves < 1 || leaves > len(v) {
		return t, fmt.Errorf("num_leaves=%d with %d bytes of leaf_value", leaves, len(v))
	}
	t.Leaves = r.floats("leaf_value", leaves)
	if string(vals["is_linear"]) == "1" {
		t.Linear = r.linear(leaves, f.Features)
	}
	if leaves == 1 || r.err != nil {
		return t, r.err
	}
	left, right := r.ints("left_child", leaves-1), r.ints("right_child", leaves-1)
	feature, threshold := r.ints("split_feature", leaves-1), r.floats("threshold", leaves-1)
	decision := make([]int, leaves-1)
	if _, ok := vals["decision_type"]; ok {
		decision = r.ints("decision_type", leaves-1)
	}
	sets := r.sets()
	if r.err != nil {
		return t, r.err
	}
	firstSet := len(f.Sets)
	f.Sets = append(f.Sets, sets...)
	t.Nodes = make([]forest.Node, leaves-1)
	for i := range t.Nodes {
		n := forest.Node{Feature: feature[i], Left: left[i], Right: right[i], Threshold: threshold[i]}
		switch d := decision[i]; {
		case d&lgbCategorical != 0:
			if !(threshold[i] >= 0 && threshold[i] < float64(len(sets))) {
				return t, fmt.Errorf("node %d uses category set %v of %d", i, threshold[i], len(sets))
			}
			n.Test, n.Set, n.Threshold = forest.InSet, firstSet+int(threshold[i]), 0
		case d&lgbMissing == lgbMissingZero:
			n.MissingLeft, n.ZeroMissing = d&lgbDefaultLeft != 0, true
		case d&lgbMissing == lgbMissingNaN:
			n.MissingLeft = d&lgbDefaultLeft != 0
		default:
			n.MissingLeft = 0 <= threshold[i]
		}
		t.Nodes[i] = n
	}
	return t, nil
}

// lgbFields reads the arrays of a tree; the first error stays.
type lgbFields struct {
	vals map[string][]byte
	err  error
}

func (r *lgbFields) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// fields calls each with the n words of a value.
func (r *lgbFields) fields(key string, n int, each func(i int, word string) bool) {
	v, ok := r.vals[key]
	if !ok {
		r.fail("it has no %s", key)
		return
	}
	i := 0
	for word := range strings.FieldsSeq(string(v)) {
		if i < n && !each(i, word) {
			r.fail("%s has the value %s", key, clip(word))
			return
		}
		i++
	}
	if i != n {
		r.fail("%s has %d values instead of %d", key, i, n)
	}
}

func (r *lgbFields) ints(key string, n int) []int {
	out := make([]int, n)
	r.fields(key, n, func(i int, word string) (ok bool) {
		v, err := strconv.ParseInt(word, 10, 33) // cat_threshold is unsigned
		out[i] = int(v)
		return err == nil
	})
	return out
}

func (r *lgbFields) floats(key string, n int) []float64 {
	out := make([]float64, n)
	r.fields(key, n, func(i int, word string) (ok bool) {
		v, err := strconv.ParseFloat(word, 64)
		out[i] = v
		return err == nil || errors.Is(err, strconv.ErrRange)
	})
	return out
}

// sets reads the categorical splits' bit sets.
func (r *lgbFields) sets() []forest.Set {
	counts := r.ints("num_cat", 1)
	if r.err != nil || counts[0] == 0 {
		return nil
	}
	n := counts[0]
	if n < 0 || n > len(r.vals["cat_boundaries"]) {
		r.fail("num_cat=%d with %d bytes of cat_boundaries", n, len(r.vals["cat_boundaries"]))
		return nil
	}
	bounds := r.ints("cat_boundaries", n+1)
	if r.err == nil && (bounds[0] != 0 || bounds[n] < 0 || bounds[n] > len(r.vals["cat_threshold"])) {
		r.fail("cat_boundaries from %d to %d with %d bytes of cat_threshold", bounds[0], bounds[n], len(r.vals["cat_threshold"]))
	}
	if r.err != nil {
		return nil
	}
	words := make([]uint32, bounds[n])
	for i, w := range r.ints("cat_threshold", len(words)) {
		words[i] = uint32(w)
	}
	sets := make([]forest.Set, n)
	for i := range sets {
		if bounds[i] > bounds[i+1] || bounds[i+1] > bounds[n] {
			r.fail("cat_boundaries are not in order")
			return nil
		}
		sets[i] = forest.SetOfBits(words[bounds[i]:bounds[i+1]])
	}
	return sets
}

// linear reads the models in the leaves of a linear tree.
func (r *lgbFields) linear(leaves, features int) []forest.Linear {
	out := make([]forest.Linear, leaves)
	for i, c := range r.floats("leaf_const", leaves) {
		out[i].Const = c
	}
	counts := r.ints("num_features", leaves)
	total := 0
	for _, c := range counts {
		if c < 0 || c > features {
			r.fail("a leaf's model has %d of %d features", c, features)
			return nil
		}
		total += c
	}
	if total > len(r.vals["leaf_features"]) {
		r.fail("num_features promise %d features, leaf_features has %d bytes", total, len(r.vals["leaf_features"]))
	}
	if r.err != nil || total == 0 {
		return out
	}
	ids, coef := r.ints("leaf_features", total), r.floats("leaf_coeff", total)
	for i, c := range counts {
		out[i].Feature, out[i].Coef = ids[:c:c], coef[:c:c]
		ids, coef = ids[c:], coef[c:]
	}
	return out
}

// clip shortens what a file holds for an error message.
func clip(s string) string {
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return strconv.Quote(s)
}
