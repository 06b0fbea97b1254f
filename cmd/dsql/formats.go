package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"dsql/sql"
	"dsql/sql/code"
)

// ownFormats are the formats of commands that have others than results have; nil: it prints none, and -o is the file that it writes.
var ownFormats = map[string][]string{
	"test":    {"table", "json", "junit"},
	"check":   {"table", "json"},
	"plan":    {"table", "json"},
	"explain": {"table", "json"},
	"graph":   {"mermaid", "dot", "svg", "json"},

	"report":    nil,
	"extension": nil,
}

// writesFile: -o of the command is a file.
func writesFile(name string) bool {
	own, has := ownFormats[name]
	return has && own == nil
}

// formatsOf are those of a command.
func formatsOf(name string) []string {
	if own, has := ownFormats[name]; has {
		return own
	}
	return []string{"table", "json", "jsonl", "csv", "markdown"}
}

// formats refuses a format that the command doesn't have.
func (s *streams) formats(k *kong.Context) error {
	name := strings.Fields(k.Command())[0]
	own := formatsOf(name)
	if slices.Contains(own, s.cli.Output) || s.cli.Output == "table" { // the usual one
		return nil
	}
	return sql.Errorf(code.Usage, "%s has no format %s", name, s.cli.Output).WithHint("its formats are " + strings.Join(own, ", "))
}
