package models

import (
	"fmt"
	"unicode/utf8"
)

// cats reads the categories that a data frame's columns had in training (since 3.1): of text, all strings one after the
// other and where each begins, or numbers.
func (x *xgbModel) cats(d document) error {
	return d.object(func(key string) error {
		if key != "enc" {
			return d.skip()
		}
		return d.array(func() error {
			var offsets []int
			var values []float64
			err := d.object(func(key string) (err error) {
				switch key {
				case "offsets":
					offsets, err = d.ints()
				case "values":
					values, err = d.numbers()
				default:
					err = d.skip()
				}
				return err
			})
			if err != nil {
				return err
			}
			r, err := xgbRecoder(offsets, values)
			x.categories = append(x.categories, r)
			return err
		})
	})
}

func xgbRecoder(offsets []int, values []float64) (*recoder, error) {
	switch {
	case len(values) == 0 && len(offsets) < 2:
		return nil, nil
	case len(offsets) == 0:
		return newRecoder(nil, values, true), nil
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
	return newRecoder(texts, nil, true), nil
}

// recoders are the features' categories, nil where none has any.
func (x *xgbModel) recoders() ([]*recoder, error) {
	for _, r := range x.categories {
		if r == nil {
			continue
		}
		for s := range r.texts {
			if old := len(x.version) > 1 && (x.version[0] < 3 || x.version[0] == 3 && x.version[1] < 4); !utf8.ValidString(s) || old && !ascii(s) {
				return nil, fmt.Errorf("a category is no ASCII text, which XGBoost stores damaged before version 3.4: train with a newer version, or with ASCII categories")
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
