package view

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
)

// Lags asks the brokers how many records of each topic wait, for the destination that is farthest behind. A source whose brokers don't
// answer isn't in it.
func Lags(ctx context.Context, p *program.Program, c *duck.Conn) (map[string]int64, error) {
	out := map[string]int64{}
	for _, n := range p.Nodes {
		s, ok := n.Obj.(kind.Lagging)
		if !ok {
			continue
		}
		q, unreached := s.Lag(ctx, c, p.Env)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if unreached != nil {
			continue
		}
		found, err := rows(ctx, c, duck.SQL("SELECT max(lag)::BIGINT FROM (SELECT sum(lag) AS lag FROM ({q}) GROUP BY destination) HAVING "+
			"count(lag) > 0",
			duck.Args{"q": q}), func(row func(...any) error) (n int64, err error) { return n, row(&n) })
		if err != nil {
			return nil, err
		}
		for _, lag := range found {
			out[n.Name] = lag
		}
	}
	return out, nil
}
