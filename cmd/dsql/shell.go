package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/peterh/liner"

	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
)

type shellCmd struct {
	fileArgs
	Init string `placeholder:"FILE" complete:"script" help:"Statements to run first."`
}

// shell is a conversation on a terminal, or with what comes from a pipe. The line editor is liner: it is small and maintained, knows wide
// characters, history and its search, and leaves the screen alone. Entries of several lines are this package's.
type shell struct {
	*streams
	options program.Options
	talk    *run.Conversation
	edit    *liner.State // nil: what is read comes from a pipe
	in      *bufio.Scanner
	timing  bool
	ended   bool
	buffer  string // the lines of an entry that isn't complete yet
}

func (c *shellCmd) Run(ctx context.Context, s *streams) error {
	var failed error
	o, err := c.options(ctx, s, &failed)
	if err != nil {
		return err
	}
	if c.Init, err = absolute(c.Init); err != nil {
		return err
	}
	if o.Dir = filepath.Dir(o.DB); s.alone { // where the script is, as a rule, and what it names
		if _, err := enter(&o, []string{o.DB}); err != nil {
			return noFolder(err)
		}
	}
	talk, err := run.Converse(ctx, o)
	if err != nil {
		return err
	}
	sh := &shell{streams: s, options: o, talk: talk}
	_, out := terminal(s.out)
	if _, in := terminal(s.in); in && out {
		sh.edit = liner.NewLiner()
		defer sh.edit.Close()
	}
	err = sh.run(ctx, c.Init)
	return errors.Join(err, talk.Close())
}

func (sh *shell) run(ctx context.Context, init string) error {
	if init != "" {
		if err := sh.script(ctx, init); err != nil {
			return err
		}
	}
	if sh.edit == nil {
		sh.in = bufio.NewScanner(sh.streams.in)
		sh.in.Buffer(nil, 64<<20)
		return sh.piped(ctx)
	}
	sh.signals.each.Store(&nothing)
	sh.edit.SetCtrlCAborts(true)
	sh.edit.SetMultiLineMode(true)
	sh.edit.SetTabCompletionStyle(liner.TabPrints)
	sh.edit.SetWordCompleter(func(line string, pos int) (head string, words []string, tail string) {
		return sh.complete(ctx, line, pos)
	})
	history := historyFile()
	if f, err := os.Open(history); err == nil {
		_, _ = sh.edit.ReadHistory(f) // what can't be read is forgotten
		_ = f.Close()
	}
	fmt.Fprintf(sh.err, "dsql on %s; .help says what else there is, .quit or Ctrl-D ends\n", sh.options.DB)
	err := sh.typed(ctx)
	return errors.Join(err, sh.remember(history))
}

