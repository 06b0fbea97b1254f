package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"dsql/engine"
)

func TestMain(m *testing.M) {
	if os.Getenv("DSQL_TEST_AS_COMMAND") != "" { // a child of a test: see asCommand in crash_test.go
		main()
	}
	testscript.Main(m, map[string]func(){"dsql": main})
}

// TestScripts runs testdata/scripts: each is one story of the real command, with its input files and what they become.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "../../testdata/scripts", UpdateScripts: os.Getenv("UPDATE") != "", RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// hold FILE keeps a DuckDB file open in this process until the script ends.
			"hold": func(ts *testscript.TestScript, neg bool, args []string) {
				db, err := engine.Open(t.Context(), ts.MkAbs(args[0]), engine.Options{})
				ts.Check(err)
				ts.Defer(func() { db.Close() })
			},
		},
	})
}
