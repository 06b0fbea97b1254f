package main

import "github.com/alecthomas/kong"

type helpCmd struct {
	Command string `arg:"" optional:"" help:"The command; all of them without one."`
}

func (c *helpCmd) Run(p *kong.Kong) error {
	args := []string{"--help"}
	if c.Command != "" {
		args = []string{c.Command, "--help"}
	}
	_, err := p.Parse(args) // shows it, and ends the command
	if err != nil {
		return usage(err)
	}
	return nil
}
