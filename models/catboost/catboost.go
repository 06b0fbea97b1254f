// Package catboost reads CatBoost's models, its own files (.cbm) and its JSON: trees whose splits are borders of numbers, or categories
// one by one. Models that count targets by category (CTRs), and those of texts or embeddings, it tells and refuses. Schema:
// catboost/libs/model/flatbuffers of github.com/catboost/catboost, and what its export to JSON writes.
package catboost

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"dsql/models/batch"
	"dsql/models/booster"
	"dsql/models/document"
	"dsql/models/forest"
	"dsql/models/model"
)

// Magic begins CatBoost's own files.
const Magic = "CBM1"

// IsJSON tells CatBoost's JSON by its beginning.
func IsJSON(head []byte) bool {
	return bytes.Contains(head, []byte(`"features_info"`)) || bytes.Contains(head, []byte(`"ctr_data"`))
}

// Unsupported is why a model that isn't damaged can't be scored without its library.
type Unsupported struct{ Why string }

func (e *Unsupported) Error() string { return e.Why }

// content is what a file holds, of either form.
type content struct {
	numbers    map[int]number // by the number that splits have
	categories map[int]input
	outputs    int
	scale      float64
	bias       []float64
	trees      []tree
	loss       string
	classes    booster.Classes
	threshold  float64 // the margin above which the class is the second
}

// input is one of the model's arguments.
type input struct {
	name string
	at   int
}

type number struct {
	input
	missing bool // a missing value lies above all borders; else below
}

// Load reads a model of either form.
func Load(data []byte, opt model.Options) (*model.Model, error) {
	c := &content{numbers: map[int]number{}, categories: map[int]input{}, scale: 1}
	var err error
	if bytes.HasPrefix(data, []byte(Magic)) {
		err = c.readFlat(data)
	} else {
		err = c.readJSON(&document.JSON{B: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))})
	}
	var m *model.Model
	if err == nil {
		m, err = c.model(opt)
	}
	if err != nil {
		return nil, fmt.Errorf("CatBoost model: %w", err)
	}
	return m, nil
}

// core is the part of a .cbm that holds the model itself; behind it stand tables of CTRs and of texts.
func core(data []byte) ([]byte, error) {
	if len(data) < 8 {
		return nil, document.ErrCut
	}
	n := int(binary.LittleEndian.Uint32(data[4:]))
	if n > len(data)-8 {
		return nil, document.ErrCut
	}
	return data[8 : 8+n], nil
}

func (c *content) model(opt model.Options) (*model.Model, error) {
	inputs, by, err := c.inputs()
	if err != nil {
		return nil, err
	}
	switch {
	case c.outputs < 1 || c.outputs > forest.MaxOutputs:
		return nil, fmt.Errorf("%d outputs, supported are %d", c.outputs, forest.MaxOutputs)
	case len(c.bias) == 0:
		c.bias = make([]float64, c.outputs)
	case len(c.bias) != c.outputs:
		return nil, fmt.Errorf("%d biases for %d outputs", len(c.bias), c.outputs)
	}
	l, err := c.link()
	if err != nil {
		return nil, err
	}
	f := &forest.Forest{Features: len(inputs), Outputs: c.outputs, Values: forest.Double, Base: make([]float64, c.outputs)}
	for i := range c.trees {
		t, err := c.forestTree(&c.trees[i])
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		if t.Cover == nil && len(t.Nodes) > 0 {
			f.Unexplained = "the file doesn't say how many training rows each leaf had"
		}
		f.Trees = append(f.Trees, t)
	}
	s, err := forest.New(f, opt.Kernel)
	if contrib := opt.Output == model.Contrib; err == nil && s.Lacks(contrib) == nil {
		err = s.Ready(f, contrib, opt.Output == model.Leaf)
	}
	if err != nil {
		return nil, err
	}
	return model.New("catboost", inputs, booster.New(&sums{s, c.scale, c.bias}, len(inputs), l, by)), nil
}

// inputs are the arguments, in their order, and what finds categories among them; nil: there are none.
func (c *content) inputs() (out []model.Input, by []*booster.Recoder, err error) {
	n := 0
	count := func(at int) {
		if at < 0 || at == math.MaxInt {
			at = math.MaxInt - 1
		}
		n = max(n, at+1)
	}
	for _, x := range c.numbers {
		count(x.at)
	}
	for _, x := range c.categories {
		count(x.at)
	}
	if n > batch.MaxColumns {
		return nil, nil, fmt.Errorf("%d inputs, supported are %d", n, batch.MaxColumns)
	}
	out = make([]model.Input, n)
	set := func(x input, t model.Type) {
		if out[x.at].Type != model.None {
			err = fmt.Errorf("two features are input %d", x.at)
		}
		if out[x.at] = (model.Input{Name: x.name, Type: t}); x.name == "" {
			out[x.at].Name = strconv.Itoa(x.at)
		}
	}
	for _, x := range c.numbers {
		set(x.input, model.Double)
	}
	known := c.known()
	for i, x := range c.categories {
		if by == nil {
			by = make([]*booster.Recoder, n)
		}
		set(x, model.Varchar)
		own := known[i]
		by[x.at] = booster.NewFinder(func(text string) (float64, bool) {
			h := category(text)
			return float64(h), own[h]
		})
	}
	for i := range out { // a feature that no split looks at may be left out of the file
		if out[i].Type == model.None {
			out[i] = model.Input{Name: strconv.Itoa(i), Type: model.Double}
		}
	}
	return out, by, err
}

