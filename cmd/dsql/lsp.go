package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"dsql/lsp"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
)

type lspCmd struct {
	Set   []string `placeholder:"NAME=VALUE" sep:"none" help:"The value of a parameter of the scripts; may be given several times."`
	Stdio bool     `hidden:"" help:"What editors say to servers that talk over standard input; there is no other way."`
	Check string   `hidden:"" placeholder:"PATH" help:"Check the script on standard input, as one of this path, and print what is found."`

	Functions bool `hidden:"" help:"Print what functions DuckDB has, too."`
}

// Run serves an editor over standard input and output. What checks for it is the same command.
func (c *lspCmd) Run(ctx context.Context, s *streams) error {
	if c.Check != "" {
		return c.check(ctx, s)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return lsp.Serve(ctx, s.in, s.out, run.Language, func(ctx context.Context, path string, functions bool) *exec.Cmd {
		args := []string{"lsp", "--check=" + path}
		if functions {
			args = append(args, "--functions")
		}
		for _, v := range c.Set {
			args = append(args, "--set="+v)
		}
		if s.cli.Profile != "" {
			args = append(args, "--profile="+s.cli.Profile)
		}
		check := exec.CommandContext(ctx, self, args...)
		dir := filepath.Dir(path)
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			check.Dir = dir // relative paths start there
		}
		return check
	})
}

// check behaves to the machine as what can wait.
func (c *lspCmd) check(ctx context.Context, s *streams) error {
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 10) // it is as right without
	text, err := io.ReadAll(s.in)
	if err != nil {
		return err
	}
	src := sql.NewSource(c.Check, string(text))
	o, err := c.options(s)
	var found *lsp.Checked
	if err == nil {
		found, err = lsp.Check(ctx, src, o, c.Functions)
	}
	if err != nil {
		found = lsp.Wrong(src, err)
	}
	return json.NewEncoder(s.out).Encode(found)
}

func (c *lspCmd) options(s *streams) (program.Options, error) {
	o := program.Options{Language: run.Language, Dir: "."}
	if filepath.IsAbs(c.Check) {
		o.DB = strings.TrimSuffix(c.Check, filepath.Ext(c.Check)) + ".duckdb"
	}
	p, err := s.chosenProfile(".")
	if err != nil {
		return o, err
	}
	if db, _ := p.database(); db != "" {
		o.DB = db
	}
	o.Set, err = given(c.Set, p, func(*sql.Error) {})
	for i := range o.Set.Given {
		o.Set.Given[i].Shared = true // other scripts are open too
	}
	return o, err
}
