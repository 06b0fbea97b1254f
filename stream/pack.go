package stream

import (
	"context"
	"strings"

	"dsql/engine"
)

// sampled is how many rows pack looks at: fewer than that aren't worth it.
const sampled = 20_480

// pack says how the texts of a table that is still empty are packed, once its first rows show it. For each text column DuckDB tries a
// dictionary beside FSST, and a dictionary of texts that all differ is dear: a sixth of the CPU of a landing, for nothing. So columns of which
// more than half of a sample's values differ get FSST alone, which is what DuckDB would choose in the end.
func (s *Stream) pack(ctx context.Context, tx *engine.Tx, b *engine.Accepted) error {
	if s.packed || b.Sample == nil {
		return nil
	}
	s.packed = true
	table := engine.Args{"t": engine.Ident(s.decl.Name)}
	if n, err := tx.Int(ctx, engine.SQL("SELECT count(*) FROM (SELECT 1 FROM {t} LIMIT 1)", table)); err != nil || n > 0 {
		return err
	}
	cols, err := tx.Table(ctx, s.decl.Name)
	if err != nil {
		return err
	}
	var texts []string
	for _, c := range b.Columns {
		if strings.EqualFold(c.Type, "VARCHAR") {
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
	if _, err := tx.Scan(ctx, engine.SQL("SELECT count(*), {counts} FROM (SELECT {texts} FROM {rows} LIMIT {n})", engine.Args{"n": int64(sampled), "rows": b.Sample, "texts": engine.Names(texts),
		"counts": engine.Each(", ", texts, func(c string) *engine.Query {
			return engine.SQL("approx_count_distinct({c})", engine.Args{"c": engine.Ident(c)})
		})}), dest...); err != nil || rows < sampled {
		return err
	}
	alone := map[string]bool{}
	for i, c := range texts {
		alone[strings.ToLower(c)] = differ[i] > sampled/2
	}
	return tx.Run(ctx, engine.SQL("CREATE OR REPLACE TABLE {t} ({cols})", table, engine.Args{"cols": engine.Each(", ", cols, func(c engine.Column) *engine.Query {
		a := engine.Args{"c": engine.Ident(c.Name), "t": engine.Type(c.Type)}
		if alone[strings.ToLower(c.Name)] {
			return engine.SQL("{c} {t} USING COMPRESSION fsst", a)
		}
		return engine.SQL("{c} {t}", a)
	})}))
}
