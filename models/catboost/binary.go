package catboost

import (
	"encoding/json"
	"fmt"
	"math"

	"dsql/models/booster"
	"dsql/models/document"
	"dsql/models/model"
)

// Fields of the tables, by their numbers in the schema.
const (
	coreVersion, coreTrees, coreInfo, coreParts = 0, 1, 2, 3

	treesOutputs, treesSplits, treesSizes, treesStarts = 0, 1, 2, 3
	treesCategories, treesNumbers, treesOneHots        = 4, 5, 6
	treesCTRs, treesLeaves, treesWeights               = 7, 8, 9
	treesSteps, treesNodeLeaves                        = 10, 11
	treesTexts, treesEstimated                         = 12, 13
	treesScale, treesBias, treesBiases, treesEmbedded  = 14, 15, 16, 18

	numberAt, numberFlat, numberBorders, numberName, numberMissing = 1, 2, 3, 4, 5
	categoryAt, categoryFlat, categoryName                         = 0, 1, 2
	oneHotAt, oneHotValues                                         = 0, 1
)

// missingAbove is the treatment of missing values that puts them above all borders.
const missingAbove = 2

// readFlat reads a .cbm.
func (c *content) readFlat(data []byte) error {
	b, err := core(data)
	if err != nil {
		return err
	}
	f := &flat{b: b, left: 2 * len(b)}
	root := f.table(0)
	if v := root.text(coreVersion); f.err == nil && v != "FlabuffersModel_v1" {
		return fmt.Errorf("it is of the version %s, which isn't known", document.Clip(v))
	}
	t := root.table(coreTrees)
	if f.err == nil && t.at == 0 {
		return fmt.Errorf("it has no trees")
	}
	for _, pair := range root.tables(coreInfo) {
		if err := c.info(pair.text(0), pair.text(1)); f.err == nil && err != nil {
			return err
		}
	}
	count := func(k int) int { _, n := t.vector(k, 4); return n }
	switch {
	case count(treesCTRs) > 0:
		return errCTR
	case count(treesTexts)+count(treesEstimated)+count(treesEmbedded) > 0:
		return errTexts
	}
	splits := c.features(t)
	c.outputs = t.int(treesOutputs, 1)
	c.scale = t.double(treesScale, 1)
	if c.bias = t.doubles(treesBiases); len(c.bias) == 0 && t.field(treesBias) != 0 {
		c.bias = []float64{t.double(treesBias, 0)}
	}
	if err = c.flatTrees(t, splits); f.err != nil {
		return f.err
	}
	return err
}

// features reads what the model is given, and gives all splits in the order of their numbers.
func (c *content) features(t table) (splits []split) {
	for _, x := range t.tables(treesNumbers) {
		at := x.int(numberAt, -1)
		c.numbers[at] = number{input{x.text(numberName), x.int(numberFlat, -1)}, x.byte(numberMissing) == missingAbove}
		for _, border := range x.floats(numberBorders) {
			splits = append(splits, split{feature: at, border: border})
		}
	}
	for _, x := range t.tables(treesCategories) {
		c.categories[x.int(categoryAt, -1)] = input{x.text(categoryName), x.int(categoryFlat, -1)}
	}
	for _, x := range t.tables(treesOneHots) {
		for _, v := range x.ints(oneHotValues) {
			splits = append(splits, split{category: true, feature: x.int(oneHotAt, -1), value: v})
		}
	}
	return splits
}

// flatTrees cuts the arrays of all trees into trees.
func (c *content) flatTrees(t table, splits []split) error {
	asked, sizes, starts := t.ints(treesSplits), t.ints(treesSizes), t.ints(treesStarts)
	leaves, weights := t.doubles(treesLeaves), t.doubles(treesWeights)
	steps, _ := t.vector(treesSteps, 4)
	ends := t.ints(treesNodeLeaves)
	if t.f.err != nil {
		return t.f.err
	}
	if len(starts) != len(sizes) || c.outputs < 1 {
		return fmt.Errorf("%d trees begin, and %d have sizes", len(starts), len(sizes))
	}
	left, room := len(asked), 2*len(leaves) // no tree's splits are another's, and hardly a node's leaf
	own := make([]split, len(asked))
	for i, k := range asked {
		if len(ends) > 0 && int(k) < 0 { // a leaf asks nothing
			continue
		}
		if int(k) < 0 || int(k) >= len(splits) {
			return fmt.Errorf("split %d is not among its %d", k, len(splits))
		}
		own[i] = splits[k]
	}
	for i, size := range sizes {
		from := int(starts[i])
		if left -= int(size); size < 0 || left < 0 || from < 0 || from > len(own)-int(size) {
			return fmt.Errorf("tree %d lies outside of its %d splits", i, len(own))
		}
		one := tree{splits: own[from : from+int(size)]}
		if len(ends) == 0 {
			n := c.outputs << min(size, maxDepth)
			if size > maxDepth || n > len(leaves) {
				return fmt.Errorf("tree %d: %w", i, errLeaves)
			}
			one.leaves, leaves = leaves[:n], leaves[n:]
			if n /= c.outputs; n <= len(weights) {
				one.weights, weights = weights[:n], weights[n:]
			}
		} else {
			if err := one.flatNodes(t.f, steps+4*from, ends[min(from, len(ends)):], c.outputs, leaves, weights, room); err != nil {
				return fmt.Errorf("tree %d: %w", i, err)
			}
			room -= len(one.leaves)
		}
		c.trees = append(c.trees, one)
	}
	return nil
}

