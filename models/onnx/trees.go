package onnx

import "slices"

// TreeEnsembleClassifier and TreeEnsembleRegressor of ai.onnx.ml. The trees are scored by models/forest; what happens
// to the sums is as onnxruntime has it.

func treeOps(ops operators) {
	ops["ai.onnx.ml.TreeEnsembleClassifier"] = func(n *node, v *compiler) kernel { return treeClassifier(n, v.kernel) }
	ops["ai.onnx.ml.TreeEnsembleRegressor"] = func(n *node, v *compiler) kernel { return treeRegressor(n, v.kernel) }
}

// treeRegressor sums, averages or takes the extreme of its trees' values.
func treeRegressor(n *node, scoring string) kernel {
	k, p, base := int(n.int("n_targets", 1)), postOf(n), n.numbers("base_values")
	aggregate := n.text("aggregate_function", "SUM")
	apart := false
	switch aggregate {
	case "SUM", "AVERAGE":
	case "MIN", "MAX":
		if apart = true; k != 1 {
			fail("the aggregate_function %s of %d targets is not supported", aggregate, k)
		}
	default:
		fail("the aggregate_function %q is unknown", aggregate)
	}
	e := ensembleOf(n, "target", k, apart, scoring)
	return func(c *call) {
		kind := c.need(0).Kind
		v, rows := e.sums(c)
		s := e.scorer(kind)
		round := f32
		if kind == Double {
			round = func(x float64) float64 { return x }
		}
		o := c.out(0, Float, rows, k)
		for r := range rows {
			row := v[r*s.Outputs() : (r+1)*s.Outputs()]
			switch aggregate {
			case "MIN":
				row[0] = slices.Min(row)
			case "MAX":
				row[0] = slices.Max(row)
			case "AVERAGE":
				for i := range row {
					row[i] = round(row[i] / float64(s.Trees()))
				}
			}
			row = row[:k]
			if len(base) == k {
				for i, b := range base {
					row[i] = round(row[i] + b)
				}
			}
			p.apply(row, -1, o.F[r*k:r*k+k])
		}
		o.Kind.round(o.F)
	}
}

// treeClassifier: weights of one class out of two are of the positive one, and both scores are made of its score.
func treeClassifier(n *node, scoring string) kernel {
	labels, p, base := classesOf(n), postOf(n), n.numbers("base_values")
	k := labels.len()
	e := ensembleOf(n, "class", k, false, scoring)
	has, positive := make([]bool, k), true
	for i, w := range n.numbers("class_weights") {
		if id := n.ints("class_ids")[i]; id >= 0 && id < int64(k) {
			has[id] = true
		}
		positive = positive && w >= 0
	}
	if len(base) > max(k, 1) {
		fail("it has %d base_values for %d classes", len(base), k)
	}
	m := binaryTrees{base: base, binary: k == 2 && has[0] != has[1], positive: positive, logistic: p == "LOGISTIC"}
	if k == 2 {
		m.has = [2]bool{has[0], has[1]}
	}
	if !m.binary && k <= 2 { // onnxruntime then gives the numbers 1 and 0, whatever the labels
		if labels.ints != nil {
			labels.ints = []int64{0, 1}
		}
	}
	return func(c *call) {
		v, rows := e.sums(c)
		set := labels.output(c, rows)
		o := c.out(1, Float, rows, k)
		room := make([]float64, max(2, k))
		for r := range rows {
			row := v[r*k : r*k+k]
			if k > 2 {
				set(r, m.many(row, has))
				p.apply(row, -1, o.F[r*k:r*k+k])
				continue
			}
			scores, class, second := m.few(row)
			set(r, class)
			p.apply(scores, second, room)
			copy(o.F[r*k:r*k+k], room)
		}
		o.Kind.round(o.F)
	}
}

type binaryTrees struct {
	base     []float64
	has      [2]bool // a leaf has a weight for the class
	binary   bool    // two classes, weights for one of them
	positive bool    // no weight is negative
	logistic bool    // the score is a log-odds, whatever the signs of its weights
}

// many adds the base and picks the class with the largest score.
func (m *binaryTrees) many(row []float64, has []bool) int {
	best := -1
	for i := range row {
		if i < len(m.base) {
			row[i] = f32(row[i] + m.base[i])
		} else if !has[i] {
			continue
		}
		if best < 0 || row[i] > row[best] {
			best = i
		}
	}
	return max(best, 0)
}

// few is for one or two classes: the scores, the class, and how a single score becomes two (see post).
func (m *binaryTrees) few(row []float64) (scores []float64, class, second int) {
	second = -1
	has0, has1 := m.has[0], m.has[1]
	scores = row
	switch {
	case len(row) == 1:
		has0 = true
		if len(m.base) == 1 {
			row[0] = f32(row[0] + m.base[0])
		}
	case len(m.base) == 2 && has1:
		row[1] = f32(m.base[1] + row[0])
		row[0] = -row[1]
	case len(m.base) == 2:
		row[0], row[1] = f32(row[0]+m.base[0]), f32(row[1]+m.base[1])
	default:
		if len(m.base) == 1 {
			row[0] = f32(row[0] + m.base[0])
		} else {
			second = 2
		}
		if !has1 {
			scores = row[:1]
		}
	}
	weight := 0.0
	switch {
	case len(scores) == 2 && has1:
		weight = scores[1]
	case has0:
		weight = scores[0]
	}
	for i := range scores {
		if len(scores) == 2 && !m.has[i] { // a base value alone is no score
			scores[i] = 0
		}
	}
	limit := 0.0
	if m.binary {
		second = 2
		if m.positive {
			limit = 0.5
		}
		if m.positive && !m.logistic {
			second = 0
		}
	}
	return scores, int(truth(weight > limit)), second
}
