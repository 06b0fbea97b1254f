package main

import (
	_ "embed"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

type versionCmd struct{}

// duckDB is the version that go.mod pins; TestVersion compares it with what DuckDB says.
const duckDB = "1.5.6"

// released is the version in CHANGELOG.md that this one is, or comes before the next of (a test compares them).
//
//go:embed VERSION
var released string

func (c *versionCmd) Run(s *streams) error {
	_, err := fmt.Fprintf(s.out, "dsql %s (DuckDB %s, %s, %s/%s)\n", version(), duckDB, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// version is VERSION, and the commit where the build knows it.
func version() string {
	v := strings.TrimSpace(released)
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	set := map[string]string{}
	for _, x := range b.Settings {
		set[x.Key] = x.Value
	}
	if commit := set["vcs.revision"]; len(commit) >= 12 {
		v += " " + commit[:12]
	}
	if set["vcs.modified"] == "true" {
		v += " modified"
	}
	return v
}
