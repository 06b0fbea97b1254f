package journal

import (
	"context"
	_ "embed"
	"slices"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/sql"
)

//go:embed views.sql
var viewsSQL string

var shown = statements[struct {
	State, History, Bitemporal, At, AsOf, HistoryAt, HistoryNow, AsOfStored, AllChanges, Changes, Diff, Pairs, Readable, NotYet statement
}](viewsSQL)

// views and macros (table macros) of a journal, by what follows its name.
var (
	views  = []string{"", "_history", "_bitemporal"}
	macros = []string{"_at", "_as_of", "_history_at", "_changes", "_diff", "__changes"}
	ofOne  = macros[:3] // of one parameter
)

// show makes the views and macros that read the journal in any DuckDB client, without dsql. They never name the catalog, so
// that they work where the file is attached. Each condition on a version is one range, or zone maps would not be used: an OR
// over two columns reads them all. The parameters have names that no column has: they would replace it, silently.
func (l *layout) show(ctx context.Context, tx *duck.Tx, at sql.Place, older bool) error {
	columns := append(append(l.Keys[:len(l.Keys):len(l.Keys)], l.Columns...), duck.Column{Name: changeType},
		duck.Column{Name: catalog.VersionColumn})
	for _, n := range append(l.from[:len(l.from):len(l.from)], l.to...) {
		columns = append(columns, duck.Column{Name: n})
	}
	param := func(base string) *duck.Query { return duck.Ident(duck.FreeName(base, columns)) }
	name := func(suffix string) *duck.Query { return duck.Ident(l.name + suffix) }
	values := append(l.keys[:len(l.keys):len(l.keys)], l.cols...)
	nulls := func(names []string) []*duck.Query {
		return slices.Repeat([]*duck.Query{duck.SQL("NULL")}, len(names))
	}
	v, v1, v2 := param("at_version"), param("from_version"), param("to_version")
	a := l.words.With(duck.Args{
		"name": name(""), "history": name("_history"), "bitemporal": name("_bitemporal"), "at": name("_at"), "as_of": name("_as_of"),
		"history_at": name("_history_at"), "changes": name("_changes"), "all_changes": name("__changes"), "diff": name("_diff"),
		"known_from": param("known_from"), "known_to": param("known_to"), "at_time": param("at_time"), "at_version": v, "v1": v1, "v2": v2,
		"version_as_of": duck.VersionAsOf(param("at_time")), "shown": duck.Names(values), "none": nulls(values), "none_from": nulls(l.from),
		"before": duck.Names(numbered("_b", len(values))), "after": duck.Names(numbered("_n", len(values))),
		"readable": l.readable(v, shown.NotYet), "readable_first": l.readable(v1, ""),
		"readable_both": l.readable(duck.SQL("least({v1}, {v2})", duck.Args{"v1": v1, "v2": v2}), ""),
	})
	a["pairs"] = duck.SQL(string(shown.Pairs), a)
	all := []statement{shown.State, shown.History, shown.Bitemporal, shown.At, shown.AsOf,
		shown.HistoryAt, shown.AllChanges, shown.Changes, shown.Diff}
	if l.SCD == 1 {
		all[1], all[4] = shown.HistoryNow, shown.AsOfStored
	}
	if older { // it may be the user's own: no older dsql made one
		if cols, err := tx.Table(ctx, l.name+"_bitemporal"); err != nil {
			return err
		} else if cols != nil {
			all = slices.DeleteFunc(all, func(s statement) bool { return s == shown.Bitemporal })
		}
	}
	if tx.Unread {
		all = all[:1]
	}
	for _, s := range all {
		if _, err := tx.ExecAt(ctx, duck.SQL(string(s), a), at); err != nil {
			return err
		}
	}
	return nil
}

// readable is a condition that is never true, and an error for a version that can't be read: one before the oldest that VACUUM or a
// rebuild into another shape left, or one that isn't there yet (as a BASELINE it is none yet: see quality). It stands in a branch of
// its own, where it costs one row.
func (l *layout) readable(version *duck.Query, yet statement) *duck.Query {
	a := duck.Args{"version": version, "why": "journal " + l.name + duck.CanBeRead}
	return duck.SQL(string(shown.Readable), a, duck.Args{"or_not_yet": duck.SQL(string(yet), a)})
}
