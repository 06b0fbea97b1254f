package declare

import (
	"fmt"
	"slices"
	"strings"

	"dsql/ingest/names"
	"dsql/sql"
	"dsql/sql/code"
)

// Missing applies ON MISSING COLUMN to a file that lacks declared columns: a warning, nothing, or an error. has are the names that the
// file has and no column reads: the likeliest of them is told.
func (s *Declaration) Missing(path string, absent, has []string) (warning, err *sql.Error) {
	if len(absent) == 0 || s.onMissing == "NULL" {
		return nil, nil
	}
	what := "column " + sql.ShownName(absent[0])
	if len(absent) > 1 {
		var shown []string
		for _, a := range absent[:min(len(absent), 10)] {
			shown = append(shown, sql.ShownName(a))
		}
		what = "columns " + strings.Join(shown, ", ")
	}
	e := s.Stmt.Errorf(code.MissingColumn, "%s has no %s", path, what)
	var near []string
	left := slices.Clone(has)
	for _, a := range absent {
		name := a
		if d := s.Column(a); d != nil && d.Args["FROM"] != nil {
			if steps, err := Path(d.Args["FROM"].Text); err == nil {
				name = strings.Join(steps, ".")
			}
		}
		n := names.Nearest(name, left)
		if n == "" {
			continue
		}
		left = slices.DeleteFunc(left, func(l string) bool { return l == n })
		if near = append(near, sql.ShownName(n)); len(absent) > 1 {
			near[len(near)-1] += " for " + sql.ShownName(a)
		}
	}
	if len(near) > 0 {
		e.Msg += fmt.Sprintf(" (did it become %s?)", strings.Join(near, ", "))
	}
	if s.onMissing == "FAIL" {
		e.Hint = "give the file the column, declare what it is called there by FROM '$.name', or write ON MISSING COLUMN WARN"
		return nil, e
	}
	e.Hint = "it reads NULL; declare what it is called by FROM '$.name', or write ON MISSING COLUMN NULL or FAIL"
	return e, nil
}
