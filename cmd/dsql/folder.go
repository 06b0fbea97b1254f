package main

import (
	"os"
	"path/filepath"
	"strings"

	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// enter makes the first script's folder (that of the file, where statements come from the command line) the process's own: relative paths
// start there, and only so DuckDB's statements find and write
// files there (COPY, EXPORT, ATTACH, a file's name in FROM). Scripts in other folders know theirs. What the command line names stays
// where it is. It returns the folder that it left, "" for none.
func enter(o *program.Options, scripts []string) (left string, err error) {
	if left, err = os.Getwd(); err != nil {
		return "", err
	}
	first := ""
	for i, name := range scripts {
		dir := left
		if name != "-" {
			if dir, err = filepath.Abs(filepath.Dir(name)); err != nil {
				return "", err
			}
		}
		if i == 0 {
			first = dir
		} else if dir != first {
			o.Scripts[i].Dir = dir
		}
	}
	if first == left {
		return "", nil
	}
	o.DB, o.Dir = seenFrom(first, left, o.DB), "."
	return left, os.Chdir(first)
}

// seenFrom is a path of the command line from another folder: short where it lies in there.
func seenFrom(dir, left, path string) string {
	path = onCommandLine(left, path)
	if rel, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return path
}

// onCommandLine is a path as it was meant before enter; "" stays.
func onCommandLine(left, path string) string {
	if left == "" || path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(left, path)
}

func noFolder(err error) *sql.Error {
	return sql.Errorf(code.NoFile, "the folder of the script or file can't be entered: %s", cause(err)).
		WithHint("relative paths start there: it must be a folder with the right to enter it").WithCause(err)
}
