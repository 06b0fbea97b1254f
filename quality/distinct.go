package quality

import (
	"context"
	"strings"

	"dsql/engine/duck"
)

// Distinct values are what a scan of a table spends most of its time on. Where a column of integers lies close together, as
// identifiers do, a bit for each value between the least and the greatest counts them as exactly, in a quarter of the time and of
// the memory of a hash table. A query for the two goes before the scan.

// Up to how many bits a row, and in all, the values of a column are counted so.
const (
	bitsPerRow = 32
	maxBits    = 1 << 30
)

// span is where the values of a column of the table lie.
type span struct{ low, high int64 }

// distinct counts the distinct values of an argument that is not NULL.
func (x *expansion) distinct(k *duck.Query) *duck.Query {
	a := duck.Args{"k": k}
	name := strings.ToLower(strings.Trim(k.String(), `"`))
	if !x.it().table || x.it().grouped() || !x.p.integer(name) {
		return duck.SQL("count(DISTINCT {k})", a)
	}
	x.needs.spans = append(x.needs.spans, counted{x.i, name})
	if x.env == nil {
		return duck.SQL("count(DISTINCT {k})", a)
	}
	s, ok := x.env.spans[name]
	if !ok {
		return duck.SQL("count(DISTINCT {k})", a)
	}
	return duck.SQL("bit_count(bitstring_agg({k}, {low}, {high}))", a.With(duck.Args{"low": s.low, "high": s.high}))
}

// integer: name is a column whose values fit into an int64.
func (p *Program) integer(name string) bool {
	for _, c := range p.cols {
		if t := c.Type; strings.EqualFold(c.Name, name) && t.ID().Integer() && t.Widens("BIGINT") {
			return true
		}
	}
	return false
}

// spans asks the table where the values of columns lie, and keeps those that are close together.
func (p *Program) spans(ctx context.Context, tx *duck.Tx, b Batch, of []counted) (map[string]span, error) {
	out := map[string]span{}
	for _, c := range of {
		if _, ok := out[c.column]; ok {
			continue
		}
		var s span
		var n int64
		if _, err := tx.Scan(ctx, duck.SQL("SELECT coalesce(min({c}), 0)::BIGINT, coalesce(max({c}), 0)::BIGINT, count({c}) FROM {t}",
			duck.Args{"c": duck.Ident(c.column), "t": b.Table}), &s.low, &s.high, &n); err != nil {
			return nil, err
		}
		if width := uint64(s.high) - uint64(s.low); n > 0 && width < maxBits && width/bitsPerRow < uint64(n) {
			out[c.column] = s
		}
	}
	return out, nil
}
