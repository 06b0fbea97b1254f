package lightgbm

import (
	"fmt"
	"strings"
	"testing"
)

// Which feature each of a data frame's lists of categories is given to, or what is said where that can't be told.
func TestLightGBMCategories(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		infos  string // feature_infos
		named  string // [categorical_feature: …]
		lists  [][]any
		marked []bool
		splits map[int]float64 // feature → a threshold of a split
		want   string          // features of the lists, or a part of the error
	}{
		"unordered":                 {"[-1.5:2.5] -1:0:1:2", "1", [][]any{{"a", "b", "c"}}, nil, nil, "[1]"},
		"ordered":                   {"[-1.5:2.5] [0:2]", "", [][]any{{"a", "b", "c"}}, nil, nil, "[1]"},
		"ordered, numbers":          {"[0:2] [0:9]", "", [][]any{{5., 6., 7.}}, nil, nil, "[0]"},
		"one of two named":          {"[0:3] -1:1:0:3:2 -1:0:1:3:2:4", "1,2", [][]any{{1., 2., 3., 4.}, {1., 3., 5., 7.}}, nil, nil, "[0 1]"},
		"more categories then":      {"0:1 [0:9]", "0", [][]any{{"a", "b", "c", "d"}}, nil, nil, "[0]"},
		"last ones unseen":          {"[0:2] [0.5:9]", "", [][]any{{5., 6., 7., 8.}}, nil, nil, "[0]"},
		"texts beside a count":      {"[0:2] -1:0:1:2", "1", [][]any{{"a", "b", "c"}}, nil, nil, "[1]"},
		"numbers beside a count":    {"[0:2] -1:0:1:2", "1", [][]any{{5., 6., 7.}}, nil, nil, "f0 or of f1"},
		"codes beside a count":      {"[0:2] -1:0:1:2", "1", [][]any{{0., 1., 2.}}, nil, nil, "[1]"},
		"flags beside a flag":       {"[0:1] -1:0:1", "1", [][]any{{false, true}}, nil, nil, "[1]"},
		"two ordered, one list":     {"[0:2] [0:2]", "", [][]any{{"a", "b", "c"}}, nil, nil, "f0 or of f1"},
		"split between no codes":    {"[0:2] [0:2]", "", [][]any{{"a", "b", "c"}}, nil, map[int]float64{0: 0.3}, "[1]"},
		"split beside zero":         {"[0:2] [0:9]", "", [][]any{{"a", "b", "c"}}, nil, map[int]float64{0: 1.0000000180025095e-35}, "[0]"},
		"no feature fits":           {"[0:9] [0:9]", "", [][]any{{"a", "b", "c"}}, nil, nil, "can't be told"},
		"constant":                  {"none [0:9]", "0", [][]any{{"a"}}, nil, nil, "[0]"},
		"said by INPUT":             {"[0:2] [0:2]", "", [][]any{{"a", "b", "c"}}, []bool{false, true}, nil, "[1]"},
		"too few said by INPUT":     {"[0:2] [0:2]", "", [][]any{{"a", "b"}, {"c", "d"}}, []bool{false, true}, nil, "INPUT calls 1 arguments"},
		"neither texts nor numbers": {"[0:1] [5:9]", "", [][]any{{"a", 1.}}, nil, nil, "neither all texts nor all numbers"},
		"no lists":                  {"[0:2] [0:2]", "", nil, nil, nil, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			infos := strings.Fields(c.infos)
			cats := categories{lists: c.lists, named: make([]bool, len(infos)), features: make([]trained, len(infos))}
			names := make([]string, len(infos))
			for i, info := range infos {
				names[i], cats.features[i] = fmt.Sprintf("f%d", i), trainedOf(info)
				cats.named[i] = strings.Contains(","+c.named+",", fmt.Sprintf(",%d,", i))
				if at, ok := c.splits[i]; ok && !betweenCodes(at) {
					cats.features[i].top = -1
				}
			}
			by, err := cats.recoders(names, c.marked)
			got := "[]"
			if err != nil {
				got = err.Error()
			} else if by != nil {
				var at []int
				for i, r := range by {
					if r != nil {
						at = append(at, i)
					}
				}
				got = fmt.Sprint(at)
			}
			if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
