package pyfunc

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"maps"
	"os/exec"
	"slices"
	"time"

	"dsql/sql/code"
)

//go:embed compile.py
var compileText string

// compileTime is how long an interpreter may take to compile a few texts.
const compileTime = 20 * time.Second

// compiles is an error where the code is no Python. It starts the interpreter, without anything that is imported, so that only a look at a
// script does so; where there is none, nothing is said: the call will.
func (f *Function) compiles(ctx context.Context) error {
	python, err := findPython(f.Options)
	if err != nil {
		return nil
	}
	at := f.place()
	texts := [][]any{}
	if f.Code.Module == "" {
		texts = append(texts, []any{at.file(), at.line(), f.Code.Text})
	}
	for _, name := range slices.Sorted(maps.Keys(f.Code.Modules)) {
		texts = append(texts, []any{f.Code.Modules[name].Path, 1, f.Code.Modules[name].Text})
	}
	in, err := json.Marshal(texts)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, compileTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "-I", "-S", "-c", compileText)
	cmd.Stdin = bytes.NewReader(in)
	said, err := cmd.Output()
	if err != nil || len(said) == 0 {
		return nil
	}
	var w wrong
	if err := json.Unmarshal(said, &w); err != nil {
		return nil
	}
	return f.wrong(&w).WithExit(code.ExitScript)
}
