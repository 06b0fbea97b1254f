package xgboost

import (
	"fmt"
	"unicode/utf8"

	"dsql/models/booster"
	"dsql/models/document"
)

// cats reads the categories that a data frame's columns had in training (since 3.1): of text, all strings one after the
// other and where each begins, or numbers.
func (x *reader) cats(d document.Document) error {
	return d.Object(func(key string) error {
		if key != "enc" {
			return d.Skip()
		}
		return d.Array(func() error {
			var offsets []int
			var values []float64
			err := d.Object(func(key string) (err error) {
				switch key {
				case "offsets":
					offsets, err = d.Ints()
				case "values":
					values, err = d.Numbers()
				default:
					err = d.Skip()
				}
				return err
			})
			if err != nil {
				return err
			}
			r, err := recoderOf(offsets, values)
			x.categories = append(x.categories, r)
			return err
		})
	})
}

func recoderOf(offsets []int, values []float64) (*booster.Recoder, error) {
	switch {
	case len(values) == 0 && len(offsets) < 2:
		return nil, nil
	case len(offsets) == 0:
		return booster.NewRecoder(nil, values, true), nil
	}
	text := make([]byte, len(values))
	for i, v := range values {
		text[i] = byte(int8(v))
	}
	texts := []string{}
	for i := range offsets[1:] {
		from, to := offsets[i], offsets[i+1]
		if from < 0 || to < from || to > len(text) {
			return nil, fmt.Errorf("a category lies from byte %d to %d of %d", from, to, len(text))
		}
		texts = append(texts, string(text[from:to]))
	}
	return booster.NewRecoder(texts, nil, true), nil
}

// recoders are the features' categories, nil where none has any.
func (x *reader) recoders() ([]*booster.Recoder, error) {
	for _, r := range x.categories {
		if r == nil {
			continue
		}
		for s := range r.Texts {
			if old := len(x.version) > 1 && (x.version[0] < 3 || x.version[0] == 3 && x.version[1] < 4); !utf8.ValidString(s) || old && !ascii(s) {
				return nil, fmt.Errorf("a category is no ASCII text, which XGBoost stores damaged before version 3.4: train with a newer version, " +
					"or with ASCII categories")
			}
		}
		if len(x.categories) != x.features {
			return nil, fmt.Errorf("cats has %d columns for num_feature=%d", len(x.categories), x.features)
		}
		return x.categories, nil
	}
	return nil, nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
