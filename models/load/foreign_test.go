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
