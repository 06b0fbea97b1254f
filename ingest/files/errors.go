package files

import (
	"errors"
	"io/fs"
	"strings"

	"dsql/sql"
)

// Errors of files, each with its place in the script, a code and what to do.

// unreadable is the error for what can't be listed or read; file is "" where err says which.
func (s *Source) unreadable(err error, file string) *sql.Error {
	e := &sql.Error{Src: s.Stmt.Src, Span: s.patternAt, Exit: sql.ExitUnreachable, Err: err}
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
		e.Code, e.Msg, e.Hint = "no-file", "there is no file "+s.shown(file), "relative paths start at the script's folder"
	case errors.Is(err, fs.ErrPermission):
		e.Code, e.Msg, e.Hint = "no-rights", "no right to read "+s.shown(file), "check the rights of the file and of the folders above it"
	default:
		e.Code, e.Msg, e.Hint = "unreadable", s.shown(file)+" can't be read: "+why,
			"mend the file or take it away, then run again: what was committed before stays"
	}
	return e
}

// readError is the error for a file that could not be read to its end.
func (s *Source) readError(err error, f file) error {
	var e *sql.Error
	if errors.As(err, &e) {
		return s.Placed(err, s.patternAt)
	}
	if inner := errors.Unwrap(err); inner != nil { // without the name of the file, which is said anyway
		err = inner
	}
	return s.unreadable(err, f.path)
}

func (s *Source) noParquet(err error, f file) *sql.Error {
	why := err.Error()
	if e, ok := err.(*sql.Error); ok {
		why = e.Msg
	}
	e := s.unreadable(err, f.path)
	e.Code, e.Msg = "unreadable", s.shown(f.path)+" can't be read as Parquet: "+strings.TrimSpace(strings.ReplaceAll(why, f.full, f.path))
	e.Hint = "mend the file or take it away, then run again: what was committed before stays"
	return e
}

// shown is a path as the script would write it: the pattern itself where it names one file.
func (s *Source) shown(name string) string {
	if len(s.pattern.Parts) == 0 {
		return s.pattern.Text
	}
	return name
}