// flatNodes reads the nodes of a tree that isn't oblivious: how far each one's children are, 0 where there is none; where one is missing,
// the node is a leaf there itself.
func (t *tree) flatNodes(f *flat, at int, ends []int32, outputs int, leaves, weights []float64, room int) error {
	if len(ends) < len(t.splits) || len(t.splits) == 0 {
		return errLeaves
	}
	places := make([]int, len(t.splits)) // of the nodes among those that ask something
	var asked []split
	for i := range t.splits {
		places[i] = -1
		if f.u32(at+4*i) != 0 {
			places[i] = len(asked)
			asked = append(asked, t.splits[i])
		}
	}
	t.nodes = make([]node, 0, len(asked))
	cover := len(weights) == len(leaves)/outputs
	leaf := func(i int) (int, error) {
		from := int(ends[i])
		if from < 0 || from > len(leaves)-outputs || len(t.leaves) > room-outputs {
			return 0, errLeaves
		}
		t.leaves = append(t.leaves, leaves[from:from+outputs]...)
		if cover {
			t.weights = append(t.weights, weights[from/outputs])
		}
		return ^(len(t.leaves)/outputs - 1), nil
	}
	child := func(i, by int) (int, error) {
		if by == 0 {
			return leaf(i)
		}
		if i += by; i >= len(places) {
			return 0, fmt.Errorf("node %d is not among its %d", i, len(places))
		}
		if places[i] < 0 {
			return leaf(i)
		}
		return places[i], nil
	}
	for i := range t.splits {
		if places[i] < 0 {
			continue
		}
		both := f.u32(at + 4*i)
		left, err := child(i, both&math.MaxUint16)
		if err != nil {
			return err
		}
		right, err := child(i, both>>16)
		if err != nil {
			return err
		}
		t.nodes = append(t.nodes, node{left, right})
	}
	if len(t.nodes) == 0 {
		if _, err := leaf(0); err != nil {
			return err
		}
	}
	t.splits = asked
	return nil
}

// info takes one of the notes of a model.
func (c *content) info(key, text string) (err error) {
	switch key {
	case "params":
		err = c.params(&document.JSON{B: []byte(text)})
	case "class_params":
		err = c.readClasses([]byte(text))
	case "binclass_probability_threshold":
		c.threshold, err = margin(text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// params are those of the training; of them the loss is needed.
func (c *content) params(d *document.JSON) error {
	return d.Object(func(key string) error {
		if key != "loss_function" {
			return d.Skip()
		}
		return d.Object(func(key string) (err error) {
			if key != "type" {
				return d.Skip()
			}
			c.loss, err = d.Text()
			return err
		})
	})
}

// readClasses reads what the classes are. Without names they are the numbers that they are in training.
func (c *content) readClasses(text []byte) error {
	var p struct {
		Names []json.RawMessage `json:"class_names"`
		To    []json.RawMessage `json:"class_to_label"`
		Type  string            `json:"class_label_type"`
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	values := p.Names
	if len(values) == 0 {
		values = p.To
	}
	var out booster.Classes
	for _, v := range values {
		var err error
		switch p.Type {
		case "String":
			var s string
			out.Type, err = model.Varchar, json.Unmarshal(v, &s)
			out.Texts = append(out.Texts, s)
		case "Boolean":
			var is bool
			out.Type, err = model.Boolean, json.Unmarshal(v, &is)
			out.Ints = append(out.Ints, map[bool]int64{true: 1}[is])
		case "Float":
			var x float64
			out.Type, err = model.Double, json.Unmarshal(v, &x)
			out.Ints = append(out.Ints, int64(math.Float64bits(x)))
		case "Integer":
			var x float64
			out.Type, err = model.Bigint, json.Unmarshal(v, &x)
			out.Ints = append(out.Ints, int64(x))
		default:
			err = fmt.Errorf("classes of the type %s", document.Clip(p.Type))
		}
		if err != nil {
			return err
		}
	}
	c.classes = out
	return nil
}
