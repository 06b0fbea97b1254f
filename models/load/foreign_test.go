package load

import (
	"strings"
	"testing"

	"dsql/models/model"
)

// A file that can't be read is told what it is, and the shortest way to one that can.
func TestForeign(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]string{
		"": "empty", "  \n": "empty", `{"tree_info": [], "max_feature_idx": 3}`: "save_model", `{"features_info": {}}`: "CatBoost",
		"[{\"nodeid\": 0}]": "dump of XGBoost", "booster[0]:\n": "dump of XGBoost", "binf\x00": "old or internal",
		"\x80\x04\x95": "FORMAT sklearn",
		"CBM1\x00":     "cut short", "version https://git-lfs.github.com/spec/v1": "git lfs pull", "\x1f\x8b\x08": "unpack",
		"PK\x03\x04":        "zip",
		"\x89HDF\r\n\x1a\n": "HDF5", "\x78\x9c\x00": "zlib", "ccopy_reg\n_reconstructor": "pickle", "<?xml version=\"1.0\"?><PMML>": "PMML",
		"<html>": "no known format", "hello": "no known format",
	} {
		if _, err := Load([]byte(head), model.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", head, err, want)
		}
	}
}

// A model without inputs is none: what is left of a damaged file, say.
func TestNoInputs(t *testing.T) {
	_, err := Load([]byte(`{"features_info": {"float_features": []}, "model_info": {"params": {"loss_function": {"type": "RMSE"}}},
		"oblivious_trees": [{"leaf_values": [1], "splits": []}], "scale_and_bias": [1, [0]]}`), model.Options{})
	if err == nil || err.Error() != "the model has no inputs" {
		t.Errorf("%v", err)
	}
}
