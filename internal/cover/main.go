// Command cover prints, for each package, how many of its statements a profile of go test has counted as run. A statement that several test
// binaries have counted is run when one of them ran it. Less than wanted is an error, but of the packages that under names, with the reason.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if err := report(os.Stdout, os.Args[1:]...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// wanted is the part of a package's statements that tests run, in per cent.
const wanted = 85.0

// under are the packages of which the tests that everybody runs see less, and why.
var under = map[string]string{
	"dsql/bench/serve/load":         "measures: make bench-serve runs it",
	"dsql/connect":                  "logins by Kerberos need a KDC: make kafka-kerberos runs them",
	"dsql/demo":                     "its errors are those of a disk",
	"dsql/extension":                "runs inside of DuckDB: make test-extension runs it",
	"dsql/extension/file":           "runs inside of DuckDB: make test-extension runs it",
	"dsql/extension/pack":           "makes the extension: make extension runs it",
	"dsql/ingest/format/formattest": "tells how a test failed",
	"dsql/internal/quackclient":     "tells how a test failed",
	"dsql/internal/testcases":       "tells how a test failed",
	"dsql/internal/testkit":         "tells how a test failed",
	"dsql/models":                   "scikit-learn's, CatBoost's and ONNX need their libraries: make models-sklearn and test-wheel-models run them",
	"dsql/models/ort":               "needs onnxruntime: runs where DSQL_ONNXRUNTIME names it",
	"dsql/pyfunc":                   "a Python is found, and told, in many ways: make test-wheel runs others",
	"dsql/python":                   "the wheel's own: make test-wheel runs it",
	"dsql/torture":                  "tells how a run differs from its model, and makes that run smaller",
}

type block struct {
	statements int
	run        bool
}

// report reads lines of "package/file.go:1.2,3.4 statements count" (the format of go test -coverprofile).
func report(out io.Writer, files ...string) error {
	if len(files) != 1 {
		return errors.New("usage: cover profile")
	}
	file := files[0]
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	blocks := map[string]block{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 {
			continue // mode: …
		}
		n, err := strconv.Atoi(fields[1])
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		b := blocks[fields[0]]
		blocks[fields[0]] = block{n, b.run || fields[2] != "0"}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	all, run := map[string]int{}, map[string]int{}
	for place, b := range blocks {
		p := path.Dir(place)
		if all[p] += b.statements; b.run {
			run[p] += b.statements
		}
	}
	var names []string
	for p := range all {
		names = append(names, p)
	}
	slices.Sort(names)
	var less []string
	for _, p := range names {
		part := 100 * float64(run[p]) / float64(all[p])
		why := ""
		if part < wanted && !strings.HasPrefix(p, "dsql/cmd/") {
			if why = under[p]; why == "" {
				less = append(less, p)
			}
		}
		fmt.Fprintln(out, strings.TrimSpace(fmt.Sprintf("%5.1f %%  %-32s %s", part, p, why)))
	}
	if less != nil {
		return fmt.Errorf("under %g %% without a reason (internal/cover names those that have one): %s", wanted, strings.Join(less, ", "))
	}
	return nil
}
