package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"dsql/pipeline/program"
)

type explainCmd struct {
	Script string   `arg:"" complete:"script" help:"Script file; - reads standard input."`
	Name   string   `arg:"" optional:"" complete:"name" help:"One declaration; all by default."`
	DB     string   `name:"db" placeholder:"FILE" complete:"file" help:"The DuckDB file; the script's name with .duckdb by default."`
	Set    []string `placeholder:"NAME=VALUE" sep:"none" help:"The value of a parameter; may be given several times."`
	Select []string `placeholder:"NAME" complete:"name" help:"Only these declarations: name, name+ with what reads it, +name with what it reads, kind:journal."`
}

func (c *explainCmd) Run(ctx context.Context, s *streams) error {
	a := scriptArgs{Script: []string{c.Script}, DB: c.DB, Set: c.Set, Select: c.Select}
	o, err := a.options(s)
	if err != nil {
		return err
	}
	if s.cli.Output == "json" {
		told, err := program.Tell(ctx, o, c.Name)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := json.Indent(&b, jsonText(told), "", "  "); err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "%s\n", &b)
		return err
	}
	text, err := program.Explain(ctx, o, c.Name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.out, text)
	return err
}
