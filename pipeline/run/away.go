package run

import (
	"errors"
	"slices"

	"dsql/sql"
	"dsql/sql/code"
)

// away says of an error that something outside can't be reached, or isn't there, for now: a run that follows waits for it.
func away(err error) bool {
	var list sql.List
	if errors.As(err, &list) {
		return !slices.ContainsFunc(list, func(e *sql.Error) bool { return !away(e) })
	}
	return sql.HasCode(err, code.BrokerUnreachable, code.UnknownTopic, code.SinkStuck, code.RegistryUnreachable, code.RegistryRefuses,
		code.UnwritableFolder, code.NoSnapshot)
}
