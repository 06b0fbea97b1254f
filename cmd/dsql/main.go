// Command dsql runs scripts of the dsql language. This package owns arguments, output formats, progress and exit codes; what a
// script does is pipeline's.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"dsql/pipeline"
	"dsql/sql"
)

func main() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// cli is the command line. One command is one struct in a file of its own.
type cli struct {
	Run        runCmd        `cmd:"" help:"Run a script: declarations, DuckDB's own SQL, and what is new in the sources."`
	Check      checkCmd      `cmd:"" help:"Find the errors of a script without running it."`
	Plan       planCmd       `cmd:"" help:"Say what a run of a script would change."`
	Query      queryCmd      `cmd:"" help:"Run SQL on a file, reading only."`
	Explain    explainCmd    `cmd:"" help:"Show the chain of a declaration and the SQL that it compiles to."`
	Status     statusCmd     `cmd:"" help:"Show how far each destination is."`
	History    historyCmd    `cmd:"" help:"Show the life of one key of a journal."`
	Diff       diffCmd       `cmd:"" help:"Show what differs in a destination between two versions."`
	Checks     checksCmd     `cmd:"" help:"Show the last verdicts, and metrics over versions."`
	Rejects    rejectsCmd    `cmd:"" help:"Show what was rejected, by rule and reason."`
	Models     modelsCmd     `cmd:"" help:"List models with their versions."`
	Init       initCmd       `cmd:"" help:"Write the demo, a week of real flights, into a folder."`
	Completion completionCmd `cmd:"" help:"Print the completion script of a shell."`
	Version    versionCmd    `cmd:"" help:"Print the version."`

	Output string `short:"o" enum:"table,json,jsonl,csv,markdown" default:"table" help:"Format of results: ${enum}."`
	Quiet  bool   `short:"q" help:"No progress on stderr; errors and warnings stay."`
	Color  string `enum:"auto,always,never" default:"auto" help:"Colour: ${enum}. NO_COLOR is honoured."`
}

// streams are the command's inputs and outputs.
type streams struct {
	in       io.Reader
	out, err io.Writer
	cli      *cli
	shown    bool // a result was printed: the next table stands behind a blank line
}

// Main runs the command and returns its exit code.
func Main(args []string, in io.Reader, out, errw io.Writer) int {
	var c cli
	p, err := newParser(&c, out, errw)
	if err != nil {
		fmt.Fprintln(errw, "error:", err)
		return sql.ExitFailed
	}
	return run(p, &c, args, &streams{in: in, out: out, err: errw, cli: &c})
}

func newParser(c *cli, out, errw io.Writer) (*kong.Kong, error) {
	return kong.New(c, kong.Name("dsql"), kong.Description("Events and files into one DuckDB file: cleansed, checked, versioned and scored by declarations in SQL."),
		kong.Writers(out, errw), kong.Exit(func(code int) { panic(exit(code)) }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
}

type exit int

func run(p *kong.Kong, c *cli, args []string, s *streams) (code int) {
	defer func() {
		if e, ok := recover().(exit); ok {
			code = int(e)
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := p.Parse(args)
	if err != nil {
		fmt.Fprintf(s.err, "error: %s\n  hint: `dsql --help` lists the commands, `dsql COMMAND --help` its flags\n", err)
		return sql.ExitUsage
	}
	ctx, stop, done := signals(s.err)
	defer done()
	k.BindTo(ctx, (*context.Context)(nil))
	k.Bind(s, (<-chan struct{})(stop), p)
	return s.fail(ctx, k.Run())
}

// signals: the first Ctrl-C (or SIGTERM) asks to end after the batch in hand, the second cancels and rolls back.
func signals(errw io.Writer) (context.Context, chan struct{}, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	stop := make(chan struct{})
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-ch:
			}
			if n == 0 {
				fmt.Fprintln(errw, "stopping after this batch; once more to roll it back")
				close(stop)
				continue
			}
			cancel()
		}
	}()
	return ctx, stop, func() { signal.Stop(ch); cancel() }
}

var errInterrupted = errors.New("interrupted")

// fail shows an error and says its exit code.
func (s *streams) fail(ctx context.Context, err error) int {
	var list sql.List
	var one *sql.Error
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errDiffers):
		return sql.ExitFailed
	case errors.Is(err, errInterrupted), ctx.Err() != nil:
		return sql.ExitInterrupted
	case errors.As(err, &list):
		for _, e := range list {
			e.Render(s.err)
		}
		return list[0].ExitCode()
	case errors.As(err, &one):
		one.Render(s.err)
		return one.ExitCode()
	}
	fmt.Fprintln(s.err, "error:", err)
	return sql.ExitFailed
}

// scriptArgs are what commands on scripts take.
type scriptArgs struct {
	Script []string `arg:"" help:"Script files; - reads standard input."`
	DB     string   `name:"db" placeholder:"FILE" help:"The DuckDB file; the first script's name with .duckdb by default."`
}

func (a *scriptArgs) options(s *streams) (pipeline.Options, error) {
	o := pipeline.Options{DB: a.DB, Dir: "."}
	for i, name := range a.Script {
		var b []byte
		var err error
		if name == "-" {
			b, err = io.ReadAll(s.in)
		} else {
			b, err = os.ReadFile(name)
		}
		if err != nil {
			return o, &sql.Error{Code: "no-file", Exit: sql.ExitUnreachable, Msg: "the script " + name + " can't be read: " + cause(err), Hint: "check the name; `dsql init` writes a script to start from", Err: err}
		}
		o.Scripts = append(o.Scripts, sql.NewSource(name, string(b)))
		if i == 0 && name != "-" {
			o.Dir = filepath.Dir(name)
			if o.DB == "" {
				o.DB = strings.TrimSuffix(name, filepath.Ext(name)) + ".duckdb"
			}
		}
	}
	if o.DB == "" {
		return o, &sql.Error{Code: "no-db", Exit: sql.ExitUsage, Msg: "a script from standard input has no name to call its file by", Hint: "add --db FILE"}
	}
	return o, nil
}

func cause(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
