// Package lightgbm reads LightGBM's text format: its trees, objectives, and the categories of the data frame that it was trained on.
package lightgbm

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"dsql/models/batch"
	"dsql/models/booster"
	"dsql/models/document"
	"dsql/models/forest"
	"dsql/models/model"
)

// LightGBM's text format, versions 2 to 4, as GBDT::SaveModelToString and Tree::ToString write it
// (github.com/microsoft/LightGBM, src/boosting/gbdt_model_text.cpp and src/io/tree.cpp): a header of key=value lines,
// a block of such lines for each tree that ends with an empty line, "end of trees", then statistics that don't matter here.

// Bits of decision_type.
const (
	categorical = 1
	defaultLeft = 2
	missing     = 3 << 2 // 0: NaN counts as 0; 1: 0 and NaN are missing; 2: NaN is missing
	missingZero = 1 << 2
	missingNaN  = 2 << 2
)

func Load(data []byte, opt model.Options) (*model.Model, error) {
	if !bytes.Contains(data, endLine) {
		return nil, fmt.Errorf("LightGBM model: %w", errEndOfTrees)
	}
	p := parser{lines: lines{rest: bytes.TrimLeft(data, " \t\r\n\xef\xbb\xbf")}, counts: opt.Output == model.Contrib}
	head, err := p.header()
	if err != nil {
		return nil, fmt.Errorf("LightGBM model: %w", err)
	}
	f := &forest.Forest{Features: len(head.names), Outputs: head.perIteration, Values: forest.LightGBM,
		Base: make([]float64, head.perIteration)}
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
	l, err := linkOf(head, len(f.Trees)/head.perIteration)
	if err != nil {
		return nil, fmt.Errorf("LightGBM model: %w", err)
	}
	s, err := forest.New(f, opt.Kernel)
	if err == nil && s.Lacks(opt.Output == model.Contrib) == nil {
		err = s.Ready(f, opt.Output == model.Contrib, opt.Output == model.Leaf)
	}
	if err != nil {
		return nil, fmt.Errorf("LightGBM model: %w", err)
	}
	by, err := p.categories(head, f).recoders(head.names, opt.Categories)
	if err != nil {
		return nil, fmt.Errorf("LightGBM model: %w", err)
	}
	var inputs []model.Input
	seen := head.seen()
	for i, n := range head.names {
		in := seen[i]
		in.Name, in.Type = n, model.Double
		if by != nil && by[i] != nil {
			in.Type = by[i].Input()
		}
		inputs = append(inputs, in)
	}
	return model.New("lightgbm", inputs, booster.New(s, len(inputs), l, by)), nil
}

type header struct {
	names        []string
	infos        string // feature_infos
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

type parser struct {
	lines
	more   bool // the line "Tree=" has been read, its tree has not
	counts bool // the numbers of training rows are wanted
}

var (
	errEndOfTrees = errors.New(`the line "end of trees" is missing: the file is cut short`)
	treeLine      = []byte("Tree=")
	endLine       = []byte("end of trees")
)

func (p *parser) header() (*header, error) {
	h := &header{}
	vals := map[string]string{}
	for {
		line, ok := p.next()
		if !ok {
			return nil, errEndOfTrees
		}
		if bytes.HasPrefix(line, treeLine) {
			p.more = true
			break
		}
		if bytes.Equal(line, endLine) {
			break
		}
		k, v, _ := strings.Cut(string(line), "=")
		vals[k] = v
	}
	if v := vals["version"]; v != "v2" && v != "v3" && v != "v4" {
		return nil, fmt.Errorf("version %q, supported are v2, v3 and v4: load the model in a newer LightGBM and save it again", v)
	}
	number := func(key string, most int) (int, error) {
		v, ok := vals[key]
		if !ok {
			return 0, fmt.Errorf("the header has no %s", key)
		}
		n, err := strconv.Atoi(strings.TrimSpace(v))
		if err != nil || n < 0 || n > most {
			return 0, fmt.Errorf("%s=%s is not a number from 0 to %d", key, document.Clip(v), most)
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
	last, err := number("max_feature_idx", batch.MaxColumns-1)
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
	h.objective, h.infos = vals["objective"], vals["feature_infos"]
	_, h.average = vals["average_output"]
	return h, nil
}

// tree reads the lines of one tree and, on the way to the next, sets more.
func (p *parser) tree(f *forest.Forest) (forest.Tree, error) {
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
			return forest.Tree{}, fmt.Errorf("line %d is no key=value: %s", p.line, document.Clip(string(line)))
		}
		vals[string(k)] = v
	}
	for p.more = false; ; {
		line, ok := p.next()
		if !ok {
			return forest.Tree{}, errEndOfTrees
		}
		if bytes.HasPrefix(line, treeLine) {
			p.more = true
			break
		}
		if bytes.Equal(line, endLine) {
			break
		}
		if len(line) > 0 {
			return forest.Tree{}, fmt.Errorf("line %d starts no tree: %s", p.line, document.Clip(string(line)))
		}
	}
	return tree(vals, f, p.counts)
}
