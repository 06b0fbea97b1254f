package main

import (
	"fmt"

	"dsql/demo"
)

type initCmd struct {
	Dir    string `arg:"" optional:"" complete:"dir" help:"The folder to write to: flights, or messages, by default."`
	Python bool   `help:"Write a smaller one instead, with a function and a model in Python."`
	Deploy bool   `help:"Write what a server needs on a machine of its own: for containers, systemd, Kubernetes, Prometheus."`
}

func (c *initCmd) Run(s *streams) error {
	what, dir, next := demo.Files(), "flights", "dsql run pipeline.sql"
	if c.Python {
		what, dir, next = demo.Python(), "messages", "python train.py && "+next
	}
	if c.Deploy {
		what, dir = demo.Deploy(), "deploy"
	}
	if c.Dir != "" {
		dir = c.Dir
	}
	files, err := demo.Write(what, dir)
	if err != nil {
		return err
	}
	if c.Deploy {
		fmt.Fprintf(s.err, "%s: %d files; next: change them to your names, and see docs/operate.md\n", dir, len(files))
		return nil
	}
	fmt.Fprintf(s.err, "%s: %d files; next: cd %s && %s\n", dir, len(files), dir, next)
	return nil
}
