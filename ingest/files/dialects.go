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
func (s *Source) knownDialect(ctx context.Context, c *duck.Conn) error {
	if s.format != "csv" {
		return nil
	}
	if s.known == nil {
		var text string
		ok, err := c.Scan(ctx, duck.SQL("SELECT dialect FROM dsql.dialects WHERE source = {s}", duck.Args{"s": s.Stmt.Name}), &text)
		if err != nil {
			return err
		}
		s.known = &batch.Found{}
		if ok {
			if err := json.Unmarshal([]byte(text), s.known); err != nil {
				return err
			}
		}
	}
	if s.Defs == nil && s.dialect.Found == nil { // not inferred just now
		s.dialect.Found = s.known
	}
	if s.dialect.Found == nil || s.dialect.Found == s.known {
		s.dialect.Seen = s.known.Header
	}
	return nil
}

// keepDialect records what a batch has shown, once.
func (s *Source) keepDialect(ctx context.Context, tx *duck.Tx, seen batch.Header) error {
	if s.format != "csv" || s.known == nil {
		return nil
	}
	s.recorded = nil
	now := *s.known
	if s.dialect.Found != nil {
		now = *s.dialect.Found
	}
	if seen != batch.HeaderAuto && now.Header != batch.HeaderYes {
		now.Header = seen
	}
	if now == *s.known {
		return nil
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	s.recorded = &now
	a := duck.Args{"s": s.Stmt.Name, "d": string(text)}
	return tx.Run(ctx, duck.SQL("DELETE FROM dsql.dialects WHERE source = {s}", a),
		duck.SQL("INSERT INTO dsql.dialects VALUES ({s}, {d})", a))
}
