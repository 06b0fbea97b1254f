package main

import (
	"fmt"

	"dsql/demo"
)

type initCmd struct {
	Dir string `arg:"" optional:"" default:"flights" complete:"dir" help:"The folder to write to."`
}

func (c *initCmd) Run(s *streams) error {
	files, err := demo.Write(c.Dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "%s: %d files; next: cd %s && dsql run pipeline.sql\n", c.Dir, len(files), c.Dir)
	return nil
}
