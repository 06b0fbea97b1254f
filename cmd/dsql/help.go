package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
)

type helpCmd struct {
	Man     bool     `help:"Print the page of the manual: dsql help --man > dsql.1."`
	Command []string `arg:"" optional:"" complete:"command" help:"The command, or a statement of the language: CREATE JOURNAL. All commands without one."`
}

func (c *helpCmd) Run(s *streams, p *kong.Kong) error {
	if c.Man {
		_, err := fmt.Fprint(s.out, manual(p, version()))
		return err
	}
	args := []string{"--help"}
	if len(c.Command) > 0 {
		words := strings.Join(c.Command, " ")
		if f := statement(words); f != nil {
			return s.helpStatement(f)
		}
		var names []string
		for _, child := range p.Model.Children {
			names = append(names, child.Name)
		}
		if !slices.Contains(names, c.Command[0]) {
			names = append(names, statementNames()...)
			return sql.Errorf(code.Usage, "there is no command or statement %s", words).
				WithHint(sql.DidYouMean(strings.ToUpper(words), names, sql.DidYouMean(words, names, "`dsql --help` lists the commands, docs/reference.md the statements")))
		}
		args = []string{c.Command[0], "--help"}
	}
	_, err := p.Parse(args) // shows it, and ends the command
	if err != nil {
		return usage(err)
	}
	return nil
}

// statement is the form that words begin: CREATE JOURNAL, or JOURNAL in capitals, which no command is.
func statement(words string) *sql.Syntax {
	for _, f := range run.Language.Forms {
		if strings.EqualFold(f.Title(), words) || f.Verb == "" && f.Keyword == words {
			return f
		}
	}
	return nil
}

// statementNames are the words that dsql's own begin with.
func statementNames() (names []string) {
	for _, f := range run.Language.Forms {
		names = append(names, f.Title())
	}
	return names
}

// helpStatement shows a statement as docs/reference.md does.
func (s *streams) helpStatement(f *sql.Syntax) error {
	text := f.Usage() + "\n"
	if f.Doc != "" {
		text += "\n" + f.Doc + "\n"
	}
	if f.Example != "" {
		text += "\nExample:\n" + f.Example + ";\n"
	}
	_, err := fmt.Fprint(s.out, text+"\ndocs/reference.md has every clause.\n")
	return err
}
