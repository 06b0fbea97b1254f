package catboost

import (
	"errors"
	"fmt"

	"dsql/models/document"
)

// readJSON reads what save_model(…, format='json') writes.
func (c *content) readJSON(d *document.JSON) error {
	seen := false
	err := d.Object(func(key string) (err error) {
		switch key {
		case "ctr_data":
			return errCTR
		case "features_info":
			seen = true
			err = c.jsonFeatures(d)
		case "model_info":
			err = c.jsonInfo(d)
		case "oblivious_trees":
			err = d.Array(func() error { return c.jsonOblivious(d) })
		case "trees":
			err = d.Array(func() error {
				t := tree{nodes: []node{}}
				_, err := c.jsonNode(d, &t)
				c.trees = append(c.trees, t)
				return err
			})
		case "scale_and_bias":
			err = c.jsonScale(d)
		default:
			err = d.Skip()
		}
		if err != nil && !errors.Is(err, document.ErrCut) {
			return fmt.Errorf("%s: %w", key, err)
		}
		return err
	})
	if err == nil && !seen {
		err = fmt.Errorf("it has no features_info")
	}
	return err
}

// jsonScale reads the scale and the bias, or one for each output: as many as there are tell their number, which nothing else does.
func (c *content) jsonScale(d *document.JSON) error {
	first := true
	return d.Array(func() (err error) {
		if first {
			first = false
			c.scale, err = d.Number()
			return err
		}
		c.bias, err = numbersOrOne(d)
		c.outputs = len(c.bias)
		return err
	})
}

// numbersOrOne reads an array of numbers, or one that stands alone.
func numbersOrOne(d *document.JSON) ([]float64, error) {
	if d.Next() == '[' {
		return d.Numbers()
	}
	x, err := d.Number()
	return []float64{x}, err
}

func (c *content) jsonFeatures(d *document.JSON) error {
	return d.Object(func(key string) error {
		switch key {
		case "float_features":
			return d.Array(func() error { return c.jsonNumber(d) })
		case "categorical_features":
			return d.Array(func() error { return c.jsonCategory(d) })
		case "ctrs":
			return errCTR
		case "text_features", "embedding_features", "estimated_features":
			return errTexts
		}
		return d.Skip()
	})
}

func (c *content) jsonNumber(d *document.JSON) error {
	x, at := number{input: input{at: -1}}, -1
	err := d.Object(func(key string) (err error) {
		var treatment string
		switch key {
		case "nan_value_treatment":
			treatment, err = d.Text()
			x.missing = treatment == "AsTrue"
		case "feature_index":
			at, err = d.Int()
		default:
			err = x.read(d, key)
		}
		return err
	})
	c.numbers[at] = x
	return err
}

func (c *content) jsonCategory(d *document.JSON) error {
	x, at := input{at: -1}, -1
	err := d.Object(func(key string) (err error) {
		if key == "feature_index" {
			at, err = d.Int()
			return err
		}
		return x.read(d, key)
	})
	c.categories[at] = x
	return err
}

// read reads what features of all kinds have.
func (x *input) read(d *document.JSON, key string) (err error) {
	switch key {
	case "flat_feature_index":
		x.at, err = d.Int()
	case "feature_name":
		x.name, err = d.Text()
	default:
		err = d.Skip()
	}
	return err
}

func (c *content) jsonInfo(d *document.JSON) error {
	return d.Object(func(key string) error {
		switch key {
		case "params", "class_params":
			raw, err := d.Raw()
			if err != nil {
				return err
			}
			return c.info(key, string(raw))
		case "binclass_probability_threshold":
			text, err := d.Text()
			if err != nil {
				return err
			}
			return c.info(key, text)
		}
		return d.Skip()
	})
}

func (c *content) jsonOblivious(d *document.JSON) error {
	var t tree
	err := d.Object(func(key string) (err error) {
		switch key {
		case "leaf_values":
			t.leaves, err = d.Numbers()
		case "leaf_weights":
			t.weights, err = d.Numbers()
		case "splits":
			if d.Next() != '[' { // null: a tree of one leaf
				return d.Skip()
			}
			err = d.Array(func() error {
				s, err := jsonSplit(d)
				t.splits = append(t.splits, s)
				return err
			})
		default:
			err = d.Skip()
		}
		return err
	})
	c.trees = append(c.trees, t)
	return err
}

func jsonSplit(d *document.JSON) (s split, err error) {
	s.feature = -1
	err = d.Object(func(key string) (err error) {
		var kind string
		switch key {
		case "split_type":
			switch kind, err = d.Text(); kind {
			case "OneHotFeature":
				s.category = true
			case "FloatFeature":
			case "OnlineCtr":
				return errCTR
			default:
				return errTexts
			}
		case "float_feature_index", "cat_feature_index":
			s.feature, err = d.Int()
		case "border":
			s.border, err = d.Float()
		case "value":
			var x int
			x, err = d.Int()
			s.value = int32(uint32(x))
		default:
			err = d.Skip()
		}
		return err
	})
	return s, err
}

// jsonNode reads a node with all below it, and gives its number in the tree, or ^ of the leaf's.
func (c *content) jsonNode(d *document.JSON, t *tree) (int, error) {
	at := len(t.nodes)
	var values []float64
	weight, inner := 0.0, false
	grow := func() {
		if !inner {
			inner = true
			t.nodes, t.splits = append(t.nodes, node{}), append(t.splits, split{})
		}
	}
	err := d.Object(func(key string) (err error) {
		var child int
		switch key {
		case "left", "right":
			grow()
			if child, err = c.jsonNode(d, t); key == "left" {
				t.nodes[at].left = child
			} else {
				t.nodes[at].right = child
			}
		case "split":
			grow()
			t.splits[at], err = jsonSplit(d)
		case "value":
			values, err = numbersOrOne(d)
		case "weight":
			weight, err = d.Number()
		default:
			err = d.Skip()
		}
		return err
	})
	if err != nil || inner {
		return at, err
	}
	if len(values) == 0 || len(t.weights) > 0 && len(values) != len(t.leaves)/len(t.weights) {
		return 0, fmt.Errorf("a leaf has %d values", len(values))
	}
	t.leaves, t.weights = append(t.leaves, values...), append(t.weights, weight)
	return ^(len(t.weights) - 1), nil
}
