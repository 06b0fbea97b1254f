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
		code.UnwritableFolder, code.NoSnapshot, code.BadCertificate)
}

// setAside keeps the error of a file that can't be read: the run ends with it, once all else is done.
func (r *runner) setAside(e *sql.Error) {
	for _, known := range r.aside {
		if known.Msg == e.Msg {
			return
		}
	}
	r.aside = append(r.aside, e)
}

// notRead are the errors of the files that were set aside, nil where there are none.
func (r *runner) notRead() error {
	if len(r.aside) == 0 {
		return nil
	}
	n := min(len(r.aside), maxNotRead)
	out := slices.Clone(r.aside[:n])
	if more := len(r.aside) - n; more > 0 {
		out = append(out, sql.Errorf(code.Unreadable, "%d more files can't be read", more).
			WithHint("`dsql status` lists what is set aside, and dsql.files has why"))
	}
	return out
}

// maxNotRead is how many files are told of one by one.
const maxNotRead = 10
