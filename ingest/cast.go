package ingest

import (
	"context"

	"dsql/engine/duck"
)

// Cast converts v, a value of type from, to another type by the rules of "No silent damage". bad is a condition that holds where it
// would lose something, nil where it never does.
func Cast(ctx context.Context, c *duck.Conn, v *duck.Query, from, to string) (value, bad *duck.Query) {
	return (&reader{conn: c}).lossless(ctx, v, from, Field{Type: to})
}
