package main

import (
	"errors"
	stdflag "flag"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"dsql/engine/duck"
	"dsql/internal/testpython"
)

// update lets tests write what they expect: go test ./cmd/dsql -update, or UPDATE=1.
var update = stdflag.Bool("update", os.Getenv("UPDATE") != "", "write expected outputs into scripts and pages")

func TestMain(m *testing.M) {
	if os.Getenv("DSQL_TEST_AS_COMMAND") != "" { // a child of a test: see asCommand in crash_test.go
		code := asProcess(os.Args[1:])
		if peak := os.Getenv("DSQL_TEST_PEAK"); peak != "" { // rusage counts what the parent held when it forked
			status, err := os.ReadFile("/proc/self/status")
			if err == nil {
				err = os.WriteFile(peak, status, 0o644)
			}
			if err != nil {
				panic(err)
			}
		}
		os.Exit(code)
	}
	testscript.Main(m, map[string]func(){"dsql": main})
}

// TestScripts runs testdata/scripts: each is one story of the real command, with its input files and what they become.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "../../testdata/scripts", UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		// [python]: there is one with what functions in Python need, and DSQL_PYTHON names it.
		Condition: func(cond string) (bool, error) {
			if cond != "python" {
				return false, fmt.Errorf("unknown condition %s", cond)
			}
			path, err := testpython.Find()
			return path != "", err
		},
		Setup: func(e *testscript.Env) error {
			path, err := testpython.Find()
			e.Setenv("DSQL_PYTHON", path)
			return err
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// exits CODE COMMAND… runs a command that must end with that exit code.
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				code := 0
				var e *exec.ExitError
				if err := ts.Exec(args[1], args[2:]...); errors.As(err, &e) {
					code = e.ExitCode()
				} else {
					ts.Check(err)
				}
				if fmt.Sprint(code) != args[0] {
					ts.Fatalf("exit code %d, want %s", code, args[0])
				}
			},
			// aged FILE… sets when the files were last changed an hour back: what was changed a moment ago may still be written.
			"aged": func(ts *testscript.TestScript, neg bool, args []string) {
				then := time.Now().Add(-time.Hour)
				for _, name := range args {
					ts.Check(os.Chtimes(ts.MkAbs(name), then, then))
				}
			},
			// hold FILE keeps a DuckDB file open in this process until the script ends.
			"hold": func(ts *testscript.TestScript, neg bool, args []string) {
				db, err := duck.Open(t.Context(), ts.MkAbs(args[0]), duck.Options{})
				ts.Check(err)
				ts.Defer(func() { db.Close() })
			},
		},
	})
}
