// Package testcases reads cases that are packed into testdata, and writes the smallest model. It knows nothing of the project: packages that
// stay free of DuckDB test with it too.
package testcases

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"
)

// Read gives the values of a packed file of JSON, at least as many as it is known to hold.
func Read[T any](t testing.TB, path string, least int) (all []T) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(plain); ; {
		var one T
		if err := d.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if len(all) < least {
		t.Errorf("%s has %d cases", path, len(all))
	}
	return all
}
