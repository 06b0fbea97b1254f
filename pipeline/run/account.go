package run

import (
	"context"

	"dsql/engine/duck"
	"dsql/pipeline/event"
	"dsql/rules"
	"dsql/sql"
	"dsql/sql/code"
)

// The account of a destination in a version: rows in = written + rejected + dropped, or the version isn't committed.

// closes is an error where other rows came in than went out.
func closes(out event.DestinationRows, ruled rules.Outcome) error {
	if ruled.In < 0 || ruled.In == out.In {
		return nil
	}
	return sql.Errorf(code.Account,
		"the account of %s does not close: %d rows came in, %d were written, %d rejected, %d dropped; nothing was committed", out.Name, ruled.In,
		out.Written, out.Rejected, out.Dropped).
		WithHint("if the query or a rule gives another result each time it runs (random(), a file that changes), make it give the same")
}

// account writes it down.
func (r *runner) account(ctx context.Context, tx *duck.Tx, d event.DestinationRows, v int64, origin string) error {
	return tx.Run(ctx, duck.SQL(`INSERT INTO dsql.version_rows (version, kind, name, rows_in, written, added, changed, removed, unchanged,
		rejected, dropped, origin)
		VALUES ({v}, {kind}, {name}, {in}, {written}, {added}, {changed}, {removed}, {unchanged}, {rejected}, {dropped}, {origin})`,
		duck.Args{"v": v, "kind": d.Kind, "name": d.Name, "in": d.In, "written": d.Written, "added": d.Added, "changed": d.Changed,
			"removed": d.Removed, "unchanged": d.Unchanged, "rejected": d.Rejected, "dropped": d.Dropped, "origin": origin}))
}
