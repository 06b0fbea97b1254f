package look

import (
	"context"
	"errors"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// lag shows the lag of sources that have one.
func (v *Viewer) lag(ctx context.Context) error {
	var parts []*duck.Query
	for _, n := range v.Program.Nodes {
		s, ok := n.Obj.(kind.Lagging)
		if !ok {
			continue
		}
		q, err := s.Lag(ctx, v.Conn, v.Program.Env)
		var why *sql.Error
		switch {
		case errors.As(err, &why):
			v.Warn(why)
		case err != nil:
			return err
		}
		parts = append(parts, q)
	}
	if len(parts) == 0 {
		return nil
	}
	return v.titled(ctx, "lag", duck.SQL("FROM ({parts}) ORDER BY ALL", duck.Args{"parts": duck.Join(" UNION ALL ", parts...)}))
}
