// Package pyfunc runs Python of the user's behind SQL functions: CREATE FUNCTION … LANGUAGE python, the processes that run it, how values
// go there and back, and what its errors say. It knows nothing of the chain that a function is called in.
package pyfunc

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Python is the language of CREATE FUNCTION.
var Python = kind.Language{Word: "PYTHON", Doc: "Python that defines a function of the same name",
	Clauses: []sql.Clause{
		{Keyword: "FROM", Arg: sql.ArgString, Doc: "'file.py' or 'file.py:name': the file that has the Python function, and its name there"},
		{Keyword: "VOLATILE", Arg: sql.ArgNone, Doc: "it may give another value for the same arguments"},
		{Keyword: "ON ERROR", Arg: sql.ArgChoice, Words: []string{"FAIL", "NULL", "REJECT"},
			Doc: "what becomes of a row for which it fails: FAIL (default) writes nothing of the batch, NULL takes NULL and counts it, REJECT sends " +
				"the row to dsql.rejects"},
		{Arg: sql.ArgOptions, Options: OptionDocs,
			Doc: "(python '.venv/bin/python', workers 2, timeout '30s', memory '1GB'): how it is run"},
	},
	Compile: compile,
}

// OptionDocs are the options that say how something in Python is run: see ReadOptions.
var OptionDocs = []sql.OptionDoc{
	{Name: "python", Doc: "the interpreter; without it DSQL_PYTHON, .venv/bin/python beside the script, VIRTUAL_ENV, python3"},
	{Name: "workers", Doc: "processes at most; without it as many as there are cores"},
	{Name: "timeout", Doc: "how long a call may take: '30s'"},
	{Name: "memory", Doc: "how much a process may allocate: '1GB'"},
}

// declared is a compiled CREATE FUNCTION.
type declared struct {
	decl *sql.Decl
	spec Spec // without what needs a database or a file
	path string
	kept bool
}

func compile(d *sql.Decl) (kind.Object, error) {
	f := &declared{decl: d, spec: Spec{Name: d.Name}}
	f.spec.Code.Entry = d.Name
	if v := d.Arg("FROM"); v != nil {
		f.path = v.Text
		if i := strings.LastIndexByte(v.Text, ':'); i > 0 {
			f.path, f.spec.Code.Entry = v.Text[:i], v.Text[i+1:]
		}
		if f.path == "" || f.spec.Code.Entry == "" || filepath.Ext(f.path) != ".py" {
			return nil, d.At(v.Span).Errorf(code.FunctionFile, "FROM names no file of Python").WithHint("write FROM 'file.py:name'")
		}
	} else {
		f.spec.Code.Text = d.Arg("AS").Text
	}
	f.spec.Volatile = d.Arg("VOLATILE") != nil
	if v := d.Arg("ON ERROR"); v != nil && v.Text != "FAIL" {
		f.spec.OnError = v.Text
	}
	var err error
	f.spec.Options, err = ReadOptions(d)
	return f, err
}

// ReadOptions are those of OptionDocs that a declaration has.
func ReadOptions(d *sql.Decl) (to Options, err error) {
	v := d.Arg("")
	if v == nil {
		return to, nil
	}
	var errs sql.List
	for _, o := range v.Options {
		bad := func(msg, hint string) {
			errs = append(errs, d.At(o.Value).Errorf(code.FunctionOption, "%s", msg).WithHint(hint))
		}
		switch o.Name {
		case "python":
			switch {
			case o.Kind == sql.OptEnv:
				to.Env = o.Text
			case o.Kind == sql.OptString && o.Text != "":
				to.Python = o.Text
			default:
				bad("python is the path of an interpreter", "write python '.venv/bin/python', or env('NAME')")
			}
		case "workers":
			n, err := strconv.Atoi(o.Text)
			if to.Workers = n; err != nil || o.Kind != sql.OptNumber || n < 1 || n > 64 {
				bad("workers is a whole number from 1 to 64", "write workers 2")
			}
		case "timeout":
			d, ok := duration(o.Text)
			if to.Timeout = d; !ok || o.Kind != sql.OptString && o.Kind != sql.OptNumber {
				bad(o.Text+" is no time from 1 ms to a day", "write timeout '30s'")
			}
		case "memory":
			n, ok := duck.BytesIn(o.Text)
			if to.Memory = n; !ok || o.Kind != sql.OptString || n < 64e6 {
				bad(o.Text+" is no size from 64 MB on", "write memory '1GB'")
			}
		}
	}
	return to, errs.Err()
}

// duration is '500ms', '30s', '5 minutes', or a number of seconds.
func duration(text string) (time.Duration, bool) {
	d, ok := sql.Duration(text)
	return d, ok && d >= time.Millisecond && d <= 24*time.Hour
}

// Decl is the statement.
func (f *declared) Decl() *sql.Decl { return f.decl }

// Callable and Outside: see kind.Outside.
func (f *declared) Callable()              {}
func (f *declared) Outside(*kind.Env) bool { return true }

// At is the function that is called with a row's number: see kind.Rejecting.
func (f *declared) At() []string {
	if f.spec.OnError != "REJECT" {
		return nil
	}
	return atName(f.decl.Name)
}

func atName(name string) []string { return []string{duck.Schema, "at_" + strings.ToLower(name)} }

// Keep says that the declaration is one of the DuckDB file: its code is there too, and where that came from isn't looked at.
func (f *declared) Keep() { f.kept = true }

// place is where the declaration's parts stand.
func (f *declared) place() Place {
	p := Place{Src: f.decl.Src, Name: f.decl.NameAt, Returns: f.decl.Arg("RETURNS").Span}
	if v := f.decl.Arg("AS"); v != nil {
		p.Text = v.Span
		open := f.decl.Src.Text[v.Span.Start:v.Span.End]
		if strings.HasPrefix(open, "$") { // the line of what stands behind the opening
			p.Text.Start += 1 + strings.IndexByte(open[1:], '$') + 1
		}
	}
	return p
}

// Explain is the declaration, and how it is run.
func (f *declared) Explain(context.Context, *duck.Conn, kind.Stored) (string, error) {
	o := f.spec.Options
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", strings.TrimSpace(f.decl.Text()))
	o.Dir = f.decl.Src.Dir
	python, err := findPython(o)
	if err != nil {
		python = err.Error()
	}
	fmt.Fprintf(&b, "interpreter: %s\n", python)
	fmt.Fprintf(&b, "called: by the annotations of its parameters: pandas.Series, numpy.ndarray or pyarrow.Array take a batch, others a row\n")
	if o.Timeout > 0 {
		fmt.Fprintf(&b, "timeout of a call: %s\n", o.Timeout)
	}
	on := f.spec.OnError
	if on == "" {
		on = "FAIL"
	}
	fmt.Fprintf(&b, "on error: %s\n", on)
	return b.String(), nil
}
