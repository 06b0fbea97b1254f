package lightgbm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"dsql/models/booster"
	"dsql/models/document"
	"dsql/models/forest"
	"dsql/models/model"
)

// LightGBM's Python package codes all category columns of a data frame by their place in the column's list of categories and writes
// these lists at the end of the file, in the order of the columns (python-package/lightgbm/basic.py, _data_from_pandas). Which
// columns they are it doesn't write: of unordered categories they are the categorical features, unless the user named others by
// hand; ordered ones are split like numbers. So the columns are found by what the features are known to have held in training: only
// where that leaves one way is a model taken as it is.

// Category is the type name that INPUT gives an argument that one of the lists belongs to.
const Category = "CATEGORY"

// trained is what the file says of a feature's values in training.
type trained struct {
	categorical bool // values are the codes of categories
	unused      bool // nothing is known: it had one value, or could not be split
	top         int  // the greatest code; -1 where values aren't codes
}

// trainedOf reads an element of feature_infos: none, [least:greatest], or the codes with colons between.
func trainedOf(info string) trained {
	switch {
	case info == "none" || info == "":
		return trained{unused: true}
	case strings.HasPrefix(info, "["):
		low, high, _ := strings.Cut(strings.Trim(info, "[]"), ":")
		least, err := strconv.ParseFloat(low, 64)
		greatest, err2 := strconv.ParseFloat(high, 64)
		if err != nil || err2 != nil || least < 0 || greatest > math.MaxInt32 || least != math.Trunc(least) || greatest != math.Trunc(greatest) {
			return trained{top: -1}
		}
		return trained{top: int(greatest)}
	}
	t := trained{categorical: true, top: -1}
	for code := range strings.SplitSeq(info, ":") {
		n, err := strconv.Atoi(code)
		if err != nil {
			return trained{categorical: true, top: math.MaxInt32}
		}
		t.top = max(t.top, n)
	}
	return t
}

// seen says what the features' values were in training, as far as the file does.
func (h *header) seen() []model.Input {
	out := make([]model.Input, len(h.names))
	for i, info := range strings.Fields(h.infos) {
		low, high, ok := strings.Cut(strings.Trim(info, "[]"), ":")
		switch {
		case i >= len(out) || info == "none":
		case ok && info[0] == '[':
			in := &out[i]
			in.Seen = low + " to " + high
			var errs [2]error
			in.Low, errs[0] = strconv.ParseFloat(low, 64)
			in.High, errs[1] = strconv.ParseFloat(high, 64)
			in.Ranged = errs == [2]error{} && in.Low <= in.High
		default:
			out[i].Seen = strconv.Itoa(strings.Count(info, ":")+1) + " categories"
		}
	}
	return out
}

// betweenCodes: a split of codes lies halfway between two of them, or beside zero.
func betweenCodes(threshold float64) bool {
	frac := threshold - math.Floor(threshold)
	return math.Abs(threshold) < 1e-30 || math.Abs(frac-0.5) < 1e-9
}

// holds says whether a feature may have held the codes of n categories. strict: an ordered one all of them, as the list was made of
// the column's values; categorical ones may lack some, since LightGBM leaves rare ones out.
func (t trained) holds(n int, named, strict bool) bool {
	switch {
	case t.unused:
		return !strict || named || n <= 1
	case t.categorical || !strict:
		return t.top >= 0 && t.top < n
	}
	return t.top == n-1
}

// categories are the lists of a file's data frame, and how they may be given to features.
type categories struct {
	lists    [][]any
	named    []bool // [categorical_feature: …] of the parameters
	features []trained
}

// categories reads on after the trees.
func (p *parser) categories(h *header, f *forest.Forest) categories {
	c := categories{named: make([]bool, len(h.names)), features: make([]trained, len(h.names))}
	infos := strings.Fields(h.infos)
	for i := range c.features {
		c.features[i].unused = true
		if len(infos) == len(h.names) {
			c.features[i] = trainedOf(infos[i])
		}
	}
	for _, t := range f.Trees {
		for _, n := range t.Nodes {
			if t := &c.features[n.Feature]; n.Test != forest.InSet && !betweenCodes(n.Threshold) {
				t.top, t.unused = -1, false
			}
		}
	}
	for {
		line, ok := p.next()
		if !ok {
			return c
		}
		if v, ok := bytes.CutPrefix(line, []byte("[categorical_feature: ")); ok {
			for word := range strings.SplitSeq(string(bytes.TrimSuffix(v, []byte("]"))), ",") {
				if i, err := strconv.Atoi(word); err == nil && i >= 0 && i < len(c.named) {
					c.named[i] = true
				}
			}
		}
		if v, ok := bytes.CutPrefix(line, []byte("pandas_categorical:")); ok && json.Unmarshal(v, &c.lists) != nil {
			c.lists = nil
		}
	}
}

