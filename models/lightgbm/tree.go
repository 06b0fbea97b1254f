package lightgbm

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"dsql/models/document"
	"dsql/models/forest"
)

func tree(vals map[string][]byte, f *forest.Forest, counts bool) (forest.Tree, error) {
	var t forest.Tree
	r := fields{vals: vals}
	size := r.ints("num_leaves", 1)
	if r.err != nil {
		return t, r.err
	}
	leaves := size[0]
	if v := vals["leaf_value"]; leaves < 1 || leaves > len(v) {
		return t, fmt.Errorf("num_leaves=%d with %d bytes of leaf_value", leaves, len(v))
	}
	t.Leaves = r.floats("leaf_value", leaves)
	if string(vals["is_linear"]) == "1" {
		t.Linear = r.linear(leaves, f.Features)
		f.Unexplained = "what an input adds isn't defined for linear trees (linear_tree)"
	}
	if leaves == 1 || r.err != nil {
		return t, r.err
	}
	switch had := vals["internal_count"] != nil && vals["leaf_count"] != nil; {
	case f.Unexplained != "":
	case !had:
		f.Unexplained = "its file doesn't say how many training rows each node had (internal_count, leaf_count)"
	case counts:
		t.Cover, t.LeafCover = r.floats("internal_count", leaves-1), r.floats("leaf_count", leaves)
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
		case d&categorical != 0:
			if !(threshold[i] >= 0 && threshold[i] < float64(len(sets))) {
				return t, fmt.Errorf("node %d uses category set %v of %d", i, threshold[i], len(sets))
			}
			n.Test, n.Set, n.Threshold = forest.InSet, firstSet+int(threshold[i]), 0
		case d&missing == missingZero:
			n.MissingLeft, n.ZeroMissing = d&defaultLeft != 0, true
		case d&missing == missingNaN:
			n.MissingLeft = d&defaultLeft != 0
		default:
			n.MissingLeft = 0 <= threshold[i]
		}
		t.Nodes[i] = n
	}
	return t, nil
}

// fields reads the arrays of a tree; the first error stays.
type fields struct {
	vals map[string][]byte
	err  error
}

func (r *fields) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// fields calls each with the n words of a value.
func (r *fields) fields(key string, n int, each func(i int, word string) bool) {
	v, ok := r.vals[key]
	if !ok {
		r.fail("it has no %s", key)
		return
	}
	i := 0
	for word := range strings.FieldsSeq(string(v)) {
		if i < n && !each(i, word) {
			r.fail("%s has the value %s", key, document.Clip(word))
			return
		}
		i++
	}
	if i != n {
		r.fail("%s has %d values instead of %d", key, i, n)
	}
}

func (r *fields) ints(key string, n int) []int {
	out := make([]int, n)
	r.fields(key, n, func(i int, word string) (ok bool) {
		v, err := strconv.ParseInt(word, 10, 33) // cat_threshold is unsigned
		out[i] = int(v)
		return err == nil
	})
	return out
}

func (r *fields) floats(key string, n int) []float64 {
	out := make([]float64, n)
	r.fields(key, n, func(i int, word string) (ok bool) {
		v, err := strconv.ParseFloat(word, 64)
		if err != nil && isNaN(word) {
			v, err = math.NaN(), nil
		}
		out[i] = v
		return err == nil || errors.Is(err, strconv.ErrRange)
	})
	return out
}

// isNaN: C libraries write it as nan, -nan or -nan(ind).
func isNaN(word string) bool {
	word, _, _ = strings.Cut(strings.TrimPrefix(strings.ToLower(word), "-"), "(")
	return word == "nan"
}

// sets reads the categorical splits' bit sets.
func (r *fields) sets() []forest.Set {
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
func (r *fields) linear(leaves, features int) []forest.Linear {
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
