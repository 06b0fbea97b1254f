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
	return find("DSQL_TEST_PYTHON", "venv-python", "pyarrow, numpy and pandas")
}

func find(variable, venv, what string) (string, error) {
	in := filepath.Join("bin", venv, "bin", "python")
	for _, path := range []string{os.Getenv(variable), filepath.Join("..", in), filepath.Join("..", "..", in)} {
		if abs, err := filepath.Abs(path); path != "" && err == nil {
			if _, err := os.Stat(abs); err == nil {
				return abs, nil
			}
		}
	}
	if os.Getenv("CI_PYTHON") != "" {
		return "", errors.New("no Python with " + what + ": make " + venv + " makes one")
	}
	return "", nil
}

// Need is Find's; without it the test is skipped.
func Need(t testing.TB) string {
	t.Helper()
	path, err := Find()
	return need(t, path, err, "`make venv-python` makes one with pyarrow, numpy and pandas; DSQL_TEST_PYTHON names another")
}

// NeedQuack is an interpreter with DuckDB's own client of quack, and others; without it the test is skipped.
func NeedQuack(t testing.TB) string {
	t.Helper()
	path, err := find("DSQL_TEST_QUACK", "venv-quack", "clients of quack")
	return need(t, path, err, "`make venv-quack` makes one with clients of quack; DSQL_TEST_QUACK names another")
}

// NeedServe is an interpreter with clients of dsql serve; without it the test is skipped. It is no part of what CI needs.
func NeedServe(t testing.TB) string {
	t.Helper()
	path, err := find("DSQL_TEST_SERVE", "venv-serve", "clients of serve")
	if path == "" {
		err = nil
	}
	return need(t, path, err, "`make test-serve-clients` makes one; DSQL_TEST_SERVE names another")
}

func need(t testing.TB, path string, err error, how string) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if path == "" {
		t.Skip("SKIPPED, NOT TESTED: no Python for it. " + how)
	}
	return path
}
