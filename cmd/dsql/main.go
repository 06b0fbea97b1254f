// Command dsql runs scripts of the dsql language. This package owns arguments, output formats, progress and exit codes; what a
// script does is pipeline's.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"dsql/engine/duck"
	"dsql/pipeline/event"
	"dsql/sql"
	"dsql/sql/code"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // Go's heap is small beside DuckDB's and the batches', and what clients of Kafka allocate is short-lived
	}
	duck.KeepMemory()
	os.Exit(asProcess(os.Args[1:]))
}

// asProcess is Main with the process for itself: its working folder may become the script's.
func asProcess(args []string) int {
	return execute(args, &streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, alone: true})
}

// cli is the command line. One command is one struct in a file of its own.
type cli struct {
	Run        runCmd        `cmd:"" help:"Run a script: declarations, DuckDB's own SQL, and what is new in the sources."`
	Serve      serveCmd      `cmd:"" help:"Serve endpoints, models and queries over HTTP from the process that writes the file."`
	Token      tokenCmd      `cmd:"" help:"Make a token for a server."`
	Check      checkCmd      `cmd:"" help:"Find the errors of a script without running it."`
	Test       testCmd       `cmd:"" help:"Run the tests of a script, each in a file of its own."`
	Fmt        fmtCmd        `cmd:"" help:"Lay out scripts."`
	Lsp        lspCmd        `cmd:"" help:"Serve an editor: errors, completion, hover, definitions, layout of scripts."`
	Graph      graphCmd      `cmd:"" help:"Draw who reads whom in a script."`
	Plan       planCmd       `cmd:"" help:"Say what a run of a script would change."`
	Query      queryCmd      `cmd:"" help:"Run SQL on a file, reading only."`
	Shell      shellCmd      `cmd:"" help:"Work on a file in a conversation: statements, results, completion, history."`
	Explain    explainCmd    `cmd:"" help:"Show the chain of a declaration and the SQL that it compiles to."`
	Worker     workerCmd     `cmd:"" help:"Do the rows of a script a piece at a time, for whoever hands pieces to many such processes."`
	Merge      mergeCmd      `cmd:"" help:"Make one file of those that several processes wrote."`
	Inspect    sourceCmd     `cmd:"" help:"Print the CREATE SOURCE that files or a topic show."`
	Status     statusCmd     `cmd:"" help:"Show how far each destination is."`
	History    historyCmd    `cmd:"" help:"Show the life of one key of a journal."`
	Experiment experimentCmd `cmd:"" help:"Compare the variants of an experiment."`
	Diff       diffCmd       `cmd:"" help:"Show what differs between two versions of a destination, or two tables."`
	ProfileOf  profileCmd    `cmd:"" name:"profile" help:"Show how the values of a table are distributed, and the CREATE CHECKS that hold today."`
	Checks     checksCmd     `cmd:"" help:"Show the last verdicts, and metrics over versions."`
	Rejects    rejectsCmd    `cmd:"" help:"Show what was rejected, by rule and reason."`
	Replay     replayCmd     `cmd:"" help:"Send what was rejected through its chain again."`
	Exec       execCmd       `cmd:"" help:"Run statements on a file, without a script."`
	Models     modelsCmd     `cmd:"" help:"List models with their versions."`
	Report     reportCmd     `cmd:"" help:"Draw what there is to see of a file as one HTML file."`
	Extension  extensionCmd  `cmd:"" help:"Write the extension that makes models callable in any DuckDB client."`
	Init       initCmd       `cmd:"" help:"Write the demo, a week of real flights, into a folder."`
	Completion completionCmd `cmd:"" help:"Print the completion script of a shell."`
	Help       helpCmd       `cmd:"" help:"Show what a command does."`
	Version    versionCmd    `cmd:"" help:"Print the version."`

	everywhere
}

// everywhere are the flags of all commands.
type everywhere struct {
	Output  string `short:"o" enum:"table,json,jsonl,csv,markdown,junit,mermaid,dot,svg" default:"table" help:"Format of results: ${enum}."`
	Profile string `placeholder:"NAME" help:"A profile of dsql.toml; DSQL_PROFILE names one too."`
	Quiet   bool   `short:"q" help:"No progress on stderr; errors and warnings stay."`
	Color   string `enum:"auto,always,never" default:"auto" help:"Colour: ${enum}. NO_COLOR is honoured."`
}

// streams are the command's inputs and outputs.
type streams struct {
	in       io.Reader
	out, err io.Writer
	alone    bool // the process is this command's
	cli      *cli
	signals  *signals
	events   *eventLines                            // not nil: stderr is for programs
	shown    bool                                   // a result was printed: the next table stands behind a blank line
	object   bool                                   // results with titles are being printed as one JSON object
	paint    func(before, row []cell, i int) string // not nil: the colour of a table's cell, "" for none
}

// Main runs the command and returns its exit code.
func Main(args []string, in io.Reader, out, errw io.Writer) int {
	return execute(args, &streams{in: in, out: out, err: errw})
}

func execute(args []string, s *streams) int {
	s.cli = &cli{}
	if len(args) > 0 && args[0] == "__complete" { // see completionCmd
		if err := s.completed(args[1:]); err != nil {
			return s.report(err)
		}
		return 0
	}
	called := ""
	if len(args) > 0 {
		called = args[0]
	}
	p, err := newParser(s.cli, called, s.out, s.err)
	if err != nil {
		return s.report(err)
	}
	return s.run(p, args)
}

