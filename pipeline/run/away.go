package run

import (
	"errors"
	"slices"

	"dsql/sql"
)

// away says of an error that something outside can't be reached, or isn't there, for now: a run that follows waits for it.
func away(err error) bool {
	var list sql.List
	if errors.As(err, &list) {
		return !slices.ContainsFunc(list, func(e *sql.Error) bool { return !away(e) })
	}
	var e *sql.Error
	return errors.As(err, &e) && slices.Contains([]string{"broker-unreachable", "unknown-topic", "sink-stuck", "registry-unreachable",
		"registry-refuses", "unwritable-folder", "no-snapshot"}, e.Code)
}
