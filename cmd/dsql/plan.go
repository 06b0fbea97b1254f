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
	changes, err := program.Plan(ctx, o)
	if err != nil {
		return err
	}
	if s.cli.Output == "json" {
		lines := []changeLine{}
		for _, ch := range changes {
			lines = append(lines, lineOf(ch))
		}
		_, err := fmt.Fprintf(s.out, "%s\n", jsonText(lines))
		return err
	}
	for _, ch := range changes {
		printChange(s.out, ch)
	}
	return nil
}

// changeLine is what becomes of a declaration, or what a verb would touch, as JSON.
type changeLine struct {
	Action string   `json:"action"`
	Kind   string   `json:"kind"`
	Name   string   `json:"name"`
	What   []string `json:"what"`
}

func lineOf(c event.Change) changeLine {
	return changeLine{c.Action, c.Kind, c.Name, append([]string{}, c.What...)}
}

// signs are those of what becomes of declarations.
var signs = map[string]string{"create": "+", "change": "~", "rebuild": "!", "drop": "-", "left": "-", "none": "="}

func printChange(w io.Writer, c event.Change) {
	sign, ok := signs[c.Action]
	title := ""
	if !ok { // a verb
		sign, title = "!", ": "+c.Action
	}
	fmt.Fprintf(w, "%s %s %s%s\n", sign, c.Kind, c.Name, title)
	for _, what := range c.What {
		fmt.Fprintf(w, "    %s\n", what)
	}
}