// newParser is that of the command that is called, or of all: to build theirs would be a third of what each start does.
func newParser(c *cli, called string, out, errw io.Writer) (*kong.Kong, error) {
	options := []kong.Option{kong.Name("dsql"),
		kong.Description("Events and files into one DuckDB file: cleansed, checked, versioned and scored by declarations in SQL.\n\n" +
			"  dsql inspect 'in/*.csv'        a CREATE SOURCE for files, to begin a script with\n" +
			"  dsql run orders.sql            runs a script; its tables are in orders.duckdb\n" +
			"  dsql query 'FROM orders'       reads them\n\n" +
			"Exit codes: 0 done, 1 failed, 2 the script is wrong, 3 a gate is closed, 4 a broker or file can't be reached, 80 usage, 130 " +
			"interrupted."),
		kong.Writers(out, errw), kong.Exit(func(code int) { panic(exit(code)) }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Help(helpWithExamples)}
	if command, help := c.command(called); command != nil {
		return kong.New(&c.everywhere, append(options, kong.DynamicCommand(called, help, "", command))...)
	}
	return kong.New(c, options...)
}

// command is the one of a name, and its help; nil for those that tell of all commands.
func (c *cli) command(name string) (command any, help string) {
	if name == "help" || name == "completion" {
		return nil, ""
	}
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if _, is := f.Tag.Lookup("cmd"); is && cmp.Or(f.Tag.Get("name"), strings.ToLower(f.Name)) == name {
			return v.Field(i).Addr().Interface(), f.Tag.Get("help")
		}
	}
	return nil, ""
}

// exit is what kong panics with in place of os.Exit, after --help.
type exit int

func (s *streams) run(p *kong.Kong, args []string) (status int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case exit:
			status = int(r)
		default:
			status = s.report(sql.Errorf(code.Bug, "dsql went wrong, and that is its own fault, not the script's: %v", r).
				WithHint("this is a bug: please report it with the script and these lines; what was committed before stays, all else is rolled back\n" +
					string(debug.Stack())))
		}
	}()
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "--version":
		args[0] = "version"
	}
	k, err := p.Parse(toFile(args))
	if err != nil {
		return s.report(usage(err))
	}
	if err := s.formats(k); err != nil {
		return s.report(err)
	}
	ctx, done := s.watchSignals()
	defer done()
	k.BindTo(ctx, (*context.Context)(nil))
	k.Bind(s, p)
	err = k.Run()
	var told reported
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errDiffers):
		return code.ExitFailed
	case errors.As(err, &told):
		return told.code
	case errors.Is(err, errInterrupted):
		return code.ExitInterrupted
	case ctx.Err() != nil:
		s.report(sql.Errorf(code.Interrupted, "interrupted: what was not committed is rolled back"))
		return code.ExitInterrupted
	}
	return s.report(err)
}

func usage(err error) *sql.Error {
	return sql.Errorf(code.Usage, "%s", err).WithHint(usageHint(err))
}

// usageHint says where the help of the command stands that was meant.
func usageHint(err error) string {
	var p *kong.ParseError
	if errors.As(err, &p) && p.Context != nil && p.Context.Command() != "" {
		return "`dsql " + strings.Fields(p.Context.Command())[0] + " --help` shows its arguments and flags"
	}
	return "`dsql --help` lists the commands"
}

// reported is an error that the command has shown itself.
type reported struct{ code int }

func (reported) Error() string { return "reported" }

// errInterrupted: the user stopped the command, and it has said so.
var errInterrupted = errors.New("interrupted")

// report shows an error, each one of several, and gives the exit code: the first one's.
func (s *streams) report(err error) int {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		codes := []int{}
		for _, e := range many.Unwrap() {
			codes = append(codes, s.report(e))
		}
		return codes[0]
	}
	var list sql.List
	var one *sql.Error
	switch {
	case errors.As(err, &list):
		return s.report(list)
	case !errors.As(err, &one):
		one = sql.Errorf(code.Code{}, "%s", err).WithExit(code.ExitFailed)
	}
	switch {
	case s.events != nil:
		s.events.problem("error", one)
	case one.Code == (code.Code{}):
		fmt.Fprintln(s.err, "error:", one.Msg)
	default:
		one.Render(s.err)
	}
	return one.ExitCode()
}

// warn shows warnings, for commands that have no other use for events.
func (s *streams) warn(e event.Event) {
	if w, ok := e.(event.Warned); ok {
		s.warning(w.Err)
	}
}

func (s *streams) warning(e *sql.Error) {
	if s.events != nil {
		s.events.problem("warning", e)
		return
	}
	e.RenderAs(s.err, "warning")
}

func cause(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// namesFile refuses what means something else than a file to DuckDB: what dsql does is kept in one.
func namesFile(db string) error {
	if strings.HasPrefix(db, ":memory:") {
		return sql.Errorf(code.BadFileName, "dsql keeps its state in a file, not in memory").
			WithHint("name one: --db FILE; `dsql check` and `dsql plan` need none").WithExit(code.ExitUsage)
	}
	return nil
}
