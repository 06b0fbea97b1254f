package stream

import (
	"context"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// sampled is how many rows pack looks at: fewer than that aren't worth it.
const sampled = 20_480

// pack says how the texts of a table that is still empty are packed, once its first rows show it. For each text column DuckDB tries a
// dictionary beside FSST, and a dictionary of texts that all differ is dear: a sixth of the CPU of a landing, for nothing. So columns of
// which more than half of a sample's values differ get FSST alone, which is what DuckDB would choose in the end.
func (s *Stream) pack(ctx context.Context, tx *duck.Tx, b *kind.Accepted) error {
	if !b.First || b.Sample == nil {
		return nil
	}
	table := duck.Args{"t": duck.Ident(s.decl.Name)}
	if n, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM (SELECT 1 FROM {t} LIMIT 1)", table)); err != nil || n > 0 {
		return err
	}
	cols, err := tx.Table(ctx, s.decl.Name)
	if err != nil {
		return err
	}
	var texts []string
	for _, c := range b.Columns {
		if c.Type == "VARCHAR" {
			texts = append(texts, c.Name)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	differ := make([]int64, len(texts))
	var rows int64
	dest := []any{&rows}
	for i := range differ {
		dest = append(dest, &differ[i])
	}
	if _, err := tx.Scan(ctx, duck.SQL("SELECT count(*), {counts} FROM (SELECT {texts} FROM {rows} LIMIT {n})",
		duck.Args{"n": int64(sampled), "rows": b.Sample, "texts": duck.Names(texts),
			"counts": duck.Each(", ", texts, func(c string) *duck.Query {
				return duck.SQL("approx_count_distinct({c})", duck.Args{"c": duck.Ident(c)})
			})}), dest...); err != nil || rows < sampled {
		return err
	}
	alone := map[string]bool{}
	for i, c := range texts {
		alone[strings.ToLower(c)] = differ[i] > sampled/2
	}
	return tx.Run(ctx, duck.SQL("CREATE OR REPLACE TABLE {t} ({cols})", table,
		duck.Args{"cols": duck.Each(", ", cols, func(c duck.Column) *duck.Query {
			a := duck.Args{"c": duck.Ident(c.Name), "t": c.Type}
			if alone[strings.ToLower(c.Name)] {
				return duck.SQL("{c} {t} USING COMPRESSION fsst", a)
			}
			return duck.SQL("{c} {t}", a)
		})}))
}
