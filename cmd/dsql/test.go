package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/pipeline/test"
	"dsql/scripttest"
	"dsql/sql"
	"dsql/sql/code"
)

type testCmd struct {
	scriptArgs
	Only     []string `placeholder:"NAME" complete:"name:test" help:"Only this test, or those that a pattern with * matches; may be given several times."`
	Coverage bool     `help:"Say which constraints, checks, DELETE WHEN, WHERE and calls of models no test has seen both ways."`
}

func (c *testCmd) Run(ctx context.Context, s *streams) error {
	o, err := c.options(s)
	if err != nil {
		return err
	}
	if c.Coverage {
		if s.cli.Output == "junit" {
			return sql.Errorf(code.Usage, "junit has no place for --coverage").WithHint("its formats are table, json")
		}
		o.Witness = &duck.Witness{}
	}
	began := time.Now()
	verdicts, err := test.Run(ctx, o, c.Only)
	if err != nil {
		return err
	}
	failed := 0
	for _, v := range verdicts {
		if len(v.Failed) > 0 {
			failed++
		}
	}
	switch s.cli.Output {
	case "json":
		err = s.testsAsJSON(verdicts, o.Witness)
	case "junit":
		err = s.testsAsJUnit(verdicts, failed, time.Since(began))
	default:
		s.showTests(verdicts, failed)
		if o.Witness != nil {
			err = s.showCoverage(test.Coverage(o.Witness))
		}
	}
	if err == nil && failed > 0 {
		return errDiffers
	}
	return err
}

// showTests has a line a test, and what went wrong under it.
func (s *streams) showTests(verdicts []test.Verdict, failed int) {
	for _, v := range verdicts {
		if len(v.Failed) == 0 {
			if !s.cli.Quiet {
				fmt.Fprintf(s.out, "ok    %s\n", v.Name)
			}
			continue
		}
		fmt.Fprintf(s.out, "FAIL  %s\n", v.Name)
		for _, f := range v.Failed {
			fmt.Fprint(s.out, "  ", strings.ReplaceAll(strings.TrimRight(failureText(f), "\n"), "\n", "\n  "), "\n")
		}
	}
	what := "tests"
	if len(verdicts) == 1 {
		what = "test"
	}
	fmt.Fprintf(s.out, "%d %s: %d passed, %d failed\n", len(verdicts), what, len(verdicts)-failed, failed)
}

// shownRows is how many rows of a difference are shown of each side.
const shownRows = 20

// failureText is an error with its place, and the rows that differ.
func failureText(f test.Failure) string {
	var b strings.Builder
	f.Err.Render(&b)
	if d := f.Difference; d != nil {
		fmt.Fprintf(&b, "    (%s)\n", strings.Join(d.Columns, ", "))
		side := func(sign string, rows []scripttest.Row) {
			for i, r := range rows {
				if i == shownRows {
					fmt.Fprintf(&b, "  %s … and %d more\n", sign, len(rows)-i)
					break
				}
				fmt.Fprintf(&b, "  %s %s\n", sign, printable(r.String()))
			}
		}
		side("-", d.Missing)
		side("+", d.Unexpected)
	}
	return b.String()
}

// testLine is a test as JSON.
type testLine struct {
	Name    string        `json:"name"`
	Verdict string        `json:"verdict"`
	File    string        `json:"file"`
	Line    int           `json:"line"`
	Ms      float64       `json:"ms"`
	Failed  []failureLine `json:"failed,omitempty"`
}

type failureLine struct {
	Code       string           `json:"code"`
	Message    string           `json:"message"`
	Hint       string           `json:"hint,omitempty"`
	File       string           `json:"file,omitempty"`
	Line       int              `json:"line,omitempty"`
	Column     int              `json:"column,omitempty"`
	Columns    []string         `json:"columns,omitempty"`
	Missing    []scripttest.Row `json:"missing,omitempty"`
	Unexpected []scripttest.Row `json:"unexpected,omitempty"`
}

func positionOf(e *sql.Error) (p sql.Position) {
	if e.Src != nil {
		p = e.Src.Position(e.Span.Start)
	}
	return p
}

func (s *streams) testsAsJSON(verdicts []test.Verdict, w *duck.Witness) error {
	lines := []testLine{}
	for _, v := range verdicts {
		at := v.At.Src.Position(v.At.Span.Start)
		l := testLine{Name: v.Name, Verdict: "pass", File: at.File, Line: at.Line, Ms: float64(v.Took.Microseconds()) / 1000}
		for _, f := range v.Failed {
			l.Verdict = "fail"
			p := positionOf(f.Err)
			x := failureLine{Code: f.Err.Code.String(), Message: f.Err.Msg, Hint: f.Err.Hint, File: p.File, Line: p.Line, Column: p.Col}
			if d := f.Difference; d != nil {
				x.Columns, x.Missing, x.Unexpected = d.Columns, d.Missing, d.Unexpected
			}
			l.Failed = append(l.Failed, x)
		}
		lines = append(lines, l)
	}
	var all any = lines
	if w != nil {
		all = testsLine{lines, coverageLines(test.Coverage(w))}
	}
	_, err := fmt.Fprintf(s.out, "%s\n", jsonText(all))
	return err
}

// junit is the format that CI systems read.
type junit struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string       `xml:"name,attr"`
	Class   string       `xml:"classname,attr"`
	File    string       `xml:"file,attr"`
	Line    int          `xml:"line,attr"`
	Time    string       `xml:"time,attr"`
	Failure *junitFailed `xml:"failure"`
}

type junitFailed struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

func (s *streams) testsAsJUnit(verdicts []test.Verdict, failed int, took time.Duration) error {
	suite := junit{Name: "dsql", Tests: len(verdicts), Failures: failed, Time: fmt.Sprintf("%.3f", took.Seconds())}
	for _, v := range verdicts {
		at := v.At.Src.Position(v.At.Span.Start)
		c := junitCase{Name: v.Name, Class: at.File, File: at.File, Line: at.Line, Time: fmt.Sprintf("%.3f", v.Took.Seconds())}
		for _, f := range v.Failed {
			if c.Failure == nil {
				c.Failure = &junitFailed{Message: f.Err.Msg, Type: f.Err.Code.String()}
			}
			c.Failure.Text += failureText(f)
		}
		suite.Cases = append(suite.Cases, c)
	}
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s%s\n", xml.Header, text)
	return err
}
