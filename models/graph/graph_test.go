package graph

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"

	"dsql/models/model"
)

// A graph whose result for a row depends on the others is refused, and none else (testdata/models/make_operators.py).
func TestMixedRows(t *testing.T) {
	t.Parallel()
	packed, err := os.ReadFile("../../testdata/models/operators.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(plain)
	lines.Buffer(nil, 1<<22)
	mixed := 0
	for lines.Scan() {
		var c struct {
			Name  string
			Model []byte
			Mixed bool
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
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
