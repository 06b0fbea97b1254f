// Command cover prints, for each package, how many of its statements a profile of go test has counted as run. A statement that several test
// binaries have counted is run when one of them ran it.
package main

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: cover profile")
		os.Exit(2)
	}
	if err := report(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type block struct {
	statements int
	run        bool
}

// report reads lines of "package/file.go:1.2,3.4 statements count" (the format of go test -coverprofile).
func report(file string) error {
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
	for _, p := range names {
		fmt.Printf("%5.1f %%  %s\n", 100*float64(run[p])/float64(all[p]), p)
	}
	return nil
}
