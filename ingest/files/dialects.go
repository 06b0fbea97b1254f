package files

import (
	"context"
	"encoding/json"

	"dsql/engine/duck"
	"dsql/ingest/batch"
)

// dsql.dialects has one row a source of CSV files: what its first files were found to be, where the declaration leaves it open. It speaks
// for the files behind them.

// knownDialect reads what is known of the source's files.
func (x *session) knownDialect(ctx context.Context, c *duck.Conn) error {
	if x.format != "csv" || x.kept != nil {
		return nil
	}
	var text string
	ok, err := c.Scan(ctx, duck.SQL("SELECT dialect FROM dsql.dialects WHERE source = {s}", duck.Args{"s": x.Stmt.Name}), &text)
	if err != nil {
		return err
	}
	kept := &batch.Found{}
	if ok {
		if err := json.Unmarshal([]byte(text), kept); err != nil {
			return err
		}
	}
	x.kept = kept
	return nil
}

// keepDialect records what a batch has shown, once.
func (x *session) keepDialect(ctx context.Context, tx *duck.Tx, seen batch.Header) error {
	if x.format != "csv" || x.kept == nil {
		return nil
	}
	x.keeping = nil
	now := *x.kept
	if x.found != nil {
		now = *x.found
	}
	if seen != batch.HeaderAuto && now.Header != batch.HeaderYes {
		now.Header = seen
	}
	if now == *x.kept {
		return nil
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	x.keeping = &now
	a := duck.Args{"s": x.Stmt.Name, "d": string(text)}
	return tx.Run(ctx, duck.SQL("DELETE FROM dsql.dialects WHERE source = {s}", a),
		duck.SQL("INSERT INTO dsql.dialects VALUES ({s}, {d})", a))
}

// dialectKept: what the batch in hand has written is in the file, and speaks from now on.
func (x *session) dialectKept() {
	if x.keeping != nil {
		x.kept, x.keeping, x.found = x.keeping, nil, nil
	}
}