// recoders give each list to its feature. marked says which arguments INPUT calls categories; nil: it doesn't say.
func (c categories) recoders(names []string, marked []bool) ([]*booster.Recoder, error) {
	if len(c.lists) == 0 {
		return nil, nil
	}
	at, err := c.pair(names, marked)
	if err != nil {
		return nil, err
	}
	by := make([]*booster.Recoder, len(c.features))
	for k, i := range at {
		if by[i], err = recoderOf(c.lists[k]); err != nil {
			return nil, fmt.Errorf("the categories of %s: %w", names[i], err)
		}
	}
	return by, nil
}

// pair finds the feature of each list.
func (c categories) pair(names []string, marked []bool) ([]int, error) {
	if marked != nil {
		var at []int
		for i, m := range marked {
			if m {
				at = append(at, i)
			}
		}
		if len(at) != len(c.lists) {
			return nil, fmt.Errorf("INPUT calls %d arguments %s, and the file keeps the categories of %d columns", len(at), Category, len(c.lists))
		}
		return at, nil
	}
	for _, strict := range []bool{true, false} {
		ways := c.ways(strict)
		if ways == nil {
			continue
		}
		at := c.natural(ways)
		for k, w := range ways {
			if at != nil && (isTexts(c.lists[k]) || isCodes(c.lists[k])) {
				continue // whoever means another column sees it: an argument's type is another, or codes are the values themselves
			}
			if len(w) > 1 {
				return nil, fmt.Errorf("the categories %s may be those of %s or of %s, and the file doesn't say which; say it with INPUT: %s",
					document.Clip(fmt.Sprint(c.lists[k]...)), names[w[0]], names[w[1]], categoryHint)
			}
		}
		if at == nil {
			for _, w := range ways {
				at = append(at, w[0])
			}
		}
		return at, nil
	}
	return nil, fmt.Errorf("it keeps the categories of %d data frame columns, and which of its %d features they belong to can't be told; "+
		"say it with INPUT: %s", len(c.lists), len(names), categoryHint)
}

const categoryHint = "name all arguments in the model's order, and give those that were of dtype category the type " + Category

// ways are the features that each list may belong to, where the lists are given to features in order; nil where there is no way.
func (c categories) ways(strict bool) [][]int {
	first, last := make([]int, len(c.lists)), make([]int, len(c.lists)) // the first and the last place that leave room for the others
	fits := func(k, i int) bool { return c.features[i].holds(len(c.lists[k]), c.named[i], strict) }
	i := 0
	for k := range c.lists {
		for ; i < len(c.features) && !fits(k, i); i++ {
		}
		first[k] = i
		i++
	}
	i = len(c.features) - 1
	for k := len(c.lists) - 1; k >= 0; k-- {
		for ; i >= 0 && !fits(k, i); i-- {
		}
		last[k] = i
		i--
	}
	out := make([][]int, len(c.lists))
	for k := range out {
		for i := first[k]; i <= last[k] && i < len(c.features); i++ {
			if fits(k, i) {
				out[k] = append(out[k], i)
			}
		}
		if out[k] == nil {
			return nil
		}
	}
	return out
}

// natural is the way that a frame goes whose categories are unordered and named by nobody: to the categorical features; nil where
// that is none of the ways.
func (c categories) natural(ways [][]int) []int {
	var at []int
	for i, named := range c.named {
		if named {
			at = append(at, i)
		}
	}
	if len(at) != len(ways) {
		return nil
	}
	for k, i := range at {
		if !slices.Contains(ways[k], i) {
			return nil
		}
	}
	return at
}

func isTexts(list []any) bool {
	for _, v := range list {
		if _, ok := v.(string); !ok {
			return false
		}
	}
	return true
}

// isCodes: the list is 0, 1, 2, …
func isCodes(list []any) bool {
	for i, v := range list {
		switch v := v.(type) {
		case float64:
			if v != float64(i) {
				return false
			}
		case bool:
			if v != (i == 1) || i > 1 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// recoderOf refuses categories that are neither all texts nor all numbers: an argument has one type.
func recoderOf(list []any) (*booster.Recoder, error) {
	words, numbers := []string{}, []float64{}
	for _, v := range list {
		switch v := v.(type) {
		case string:
			words = append(words, v)
		case float64:
			numbers = append(numbers, v)
		case bool:
			numbers = append(numbers, map[bool]float64{true: 1}[v])
		}
	}
	switch len(list) {
	case len(words):
		return booster.NewRecoder(words, nil, false), nil
	case len(numbers):
		return booster.NewRecoder(nil, numbers, false), nil
	}
	return nil, fmt.Errorf("%s are neither all texts nor all numbers", document.Clip(fmt.Sprint(list...)))
}
