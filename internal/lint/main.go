// Command lint is the linters beside staticcheck, as one tool of go vet: go runs it by package and keeps what it found of those that haven't
// changed. It is a module of its own, so that none of it is a dependency of dsql's.
package main

import (
	"go/token"
	"strings"

	"github.com/golangci/unconvert"
	"github.com/gordonklaus/ineffassign/pkg/ineffassign"
	"github.com/kisielk/errcheck/errcheck"
	"github.com/nishanths/exhaustive"
	"github.com/polyfloyd/go-errorlint/errorlint"
	"github.com/timakin/bodyclose/passes/bodyclose"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/unitchecker"
)

// unchecked are functions whose error says nothing more: those of a bufio.Writer come again from Flush, what is printed for people has
// nowhere else to go, what can't be removed now is by the next run, a pipe that takes no deadline is closed; and the others make an error
// and give it back for what is to be said beside.
var unchecked = []string{
	"fmt.Fprint", "fmt.Fprintf", "fmt.Fprintln",
	"(*bufio.Writer).Write", "(*bufio.Writer).WriteByte", "(*bufio.Writer).WriteString",
	"os.Remove", "os.RemoveAll",
	"(*os.File).SetDeadline", "(*os.File).SetReadDeadline",
	"(*dsql/sql.Error).InColumn", "(*dsql/sql.Error).WithNote", "(*dsql/sql.reader).fail", "(*dsql/sql.parser).fail",
}

func main() {
	errcheck.DefaultExcludedSymbols = append(errcheck.DefaultExcludedSymbols, unchecked...)
	// Most switches want some values of many, so those that want all say so: //exhaustive:enforce.
	if err := exhaustive.Analyzer.Flags.Set("e", "true"); err != nil {
		panic(err)
	}
	unitchecker.Main(outsideTests(errcheck.Analyzer), outsideTests(errorlint.NewAnalyzer()), ineffassign.Analyzer, exhaustive.Analyzer,
		bodyclose.Analyzer, &analysis.Analyzer{Name: "unconvert", Doc: "finds conversions that change nothing", Run: conversions})
}

// outsideTests leaves out what is found in tests, and of code what it says in a line of defer: the Close of what was only read.
func outsideTests(a *analysis.Analyzer) *analysis.Analyzer {
	b := *a
	b.Run = func(pass *analysis.Pass) (any, error) {
		p := *pass
		p.Report = func(d analysis.Diagnostic) {
			at := pass.Fset.Position(d.Pos)
			if !strings.HasSuffix(at.Filename, "_test.go") && !strings.HasPrefix(line(pass, at), "defer ") {
				pass.Report(d)
			}
		}
		return a.Run(&p)
	}
	return &b
}

// line is the text of a line.
func line(pass *analysis.Pass, at token.Position) string {
	text, err := pass.ReadFile(at.Filename)
	if err != nil {
		return ""
	}
	lines := strings.SplitN(string(text), "\n", at.Line+1)
	return strings.TrimSpace(lines[min(at.Line, len(lines))-1])
}

func conversions(pass *analysis.Pass) (any, error) {
	found := map[token.Position]bool{}
	for _, at := range unconvert.Run(pass) {
		found[at] = true
	}
	for _, f := range pass.Files {
		file := pass.Fset.File(f.Package)
		for at := range found {
			if at.Filename == file.Name() {
				pass.Reportf(file.LineStart(at.Line)+token.Pos(at.Column-1), "a conversion that changes nothing")
			}
		}
	}
	return nil, nil
}