// typed runs what is typed, until the conversation ends.
func (sh *shell) typed(ctx context.Context) error {
	for !sh.ended {
		line, err := sh.prompt(ctx)
		switch {
		case errors.Is(err, liner.ErrPromptAborted): // Ctrl-C gives up what was typed
			sh.buffer = ""
			continue
		case errors.Is(err, io.EOF):
			fmt.Fprintln(sh.out)
			sh.ended = true
			continue
		case err != nil:
			return err
		}
		if err := sh.line(ctx, line); err != nil && ctx.Err() == nil {
			sh.report(err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// prompt waits for a line, or for the end of the command: the editor reads the terminal until there is a line, whatever else happens.
func (sh *shell) prompt(ctx context.Context) (string, error) {
	type typed struct {
		line string
		err  error
	}
	said := make(chan typed, 1)
	go func() {
		line, err := sh.edit.Prompt(map[bool]string{true: "dsql> ", false: "   -> "}[sh.buffer == ""])
		said <- typed{line, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(sh.err) // what is said next stands below the prompt
		return "", ctx.Err()
	case x := <-said:
		return x.line, x.err
	}
}

// absolute is a path that stays what it is in another folder.
func absolute(path string) (string, error) {
	if path == "" || path == "-" {
		return path, nil
	}
	return filepath.Abs(path)
}

// piped runs what comes from a pipe, up to the first error.
func (sh *shell) piped(ctx context.Context) error {
	for !sh.ended && sh.in.Scan() {
		if err := sh.line(ctx, sh.in.Text()); err != nil {
			return err
		}
	}
	if err := sh.in.Err(); err != nil {
		return err
	}
	text := sh.buffer
	sh.buffer = ""
	return sh.statements(ctx, "shell", text)
}

// line takes one line. What it ends is run.
func (sh *shell) line(ctx context.Context, line string) error {
	if sh.buffer == "" && strings.HasPrefix(strings.TrimSpace(line), ".") {
		sh.keep(line)
		return sh.command(ctx, strings.Fields(line))
	}
	if sh.buffer == "" && strings.TrimSpace(line) == "" {
		return nil
	}
	sh.buffer += line + "\n"
	if !complete(sh.buffer) {
		return nil
	}
	text := sh.buffer
	sh.buffer = ""
	sh.keep(text)
	return sh.statements(ctx, "shell", text)
}

// complete: the text ends with a semicolon that ends a statement.
func complete(text string) bool {
	toks := sql.Tokens(sql.NewSource("", text), sql.Span{End: len(text)})
	return len(toks) == 0 || toks[len(toks)-1].Kind == sql.Semi
}

// nothing is what Ctrl-C does where nothing runs.
var nothing = func() {}

// statements runs an entry. Ctrl-C ends it alone.
func (sh *shell) statements(ctx context.Context, name, text string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if sh.edit != nil {
		cancel := func() { stop() }
		sh.signals.each.Store(&cancel)
		defer sh.signals.each.Store(&nothing)
	}
	told := newProgress(sh.streams, false)
	defer told.clear()
	o, show, said := sh.options, sh.options.Events, false
	o.Scripts = []*sql.Source{sql.NewSource(name, text)}
	o.Events = func(e event.Event) {
		switch f := e.(type) {
		case event.Queried:
			told.clear()
			show(e)
			said = true
			return
		case event.Changed:
			said = true
		case event.Finished:
			if f.Versions == 0 && said { // "nothing new" would be odd
				told.tellChanges(e)
				return
			}
		}
		told.event(e)
	}
	if sh.edit != nil { // what was typed stands between results
		sh.shown = false
	}
	began := time.Now()
	err := sh.talk.Run(ctx, o)
	told.clear()
	if sh.timing {
		fmt.Fprintf(sh.err, "%.3f s\n", time.Since(began).Seconds())
	}
	if ctx.Err() != nil && err != nil {
		return sql.Errorf(code.Interrupted, "interrupted: what was not committed is rolled back")
	}
	return err
}

// script runs the statements of a file.
func (sh *shell) script(ctx context.Context, name string) error {
	src, err := sh.streams.script(name, "")
	if err != nil {
		return err
	}
	return sh.statements(ctx, name, src.Text)
}

// keep adds an entry to the history, in one line: blanks between tokens become one, and comments are left out. What begins with a blank,
// and what has a text of several lines, isn't kept.
func (sh *shell) keep(text string) {
	if sh.edit == nil || strings.HasPrefix(text, " ") {
		return
	}
	src := sql.NewSource("", text)
	var b strings.Builder
	end := 0
	for _, t := range sql.Tokens(src, sql.Span{End: len(text)}) {
		if b.Len() > 0 && t.Span.Start > end {
			b.WriteByte(' ')
		}
		b.WriteString(t.Span.Of(src))
		end = t.Span.End
	}
	if entry := b.String(); !strings.ContainsAny(entry, "\r\n") {
		sh.edit.AppendHistory(entry)
	}
}

// historyFile is where entries are kept: DSQL_HISTORY, or else .dsql_history in the user's folder. An empty name keeps none.
func historyFile() string {
	if name, ok := os.LookupEnv("DSQL_HISTORY"); ok {
		return name
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".dsql_history")
}

// remember writes the history, for its user's eyes alone.
func (sh *shell) remember(name string) error {
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = sh.edit.WriteHistory(f)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return sql.Errorf(code.NoRights, "the history %s can't be written: %s", name, cause(err)).
			WithHint("DSQL_HISTORY names another file; where it is empty, nothing is kept").WithCause(err)
	}
	return nil
}
