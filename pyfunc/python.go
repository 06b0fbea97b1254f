package pyfunc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"dsql/sql"
	"dsql/sql/code"
)

// PythonVariable names the interpreter for functions whose declaration doesn't.
const PythonVariable = "DSQL_PYTHON"

// findPython is the interpreter: the declared one, else that of the environment, of a .venv beside the script, of the virtual
// environment that is active, or python3.
func findPython(o Options) (string, error) {
	declared, from := o.Python, "the declaration"
	if o.Env != "" {
		declared, from = os.Getenv(o.Env), "the environment's "+o.Env
		if declared == "" {
			return "", noPython("the environment has no "+o.Env+", which names the interpreter", "set it: export "+o.Env+"=…", nil)
		}
	}
	if declared == "" {
		declared, from = os.Getenv(PythonVariable), "the environment's "+PythonVariable
	}
	if declared != "" {
		path, err := located(declared, o.Dir)
		if err != nil {
			return "", noPython(fmt.Sprintf("there is no Python interpreter %s, which %s names", declared, from),
				"give the path of one: (python '.venv/bin/python'), or leave it out", err)
		}
		return path, nil
	}
	for _, venv := range []string{filepath.Join(o.Dir, ".venv"), os.Getenv("VIRTUAL_ENV")} {
		if path := filepath.Join(venv, "bin", "python"); venv != "" {
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				return path, nil
			}
		}
	}
	path, err := exec.LookPath("python3")
	if err != nil {
		return "", noPython("there is no Python interpreter: no .venv beside the script, no VIRTUAL_ENV, no python3",
			"install Python, or name one: (python '/path/python'), or "+PythonVariable, err)
	}
	return path, nil
}

// located is a program by its path, from dir on, or by its name.
func located(name, dir string) (string, error) {
	if !strings.ContainsRune(name, filepath.Separator) {
		return exec.LookPath(name)
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	path, err := filepath.Abs(name) // the worker starts in another folder
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = fs.ErrNotExist
	}
	return path, err
}

func noPython(msg, hint string, err error) *sql.Error {
	return sql.Errorf(code.NoPython, "%s", msg).WithHint(hint).WithCause(err)
}

// cantStart says why an interpreter didn't become a worker.
func cantStart(o Options, err error) error {
	switch {
	case errors.Is(err, errDied) && o.Memory > 0:
		return noPython(o.Python+" ended before it could call anything", fmt.Sprintf("it may need more memory than the %d MB that it is given; "+
			"see what it says: %s -c 'import pyarrow'", o.Memory/1e6, o.Python), err)
	case errors.Is(err, errDied):
		return noPython(o.Python+" is no Python interpreter that dsql can use: it ended at once",
			"see what it says: "+o.Python+" -c 'import pyarrow'", err)
	case errors.Is(err, errTimeout):
		return noPython(fmt.Sprintf("%s was started and said nothing for %s", o.Python, startTime), "try it: "+o.Python+" -c 'import pyarrow'",
			err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return noPython(o.Python+" can't be started: "+reason(err), "give the path of a Python interpreter: (python '.venv/bin/python')", err)
	}
	return err
}

// reason is an error of the system without the call that it comes of.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// noModule says that pyarrow can't be had.
func noModule(o Options, h hello) error {
	python := h.executable(o.Python)
	msg := python + " has no pyarrow, which values are handed over with"
	if h.Missing != "pyarrow" {
		msg = fmt.Sprintf("%s can't import pyarrow: %s", python, h.Text)
	}
	return noPython(msg, "install it: "+python+" -m pip install pyarrow", nil)
}
