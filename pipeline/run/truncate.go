package run

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql/code"
)

// truncated hands on that all rows of the source's table are gone, which is no row: rules and checks have nothing to judge. A journal
// ends its keys; a stream has no keys to end.
func truncated(ctx context.Context, tx *transaction, d kind.Destination, n *program.Node, rel *duck.Query,
	acc *kind.Accepted) (event.DestinationRows, error) {
	out := event.DestinationRows{Kind: n.Kind, Name: n.Name}
	var err error
	if !n.Keyed() {
		if out.Dropped, err = tx.Int(ctx, duck.SQL("SELECT count(*) FROM {rel}", duck.Args{"rel": rel})); err != nil {
			return out, err
		}
		if out.Dropped > 0 {
			tx.tell(n.Obj.Decl().Errorf(code.TruncateDropped,
				"%s had a TRUNCATE, which says that all rows of the table are gone; %s %s keeps its rows, and none was made of it",
				acc.Input.Source, n.Kind, n.Name).
				WithHint("a journal FROM " + acc.Input.Source + " itself ends its keys there"))
		}
	} else if out.Counts, err = d.Write(ctx, tx.Tx, acc); err != nil {
		return out, err
	}
	out.In = out.Written + out.Rejected + out.Dropped
	return out, nil
}