// known are the categories of each feature that splits ask for.
func (c *content) known() map[int]map[int32]bool {
	out := map[int]map[int32]bool{}
	for i := range c.trees {
		for _, s := range c.trees[i].splits {
			if !s.category {
				continue
			}
			if out[s.feature] == nil {
				out[s.feature] = map[int32]bool{}
			}
			out[s.feature][s.value] = true
		}
	}
	return out
}

// sums are those of the trees, scaled and moved.
type sums struct {
	*forest.Scorer
	scale float64
	bias  []float64
}

func (s *sums) Score(cols []model.Column, n int, out []float64) error {
	if err := s.Scorer.Score(cols, n, out); err != nil {
		return err
	}
	for i := range out[:n*len(s.bias)] {
		out[i] = float64(out[i]*s.scale) + s.bias[i%len(s.bias)] // the product is rounded, as the library's is
	}
	return nil
}

func (s *sums) Contributions(cols []model.Column, n int, out []float64) error {
	if err := s.Scorer.Contributions(cols, n, out); err != nil {
		return err
	}
	width := s.Features() + 1
	for i := range out[:n*len(s.bias)*width] {
		if out[i] *= s.scale; i%width == width-1 {
			out[i] += s.bias[i/width%len(s.bias)]
		}
	}
	return nil
}

// link is what the loss makes of margins: what the library's classifiers give as probabilities, and its other models' predict gives.
func (c *content) link() (booster.Link, error) {
	k := c.outputs
	l := booster.Link{Width: k, Apply: booster.Identity, Margins: true}
	switch c.loss {
	case "Logloss", "CrossEntropy":
		if k != 1 {
			return l, fmt.Errorf("%d outputs for the loss %s", k, c.loss)
		}
		l.Width = 2
		l.Apply = func(raw []float64, n int, out []float64) { booster.Logistic(raw[:n], out) }
		l.Class = booster.Above(c.threshold)
	case "MultiClass":
		l.Class = booster.Largest
		l.Apply = func(raw []float64, n int, out []float64) {
			for r := range n {
				booster.SoftmaxBy(exp, raw[r*k:r*k+k], out[r*k:r*k+k])
			}
		}
	case "MultiClassOneVsAll", "MultiLogloss", "MultiCrossEntropy":
		l.Apply = apart
		if c.loss == "MultiClassOneVsAll" {
			l.Class = booster.Largest
		}
	case "Poisson", "Tweedie":
		l.Apply = func(raw []float64, _ int, out []float64) { exp(raw, out) }
	case "RMSEWithUncertainty": // the mean, and of the logarithm of the deviation the variance
		l.Apply = func(raw []float64, n int, out []float64) {
			for i := 0; i < 2*n; i += 2 {
				out[i], out[i+1] = raw[i], 2*raw[i+1]
				exp(out[i+1:i+2], out[i+1:i+2])
			}
		}
		if k != 2 {
			return l, fmt.Errorf("%d outputs for the loss %s", k, c.loss)
		}
	}
	if l.Class == nil {
		return l, nil
	}
	l.Named = c.classes
	if n := max(len(c.classes.Texts), len(c.classes.Ints)); c.classes.Type != model.None && n != l.Width {
		return l, fmt.Errorf("%d classes for %d outputs", n, l.Width)
	}
	return l, nil
}

// apart: each output beside all others.
func apart(raw []float64, _ int, out []float64) {
	both := make([]float64, 2*len(raw))
	booster.Logistic(raw, both)
	for i := range raw {
		out[i] = both[2*i+1]
	}
}

// errCTR and its like are of models that need what the library made of its training rows.
var (
	errCTR   = &Unsupported{"it counts targets by category (CTRs)"}
	errTexts = &Unsupported{"it has features of texts or embeddings"}
)

// margin is that of a probability that a text has.
func margin(text string) (float64, error) {
	p, err := strconv.ParseFloat(text, 64)
	if err != nil || !(p >= 0 && p <= 1) {
		return 0, errors.New("binclass_probability_threshold is no probability: " + document.Clip(text))
	}
	return -math.Log(1/p - 1), nil
}
