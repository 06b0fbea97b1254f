package main

import (
	"context"
	"fmt"
	"io"

	"dsql/pipeline/event"
	"dsql/pipeline/program"
)

type planCmd struct{ scriptArgs }

func (c *planCmd) Run(ctx context.Context, s *streams) error {
	o, err := c.options(s)
	if err != nil {
		return err
	}
	changes, err := program.PlanScript(ctx, o)
	if err != nil {
		return err
	}
	for _, ch := range changes {
		printChange(s.out, ch)
	}
	return nil
}

func printChange(w io.Writer, c event.Change) {
	sign := map[string]string{"create": "+", "change": "~", "rebuild": "!", "drop": "-", "none": "="}[c.Action]
	fmt.Fprintf(w, "%s %s %s\n", sign, c.Kind, c.Name)
	for _, what := range c.What {
		fmt.Fprintf(w, "    %s\n", what)
	}
}
