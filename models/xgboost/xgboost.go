// Package xgboost reads XGBoost's models, as JSON or UBJSON: trees and linear boosters, objectives, and categories.
package xgboost

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"dsql/models/batch"
	"dsql/models/booster"
	"dsql/models/document"
	"dsql/models/forest"
	"dsql/models/model"
)

// XGBoost's model files, JSON and UBJSON, of versions 1.0 to 3.x; the schema is doc/model.schema of
// github.com/dmlc/xgboost and the SaveModel functions in its src/learner.cc, src/gbm and src/tree.

type reader struct {
	names       []string
	baseScore   string
	classes     int
	features    int
	targets     int
	objective   string
	booster     string // gbtree, dart, gblinear
	weights     []float64
	weightDrop  []float64
	trees       []tree
	groups      []int              // tree → output group
	rounds      []int              // round → its first tree
	categories  []*booster.Recoder // feature → its categories, nil for most
	version     []int
	parallel    int
	best        int  // best_iteration, -1: none
	sklearn     bool // saved by the scikit-learn interface, whose predict stops at the best iteration
	weighs      bool // see tree
	haveBooster bool
	haveModel   bool // of the booster: what save_config writes has none
}

type tree struct {
	id                         int
	left, right, feature, dflt []int
	cond, leaf, base           []float64
	weighs, weighed            bool      // the weights of the nodes' training rows are wanted; are there
	cover                      []float64 // they: the sums of Hessians
	vector                     int       // outputs in a leaf
	isCat                      []int
	catNodes, catFrom, catSize []int
	cats                       []int
}

func Load(d document.Document, opt model.Options) (*model.Model, error) {
	x := reader{classes: 0, targets: 1, best: -1, parallel: 1, weighs: opt.Output == model.Contrib}
	seen := false
	err := d.Object(func(key string) (err error) {
		switch key {
		case "learner":
			seen = true
			return x.learner(d)
		case "version":
			x.version, err = d.Ints()
			return err
		}
		return d.Skip()
	})
	if err == nil && !seen {
		err = fmt.Errorf("it has no learner: a text dump or another program's file; write the model with save_model")
	}
	var m *model.Model
	if err == nil {
		m, err = x.model(opt)
	}
	if err != nil {
		return nil, fmt.Errorf("XGBoost model: %w", err)
	}
	return m, nil
}

func (x *reader) learner(d document.Document) error {
	return d.Object(func(key string) (err error) {
		switch key {
		case "feature_names":
			x.names, err = texts(d)
		case "learner_model_param":
			err = x.params(d)
		case "objective":
			err = d.Object(func(key string) (err error) {
				if key != "name" {
					return d.Skip()
				}
				x.objective, err = d.Text()
				return err
			})
		case "gradient_booster":
			err = x.gradientBooster(d)
		case "attributes":
			err = x.attributes(d)
		default:
			err = d.Skip()
		}
		return inField(key, err)
	})
}

// inField says in which part of the file an error is.
func inField(key string, err error) error {
	if err != nil && !errors.Is(err, document.ErrCut) {
		return fmt.Errorf("%s: %w", key, err)
	}
	return err
}

func texts(d document.Document) (out []string, err error) {
	err = d.Array(func() error {
		s, err := d.Text()
		out = append(out, s)
		return err
	})
	return out, err
}

// number reads a count that is written as a string.
func number(d document.Document, to *int) error {
	s, err := d.Text()
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > math.MaxInt32 {
		return fmt.Errorf("%s is no count", document.Clip(s))
	}
	*to = n
	return nil
}

func (x *reader) params(d document.Document) error {
	return d.Object(func(key string) (err error) {
		switch key {
		case "base_score":
			x.baseScore, err = d.Text()
		case "num_class":
			err = number(d, &x.classes)
		case "num_feature":
			err = number(d, &x.features)
		case "num_target":
			err = number(d, &x.targets)
		default:
			err = d.Skip()
		}
		return inField(key, err)
	})
}

func (x *reader) attributes(d document.Document) error {
	return d.Object(func(key string) error {
		switch key {
		case "best_iteration":
			return number(d, &x.best)
		case "scikit_learn":
			x.sklearn = true
		}
		return d.Skip()
	})
}

func (x *reader) gradientBooster(d document.Document) error {
	x.haveBooster = true
	return d.Object(func(key string) (err error) {
		switch key {
		case "name":
			var s string
			if s, err = d.Text(); x.booster == "" || s == "dart" {
				x.booster = s
			}
		case "gbtree": // dart wraps one
			err = x.gradientBooster(d)
		case "weight_drop":
			x.weightDrop, err = d.Floats()
		case "model":
			x.haveModel = true
			err = x.boosterModel(d)
		default:
			err = d.Skip()
		}
		return inField(key, err)
	})
}

