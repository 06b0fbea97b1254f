package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/lsp"
	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
)

// shellCommand is one of the shell itself: a word that begins with a dot.
type shellCommand struct {
	name, arg, doc string
	run            func(sh *shell, ctx context.Context, arg string) error
}

// shellCommands is filled by init: .help lists it.
var shellCommands []shellCommand

func init() {
	shellCommands = []shellCommand{
		{".help", "[STATEMENT]", "this list; how a statement is written: .help CREATE STREAM", (*shell).help},
		{".mode", "FORMAT", "how results are printed: " + strings.Join(shellModes, ", "), (*shell).mode},
		{".quit", "", "ends the shell, as Ctrl-D does; also .exit", (*shell).quit},
		{".read", "FILE", "runs the statements of a file", (*shell).read},
		{".tables", "", "tables and views, and what they are declared as", (*shell).tables},
		{".timing", "on|off", "says how long each entry took", (*shell).timed},
	}
}

var shellModes = []string{"table", "json", "jsonl", "csv", "markdown"}

func (sh *shell) command(ctx context.Context, words []string) error {
	name := strings.ToLower(words[0])
	if name == ".exit" {
		name = ".quit"
	}
	var names []string
	for _, c := range shellCommands {
		if c.name == name {
			return c.run(sh, ctx, strings.Join(words[1:], " "))
		}
		names = append(names, c.name)
	}
	return sql.Errorf(code.Usage, "the shell has no command %s", sql.ShownName(words[0])).
		WithHint(sql.DidYouMean(name, names, ".help lists them"))
}

func (sh *shell) help(_ context.Context, arg string) error {
	if arg != "" {
		f := statement(arg)
		if f == nil {
			return sql.Errorf(code.Usage, "there is no statement %s of dsql's own", sql.ShownName(arg)).
				WithHint(sql.DidYouMean(strings.ToUpper(arg), statementNames(), "write it in full: .help CREATE STREAM"))
		}
		return sh.helpStatement(f)
	}
	for _, c := range shellCommands {
		fmt.Fprintf(sh.out, "%-18s %s\n", c.name+" "+c.arg, c.doc)
	}
	_, err := fmt.Fprint(sh.out, "\nStatements end with ; and may have several lines. Tab completes, Ctrl-R searches the history, Ctrl-C gives up an "+
		"entry or ends what runs.\n")
	return err
}

func (sh *shell) mode(_ context.Context, arg string) error {
	if !slices.Contains(shellModes, arg) {
		return sql.Errorf(code.Usage, "there is no format %s", sql.ShownName(arg)).WithHint("formats are " + strings.Join(shellModes, ", "))
	}
	sh.cli.Output = arg
	return nil
}

func (sh *shell) quit(context.Context, string) error {
	sh.ended = true
	return nil
}

func (sh *shell) read(ctx context.Context, arg string) error {
	if arg == "" {
		return sql.Errorf(code.Usage, ".read needs a file").WithHint("write .read script.sql")
	}
	return sh.script(ctx, arg)
}

func (sh *shell) tables(ctx context.Context, _ string) error {
	return sh.statements(ctx, "shell", `SELECT t.table_name AS name, coalesce(d.kind, lower(t.table_type)) AS kind FROM (
		SELECT table_name, 'table' AS table_type FROM duckdb_tables() WHERE NOT internal AND schema_name = 'main'
		UNION ALL SELECT view_name, 'view' FROM duckdb_views() WHERE NOT internal AND schema_name = 'main') t
		LEFT JOIN dsql.declarations d ON lower(d.name) = lower(t.table_name) WHERE NOT contains(t.table_name, '__') ORDER BY ALL`)
}

func (sh *shell) timed(_ context.Context, arg string) error {
	switch arg {
	case "on", "off":
		sh.timing = arg == "on"
		return nil
	}
	return sql.Errorf(code.Usage, ".timing is on or off").WithHint("write .timing on")
}

// mostOffered is how many names are offered for a word.
const mostOffered = 60

// complete offers what the word before the cursor may become: a command, words of the syntax table, what DuckDB would go on with, names.
func (sh *shell) complete(ctx context.Context, line string, pos int) (head string, words []string, tail string) {
	head, tail = string([]rune(line)[:pos]), string([]rune(line)[pos:])
	text := sh.buffer + head
	begun := len(text)
	toks := sql.Tokens(sql.NewSource("", text), sql.Span{End: len(text)})
	if n := len(toks); n > 0 && toks[n-1].Span.End == len(text) && toks[n-1].Kind == sql.Word {
		begun = toks[n-1].Span.Start
	}
	for i := len(toks) - 1; i >= 0; i-- { // of the last statement
		if toks[i].Kind == sql.Semi {
			text, begun = text[toks[i].Span.End:], begun-toks[i].Span.End
			break
		}
	}
	if sh.buffer == "" && strings.HasPrefix(head, ".") {
		return "", sh.commandWords(head), tail
	}
	word := text[max(0, begun):]
	offer := func(w string) {
		if len(words) < mostOffered && len(w) > 0 && strings.HasPrefix(strings.ToLower(w), strings.ToLower(word)) && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	o := lsp.Offered(text[:max(0, begun)], run.Language.Forms)
	for _, w := range o.Words {
		offer(w)
	}
	for _, w := range sh.names(ctx, o, text) {
		offer(w)
	}
	return head[:len(head)-len(word)], words, tail
}

// commandWords are the commands, or the words behind one.
func (sh *shell) commandWords(head string) (out []string) {
	if rest, is := strings.CutPrefix(head, ".mode "); is {
		for _, m := range shellModes {
			if strings.HasPrefix(m, rest) {
				out = append(out, ".mode "+m)
			}
		}
		return out
	}
	for _, c := range shellCommands {
		if strings.HasPrefix(c.name, head) {
			out = append(out, c.name)
		}
	}
	return out
}

// names are those of declarations, of columns, and what DuckDB would go on with. What can't be asked now isn't offered.
func (sh *shell) names(ctx context.Context, o lsp.Offer, text string) []string {
	var q *duck.Query
	switch {
	case o.Kind == "any":
		q = duck.SQL("SELECT name FROM dsql.declarations ORDER BY ALL")
	case o.Kind != "":
		q = duck.SQL("SELECT name FROM dsql.declarations WHERE kind = {k} ORDER BY ALL", duck.Args{"k": o.Kind})
	case o.Columns:
		q = duck.SQL("SELECT DISTINCT column_name FROM duckdb_columns() WHERE NOT internal AND schema_name = 'main' ORDER BY ALL")
	case o.SQL:
		q = duck.SQL("SELECT rtrim(suggestion) FROM sql_auto_complete({q}) WHERE suggestion_type NOT IN ('file_name', 'directory') "+
			"AND NOT contains(suggestion, '__')", duck.Args{"q": text})
	default:
		return nil
	}
	names, err := duck.Select(ctx, sh.talk.DB().Writer(), q, func(row func(...any) error) (name string, err error) { return name, row(&name) })
	if err != nil {
		return nil
	}
	return names
}
