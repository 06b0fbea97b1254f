package graph

import (
	"testing"

	"dsql/internal/testcases"
	"dsql/models/model"
)

// A graph whose result for a row depends on the others is refused, and none else (testdata/models/make_operators.py).
func TestMixedRows(t *testing.T) {
	t.Parallel()
	type graphCase struct {
		Name  string
		Model []byte
		Mixed bool
	}
	mixed := 0
	for _, c := range testcases.Read[graphCase](t, "../../testdata/models/operators.jsonl.gz", 250) {
		if c.Mixed {
			mixed++
		}
		if _, err := Load(c.Model, model.Options{}); (err != nil) != c.Mixed {
			t.Errorf("%s: error %v", c.Name, err)
		}
	}
	if mixed < 9 {
		t.Errorf("%d graphs mix rows", mixed)
	}
}