func (x *reader) boosterModel(d document.Document) error {
	return d.Object(func(key string) (err error) {
		switch key {
		case "gbtree_model_param":
			err = d.Object(func(key string) error {
				if key == "num_parallel_tree" {
					return number(d, &x.parallel)
				}
				return d.Skip()
			})
		case "trees":
			err = d.Array(func() error {
				x.trees = append(x.trees, tree{id: len(x.trees), weighs: x.weighs})
				return inField(fmt.Sprint(len(x.trees)-1), x.trees[len(x.trees)-1].read(d))
			})
		case "tree_info":
			x.groups, err = d.Ints()
		case "iteration_indptr":
			x.rounds, err = d.Ints()
		case "weights":
			x.weights, err = d.Floats()
		case "cats":
			err = x.cats(d)
		default:
			err = d.Skip()
		}
		return inField(key, err)
	})
}

func (t *tree) read(d document.Document) error {
	return d.Object(func(key string) (err error) {
		switch key {
		case "id":
			t.id, err = d.Int()
		case "tree_param":
			err = d.Object(func(key string) error {
				if key == "size_leaf_vector" {
					return number(d, &t.vector)
				}
				return d.Skip()
			})
		case "left_children":
			t.left, err = d.Ints()
		case "right_children":
			t.right, err = d.Ints()
		case "split_indices":
			t.feature, err = d.Ints()
		case "split_conditions":
			t.cond, err = d.Floats()
		case "default_left":
			t.dflt, err = d.Ints()
		case "leaf_weights":
			t.leaf, err = d.Floats()
		case "base_weights":
			t.base, err = d.Floats()
		case "sum_hessian":
			if t.weighed = true; t.weighs {
				t.cover, err = d.Floats()
			} else {
				err = d.Skip()
			}
		case "split_type":
			t.isCat, err = d.Ints()
		case "categories_nodes":
			t.catNodes, err = d.Ints()
		case "categories_segments":
			t.catFrom, err = d.Ints()
		case "categories_sizes":
			t.catSize, err = d.Ints()
		case "categories":
			t.cats, err = d.Ints()
		default:
			err = d.Skip()
		}
		return inField(key, err)
	})
}

func (x *reader) model(opt model.Options) (*model.Model, error) {
	outputs := max(x.targets, x.classes, 1)
	switch {
	case x.features > batch.MaxColumns: // without names the file's length says nothing about their number
		return nil, fmt.Errorf("num_feature=%d, supported are %d", x.features, batch.MaxColumns)
	case !x.haveBooster:
		return nil, fmt.Errorf("it has no gradient_booster")
	case !x.haveModel:
		return nil, fmt.Errorf("it has no trees or weights: this is what save_config writes; write the model with save_model")
	case outputs > forest.MaxOutputs:
		return nil, fmt.Errorf("%d classes or targets, supported are %d", outputs, forest.MaxOutputs)
	case len(x.names) > 0 && len(x.names) != x.features:
		return nil, fmt.Errorf("%d feature_names for num_feature=%d", len(x.names), x.features)
	}
	base, err := x.base(outputs)
	if err != nil {
		return nil, err
	}
	l, err := linkOf(x.objective, outputs, x.targets, base)
	if err != nil {
		return nil, err
	}
	var s booster.Summer
	switch x.booster {
	case "gbtree", "dart":
		s, err = x.forest(outputs, base, opt)
	case "gblinear":
		s, err = newXGBLinear(x.features, outputs, x.weights, base)
	default:
		err = fmt.Errorf("unknown booster %s", document.Clip(x.booster))
	}
	if err != nil {
		return nil, err
	}
	by, err := x.recoders()
	if err != nil {
		return nil, err
	}
	var inputs []model.Input
	for i := range x.features {
		in := model.Input{Name: "f" + strconv.Itoa(i), Type: model.Double}
		if by != nil && by[i] != nil {
			in.Type = by[i].Input()
		}
		if len(x.names) > 0 {
			in.Name = x.names[i]
		}
		inputs = append(inputs, in)
	}
	return model.New("xgboost", inputs, booster.New(s, x.features, l, by)), nil
}

// base reads base_score: a number, since 3.1 a list in brackets, one value an output.
func (x *reader) base(outputs int) ([]float64, error) {
	words := strings.Split(strings.Trim(x.baseScore, "[]() \t\n"), ",")
	if len(words) != 1 && len(words) != outputs {
		return nil, fmt.Errorf("base_score has %d values for %d outputs", len(words), outputs)
	}
	base := make([]float64, outputs)
	for i := range base {
		w := words[i%len(words)]
		v, err := strconv.ParseFloat(strings.TrimSpace(w), 32)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("base_score %s is no number", document.Clip(x.baseScore))
		}
		base[i] = v
	}
	return base, nil
}

// IsJSON tells XGBoost's JSON from its UBJSON, which also begins with a brace.
func IsJSON(data []byte) bool {
	return len(data) > 1 && strings.IndexByte(" \t\r\n\"}", data[1]) >= 0
}
