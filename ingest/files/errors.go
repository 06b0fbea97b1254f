package files

import (
	"errors"
	"io/fs"

	"dsql/sql"
	"dsql/sql/code"
)

// Errors of files, each with its place in the script, a code and what to do.

const mend = "mend the file or take it away, then run again: what was committed before stays"

// unreadable is the error for what can't be listed or read; file is "" where err says which.
func (s *Source) unreadable(err error, file string) *sql.Error {
	why := err.Error()
	var p *fs.PathError
	if errors.As(err, &p) {
		why = p.Err.Error()
		if file == "" {
			file = p.Path
		}
	}
	if file == "" {
		file = s.pattern.Text
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.Stmt.At(s.patternAt).Errorf(code.NoFile, "there is no file %s", s.shown(file)).
			WithHint("relative paths start at the script's folder").WithCause(err)
	case errors.Is(err, fs.ErrPermission):
		return s.Stmt.At(s.patternAt).Errorf(code.NoRights, "no right to read %s", s.shown(file)).
			WithHint("check the rights of the file and of the folders above it").WithCause(err)
	}
	return s.Stmt.At(s.patternAt).Errorf(code.Unreadable, "%s can't be read: %s", s.shown(file), why).WithHint(mend).WithCause(err)
}

// readError is the error for a file that could not be read to its end.
func (s *Source) readError(err error, path string) error {
	var e *sql.Error
	if errors.As(err, &e) {
		return s.Placed(err, s.patternAt)
	}
	if inner := errors.Unwrap(err); inner != nil { // without the name of the file, which is said anyway
		err = inner
	}
	return s.unreadable(err, path)
}

// shown is a path as the script would write it: the pattern itself where it names one file.
func (s *Source) shown(name string) string {
	if len(s.pattern.Parts) == 0 {
		return s.pattern.Text
	}
	return name
}

func (s *Source) nameThem() string {
	return "name the columns: CREATE SOURCE " + s.Stmt.Name + " (id BIGINT, …) FROM FILES (…)"
}
