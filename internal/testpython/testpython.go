// Package testpython finds the Python that tests of functions and models in Python need. Nothing but tests imports it.
package testpython

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Find is an interpreter with what functions and models in Python need, "" where there is none. It is an error where CI_PYTHON says
// that there must be one.
func Find() (string, error) {
	for _, path := range []string{os.Getenv("DSQL_TEST_PYTHON"), "../bin/venv-python/bin/python", "../../bin/venv-python/bin/python"} {
		if abs, err := filepath.Abs(path); path != "" && err == nil {
			if _, err := os.Stat(abs); err == nil {
				return abs, nil
			}
		}
	}
	if os.Getenv("CI_PYTHON") != "" {
		return "", errors.New("no Python with pyarrow, numpy and pandas: make venv-python makes one")
	}
	return "", nil
}

// Need is Find's; without it the test is skipped.
func Need(t testing.TB) string {
	t.Helper()
	path, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	if path == "" {
		t.Skip("SKIPPED, NOT TESTED: no Python with pyarrow, numpy and pandas. `make venv-python` makes one; DSQL_TEST_PYTHON names another")
	}
	return path
}
