package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

// duckDB is the version that go.mod pins; TestVersion compares it with what DuckDB says.
const duckDB = "1.5.6"

// version is set by the linker for releases.
var version = "dev"

func (c *versionCmd) Run(s *streams) error {
	commit := ""
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, x := range b.Settings {
			if x.Key == "vcs.revision" && len(x.Value) >= 12 {
				commit = " " + x.Value[:12]
			}
		}
	}
	fmt.Fprintf(s.out, "dsql %s%s (DuckDB %s, %s, %s/%s)\n", version, commit, duckDB, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
